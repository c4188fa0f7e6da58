"""SAM templates as CloudFormation, in process and without a network, and what cfn-lint says of a template."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

from samcli.lib.translate.sam_template_validator import SamTemplateValidator
from samcli.yamlhelper import yaml_parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
REGION = "eu-west-1"


class NoManagedPolicies:
    """Stands in for samtranslator's loader, which asks IAM for the names of AWS's managed policies."""

    def load(self) -> dict:
        return {}


def translate(path: pathlib.Path) -> dict:
    """The CloudFormation template that SAM makes of the one at `path`. Local code becomes a made-up S3 URI."""
    template = yaml_parse(path.read_text())
    validator = SamTemplateValidator(template, NoManagedPolicies(), region=REGION)
    return yaml_parse(validator.get_translated_template_if_valid())


def lint(template: dict) -> list[str]:
    """cfn-lint's findings, errors and warnings alike, one a line."""
    folder = ROOT / "target" / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", suffix=".json", dir=folder) as file:
        json.dump(template, file, indent=1)
        file.flush()
        return lint_file(pathlib.Path(file.name))


def lint_file(path: pathlib.Path) -> list[str]:
    """As `lint`, of a template that is a file already."""
    cfn_lint = pathlib.Path(sys.executable).with_name("cfn-lint")
    command = [cfn_lint, "--regions", REGION, "--format", "parseable", "--template", path]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    # 0 for a clean template, else one bit for each kind of finding: error 2, warning 4, information 8.
    if run.returncode not in range(0, 16, 2):
        return [f"cfn-lint failed with {run.returncode}: {run.stderr or run.stdout}"]
    return run.stdout.splitlines()
