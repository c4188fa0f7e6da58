"""docs/attach/cdk: compiled and synthesized in a copy under target/."""

import json
import os
import pathlib
import shutil
import subprocess
import unittest

import read_cloudformation
from expectations import EXPECTED, PermissionChecks

from tests.support.translate import ROOT, lint_file

APP = ROOT / "docs/attach/cdk"
COPY = ROOT / "target/attach/cdk"
FILES = ("package.json", "package-lock.json", "tsconfig.json", "attach.ts")


def run(*command: str, **settings: str) -> None:
    done = subprocess.run(
        command, cwd=COPY, env=os.environ | settings, capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")


def synthesize(out: str) -> pathlib.Path:
    folder = COPY / out
    shutil.rmtree(folder, ignore_errors=True)
    run("node", "attach.js", CDK_OUTDIR=str(folder))
    return folder / "Attach.template.json"


@unittest.skipUnless(shutil.which("node") and shutil.which("npm"), "node and npm are not on PATH")
class Cdk(PermissionChecks, unittest.TestCase):
    names = set(EXPECTED)

    @classmethod
    def setUpClass(cls):
        COPY.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            shutil.copy(APP / name, COPY)
        run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
        run("npx", "--no-install", "tsc")
        cls.template = synthesize("cdk.out")
        cls.resources = json.loads(cls.template.read_text())["Resources"]
        cls.attachment = read_cloudformation.read({"Resources": cls.resources})

    def test_the_synthesized_template_is_clean(self):
        self.assertEqual([], lint_file(self.template))

    def test_the_lock_file_names_no_registry(self):
        packages = json.loads((APP / "package-lock.json").read_text())["packages"]
        self.assertEqual([], [name for name, package in packages.items() if "resolved" in package])

    def test_a_change_of_an_authorizer_makes_a_new_deployment(self):
        compiled = COPY / "attach.js"
        text = compiled.read_text()
        self.addCleanup(compiled.write_text, text)
        compiled.write_text(text.replace("seconds(300)", "seconds(299)"))
        changed = json.loads(synthesize("changed.out").read_text())["Resources"]
        self.assertEqual(1, len(deployments(changed)))
        self.assertNotEqual(deployments(self.resources), deployments(changed))


def deployments(resources: dict) -> set[str]:
    return {id for id, resource in resources.items() if resource["Type"] == "AWS::ApiGateway::Deployment"}


if __name__ == "__main__":
    unittest.main()
