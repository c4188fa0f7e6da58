"""What an answer of the function comes to, and how many came to what they should."""

import collections
import json
import os
import pathlib
import re
import unittest

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.iam.policy_validation import IAMPolicyDocumentValidator

from tests.support.runtime_api import Function

ROOT = pathlib.Path(__file__).resolve().parents[2]
BOOTSTRAP = pathlib.Path(os.environ.get("BOOTSTRAP", ROOT / "target/debug/cognito-authorizer")).resolve()
SHAPES = ["rest-token", "rest-request", "http-v1", "http-v2", "websocket"]


def carrying(shape: str, token: str, verb: str = "GET") -> dict:
    """The sample event of this shape with `token` in place of its own, for another verb of the same path."""
    sample = (ROOT / f"events/{shape}.json").read_text()
    around = re.split(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", sample)
    return json.loads(token.join(part.replace("GET", verb) for part in around))


def arn_of(event: dict) -> str:
    return event.get("routeArn") or event["methodArn"]


def permits(answer: dict, arn: str) -> bool:
    """Whether a request for `arn` gets through with this answer. moto reads the document."""
    if "isAuthorized" in answer:
        return answer["isAuthorized"] is True
    document = json.dumps(answer["policyDocument"])
    IAMPolicyDocumentValidator(document).validate()
    # moto makes regular expressions of patterns, but of `*` alone: `$connect` would match nothing, and `?` nothing too.
    document, arn = document.replace("?", ".").replace("$", "~"), arn.replace("$", "~")
    result = IAMPolicy({"policy_document": document}).is_action_permitted("execute-api:Invoke", arn)
    return result is PermissionResult.PERMITTED


def reasons(function: Function) -> list[str]:
    """Why it allowed nothing, for each request that it did not allow; once it has ended."""
    lines = [json.loads(line) for line in function.log.splitlines() if line.startswith("{")]
    return [line["reason"] for line in lines if line.get("outcome") not in (None, "allow")]


class Checks(unittest.TestCase):
    # What is asked of, as the count names it.
    source: str
    tally: collections.Counter = collections.Counter()

    def count(self, outcome: str):
        """Of one request. What failed an assertion does not come this far."""
        Checks.tally[self.source, outcome] += 1

    def assert_allows(self, answer: tuple[str, dict], arn: str, context: dict | None = None):
        kind, body = answer
        self.assertEqual(kind, "response", body)
        self.assertTrue(permits(body, arn), body)
        self.assertEqual(body["context"], body["context"] | (context or {}))
        self.count("allowed")

    def assert_denies(self, answer: tuple[str, dict], arn: str, reason: str):
        kind, body = answer
        self.assertEqual(kind, "response", body)
        self.assertFalse(permits(body, arn), body)
        self.assertEqual(body["context"]["reason"], reason)
        self.count("denied")

    def assert_unauthorized(self, answer: tuple[str, dict]):
        kind, body = answer
        self.assertEqual((kind, body.get("errorMessage")), ("error", "Unauthorized"), body)
        self.count("unauthorized")
