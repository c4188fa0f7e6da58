"""Do the templates and the function give callers what they should get, by a gateway that others wrote?"""

import contextlib
import copy
import logging
from collections.abc import Iterator

from samcli.lib.providers.provider import Api
from samcli.yamlhelper import yaml_parse

from tests.emulators.checks import BOOTSTRAP, ROOT, Checks
from tests.emulators.cognito import PEOPLE, Cognito, alter, example_policies
from tests.emulators.sam_gateway import SamGateway, read_api
from tests.support.runtime_api import Function
from tests.support.stack import Stack
from tests.support.translate import translate

TEMPLATE = ROOT / "template.yaml"
TRANSLATED = translate(TEMPLATE)
ATTACHED = yaml_parse((ROOT / "docs/attach/sam.yaml").read_text())
# By what name SAM then knows them.
ARNS = {f"{name}AuthorizerFunctionArn": f"arn:aws:lambda:eu-west-1:123456789012:function:{name}Authorizer"
        for name in ["", "Simple", "WebSocket"]}
# What layer/policies/orders.cedar says in its comments, but for `GET /orders/42/items`: there a reader is kept out by an
# explicit Deny, of which SAM knows nothing.
CALLS = [
    ("ada", "GET", "/orders", 200), ("ada", "POST", "/orders", 200), ("ada", "DELETE", "/orders/42", 200),
    ("ada", "GET", "/orders/42/items", 200),
    ("rea", "GET", "/orders", 200), ("rea", "GET", "/orders/42", 200), ("rea", "POST", "/orders", 403),
    ("rea", "DELETE", "/orders/42", 403),
    ("nat", "GET", "/orders", 403), ("nat", "GET", "/orders/42", 403), ("nat", "POST", "/orders", 403),
]


def with_settings(template: dict, authorizer: dict, integration: dict) -> dict:
    """The template's HTTP API with other settings of its authorizer and its backend's integration."""
    changed = copy.deepcopy(template)
    changed["Resources"]["HttpAuthorizer"]["Properties"] |= authorizer
    changed["Resources"]["HttpBackend"]["Properties"] |= integration
    return changed


class SamChecks(Checks):
    source = "SAM's gateway"

    @classmethod
    def setUpClass(cls):
        # Each request and each refusal, and that SAM is not AWS.
        logging.disable(logging.ERROR)
        cls.addClassCleanup(logging.disable, logging.NOTSET)
        cls.cognito = Cognito()
        cls.addClassCleanup(cls.cognito.stop)
        cls.pool = cls.cognito.make_pool()

    def assert_allowed(self, gateway: SamGateway, verb: str, path: str, name: str):
        """That the backend is reached, and has what was put into the pool."""
        status, context, answers = gateway.request(verb, path, f"Bearer {self.pool.sign_in(name)['AccessToken']}")
        self.assertEqual((status, len(answers)), (200, 1), context)
        known = {"sub": self.pool.subjects[name], "username": name, "client_id": self.pool.client}
        context = context.get("lambda", context)
        self.assertEqual(context, context | known)
        for group in PEOPLE[name].groups:
            self.assertIn(group, context["cognito:groups"])
        self.count("200")

    def assert_denied(self, gateway: SamGateway, verb: str, path: str, name: str):
        status, body, answers = gateway.request(verb, path, f"Bearer {self.pool.sign_in(name)['AccessToken']}")
        self.assertEqual((status, [kind for kind, _ in answers]), (403, ["response"]), body)
        self.count("403")

    def assert_refused_unasked(self, gateway: SamGateway, path: str, authorization: str | None):
        status, body, answers = gateway.request("GET", path, authorization)
        self.assertEqual((status, answers), (401, []), body)
        self.count("401")

    def assert_unauthorized_by_the_function(self, gateway: SamGateway, path: str, token: str):
        """SAM makes a 502 of the error that AWS makes a 401 of: that nobody gets through is all that it proves."""
        status, body, answers = gateway.request("GET", path, f"Bearer {token}")
        (kind, answer), = answers
        self.assertEqual((kind, answer.get("errorMessage"), status), ("error", "Unauthorized", 502), body)
        self.count("unauthorized by the function")

    def assert_refuses(self, gateway: SamGateway, path: str):
        """Whoever has no access token of the client."""
        tokens = self.pool.sign_in("ada")
        self.assert_refused_unasked(gateway, path, None)
        other = self.pool.sign_in("ada", self.pool.other_client)["AccessToken"]
        altered = alter(self.pool.sign_in("nat")["AccessToken"], **{"cognito:groups": ["admins"]})
        for token in [tokens["IdToken"], other, altered]:
            self.assert_unauthorized_by_the_function(gateway, path, token)


