"""Does the function take the tokens of a Cognito that others wrote, and refuse what it should of them?"""

import json
from collections.abc import Callable

from tests.emulators.checks import BOOTSTRAP, ROOT, SHAPES, Checks, arn_of, carrying, reasons
from tests.emulators.cognito import PEOPLE, Cognito, alter, clock_off_by, example_policies, sign_with_a_key_of_our_own
from tests.support.runtime_api import Function

# Which events an answer in this format is for.
FORMATS = {"iam": SHAPES, "simple": ["http-v2"]}
# What layer/policies/orders.cedar says in its comments.
ROUTES = ["GET/orders", "POST/orders", "GET/orders/42", "DELETE/orders/42", "GET/orders/42/items", "$connect"]
PERMITTED = {"ada": set(ROUTES), "rea": {"GET/orders", "GET/orders/42", "$connect"}, "nat": set()}
# Long enough to be expired, and to be further ahead than clocks may be apart.
HOURS = 2 * 60 * 60


class MotoTokens(Checks):
    source = "moto's tokens"

    @classmethod
    def setUpClass(cls):
        cls.cognito = Cognito()
        cls.addClassCleanup(cls.cognito.stop)
        cls.pool, cls.other_pool = cls.cognito.make_pool(), cls.cognito.make_pool()

    def function(self, **settings: str) -> Function:
        return Function(BOOTSTRAP, self.pool.settings() | settings, ROOT)

    def on_every_api(self, token: str, check: Callable[[str, tuple[str, dict], str], None], **settings: str):
        """Hands `check` which kind of API it is, what the function answers, and the ARN that was asked for."""
        for response_format, shapes in FORMATS.items():
            with self.function(RESPONSE_FORMAT=response_format, **settings) as function:
                for shape in shapes:
                    event = carrying(shape, token)
                    with self.subTest(shape, response_format=response_format):
                        check(shape, function.ask(event), arn_of(event))

    def assert_knows(self, name: str, shape: str, own: dict, answer: tuple[str, dict], arn: str):
        """That the token of this person is allowed, with what was put into the pool in the context."""
        self.assert_allows(answer, arn, {"sub": self.pool.subjects[name], "iss": self.pool.issuer} | own)
        groups = answer[1]["context"].get("cognito:groups")
        if shape != "http-v2" and groups is not None:
            groups = groups.split(" ")
        # A person's groups have no order.
        self.assertEqual(set(groups or []), set(PEOPLE[name].groups))
        self.assertNotEqual(groups, [])

    def test_an_access_token_is_allowed_and_its_context_is_what_the_pool_knows(self):
        for name in PEOPLE:
            token = self.pool.sign_in(name)["AccessToken"]
            own = {"username": name, "client_id": self.pool.client, "token_use": "access",
                   "scope": "aws.cognito.signin.user.admin"}
            self.on_every_api(token, lambda shape, answer, arn: self.assert_knows(name, shape, own, answer, arn))

    def test_an_id_token_is_allowed_where_it_is_wanted_with_its_custom_attribute(self):
        for name, person in PEOPLE.items():
            token = self.pool.sign_in(name)["IdToken"]
            own = {"cognito:username": name, "aud": self.pool.client, "token_use": "id", "custom:tenant": person.tenant,
                   "email": person.email(name)}
            self.on_every_api(token, lambda shape, answer, arn: self.assert_knows(name, shape, own, answer, arn), TOKEN_USE="id")

    def test_a_refreshed_token_is_allowed(self):
        token = self.pool.refresh(self.pool.sign_in("ada")["RefreshToken"])["AccessToken"]
        self.on_every_api(token, lambda shape, answer, arn: self.assert_knows("ada", shape, {}, answer, arn))

    def refused(self) -> list[tuple[str, str]]:
        """Tokens that are no access tokens of the pool's client, and why."""
        tokens = self.pool.sign_in("rea")
        good = tokens["AccessToken"]
        with clock_off_by(-HOURS):
            expired = self.pool.sign_in("rea")["AccessToken"]
        with clock_off_by(HOURS):
            early = self.pool.sign_in("rea")["AccessToken"]
        return [
            (tokens["IdToken"], "wrong_token_use"),
            (self.pool.sign_in("rea", self.pool.other_client)["AccessToken"], "wrong_client"),
            # moto has one key for all pools: the issuer alone tells them apart.
            (self.other_pool.sign_in("rea", self.other_pool.client)["AccessToken"], "unknown_issuer"),
            (alter(good, **{"cognito:groups": ["admins"]}), "bad_signature"),
            (sign_with_a_key_of_our_own(good, kid="dummy"), "bad_signature"),
            (sign_with_a_key_of_our_own(good, kid="another"), "unknown_key"),
            (expired, "token_expired"),
            (early, "issued_in_future"),
            (good.rsplit(".", 1)[0], "not_three_parts"),
            (tokens["RefreshToken"], "not_three_parts"),
        ]

    def test_what_is_no_access_token_of_the_client_is_unauthorized_each_for_its_own_reason(self):
        refused = self.refused()
        for response_format, shapes in FORMATS.items():
            with self.function(RESPONSE_FORMAT=response_format) as function:
                for shape in shapes:
                    for token, reason in refused:
                        with self.subTest(reason, shape=shape, response_format=response_format):
                            self.assert_unauthorized(function.ask(carrying(shape, token)))
            self.assertEqual(reasons(function), [reason for _ in shapes for _, reason in refused])

    def test_an_access_token_is_refused_where_an_id_token_is_wanted(self):
        token = self.pool.sign_in("ada")["AccessToken"]
        self.on_every_api(token, lambda _, answer, __: self.assert_unauthorized(answer), TOKEN_USE="id")

    def test_a_required_group_lets_its_members_in_alone(self):
        for name, person in PEOPLE.items():
            is_member = "admins" in person.groups
            self.on_every_api(self.pool.sign_in(name)["AccessToken"],
                              lambda _, answer, arn: self.assert_about(answer, arn, is_member, "not_in_group"),
                              REQUIRED_GROUPS="admins")

    def test_policies_give_each_group_its_routes_whatever_route_was_asked_for(self):
        with example_policies(self.pool) as folder, self.function(POLICIES=folder) as function:
            for name, permitted in PERMITTED.items():
                token = self.pool.sign_in(name)["AccessToken"]
                for shape in SHAPES:
                    event = carrying(shape, token)
                    answer = function.ask(event)
                    stage, _, _ = arn_of(event).partition("/prod/")
                    for route in ROUTES:
                        with self.subTest(name, shape=shape, route=route):
                            self.assert_about(answer, f"{stage}/prod/{route}", route in permitted)

    def test_policies_decide_the_route_that_was_asked_for_where_answers_are_simple(self):
        with example_policies(self.pool) as folder, self.function(POLICIES=folder, RESPONSE_FORMAT="simple") as function:
            for name, permitted in PERMITTED.items():
                token = self.pool.sign_in(name)["AccessToken"]
                for verb in ["GET", "DELETE"]:
                    with self.subTest(name, verb=verb):
                        event = carrying("http-v2", token, verb)
                        self.assert_about(function.ask(event), arn_of(event), f"{verb}/orders/42" in permitted)

    def assert_about(self, answer: tuple[str, dict], arn: str, permitted: bool, reason: str = "not_permitted"):
        if permitted:
            self.assert_allows(answer, arn)
        else:
            self.assert_denies(answer, arn, reason)

    def test_pools_are_accepted_side_by_side_each_with_its_own_client(self):
        pools = [self.pool, self.other_pool]
        entries = [{"user_pool_id": one.id, "client_ids": [one.client], "jwks_uri": one.keys} for one in pools]
        third = self.cognito.make_pool()
        with Function(BOOTSTRAP, {"ISSUERS": json.dumps(entries)}, ROOT) as function:
            for one in pools:
                event = carrying("http-v2", one.sign_in("ada")["AccessToken"])
                self.assert_allows(function.ask(event), arn_of(event), {"iss": one.issuer, "sub": one.subjects["ada"]})
                other_client = one.sign_in("ada", one.other_client)["AccessToken"]
                self.assert_unauthorized(function.ask(carrying("http-v2", other_client)))
            self.assert_unauthorized(function.ask(carrying("http-v2", third.sign_in("ada")["AccessToken"])))
        self.assertEqual(reasons(function), ["wrong_client", "wrong_client", "unknown_issuer"])
