"""What every file under docs/attach must say, whatever its tool, and the checks that compare the two.

Each tool has a reader that turns its file into an `Attachment`."""

from dataclasses import dataclass, field

TOKEN = r"^\s*([Bb][Ee][Aa][Rr][Ee][Rr]\s+)?[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\s*$"


@dataclass(frozen=True)
class Settings:
    """An authorizer's settings that decide what is asked and for how long its answer is kept."""

    function: str
    type: str
    identity_sources: tuple[str, ...]
    ttl: int | None
    payload: str | None = None
    simple: bool = False
    validation: str | None = None


@dataclass(frozen=True)
class Authorizer:
    settings: Settings
    api: str
    id: str | None
    function: str


@dataclass(frozen=True)
class Route:
    api: str
    verb: str
    path: str
    authorizer: str | None


@dataclass(frozen=True)
class Permission:
    """`source` is `{api}/authorizers/{id or *}` where the ARN is one of this account and region, else the ARN."""

    action: str
    principal: str
    function: str
    source: str


@dataclass(frozen=True)
class GatewayResponse:
    status: str | None
    headers: frozenset[tuple[str, str]]
    template: str | None


@dataclass
class Attachment:
    authorizers: dict[str, Authorizer] = field(default_factory=dict)
    routes: list[Route] = field(default_factory=list)
    permissions: list[Permission] = field(default_factory=list)
    protocols: dict[str, str] = field(default_factory=dict)
    cors_of_http: dict[str, dict] = field(default_factory=dict)
    gateway_responses: dict[str, dict[str, GatewayResponse]] = field(default_factory=dict)


EXPECTED = {
    "RestToken": Settings("authorizer", "TOKEN", ("method.request.header.Authorization",), 300, validation=TOKEN),
    "RestRequest": Settings("authorizer", "REQUEST", ("method.request.header.Authorization",), 300),
    "HttpIam": Settings("authorizer", "REQUEST", ("$request.header.Authorization",), 300, "2.0"),
    "HttpPayload1": Settings("authorizer", "REQUEST", ("$request.header.Authorization",), 300, "1.0"),
    "HttpSimple": Settings(
        "simpleauthorizer", "REQUEST", ("$request.header.Authorization", "$context.routeKey"), 300, "2.0", simple=True
    ),
    # API Gateway keeps no answers of WebSocket authorizers, and takes no TTL.
    "WebSocket": Settings("websocketauthorizer", "REQUEST", ("route.request.querystring.token",), None),
}

# Status, headers besides Access-Control-Allow-Origin, and what the body must hold.
GATEWAY_RESPONSES = {
    "UNAUTHORIZED": ("401", {"WWW-Authenticate": "'Bearer'"}, ""),
    "ACCESS_DENIED": ("403", {}, '"$context.authorizer.reason"'),
    "DEFAULT_4XX": (None, {}, ""),
    "DEFAULT_5XX": (None, {}, ""),
}


def role_of(function: str) -> str:
    """Which of the three deployed functions is meant, from the name of a parameter in any tool's spelling."""
    words = "".join(letter for letter in function.lower() if letter.isalnum())
    return words.removeprefix("var").removesuffix("functionarn").removesuffix("uri")


class Checks:
    """Mixed into the test of one tool, which sets `attachment` and `names`."""

    attachment: Attachment
    names: set[str]
    maxDiff = None

    def of_protocol(self, protocol: str) -> set[str]:
        return {api for api, spoken in self.attachment.protocols.items() if spoken == protocol}

    def test_authorizers_are_those_expected_with_their_settings(self):
        expected = {name: EXPECTED[name] for name in self.names}
        self.assertEqual(expected, {name: one.settings for name, one in self.attachment.authorizers.items()})

    def test_every_route_asks_an_authorizer_of_its_api_except_preflights_and_later_messages(self):
        for route in self.attachment.routes:
            open_to_all = route.verb == "OPTIONS" or (
                self.attachment.protocols[route.api] == "WEBSOCKET" and route.path != "$connect"
            )
            with self.subTest(route):
                if open_to_all:
                    self.assertIsNone(route.authorizer)
                else:
                    self.assertIn(route.authorizer, self.attachment.authorizers)
                    self.assertEqual(route.api, self.attachment.authorizers[route.authorizer].api)
        self.assertEqual(self.names, {route.authorizer for route in self.attachment.routes} - {None})

    def test_answers_that_are_about_one_route_are_not_kept_for_a_whole_api(self):
        kept = {name for name, one in EXPECTED.items() if one.simple and one.ttl}
        for route in self.attachment.routes:
            if route.authorizer in kept:
                self.assertNotIn(route.verb, ("ANY", ""), f"{route}: the verb and the path decide, set the TTL to 0")

    def test_preflights_are_answered_without_a_token(self):
        preflights = {(route.api, route.path) for route in self.attachment.routes if route.verb == "OPTIONS"}
        for route in self.attachment.routes:
            protocol = self.attachment.protocols[route.api]
            with self.subTest(route):
                if protocol == "REST":
                    self.assertIn((route.api, route.path), preflights)
                if protocol == "HTTP" and route.path == "$default":
                    self.assertIn((route.api, "/{proxy+}"), preflights)
        for api in self.of_protocol("HTTP"):
            self.assertIn("authorization", self.attachment.cors_of_http[api]["headers"])
            self.assertNotIn("*", self.attachment.cors_of_http[api]["origins"])

    def test_refusals_of_rest_apis_have_cors_headers_and_reasons(self):
        self.assertEqual(self.of_protocol("REST"), set(self.attachment.gateway_responses))
        for api, responses in self.attachment.gateway_responses.items():
            self.assertEqual(set(GATEWAY_RESPONSES), set(responses), api)
            for kind, (status, headers, body) in GATEWAY_RESPONSES.items():
                with self.subTest(api=api, kind=kind):
                    found = dict(responses[kind].headers)
                    self.assertNotIn(found.pop("Access-Control-Allow-Origin", "'*'"), ("'*'", "''"))
                    self.assertEqual(headers, found)
                    self.assertEqual(status, responses[kind].status)
                    self.assertIn(body, responses[kind].template or "")


class PermissionChecks(Checks):
    """For tools whose files also let API Gateway invoke the function."""

    def test_api_gateway_may_invoke_each_function_for_its_authorizer_alone(self):
        allowed = set()
        for name, authorizer in self.attachment.authorizers.items():
            sources = {f"{authorizer.api}/authorizers/{end}" for end in ("*", authorizer.id)}
            granted = {
                permission
                for permission in self.attachment.permissions
                if permission.function == authorizer.function and permission.source in sources
            }
            self.assertTrue(granted, f"API Gateway may not invoke {authorizer.function} for {name}")
            allowed |= granted
        functions = {authorizer.function for authorizer in self.attachment.authorizers.values()}
        for permission in self.attachment.permissions:
            if permission.function in functions:
                self.assertIn(permission, allowed, "a permission that no authorizer needs")
                self.assertEqual("lambda:InvokeFunction", permission.action)
                self.assertEqual("apigateway.amazonaws.com", permission.principal)
