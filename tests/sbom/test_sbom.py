"""Does the bill of materials say what is in the function, all of it and nothing else?"""

import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from cyclonedx.schema import SchemaVersion
from cyclonedx.spdx import is_expression
from cyclonedx.validation.json import JsonStrictValidator

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGETS = ["aarch64-unknown-linux-gnu", "x86_64-unknown-linux-gnu"]


def run(*command: str, root=ROOT) -> str:
    return subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE, text=True).stdout


def read_tree(target: str, edges: str) -> set[tuple[str, str]]:
    text = run("cargo", "tree", "--locked", "-p", "cognito-authorizer", "-e", edges, "--target", target, "--prefix", "none")
    return set(re.findall(r"^(\S+) v(\S+)", text, re.MULTILINE))


def name(component: dict) -> tuple[str, str]:
    return component["name"], component["version"]


class Bill(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.texts = {target: run("scripts/sbom", target) for target in TARGETS}
        cls.bills = {target: json.loads(text) for target, text in cls.texts.items()}

    def test_it_is_what_its_version_of_cyclonedx_asks_for(self):
        for target, bill in self.bills.items():
            self.assertEqual(bill["specVersion"], "1.6")
            self.assertIsNone(JsonStrictValidator(SchemaVersion.V1_6).validate_str(self.texts[target]))

    def test_it_names_every_package_of_the_functions_tree_once_and_no_other(self):
        for target, bill in self.bills.items():
            names = [name(one) for one in [bill["metadata"]["component"], *bill["components"]]]
            self.assertEqual(len(names), len(set(names)))
            self.assertEqual(set(names), read_tree(target, "normal"))

    def test_what_is_required_is_what_is_linked(self):
        for target, bill in self.bills.items():
            required = {name(one) for one in bill["components"] if one["scope"] == "required"}
            self.assertEqual(required | {name(bill["metadata"]["component"])}, read_tree(target, "normal,no-proc-macro"))

    def test_every_package_is_reached_from_the_function(self):
        for bill in self.bills.values():
            asked = {one["ref"]: one["dependsOn"] for one in bill["dependencies"]}
            reached, waiting = set(), [bill["metadata"]["component"]["bom-ref"]]
            while waiting:
                reference = waiting.pop()
                if reference not in reached:
                    reached.add(reference)
                    waiting += asked[reference]
            listed = {one["bom-ref"] for one in bill["components"]} | {bill["metadata"]["component"]["bom-ref"]}
            self.assertEqual(reached, listed)

    def test_what_a_registry_gave_has_a_checksum_and_a_package_url_and_our_own_has_neither(self):
        ours = {one["name"] for one in json.loads(run("cargo", "metadata", "--no-deps", "--format-version", "1"))["packages"]}
        for bill in self.bills.values():
            for one in [bill["metadata"]["component"], *bill["components"]]:
                self.assertEqual({"hashes", "purl"} & one.keys(), set() if one["name"] in ours else {"hashes", "purl"}, one)

    def test_every_licence_is_an_expression_of_spdx(self):
        for bill in self.bills.values():
            for one in [bill["metadata"]["component"], *bill["components"]]:
                [licence] = one["licenses"]
                self.assertTrue(is_expression(licence["expression"]), one)

    def test_another_folder_gives_the_same_bytes(self):
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder) / "elsewhere"
            ignored = shutil.ignore_patterns("target", ".git", ".aws-sam")
            shutil.copytree(ROOT, copy, ignore=ignored)
            self.assertEqual(run("scripts/sbom", TARGETS[0], root=copy), self.texts[TARGETS[0]])

    def test_nothing_of_this_machine_stands_in_it(self):
        for target in TARGETS:
            for folder in [str(ROOT), str(pathlib.Path.home())]:
                self.assertNotIn(folder, self.texts[target])
