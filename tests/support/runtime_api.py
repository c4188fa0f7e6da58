"""Runs a function's executable under a Lambda Runtime API on loopback.
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html"""

import http.server
import json
import pathlib
import queue
import subprocess
import tempfile
import threading

PATIENCE_SECONDS = 30
# How long a server may take to see that it is to stop. The library's own half a second is most of a short test.
STOP_SECONDS = 0.02


class _Api(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        """The next event; none is left to say once the test has stopped asking."""
        event = self.server.events.get()
        body = json.dumps(event).encode()
        self._send(200, body, {"Lambda-Runtime-Aws-Request-Id": "r-1", "Lambda-Runtime-Deadline-Ms": "9999999999999",
                               "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-1:123456789012:function:f"})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.answers.put((self.path.rsplit("/", 1)[1], body))
        self._send(202, b"", {})

    def _send(self, status: int, body: bytes, headers: dict):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A function that is stopped leaves its connection open."""


class Function:
    """The executable with these environment variables alone, and its log, once it has ended."""

    def __init__(self, executable: pathlib.Path, environment: dict, folder: pathlib.Path):
        self.log = ""
        # A file, since a pipe that nobody reads would stop the function once it is full.
        self._output = tempfile.TemporaryFile("w+")
        self._server = _Server(("127.0.0.1", 0), _Api)
        self._server.events, self._server.answers = queue.Queue(), queue.Queue()
        threading.Thread(target=self._server.serve_forever, args=[STOP_SECONDS], daemon=True).start()
        lambdas = {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._server.server_port}", "AWS_LAMBDA_FUNCTION_NAME": "f",
                   "AWS_LAMBDA_FUNCTION_VERSION": "1", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128"}
        self._process = subprocess.Popen([executable], env=environment | lambdas, cwd=folder, text=True,
                                         stdout=self._output, stderr=subprocess.STDOUT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def ask(self, event: dict) -> tuple[str, dict]:
        """`response` or `error`, and what the function said."""
        self._server.events.put(event)
        for _ in range(PATIENCE_SECONDS * 10):
            try:
                return self._server.answers.get(timeout=0.1)
            except queue.Empty:
                if self._process.poll() is not None:
                    break
        self.stop()
        raise AssertionError(f"no answer; the log: {self.log}")

    def stop(self):
        """Ends it, and has its log. Once is enough."""
        if self._output.closed:
            return
        self._process.kill()
        self._process.wait()
        self._output.seek(0)
        self.log = self._output.read()
        self._output.close()
        self._server.shutdown()
        self._server.server_close()

    def ended_by_itself(self) -> int | None:
        """Its exit code, where it ends without being told to."""
        try:
            return self._process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            return None
