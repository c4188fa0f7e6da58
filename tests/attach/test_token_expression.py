"""The validation expression of TOKEN authorizers lets through what the function accepts.

That is said in src/gateway/credentials.rs. API Gateway answers 401 to the rest by itself."""

import json
import re
import unittest

from expectations import TOKEN

from tests.support.translate import ROOT

ACCEPTED = ["{}", "Bearer {}", "bearer {}", "BEARER  {}", "Bearer \t{}", " Bearer {} ", "\t{}\t", "  {}", "{}\r\n"]
REFUSED = ["Bearer", "Basic {}", "Bearer {}, Bearer {}", "Bearer {}.", "Bearer {}=", "Bearer a.b", "", "é{}"]


class TokenExpression(unittest.TestCase):
    def setUp(self):
        event = json.loads((ROOT / "events/rest-token.json").read_text())
        self.token = event["authorizationToken"].removeprefix("Bearer ")

    def test_what_the_function_accepts_passes(self):
        for form in ACCEPTED:
            self.assertRegex(form.replace("{}", self.token), TOKEN)

    def test_what_cannot_be_a_token_does_not(self):
        for form in REFUSED:
            self.assertNotRegex(form.replace("{}", self.token), TOKEN)

    def test_a_long_value_is_decided_at_once(self):
        # 10,240 bytes is what a header may have.
        self.assertIsNone(re.search(TOKEN, " " * 5_000 + "a." * 2_620))


if __name__ == "__main__":
    unittest.main()
