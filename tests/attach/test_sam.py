"""docs/attach/sam.yaml: SAM's own checks, and what its translation says."""

import os
import pathlib
import subprocess
import sys
import unittest

import read_cloudformation
from expectations import PermissionChecks

from tests.support.translate import REGION, ROOT, lint, translate

TEMPLATE = ROOT / "docs/attach/sam.yaml"


def sam(*arguments: str) -> subprocess.CompletedProcess:
    settings = {
        "SAM_CLI_TELEMETRY": "0",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_DEFAULT_REGION": REGION,
    }
    command = [pathlib.Path(sys.executable).with_name("sam"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | settings, check=False)


class Sam(PermissionChecks, unittest.TestCase):
    names = {"RestToken", "RestRequest", "HttpIam", "HttpSimple", "WebSocket"}

    @classmethod
    def setUpClass(cls):
        cls.translated = translate(TEMPLATE)
        cls.attachment = read_cloudformation.read(cls.translated)

    def test_sam_validates_the_template(self):
        for options in ([], ["--lint"]):
            run = sam("validate", "--template", str(TEMPLATE), *options)
            self.assertEqual(0, run.returncode, run.stdout + run.stderr)

    def test_the_translation_is_clean(self):
        self.assertEqual([], lint(self.translated))


if __name__ == "__main__":
    unittest.main()
