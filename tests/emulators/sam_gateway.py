"""An API of a template, served by SAM's own local API Gateway on loopback, without containers: AWS SAM CLI's classes
read the template's routes and authorizers, make the authorizer's event and apply its answer.

SAM is not AWS. The tests take nothing of this as proof:

| | SAM 1.170 | AWS |
|---|---|---|
| the function's error `Unauthorized` | 502 | 401 |
| an explicit Deny beside an Allow | the Allow wins | the Deny wins |
| `$` in a pattern, as in the stage `$default` | matches nothing | is a character |
| answers | are not cached | are, by the identity sources |
| numbers and booleans in a REST context | stay as they are | become strings |
"""

import json
import pathlib
import tempfile
import threading
import unittest.mock
import urllib.error
import urllib.request

from samcli.lib.providers.api_provider import ApiProvider
from samcli.lib.providers.provider import Api
from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider
from samcli.lib.telemetry.event import EventTracker
from samcli.local.apigw.local_apigw_service import LocalApigwService
from werkzeug.serving import make_server

from tests.support.runtime_api import STOP_SECONDS, Function

API_TYPES = {"AWS::Serverless::Api", "AWS::Serverless::HttpApi", "AWS::Serverless::WebSocketApi", "AWS::ApiGateway::RestApi",
             "AWS::ApiGatewayV2::Api"}


def names_any(value: object, resources: set[str]) -> bool:
    """Whether `value` refers to one of these resources."""
    if isinstance(value, dict):
        return value.get("Ref") in resources or any(names_any(one, resources) for one in value.values())
    return isinstance(value, list) and any(names_any(one, resources) for one in value)


def with_one_api(template: dict, api: str) -> dict:
    """The template without its other APIs and what belongs to them: SAM serves the routes of all of them at one address,
    the last one of each path, and stops at a WebSocket API's."""
    others = {name for name, one in template["Resources"].items() if one["Type"] in API_TYPES and name != api}
    resources = {}
    for name, one in template["Resources"].items():
        properties = dict(one.get("Properties", {}))
        if "Events" in properties:
            properties["Events"] = {event: it for event, it in properties["Events"].items() if not names_any(it, others)}
        if name not in others and not names_any(properties, others):
            resources[name] = one | {"Properties": properties}
    return {name: one for name, one in template.items() if name != "Outputs"} | {"Resources": resources}


def read_api(template: dict, api: str, parameters: dict) -> Api:
    """What SAM reads of it."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(with_one_api(template, api), file)
        file.flush()
        stacks, _ = SamLocalStackProvider.get_stacks(file.name, parameter_overrides=parameters)
        read = ApiProvider(stacks, cwd=str(pathlib.Path(file.name).parent)).api
    if read.stage_name in (None, "$default"):
        # SAM's patterns are regular expressions that escape nothing: `$` matches no character.
        read.stage_name = "default"
    return read


class Runner:
    """Stands for SAM's containers: authorizers are asked where they run, and every other function says what it was
    handed by the authorizer."""

    def __init__(self, authorizers: dict[str, Function]):
        self.authorizers = authorizers
        # What the authorizers answered.
        self.answers: list[tuple[str, dict]] = []

    def is_debugging(self) -> bool:
        return False

    def invoke(self, name: str, event: str, stdout, **_):
        if name in self.authorizers:
            self.answers.append(self.authorizers[name].ask(json.loads(event)))
            stdout.write_str(json.dumps(self.answers[-1][1]))
        else:
            context = json.loads(event)["requestContext"].get("authorizer")
            stdout.write_str(json.dumps({"statusCode": 200, "body": json.dumps(context)}))


class SamGateway:
    """Serves `api`, whose authorizers are these functions, by the names that SAM has for them."""

    def __init__(self, api: Api, authorizers: dict[str, Function]):
        self._runner = Runner(authorizers)
        service = LocalApigwService(api, self._runner, port=0, host="127.0.0.1")
        service.create()
        # Not the service's own `run`, which never ends and takes no port of the system's choice.
        self._server = make_server("127.0.0.1", 0, service._app, threaded=True)
        # SAM counts what is used, and reports it.
        self._untracked = unittest.mock.patch.object(EventTracker, "track_event")

    def __enter__(self):
        self._untracked.start()
        threading.Thread(target=self._server.serve_forever, args=[STOP_SECONDS], daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._untracked.stop()

    def request(self, verb: str, path: str, authorization: str | None) -> tuple[int, dict, list[tuple[str, dict]]]:
        """The status and the body that the client sees, and what the authorizer answered, if it was asked."""
        self._runner.answers.clear()
        headers = {} if authorization is None else {"Authorization": authorization}
        request = urllib.request.Request(f"http://127.0.0.1:{self._server.port}{path}", method=verb, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                status, body = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, body = error.code, error.read()
        return status, json.loads(body), list(self._runner.answers)
