"""Does what is built start with what the template says, and answer?

BOOTSTRAP names the executable; `sam build` leaves it at the default."""

import itertools
import json
import os
import pathlib
import re
import unittest

from tests.support.runtime_api import Function
from tests.support.stack import Stack
from tests.support.translate import ROOT, translate

BOOTSTRAP = pathlib.Path(os.environ.get("BOOTSTRAP", ROOT / ".aws-sam/build/AuthorizerFunction/bootstrap")).resolve()
TEMPLATE = translate(ROOT / "template.yaml")
EVENTS = {path.stem: json.loads(path.read_text()) for path in sorted((ROOT / "events").glob("*.json")) if path.stem != "jwks"}
# Whom the sample events' tokens are from.
POOL = {"UserPoolId": "eu-west-1_AbCdEf123", "ClientId": "1h57kf5cpq17m0eml12EXAMPLE"}
ENTRY = json.dumps([{"user_pool_id": POOL["UserPoolId"], "client_ids": [POOL["ClientId"]]}])
MADE = {"UserPool": POOL["UserPoolId"], "WebClient": POOL["ClientId"], "MachineClient": "2machine"}


def environment(parameters: dict) -> dict:
    """The function's variables; what the layer has at /opt is read where it lies here."""
    function = Stack(TEMPLATE, parameters, MADE).resources()["AuthorizerFunction"]
    variables = {name: str(value) for name, value in function["Environment"]["Variables"].items()}
    folders = {"POLICIES": "/opt/policies", "JWKS_FILE": "/opt/keys/jwks.json"}
    for name in folders.keys() & variables.keys():
        assert variables[name] == folders[name], variables[name]
    here = {"/opt/policies": str(ROOT / "layer/policies"), "/opt/keys/jwks.json": str(ROOT / "events/jwks.json")}
    return {name: here.get(value, value) for name, value in variables.items()}


