"""A CloudFormation template as CloudFormation would read it with given parameters: conditions and functions."""

import re

PSEUDO = {
    "AWS::StackName": "shop",
    "AWS::StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/shop/0a1b2c3d-0000-4000-8000-000000000001",
    "AWS::Region": "eu-west-1",
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
}
NO_VALUE = object()


class Stack:
    """`template` with `parameters`, the others at their defaults. What is known only once a resource exists is
    its name or `Name.Attribute`, or what `made` gives."""

    def __init__(self, template: dict, parameters: dict | None = None, made: dict | None = None):
        self.template = template
        defaults = {name: str(one["Default"]) for name, one in template["Parameters"].items()}
        self.values = PSEUDO | defaults | (parameters or {}) | (made or {})

    def resources(self, kind: str | None = None) -> dict:
        """The resources that are made, by name, with their properties."""
        made = {name: one for name, one in self.template["Resources"].items() if self._holds(one.get("Condition"))}
        return {name: self.read(one.get("Properties", {})) for name, one in made.items() if kind in (None, one["Type"])}

    def outputs(self) -> dict:
        outputs = self.template["Outputs"].items()
        return {name: self.read(one["Value"]) for name, one in outputs if self._holds(one.get("Condition"))}

    def rule_failures(self) -> list[str]:
        """What CloudFormation says of parameters that do not go together."""
        rules = self.template["Rules"].values()
        asserted = [one for rule in rules if self.read(rule["RuleCondition"]) for one in rule["Assertions"]]
        return [one["AssertDescription"] for one in asserted if not self.read(one["Assert"])]

    def _holds(self, condition: str | None) -> bool:
        return condition is None or self.read(self.template["Conditions"][condition])

    def read(self, value: object) -> object:
        if isinstance(value, list):
            return [one for one in map(self.read, value) if one is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((function, argument),) = value.items()
            if function in ("Ref", "Condition") or function.startswith("Fn::"):
                return self._call(function.removeprefix("Fn::"), argument)
        members = ((name, self.read(one)) for name, one in value.items())
        return {name: one for name, one in members if one is not NO_VALUE}

    def _call(self, function: str, argument: object) -> object:
        match function:
            case "Ref":
                return NO_VALUE if argument == "AWS::NoValue" else self.values.get(argument, argument)
            case "Condition":
                return self._holds(argument)
            case "If":
                condition, then, otherwise = argument
                return self.read(then if self._holds(condition) else otherwise)
            case "Equals":
                one, other = self.read(argument)
                return str(one) == str(other)
            case "Not":
                return not self.read(argument)[0]
            case "And":
                return all(self.read(argument))
            case "Or":
                return any(self.read(argument))
            case "GetAtt":
                name = argument if isinstance(argument, str) else ".".join(argument)
                return self.values.get(name, name)
            case "Sub":
                return self._substitute(argument)
            case "Join":
                return argument[0].join(str(part) for part in self.read(argument[1]))
            case "Split":
                return self.read(argument[1]).split(argument[0])
            case "Select":
                return self.read(argument[1])[int(argument[0])]
        raise ValueError(f"Fn::{function} is not known here")

    def _substitute(self, argument: str | list) -> str:
        text, own = (argument, {}) if isinstance(argument, str) else (argument[0], self.read(argument[1]))
        known = self.values | own
        return re.sub(r"\$\{([\w.:]+)\}", lambda name: str(known.get(name[1], name[1])), text)
