"""Does scripts/sign-in sign in, as the code flow with PKCE says? Against a provider on loopback."""

import base64
import hashlib
import http.server
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import threading
import unittest
import urllib.error
import urllib.parse
import urllib.request

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "sign-in"


class Provider(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        """RFC 6749 section 4.1.3 and RFC 7636 section 4.6."""
        form = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        verifier = form.get("code_verifier", "")
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        good = (form["grant_type"], form["client_id"], form["code"]) == ("authorization_code", "web", "good")
        good = good and self.path == "/oauth2/token" and challenge == self.server.challenge and len(verifier) >= 43
        self.send_response(200 if good else 400)
        self.end_headers()
        self.wfile.write(json.dumps({"access_token": "t.o.k"} if good else {"error": "invalid_grant"}).encode())


class SignIn(unittest.TestCase):
    def setUp(self):
        self.provider = http.server.HTTPServer(("127.0.0.1", 0), Provider)
        threading.Thread(target=self.provider.serve_forever, daemon=True).start()
        self.addCleanup(self.provider.server_close)
        self.addCleanup(self.provider.shutdown)

    def sign_in(self, brought: dict, browser: str = "true") -> subprocess.CompletedProcess:
        """Runs the script, and brings back `brought`, with the state if none is in it."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            callback = f"http://localhost:{free.getsockname()[1]}/callback"
        domain = f"http://127.0.0.1:{self.provider.server_port}"
        command = [sys.executable, SCRIPT, domain, "web", callback, "openid", "orders/read"]
        environment = {"BROWSER": browser, "PATH": os.environ["PATH"]}
        script = subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        address = re.search(r"sign in at (\S+)", script.stderr.readline())[1]
        asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))
        self.assertEqual((asked["response_type"], asked["code_challenge_method"], asked["scope"]),
                         ("code", "S256", "openid orders/read"))
        self.assertEqual(asked["redirect_uri"], callback)
        self.provider.challenge = asked["code_challenge"]
        self.assertEqual(self.fetch(callback.replace("/callback", "/favicon.ico")), 404)
        query = urllib.parse.urlencode({"state": asked["state"]} | brought)
        self.assertEqual(self.fetch(f"{callback}?{query}"), 200)
        out, err = script.communicate(timeout=30)
        return subprocess.CompletedProcess(command, script.returncode, out, err)

    def fetch(self, url: str) -> int:
        """The script listens before it says so."""
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    def test_a_code_becomes_a_token_and_nothing_else_is_printed(self):
        run = self.sign_in({"code": "good"})
        self.assertEqual((run.returncode, run.stdout, run.stderr), (0, "t.o.k\n", ""))

    def test_what_a_browser_prints_is_no_part_of_the_token_and_one_that_stays_open_is_not_waited_for(self):
        for browser in ["echo opened %s", "sleep 20"]:
            self.assertEqual(self.sign_in({"code": "good"}, browser).stdout, "t.o.k\n")

    def test_what_is_not_this_sign_in_gives_no_token(self):
        for brought, said in [
            ({"code": "good", "state": "other"}, "not of this sign-in"),
            ({"code": "good", "state": "ä"}, "not of this sign-in"),
            ({"error": "access_denied"}, "not signed in: access_denied"),
            ({"code": "bad"}, "refused the code with status 400"),
        ]:
            run = self.sign_in(brought)
            self.assertEqual((run.returncode, run.stdout), (1, ""), brought)
            self.assertIn(said, run.stderr)

    def test_wrong_arguments_get_the_usage(self):
        callback = "http://localhost:1/"
        for words in [[], ["https://a", "web"], ["a.example", "web", callback], ["http://a.example", "web", callback]]:
            run = subprocess.run([sys.executable, SCRIPT, *words], capture_output=True, text=True, check=False)
            self.assertEqual((run.returncode, run.stdout), (2, ""))
            self.assertIn("TOKEN=$(scripts/sign-in", run.stderr)

    def test_a_callback_on_another_machine_is_refused(self):
        words = ["https://a.example", "web", "https://app.example.com/callback"]
        run = subprocess.run([sys.executable, SCRIPT, *words], capture_output=True, text=True, check=False)
        self.assertEqual((run.returncode, run.stdout), (1, ""))
        self.assertIn("is not on this machine", run.stderr)


if __name__ == "__main__":
    unittest.main()
