"""docs/attach/cloudformation.yaml."""

import unittest

import read_cloudformation
from expectations import EXPECTED, PermissionChecks
from samcli.yamlhelper import yaml_parse

from tests.support.translate import ROOT, lint_file

TEMPLATE = ROOT / "docs/attach/cloudformation.yaml"


class CloudFormation(PermissionChecks, unittest.TestCase):
    names = set(EXPECTED)

    @classmethod
    def setUpClass(cls):
        cls.resources = yaml_parse(TEMPLATE.read_text())["Resources"]
        cls.attachment = read_cloudformation.read({"Resources": cls.resources})

    def of_type(self, *types: str) -> set[str]:
        return {id for id, resource in self.resources.items() if resource["Type"] in types}

    def test_the_template_is_clean(self):
        self.assertEqual([], lint_file(TEMPLATE))

    def test_the_deployment_waits_for_all_that_it_copies(self):
        (deployment,) = self.of_type("AWS::ApiGateway::Deployment")
        copied = self.of_type("AWS::ApiGateway::Method", "AWS::ApiGateway::GatewayResponse")
        self.assertEqual(copied, set(self.resources[deployment]["DependsOn"]))


if __name__ == "__main__":
    unittest.main()