class Template(SamChecks):
    """template.yaml, with the variables that it gives to the function, and its example policies."""

    @contextlib.contextmanager
    def gateway(self, api: Api, **settings: str) -> Iterator[SamGateway]:
        parameters = {"UserPoolId": self.pool.id, "ClientId": self.pool.client}
        function = Stack(TRANSLATED, parameters).resources("AWS::Lambda::Function")["AuthorizerFunction"]
        variables = function["Environment"]["Variables"]
        with example_policies(self.pool) as folder:
            # What lies at /opt, and an address that the template's parameter would not let pass.
            here = {"POLICIES": folder, "JWKS_URI": self.pool.keys}
            environment = {name: str(value) for name, value in variables.items()} | here | settings
            with Function(BOOTSTRAP, environment, ROOT) as function, SamGateway(api, {"AuthorizerFunction": function}) as gateway:
                yield gateway

    def assert_serves(self, gateway: SamGateway):
        for name, verb, path, status in CALLS:
            with self.subTest(name, verb=verb, path=path):
                check = self.assert_allowed if status == 200 else self.assert_denied
                check(gateway, verb, path, name)
        self.assert_refuses(gateway, "/orders")

    def assert_reads(self, api: Api, **expected: object):
        """That SAM has all five routes of the example with an authorizer: it would serve others to everyone."""
        routes = {f"{method} {route.path}" for route in api.routes for method in route.methods if method != "OPTIONS"}
        self.assertEqual(routes, {"GET /orders", "POST /orders", "GET /orders/{id}", "DELETE /orders/{id}", "GET /orders/{id}/items"})
        for route in api.routes:
            read = {name: getattr(route.authorizer_object, name) for name in expected}
            self.assertEqual((route.authorizer_object.lambda_name, read), ("AuthorizerFunction", expected))

    def test_the_rest_api_gives_each_person_what_the_policies_say(self):
        # SAM reads the file itself, conditions and functions and all.
        api = read_api(yaml_parse(TEMPLATE.read_text()), "RestApi", {})
        self.assert_reads(api, type="token")
        with self.gateway(api) as gateway:
            self.assert_serves(gateway)
            # Its ValidationExpression.
            for odd in ["Bearer not-a-token", "Basic YWRhOnB3", "Bearer a.b.c, Bearer d.e.f"]:
                self.assert_refused_unasked(gateway, "/orders", odd)

    def test_the_http_api_gives_each_person_what_the_policies_say(self):
        # SAM reads plain CloudFormation only where nothing is of SAM's own kinds: so the translated template.
        api = read_api(TRANSLATED, "HttpApi", {})
        self.assert_reads(api, type="request", payload_version="2.0", use_simple_response=False)
        with self.gateway(api) as gateway:
            self.assert_serves(gateway)

    def test_the_http_api_does_so_with_payload_1_0(self):
        one = with_settings(TRANSLATED, {"AuthorizerPayloadFormatVersion": "1.0"}, {"PayloadFormatVersion": "1.0"})
        api = read_api(one, "HttpApi", {})
        self.assert_reads(api, type="request", payload_version="1.0", use_simple_response=False)
        with self.gateway(api) as gateway:
            self.assert_serves(gateway)

    def test_the_http_api_does_so_with_simple_responses_and_denies_what_iam_needs_an_explicit_deny_for(self):
        simple = with_settings(TRANSLATED, {"EnableSimpleResponses": True}, {})
        api = read_api(simple, "HttpApi", {})
        self.assert_reads(api, type="request", payload_version="2.0", use_simple_response=True)
        with self.gateway(api, RESPONSE_FORMAT="simple") as gateway:
            self.assert_serves(gateway)
            self.assert_denied(gateway, "GET", "/orders/42/items", "rea")


class Attached(SamChecks):
    """docs/attach/sam.yaml, from which users copy. SAM knows nothing of its WebSocket API."""

    @contextlib.contextmanager
    def gateway(self, name: str) -> Iterator[SamGateway]:
        api = read_api(ATTACHED, name, ARNS)
        is_simple = name == "HttpSimpleApi"
        settings = self.pool.settings() | ({"RESPONSE_FORMAT": "simple"} if is_simple else {}) | {"REQUIRED_GROUPS": "readers"}
        function_name = "SimpleAuthorizer" if is_simple else "Authorizer"
        # But for preflights, which carry no token.
        guarded = [route for route in api.routes if route.methods != ["OPTIONS"]]
        self.assertEqual({route.authorizer_object.lambda_name for route in guarded}, {function_name})
        with Function(BOOTSTRAP, settings, ROOT) as function, SamGateway(api, {function_name: function}) as gateway:
            yield gateway

    def test_every_way_to_attach_it_lets_the_right_callers_through(self):
        for name in ["RestTokenApi", "RestRequestApi", "HttpIamApi", "HttpSimpleApi"]:
            with self.subTest(name), self.gateway(name) as gateway:
                self.assert_allowed(gateway, "GET", "/orders", "ada")
                self.assert_allowed(gateway, "GET", "/orders", "rea")
                self.assert_denied(gateway, "GET", "/orders", "nat")
                self.assert_refuses(gateway, "/orders")
