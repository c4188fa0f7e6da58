"""docs/attach/openapi-rest.yaml and openapi-http.yaml."""

import unittest

import read_openapi
import yaml
from expectations import Attachment, Checks
from openapi_spec_validator import OpenAPIV30SpecValidator

from tests.support.translate import ROOT


def load(name: str) -> dict:
    return yaml.safe_load((ROOT / "docs/attach" / name).read_text())


class OpenApi(Checks):
    file: str
    protocol: str

    @classmethod
    def setUpClass(cls):
        cls.document = load(cls.file)
        cls.attachment = Attachment()
        read_openapi.read(cls.document, cls.file, cls.protocol, cls.attachment)

    def test_the_document_is_openapi(self):
        self.assertEqual("3.0.1", self.document["openapi"])
        self.assertEqual([], [str(error) for error in OpenAPIV30SpecValidator(self.document).iter_errors()])

    def test_placeholders_are_those_that_the_comment_fills(self):
        text = (ROOT / "docs/attach" / self.file).read_text()
        head, _, body = text.partition("openapi: 3.0.1")
        (filled,) = [line for line in head.splitlines() if "envsubst" in line]
        for name in self.placeholders:
            self.assertIn(f"${{{name}}}", filled)
            self.assertRegex(head, rf"export .*\b{name}=")
            self.assertIn(f"${{{name}}}", body)
        self.assertEqual(len(self.placeholders), filled.count("${"))


class OpenApiOfRest(OpenApi, unittest.TestCase):
    file, protocol = "openapi-rest.yaml", "REST"
    names = {"RestToken", "RestRequest"}
    placeholders = {"AuthorizerUri", "AllowedOrigin"}

    def test_schemes_are_custom(self):
        for name, scheme in self.document["components"]["securitySchemes"].items():
            self.assertEqual("custom", scheme["x-amazon-apigateway-authtype"], name)


class OpenApiOfHttp(OpenApi, unittest.TestCase):
    file, protocol = "openapi-http.yaml", "HTTP"
    names = {"HttpIam", "HttpSimple"}
    placeholders = {"AuthorizerUri", "SimpleAuthorizerUri", "AllowedOrigin", "BackendUrl"}


if __name__ == "__main__":
    unittest.main()
