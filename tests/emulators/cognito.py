"""User pools in moto's Cognito on loopback, whom they know, and the tokens that moto mints for them."""

import base64
import contextlib
import dataclasses
import json
import logging
import pathlib
import tempfile
import time
import types
import unittest.mock
from collections.abc import Iterator

import boto3
from joserfc import jwt
from joserfc.jwk import RSAKey
from moto.server import ThreadedMotoServer

REGION = "eu-west-1"
PASSWORD = "Aa1!Aa1!Aa1!"
POLICIES = pathlib.Path(__file__).resolve().parents[2] / "layer/policies"


@dataclasses.dataclass(frozen=True)
class Person:
    groups: tuple[str, ...]
    tenant: str

    def email(self, name: str) -> str:
        return f"{name}@example.com"


PEOPLE = {
    "ada": Person(("readers", "admins"), "acme"),
    "rea": Person(("readers",), "umbrella"),
    "nat": Person((), "none at all"),
}


class Pool:
    """One with all of PEOPLE, and with two app clients."""

    def __init__(self, cognito, address: str):
        self._cognito = cognito
        # moto's ids are longer than AWS's, whose form they have.
        tenant = {"Name": "tenant", "AttributeDataType": "String"}
        self.id = cognito.create_user_pool(PoolName="shop", Schema=[tenant])["UserPool"]["Id"]
        self.issuer = f"https://cognito-idp.{REGION}.amazonaws.com/{self.id}"
        self.keys = f"{address}/{self.id}/.well-known/jwks.json"
        self.client, self.other_client = self._make_client("web"), self._make_client("other")
        for group in sorted({group for person in PEOPLE.values() for group in person.groups}):
            cognito.create_group(UserPoolId=self.id, GroupName=group)
        # The `sub` that the pool gives to each.
        self.subjects = {name: self._make_person(name, person) for name, person in PEOPLE.items()}

    def _make_client(self, name: str) -> str:
        flows = ["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
        client = self._cognito.create_user_pool_client(UserPoolId=self.id, ClientName=name, ExplicitAuthFlows=flows,
                                                       ReadAttributes=["email", "custom:tenant"])
        return client["UserPoolClient"]["ClientId"]

    def _make_person(self, name: str, person: Person) -> str:
        attributes = {"email": person.email(name), "custom:tenant": person.tenant}
        listed = [{"Name": key, "Value": value} for key, value in attributes.items()]
        made = self._cognito.admin_create_user(UserPoolId=self.id, Username=name, MessageAction="SUPPRESS", UserAttributes=listed)
        self._cognito.admin_set_user_password(UserPoolId=self.id, Username=name, Password=PASSWORD, Permanent=True)
        for group in person.groups:
            self._cognito.admin_add_user_to_group(UserPoolId=self.id, Username=name, GroupName=group)
        return next(one["Value"] for one in made["User"]["Attributes"] if one["Name"] == "sub")

    def sign_in(self, name: str, client: str | None = None) -> dict:
        """The tokens, as Cognito names them: `AccessToken`, `IdToken`, `RefreshToken`."""
        return self._initiate(client, "ADMIN_USER_PASSWORD_AUTH", USERNAME=name, PASSWORD=PASSWORD)

    def refresh(self, refresh_token: str) -> dict:
        return self._initiate(None, "REFRESH_TOKEN_AUTH", REFRESH_TOKEN=refresh_token)

    def _initiate(self, client: str | None, flow: str, **parameters: str) -> dict:
        answer = self._cognito.admin_initiate_auth(UserPoolId=self.id, ClientId=client or self.client, AuthFlow=flow,
                                                   AuthParameters=parameters)
        return answer["AuthenticationResult"]

    def settings(self) -> dict:
        """Those with which the function accepts this pool's access tokens for `client`."""
        return {"USER_POOL_ID": self.id, "CLIENT_ID": self.client, "JWKS_URI": self.keys}


class Cognito:
    """moto's server, in a thread of this process, at a port that the system chooses."""

    def __init__(self):
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        self._server.start()
        host, port = self._server.get_host_and_port()
        self._address = f"http://{host}:{port}"
        self._client = boto3.client("cognito-idp", endpoint_url=self._address, region_name=REGION,
                                    aws_access_key_id="none", aws_secret_access_key="none")

    def make_pool(self) -> Pool:
        return Pool(self._client, self._address)

    def stop(self):
        self._server.stop()


@contextlib.contextmanager
def clock_off_by(seconds: int) -> Iterator[None]:
    """moto mints as if it were then. Its tokens live for an hour whatever the client says, so none expires in a test."""
    then = types.SimpleNamespace(time=lambda: time.time() + seconds)
    with unittest.mock.patch("moto.cognitoidp.models.time", then):
        yield


@contextlib.contextmanager
def example_policies(pool: Pool) -> Iterator[str]:
    """A folder with those of layer/policies and the pool's id in them, as whoever deploys them has to put it there."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ["orders.cedar", "orders.cedarschema"]:
            text = (POLICIES / name).read_text()
            pathlib.Path(folder, name).write_text(text.replace("eu-west-1_AbCdEf123", pool.id))
        yield folder


def claims_of(token: str) -> dict:
    return json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))


def sign_with_a_key_of_our_own(token: str, kid: str) -> str:
    """What the token says, signed by nobody whom the pool knows."""
    return jwt.encode({"alg": "RS256", "kid": kid}, claims_of(token), RSAKey.generate_key(2048))


def alter(token: str, **claims: object) -> str:
    """The token with other claims under its old signature."""
    header, _, signature = token.split(".")
    payload = json.dumps(claims_of(token) | claims, separators=(",", ":")).encode()
    return ".".join([header, base64.urlsafe_b64encode(payload).rstrip(b"=").decode(), signature])