@unittest.skipUnless(BOOTSTRAP.exists() or "BOOTSTRAP" in os.environ, f"no {BOOTSTRAP}: run sam build, or name an executable in BOOTSTRAP")
class Built(unittest.TestCase):
    def run_with(self, parameters: dict) -> Function:
        return Function(BOOTSTRAP, environment(parameters), ROOT)

    def assert_allows(self, answer: tuple[str, dict]):
        kind, body = answer
        self.assertEqual(kind, "response", body)
        self.assertIn("Allow", [one["Effect"] for one in body["policyDocument"]["Statement"]], body)

    def test_every_sample_event_is_allowed(self):
        self.assertEqual(len(EVENTS), 5)
        for rules in ["true", "false"]:
            parameters = POOL | {"BakedKeys": "true", "RulesPerRoute": rules}
            with self.run_with(parameters | {"ExampleApis": "rest-http-and-websocket"}) as function:
                for name, event in EVENTS.items():
                    with self.subTest(name, rules=rules):
                        self.assert_allows(function.ask(event))

    def test_it_starts_whatever_is_chosen(self):
        choices = {
            "Issuers": ["", ENTRY], "RulesPerRoute": ["true", "false"], "Metrics": ["true", "false"],
            "ExampleApis": ["none", "rest-http-and-websocket"],
        }
        chosen = [dict(zip(choices, values)) for values in itertools.product(*choices.values())]
        others = {
            "RequiredScopes": "orders/read", "RequiredGroups": "readers", "Refusal": "deny", "ClockSkewSeconds": "5",
            "ContextClaims": "sub,scope", "PrincipalIdClaim": "username", "UsageIdentifierKeyClaim": "sub",
            "JwksTtlSeconds": "60", "JwksMaxStaleSeconds": "61", "JwksCooldownSeconds": "1", "JwksTimeoutMs": "10",
            "TokenCacheSize": "0", "JwksUri": "https://keys.example.com/jwks.json",
        }
        for parameters in [*chosen, others, {"TokenUse": "any"}]:
            with self.subTest(parameters), self.run_with({"BakedKeys": "true"} | parameters) as function:
                self.assert_allows(function.ask(EVENTS["http-v2"]))
                function.stop()
                self.assertEqual("_aws" in function.log, parameters.get("Metrics") != "false", function.log)

    def test_every_parameter_that_is_a_setting_reaches_the_function(self):
        """Each one changes the environment, so that none is a knob without a wire."""
        elsewhere = {"Architecture", "MemorySize", "LogLevel", "LogRetentionDays", "Tracing", "AlarmTopicArn",
                     "RefusalBurst", "SlowAnswerMs", "AnswersCachedSeconds", "AllowedOrigin", "CallbackUrl",
                     "ReservedConcurrency", "PermissionsBoundaryArn", "KeepPool"}
        for name, parameter in TEMPLATE["Parameters"].items():
            others = [value for value in parameter.get("AllowedValues", ["7"]) if value != parameter["Default"]]
            # A client is one of a pool.
            usual = {"UserPoolId": POOL["UserPoolId"]} if name == "ClientId" else {}
            changed = [environment(usual | {name: str(other)}) != environment(usual) for other in others]
            self.assertEqual(any(changed), name not in elsewhere, name)

    def test_every_variable_is_one_that_the_function_reads(self):
        table = (ROOT / "README.md").read_text().split("\n## Configuration\n")[1].split("\n## ")[0]
        known = set(re.findall(r"`([A-Z_]+)`", table))
        both = [{}, {"Issuers": ENTRY, "RequiredScopes": "a", "RequiredGroups": "a", "UsageIdentifierKeyClaim": "a",
                     "BakedKeys": "true", "JwksUri": "https://a.example"}]
        for parameters in both:
            function = Stack(TEMPLATE, parameters).resources()["AuthorizerFunction"]
            self.assertLessEqual(set(function["Environment"]["Variables"]), known)

    def test_parameters_that_slip_through_end_the_start_in_words(self):
        for parameters, said in [
            ({"JwksTtlSeconds": "100", "JwksMaxStaleSeconds": "10"}, "JWKS_MAX_STALE_SECONDS: must not be less than"),
            ({"Issuers": '[{"user_pool_id":1}]'}, "ISSUERS[0].user_pool_id"),
            ({"UserPoolId": "eu-west-1_A,eu-west-1_B", "ClientId": "*", "BakedKeys": "true"}, "JWKS_FILE are for one pool"),
        ]:
            with self.subTest(parameters), self.run_with(parameters) as function:
                self.assertNotIn(function.ended_by_itself(), [0, None])
                function.stop()
                self.assertIn(said, function.log)


class Inline(unittest.TestCase):
    """The few lines of Python in the template."""

    def handler(self, name: str):
        names: dict = {}
        exec(Stack(TEMPLATE).resources()[name]["Code"]["ZipFile"], names)
        return names["handler"]

    def test_administrators_alone_get_the_claim(self):
        handler = self.handler("ClaimsFunction")
        for groups, claims in [(["admins", "x"], {"admin": True}), (["x"], None), ([], None), (None, None), (["Admins"], None)]:
            event = {"request": {"groupConfiguration": {"groupsToOverride": groups}}, "response": {}}
            details = handler(event, None)["response"].get("claimsAndScopeOverrideDetails")
            self.assertEqual(details and details["accessTokenGeneration"]["claimsToAddOrOverride"], claims)

    def test_the_backend_shows_its_route_and_the_context_of_each_kind_of_api(self):
        os.environ["ALLOWED_ORIGIN"] = "https://app.example.com"
        context = {"sub": "s"}
        for event, route in [
            ({"httpMethod": "GET", "resource": "/orders/{id}", "requestContext": {"authorizer": context}}, "GET /orders/{id}"),
            ({"requestContext": {"routeKey": "GET /orders", "authorizer": {"lambda": context}}}, "GET /orders"),
            ({"requestContext": {"routeKey": "$connect", "authorizer": context}}, "$connect"),
        ]:
            answer = self.handler("BackendFunction")(event, None)
            self.assertEqual(json.loads(answer["body"]), {"route": route, "context": context})
            self.assertEqual(answer["headers"]["Access-Control-Allow-Origin"], "https://app.example.com")


if __name__ == "__main__":
    unittest.main()
