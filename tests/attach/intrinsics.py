"""CloudFormation's functions as text, with `${...}` for what is known at deployment only."""

import re


def render(value: object) -> str:
    """`{"Ref": "Api"}` as `${Api}`, and whatever is built from such."""
    if not isinstance(value, dict):
        return str(value)
    ((function, argument),) = value.items()
    if function == "Ref":
        return f"${{{argument}}}"
    if function == "Fn::GetAtt":
        return f"${{{argument if isinstance(argument, str) else '.'.join(argument)}}}"
    if function == "Fn::Join":
        separator, parts = argument
        return separator.join(render(part) for part in parts)
    if function == "Fn::Sub":
        return _substitute(argument)
    if function == "Fn::Select":
        # The CDK takes partition and region out of the function's ARN.
        return f"${{part {argument[0]}}}"
    raise ValueError(f"cannot render {function}")


def _substitute(argument: str | list) -> str:
    if isinstance(argument, str):
        return argument
    text, values = argument
    return re.sub(r"\$\{(\w+)\}", lambda name: render(values[name[1]]) if name[1] in values else name[0], text)


def function_in(uri: str) -> str:
    """The function of a Lambda invocation's URI; the whole text where it is one placeholder."""
    found = re.fullmatch(r"arn:.+:apigateway:.+:lambda:path/2015-03-31/functions/(.+)/invocations", uri)
    return found[1] if found else uri
