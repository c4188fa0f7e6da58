"""docs/attach.md: what it links to and shows is there, and what holds for all files."""

import re
import unittest

import yaml
from expectations import TOKEN

from tests.support.translate import ROOT

PAGE = ROOT / "docs/attach.md"
FOLDER = ROOT / "docs/attach"
FILES = [*FOLDER.glob("*.yaml"), FOLDER / "cdk/attach.ts", FOLDER / "terraform/main.tf"]


class Page(unittest.TestCase):
    def setUp(self):
        self.text = PAGE.read_text()

    def test_every_link_leads_to_a_file_and_every_file_is_linked(self):
        linked = {PAGE.parent / target for target in re.findall(r"\]\((attach/[^)]+)\)", self.text)}
        self.assertEqual([], [str(path) for path in linked if not path.exists()])
        self.assertEqual([], [str(path) for path in FILES if path not in linked])

    def test_extracts_stand_in_the_files(self):
        whole = [path.read_text() for path in FILES]
        extracts = re.findall(r"```(?:yaml|ts)\n(.*?)```", self.text, re.DOTALL)
        self.assertTrue(extracts)
        for extract in extracts:
            self.assertTrue(any(extract in text for text in whole), extract)

    def test_the_validation_expression_is_that_of_the_files(self):
        self.assertIn(f"`{TOKEN}`", self.text)

    def test_no_file_has_aliases_since_cloudformation_takes_none(self):
        for path in FOLDER.glob("*.yaml"):
            events = yaml.parse(path.read_text())
            self.assertEqual([], [event for event in events if isinstance(event, yaml.AliasEvent)], path)


if __name__ == "__main__":
    unittest.main()
