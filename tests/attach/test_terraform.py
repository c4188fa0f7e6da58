"""docs/attach/terraform: its format and what it says. `terraform validate` would need the AWS provider."""

import shutil
import subprocess
import unittest

import read_terraform
from expectations import EXPECTED, PermissionChecks

from tests.support.translate import ROOT

FOLDER = ROOT / "docs/attach/terraform"


class Terraform(PermissionChecks, unittest.TestCase):
    names = set(EXPECTED)

    @classmethod
    def setUpClass(cls):
        cls.attachment = read_terraform.read(FOLDER / "main.tf")

    @unittest.skipUnless(shutil.which("terraform"), "terraform is not on PATH, so the format is not checked")
    def test_the_format_is_terraforms(self):
        command = ["terraform", "fmt", "-check", "-diff", FOLDER]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual(0, run.returncode, run.stdout + run.stderr)


if __name__ == "__main__":
    unittest.main()
