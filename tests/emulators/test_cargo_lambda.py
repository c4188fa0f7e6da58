"""Does the function answer behind cargo-lambda's Runtime API, by its command line and over HTTP?"""

import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from tests.emulators.checks import BOOTSTRAP, ROOT, SHAPES, Checks, arn_of
from tests.support.runtime_api import PATIENCE_SECONDS

CARGO_LAMBDA = pathlib.Path(sys.executable).with_name("cargo-lambda")
# How cargo-lambda calls the one function that it does not build.
FUNCTION = "_"
LAMBDA = {"AWS_LAMBDA_FUNCTION_NAME": FUNCTION, "AWS_LAMBDA_FUNCTION_VERSION": "1", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128"}


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def is_open(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def sample_events() -> dict[str, dict]:
    events = ROOT.glob("events/*.json")
    return {path.stem: json.loads(path.read_text()) for path in sorted(events) if path.stem != "jwks"}


def forge(event: dict) -> dict:
    """The event with another first character of its token's signature."""
    signature = re.compile(r"(eyJ[\w-]+\.[\w-]+\.)(.)")
    return json.loads(signature.sub(lambda found: found[1] + ("B" if found[2] == "A" else "A"), json.dumps(event)))


def settings() -> dict:
    """Those for the sample events."""
    lines = (ROOT / "events/settings.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line)


class Process:
    def __init__(self, command: list, environment: dict):
        self._output = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=self._output, stderr=subprocess.STDOUT)

    def wait_for_port(self, port: int):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not is_open(port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"nothing listens on port {port}; {self.said()}")
            time.sleep(0.05)

    def said(self) -> str:
        self._output.seek(0)
        return f"{self._process.args[0]} said: {self._output.read()}"

    def stop(self):
        self._process.kill()
        self._process.wait()
        self._output.close()


class CargoLambda(Checks):
    source = "cargo-lambda"

    @classmethod
    def setUpClass(cls):
        cls.port = free_port()
        address = ["--invoke-address", "127.0.0.1", "--invoke-port", str(cls.port)]
        cls.invoke = [CARGO_LAMBDA, "lambda", "invoke", FUNCTION, *address]
        watch = cls.start([CARGO_LAMBDA, "lambda", "watch", "--only-lambda-apis", *address], dict(os.environ))
        watch.wait_for_port(cls.port)
        function = cls.start([BOOTSTRAP], settings() | LAMBDA | {"AWS_LAMBDA_RUNTIME_API": f"http://127.0.0.1:{cls.port}/.rt"})
        try:
            first = cls.ask_by_http(sample_events()["http-v2"])
        except OSError as error:
            first = error
        # cargo-lambda answers 200 with the error of a function that does not start, and lets the next event wait.
        if "policyDocument" not in str(first):
            raise AssertionError(f"the first event got {first}; {function.said()}\n{watch.said()}")

    @classmethod
    def start(cls, command: list, environment: dict) -> "Process":
        process = Process(command, environment)
        cls.addClassCleanup(process.stop)
        return process

    def ask_by_command(self, event: dict) -> subprocess.CompletedProcess:
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(event, file)
            file.flush()
            return subprocess.run([*self.invoke, "--data-file", file.name], cwd=ROOT, capture_output=True, text=True,
                                  timeout=PATIENCE_SECONDS, check=False)

    @classmethod
    def ask_by_http(cls, event: dict) -> tuple[int, dict]:
        """Lambda's Invoke answers a function's error with 200 and a header; cargo-lambda with 500."""
        address = f"http://127.0.0.1:{cls.port}/2015-03-31/functions/{FUNCTION}/invocations"
        try:
            with urllib.request.urlopen(address, json.dumps(event).encode(), timeout=PATIENCE_SECONDS) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def test_every_sample_event_is_allowed_by_command_and_over_http(self):
        events = sample_events()
        self.assertEqual(set(events), set(SHAPES))
        for name, event in events.items():
            with self.subTest(name):
                run = self.ask_by_command(event)
                self.assertEqual(run.returncode, 0, run.stderr)
                self.assert_allows(("response", json.loads(run.stdout)), arn_of(event))
                status, body = self.ask_by_http(event)
                self.assertEqual((status, body), (200, json.loads(run.stdout)))
                self.assert_allows(("response", body), arn_of(event))

    def test_a_forged_token_is_unauthorized_by_command_and_over_http(self):
        for name, event in sample_events().items():
            with self.subTest(name):
                forged = forge(event)
                run = self.ask_by_command(forged)
                self.assertEqual((run.returncode, run.stdout), (1, ""))
                self.assertRegex(run.stderr, r"\bUnauthorized\b")
                self.count("unauthorized")
                status, body = self.ask_by_http(forged)
                self.assertEqual(status, 500)
                self.assert_unauthorized(("error", body))

    def test_what_is_no_event_is_an_error_that_is_no_401_and_the_next_event_is_served(self):
        for event in [{}, {"type": "TOKEN"}, {"version": "2.0"}]:
            status, body = self.ask_by_http(event)
            self.assertEqual((status, body["errorType"]), (500, "InternalError"))
            self.assertNotEqual(body["errorMessage"], "Unauthorized")
            self.count("called broken")
            good = sample_events()["http-v2"]
            self.assert_allows(("response", self.ask_by_http(good)[1]), arn_of(good))
