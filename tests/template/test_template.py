"""Does template.yaml say what it should? What `sam validate`, the translation and cfn-lint do not see is read here."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tomllib
import unittest

import botocore.session
from samcli.cli.types import CfnParameterOverridesType
from samcli.yamlhelper import yaml_parse

from tests.support.stack import Stack
from tests.support.translate import ROOT, lint, translate

TEMPLATE = translate(ROOT / "template.yaml")
SOURCE = yaml_parse((ROOT / "template.yaml").read_text())
EVERYTHING = {"ExampleApis": "rest-http-and-websocket", "Tracing": "true"}
# The routes of the example's schema.
ROUTES = {"GET /orders", "POST /orders", "GET /orders/{id}", "DELETE /orders/{id}", "GET /orders/{id}/items"}


def first_cells(heading: str, document: str = "README.md") -> set[str]:
    """What stands between backticks in the first cells of a section's tables."""
    section = (ROOT / document).read_text().split(f"\n{heading}\n")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    return {word for row in rows for word in row.split(" | ")[0].split("`")[1::2]}


def of(kind: str, parameters: dict = EVERYTHING) -> dict:
    return Stack(TEMPLATE, parameters).resources(kind)


def is_beyond(alarm: dict, data: dict[str, float]) -> bool:
    """Whether one period's data breach an alarm's threshold, by the functions of metric math that are used."""
    if "Metrics" in alarm:
        (expression,) = [one["Expression"] for one in alarm["Metrics"] if "Expression" in one]
        known = {one["Id"]: data.get(one["Id"]) for one in alarm["Metrics"]}
        functions = {
            "FILL": lambda value, filling: filling if value is None else value,
            "MAX": max,
            "IF": lambda condition, then, otherwise: then if condition else otherwise,
        }
        value = eval(expression, {"__builtins__": {}}, known | functions)
    else:
        value = data[alarm["MetricName"]]
    threshold = float(alarm["Threshold"])
    return {"GreaterThanThreshold": value > threshold, "GreaterThanOrEqualToThreshold": value >= threshold}[alarm["ComparisonOperator"]]


class Tools(unittest.TestCase):
    def test_sam_and_cfn_lint_have_nothing_to_say(self):
        environment = os.environ | {
            "SAM_CLI_TELEMETRY": "0",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
        }
        sam = pathlib.Path(sys.executable).with_name("sam")
        for options in ([], ["--lint"]):
            command = [sam, "validate", "--template", ROOT / "template.yaml", *options]
            run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        # SAM repeats a function's condition in each route of its REST API, where it can only be true.
        self.assertEqual([line for line in lint(TEMPLATE) if ":W1028:" not in line], [])


class Parameters(unittest.TestCase):
    def test_every_parameter_is_described_bounded_and_in_one_group(self):
        groups = SOURCE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
        grouped = [name for group in groups for name in group["Parameters"]]
        self.assertEqual(sorted(grouped), sorted(SOURCE["Parameters"]))
        for name, parameter in SOURCE["Parameters"].items():
            with self.subTest(name):
                self.assertIn("Description", parameter)
                bounds = {"AllowedValues", "AllowedPattern", "MinValue"} & set(parameter)
                self.assertTrue(bounds, "takes anything")
                if "AllowedPattern" in parameter:
                    self.assertIn("ConstraintDescription", parameter)
                    self.assertTrue(re.search(parameter["AllowedPattern"], parameter["Default"]))

    def test_every_parameter_is_in_the_page_about_deploying(self):
        self.assertEqual(first_cells("## Parameters", "docs/deploy.md"), set(SOURCE["Parameters"]))

    def test_the_pages_lines_for_samconfig_reach_the_parameters_whole(self):
        blocks = re.findall(r"```toml\n(.*?)```", (ROOT / "docs/deploy.md").read_text(), re.DOTALL)
        read = [CfnParameterOverridesType().convert(
            tomllib.loads(block)["default"]["deploy"]["parameters"]["parameter_overrides"], None, None) for block in blocks]
        self.assertEqual([sorted(one) for one in read], [["ClientId", "RequiredScopes", "RulesPerRoute", "UserPoolId"], ["Issuers"]])
        self.assertEqual(read[0]["RequiredScopes"], "orders/read orders/write")
        self.assertEqual(len(json.loads(read[1]["Issuers"])), 2)
        for one in read:
            self.assertEqual(Stack(SOURCE, one).rule_failures(), [])
            for name, value in one.items():
                self.assertRegex(value, SOURCE["Parameters"][name].get("AllowedPattern", "."))

    def test_patterns_take_what_can_be_meant_and_refuse_what_cannot(self):
        for name, good, bad in [
            (
                "UserPoolId",
                ["", "eu-west-1_AbCdEf123", "us-gov-west-1_A1,eu-west-1_B2", "eusc-de-east-1_AbCdEf123"],
                ["eu-west-1", "eu-west-1_", "eu-west-1_A b", "eu-west-1_A,", ",", "EU-WEST-1_A", "https://x/eu-west-1_A"],
            ),
            ("ClientId", ["", "*", "1h57kf5cpq17m0eml12EXAMPLE", "a,b"], [" ", "a,", "*,a", "a b", "a-b"]),
            ("Issuers", ["", '[{"user_pool_id":"eu-west-1_A","client_ids":["*"]}]'], ["[]", "{}", "x", '["a"]']),
            ("TokenSource", ["header:Authorization", "header:x,cookie:t"], ["", "Authorization", "body:t", "header:", "header:é", "header:a,"]),
            ("RequiredScopes", ["", "orders/read", "a b,c", '["a,b"]'], [" ", ",", " , ", "a\nb", "[]", "[ ]"]),
            ("RequiredGroups", ["", "admins", "a b", '["a,b"]'], [" ", ",", "a\nb", "[]"]),
            ("ContextClaims", ["*", "sub", "sub,cognito:groups"], ["", "*,sub", "sub,", "a b"]),
            ("PrincipalIdClaim", ["sub"], ["", "a b"]),
            ("UsageIdentifierKeyClaim", ["", "custom:key"], ["a b"]),
            ("JwksUri", ["", "https://keys.example.com/jwks.json"], ["http://x/k", "https://", "x", "https://user:word@x/", "https://x/#f"]),
            ("AlarmTopicArn", ["", "arn:aws:sns:eu-west-1:123456789012:ops"], ["ops", "arn:aws:sqs:eu-west-1:123456789012:q"]),
            ("AllowedOrigin", ["*", "https://app.example.com", "http://localhost:3000"], ["", "app", "https://a/b", "'"]),
            ("CallbackUrl", ["https://a.example/cb", "http://localhost:8976/callback"], ["", "http://a.example", "x"]),
        ]:
            pattern = SOURCE["Parameters"][name]["AllowedPattern"]
            for value in good:
                self.assertTrue(re.search(pattern, value), f"{name} refuses {value!r}")
            for value in bad:
                self.assertFalse(re.search(pattern, value), f"{name} takes {value!r}")

    def test_parameters_that_do_not_go_together_are_refused_before_anything_is_made(self):
        pool, client, issuers = {"UserPoolId": "eu-west-1_A"}, {"ClientId": "a"}, {"Issuers": "[{}]"}
        # The example's APIs keep answers by one header: a token elsewhere would share another's answer.
        cookie, alone = {"TokenSource": "cookie:t"}, {"ExampleApis": "none"}
        several = {"TokenSource": "header:x,header:Authorization"}
        for parameters, refused in [
            ({}, 0), (pool | client, 0), (issuers, 0), (cookie | alone, 0), (several | alone, 0),
            (pool, 1), (client, 1), (issuers | client, 1), (pool | issuers, 2), (pool | client | issuers, 1),
            (cookie, 1), (several, 1), (EVERYTHING | cookie, 1),
        ]:
            self.assertEqual(len(Stack(SOURCE, parameters).rule_failures()), refused, parameters)


class Apis(unittest.TestCase):
    def rest(self) -> dict:
        (api,) = of("AWS::ApiGateway::RestApi").values()
        return api["Body"]

    def test_the_rest_api_asks_on_every_route_and_on_no_preflight(self):
        asked, preflights = set(), set()
        for path, operations in self.rest()["paths"].items():
            for verb, operation in operations.items():
                if verb == "options":
                    self.assertNotIn("security", operation)
                    preflights.add(path)
                else:
                    self.assertEqual(operation["security"], [{"Cognito": []}])
                    asked.add(f"{verb.upper()} {path}")
        self.assertEqual(asked, ROUTES)
        self.assertEqual(preflights, {"/orders", "/orders/{id}", "/orders/{id}/items"})

    def test_the_rest_api_asks_about_what_can_be_a_token_and_keeps_answers_as_told(self):
        scheme = self.rest()["components"]["securitySchemes"]["Cognito"]
        authorizer = scheme["x-amazon-apigateway-authorizer"]
        self.assertEqual((scheme["name"], authorizer["type"]), ("Authorization", "token"))
        # SAM puts the parameter's value here when it translates: the default.
        self.assertEqual(authorizer["authorizerResultTtlInSeconds"], 300)
        self.assertEqual(SOURCE["Resources"]["RestApi"]["Properties"]["Auth"]["Authorizers"]["Cognito"]["Identity"]
                         ["ReauthorizeEvery"], {"Ref": "AnswersCachedSeconds"})
        expression = re.compile(authorizer["identityValidationExpression"])
        event = json.loads((ROOT / "events" / "rest-token.json").read_text())
        token = event["authorizationToken"].split()[-1]
        for value in [token, f"Bearer {token}", f"bearer  {token}", f"BEARER {token}"]:
            self.assertTrue(expression.fullmatch(value))
        for value in ["", "Bearer", f"Basic {token}", f"{token},{token}", "a.b", "a.b.c.d", "a.b.c d", "a.b.c="]:
            self.assertFalse(expression.fullmatch(value), value)

    def test_preflights_allow_what_the_routes_need(self):
        for operations in self.rest()["paths"].values():
            (response,) = operations["options"]["x-amazon-apigateway-integration"]["responses"].values()
            headers = {name.rsplit(".", 1)[1]: value for name, value in response["responseParameters"].items()}
            self.assertIn("Authorization", headers["Access-Control-Allow-Headers"])
            for verb in ["GET", "POST", "DELETE"]:
                self.assertIn(verb, headers["Access-Control-Allow-Methods"])

    def test_a_parameter_that_changes_reaches_the_stage(self):
        # Without this SAM makes a new deployment only where the template's text changes.
        self.assertIs(SOURCE["Resources"]["RestApi"]["Properties"]["AlwaysDeploy"], True)

    def test_urls_name_stages_that_there_are(self):
        outputs = Stack(TEMPLATE, EVERYTHING).outputs()
        stages = {one["RestApiId"]: one["StageName"] for one in of("AWS::ApiGateway::Stage").values()}
        stages |= {one["ApiId"]: one["StageName"] for one in of("AWS::ApiGatewayV2::Stage").values()}
        self.assertTrue(outputs["RestApiUrl"].endswith(f"/{stages['RestApi']}"))
        self.assertIn(f"/{stages['RestApi']}/orders/42", outputs["CallRestApi"])
        self.assertTrue(outputs["WebSocketUrl"].endswith(f"/{stages['WebSocketApi']}"))
        self.assertEqual(stages["HttpApi"], "$default")
        for name, stage in of("AWS::ApiGatewayV2::Stage").items():
            self.assertIs(stage["AutoDeploy"], True, name)

    def test_what_api_gateway_says_itself_is_readable_across_origins(self):
        responses = self.rest()["x-amazon-apigateway-gateway-responses"]
        for name in ["UNAUTHORIZED", "ACCESS_DENIED", "DEFAULT_4XX", "DEFAULT_5XX"]:
            headers = responses[name]["responseParameters"]
            self.assertEqual(headers["gatewayresponse.header.Access-Control-Allow-Origin"], "'*'")
        challenge = responses["UNAUTHORIZED"]["responseParameters"]["gatewayresponse.header.WWW-Authenticate"]
        self.assertEqual(challenge, "'Bearer'")
        body = json.loads(responses["ACCESS_DENIED"]["responseTemplates"]["application/json"])
        self.assertEqual(body["reason"], "$context.authorizer.reason")

    def test_the_http_api_asks_on_every_route_with_payload_2_and_policies_for_answers(self):
        (name, authorizer), = [(name, one) for name, one in of("AWS::ApiGatewayV2::Authorizer").items()
                               if one["ApiId"] == "HttpApi"]
        self.assertEqual(authorizer["AuthorizerPayloadFormatVersion"], "2.0")
        self.assertIs(authorizer["EnableSimpleResponses"], False)
        self.assertEqual(authorizer["IdentitySource"], ["$request.header.Authorization"])
        self.assertEqual(authorizer["AuthorizerResultTtlInSeconds"], "300")
        self.assertIn("/functions/AuthorizerFunction.Arn/invocations", authorizer["AuthorizerUri"])
        routes = [route for route in of("AWS::ApiGatewayV2::Route").values() if route["ApiId"] == "HttpApi"]
        self.assertEqual({route["RouteKey"] for route in routes}, ROUTES)
        for route in routes:
            self.assertEqual((route["AuthorizationType"], route["AuthorizerId"]), ("CUSTOM", name))
        cors = of("AWS::ApiGatewayV2::Api")["HttpApi"]["CorsConfiguration"]
        self.assertIn("authorization", cors["AllowHeaders"])
        self.assertEqual(set(cors["AllowMethods"]), {"GET", "POST", "DELETE"})
        integration = of("AWS::ApiGatewayV2::Integration")["HttpBackend"]
        self.assertEqual(integration["PayloadFormatVersion"], "2.0")

    def test_the_websocket_api_is_made_if_asked_for_and_asks_at_the_handshake(self):
        for choice in ["none", "rest-and-http"]:
            made = Stack(TEMPLATE, {"ExampleApis": choice}).resources()
            self.assertEqual([name for name in made if name.startswith("WebSocket")], [])
        authorizer = of("AWS::ApiGatewayV2::Authorizer")["WebSocketAuthorizer"]
        self.assertEqual(authorizer["IdentitySource"], ["route.request.querystring.token"])
        connect = of("AWS::ApiGatewayV2::Route")["WebSocketConnect"]
        self.assertEqual((connect["RouteKey"], connect["AuthorizationType"], connect["AuthorizerId"]),
                         ("$connect", "CUSTOM", "WebSocketAuthorizer"))
        # A message is answered, and no stage is made before there is a route.
        self.assertEqual(of("AWS::ApiGatewayV2::Route")["WebSocketMessage"]["RouteResponseSelectionExpression"], "$default")
        self.assertEqual(of("AWS::ApiGatewayV2::RouteResponse")["WebSocketReply"]["RouteId"], "WebSocketMessage")
        self.assertEqual(TEMPLATE["Resources"]["WebSocketStage"]["DependsOn"], ["WebSocketConnect", "WebSocketMessage"])

    def test_the_routes_are_those_of_the_examples_schema(self):
        schema = (ROOT / "layer/policies/orders.cedarschema").read_text()
        actions = re.findall(r'"([^"]+)"', schema.split("action ")[1].split("appliesTo")[0])
        self.assertEqual(set(actions), {route.split()[0].lower() + " " + route.split()[1] for route in ROUTES} | {"$connect"})


class Permissions(unittest.TestCase):
    def test_each_function_may_write_its_own_log_and_nothing_else(self):
        traces = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
        for parameters, more in [({}, []), ({"Tracing": "true"}, [(traces, "*")])]:
            roles = of("AWS::IAM::Role", parameters)
            self.assertEqual(set(roles), {"AuthorizerRole", "ExampleRole"})
            for name, log, extra in [("AuthorizerRole", "AuthorizerLogGroup.Arn", more), ("ExampleRole", "ExampleLogGroup.Arn", [])]:
                self.assertNotIn("ManagedPolicyArns", roles[name])
                policies = [policy["PolicyDocument"]["Statement"] for policy in roles[name]["Policies"]]
                granted = [(one["Action"], one["Resource"]) for statements in policies for one in statements]
                self.assertEqual(granted, [(["logs:CreateLogStream", "logs:PutLogEvents"], log), *extra])
                trusted = [one["Principal"] for one in roles[name]["AssumeRolePolicyDocument"]["Statement"]]
                self.assertEqual(trusted, [{"Service": "lambda.amazonaws.com"}])
        for name, function in of("AWS::Lambda::Function").items():
            self.assertIn(function["Role"], ["AuthorizerRole.Arn", "ExampleRole.Arn"], name)

    def test_each_api_may_ask_the_authorizer_and_nobody_else_may(self):
        granted = [one for one in of("AWS::Lambda::Permission").values() if "AuthorizerFunction" in one["FunctionName"]]
        arn = "arn:aws:execute-api:eu-west-1:123456789012:"
        self.assertEqual({one["SourceArn"] for one in granted}, {
            f"{arn}RestApi/authorizers/*",
            f"{arn}HttpApi/authorizers/HttpAuthorizer",
            f"{arn}WebSocketApi/authorizers/WebSocketAuthorizer",
        })
        self.assertEqual({one["Principal"] for one in granted}, {"apigateway.amazonaws.com"})

    def test_the_backend_is_asked_by_the_examples_apis_alone(self):
        granted = [one for one in of("AWS::Lambda::Permission").values() if "BackendFunction" in one["FunctionName"]]
        arn = r"arn:aws:execute-api:eu-west-1:123456789012:(RestApi|HttpApi|WebSocketApi)/"
        for one in granted:
            self.assertRegex(one["SourceArn"], arn)

    def test_roles_stay_within_the_boundary_of_the_account(self):
        boundary = "arn:aws:iam::123456789012:policy/edge"
        for parameters, expected in [({}, None), ({"PermissionsBoundaryArn": boundary}, boundary)]:
            for name, role in of("AWS::IAM::Role", parameters).items():
                self.assertEqual(role.get("PermissionsBoundary"), expected, name)

    def test_every_log_group_forgets(self):
        for name, group in of("AWS::Logs::LogGroup").items():
            self.assertEqual(group["RetentionInDays"], "30", name)
        groups = {one["LoggingConfig"]["LogGroup"] for one in of("AWS::Lambda::Function").values()}
        self.assertEqual(groups, {"AuthorizerLogGroup", "ExampleLogGroup"})


class Function(unittest.TestCase):
    def function(self, parameters: dict = EVERYTHING) -> dict:
        return of("AWS::Lambda::Function", parameters)["AuthorizerFunction"]

    def test_policies_and_keys_travel_with_the_function(self):
        layer = SOURCE["Resources"]["PoliciesAndKeys"]["Properties"]
        folder = ROOT / layer["ContentUri"]
        for name in ["orders.cedar", "orders.cedarschema", "checked.json"]:
            self.assertTrue((folder / "policies" / name).exists(), name)
        (made,) = of("AWS::Lambda::LayerVersion")
        self.assertEqual(self.function()["Layers"], [made])
        self.assertEqual(self.function()["Environment"]["Variables"]["POLICIES"], "/opt/policies")

    def test_a_fetch_of_keys_ends_before_the_function_does(self):
        longest = SOURCE["Parameters"]["JwksTimeoutMs"]["MaxValue"]
        self.assertGreater(self.function()["Timeout"] * 1000, longest + 1000)

    def test_its_lines_are_json_as_the_metrics_need(self):
        self.assertEqual(self.function()["LoggingConfig"]["LogFormat"], "JSON")
        self.assertEqual(self.function()["Runtime"], "provided.al2023")

    def test_concurrency_is_reserved_if_asked_for(self):
        for parameters, expected in [({}, None), ({"ReservedConcurrency": "50"}, "50")]:
            self.assertEqual(self.function(parameters).get("ReservedConcurrentExecutions"), expected)

    def test_it_accepts_the_clients_that_are_made_or_named_and_no_others(self):
        for parameters, expected in [({}, "WebClient,MachineClient"), ({"UserPoolId": "eu-west-1_A", "ClientId": "b"}, "b")]:
            self.assertEqual(self.function(parameters)["Environment"]["Variables"]["CLIENT_ID"], expected)

    def test_the_query_is_looked_into_for_the_websocket_api_alone_and_last(self):
        for choice, expected in [
            ("none", "header:Authorization"), ("rest-and-http", "header:Authorization"),
            ("rest-http-and-websocket", "header:Authorization,query:token"),
        ]:
            variables = self.function({"ExampleApis": choice})["Environment"]["Variables"]
            self.assertEqual(variables["TOKEN_SOURCE"], expected)


class Pool(unittest.TestCase):
    def test_a_pool_is_made_unless_one_or_an_issuer_is_named(self):
        for parameters, made in [
            ({}, True), ({"UserPoolId": "eu-west-1_A", "ClientId": "*"}, False), ({"Issuers": "[{}]"}, False),
        ]:
            resources = Stack(TEMPLATE, parameters).resources()
            found = {name for name, one in TEMPLATE["Resources"].items() if "Cognito" in one["Type"]} & set(resources)
            self.assertEqual(bool(found), made, parameters)

    def test_people_sign_in_as_a_public_client_and_machines_with_a_secret(self):
        clients = of("AWS::Cognito::UserPoolClient")
        web, machine = clients["WebClient"], clients["MachineClient"]
        self.assertEqual((web["GenerateSecret"], web["AllowedOAuthFlows"]), (False, ["code"]))
        self.assertEqual((machine["GenerateSecret"], machine["AllowedOAuthFlows"]), (True, ["client_credentials"]))
        self.assertEqual(web["AllowedOAuthScopes"], ["openid", "orders/read"])
        self.assertEqual(machine["AllowedOAuthScopes"], ["orders/read", "orders/write"])
        # A password sent as it is would do without SRP; the administrator's flow needs AWS credentials.
        for client in [web, machine]:
            self.assertNotIn("ALLOW_USER_PASSWORD_AUTH", client["ExplicitAuthFlows"])
        self.assertEqual(machine["ExplicitAuthFlows"], ["ALLOW_REFRESH_TOKEN_AUTH"])
        # Scopes of the resource server are not there before it is.
        for name in clients:
            self.assertEqual(TEMPLATE["Resources"][name]["DependsOn"], "OrdersScopes")

    def test_nobody_makes_an_account_for_himself_and_the_pool_is_kept_if_asked_for(self):
        for parameters, protection in [({}, "INACTIVE"), ({"KeepPool": "true"}, "ACTIVE")]:
            (pool,) = of("AWS::Cognito::UserPool", parameters).values()
            self.assertIs(pool["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"], True)
            self.assertEqual(pool["DeletionProtection"], protection)

    def test_access_tokens_can_have_the_claim(self):
        (pool,) = of("AWS::Cognito::UserPool").values()
        trigger = pool["LambdaConfig"]["PreTokenGenerationConfig"]
        self.assertEqual(trigger, {"LambdaVersion": "V2_0", "LambdaArn": "ClaimsFunction.Arn"})
        self.assertEqual(pool["UserPoolTier"], "ESSENTIALS")
        permission = of("AWS::Lambda::Permission")["ClaimsFunctionPermission"]
        self.assertEqual((permission["Principal"], permission["SourceArn"]), ("cognito-idp.amazonaws.com", "UserPool.Arn"))


class Watching(unittest.TestCase):
    def test_alarms_and_the_dashboard_look_at_metrics_that_the_function_writes(self):
        space = of("AWS::Lambda::Function")["AuthorizerFunction"]["Environment"]["Variables"]["METRICS_NAMESPACE"]
        ours, reasons = first_cells("## Metrics"), first_cells("## Reasons")
        for name, alarm in of("AWS::CloudWatch::Alarm").items():
            queries = alarm.get("Metrics", [])
            self.assertLessEqual(len(queries), 10, "an alarm takes ten metrics and expressions")
            for metric in [one["MetricStat"]["Metric"] for one in queries if "MetricStat" in one] or [alarm]:
                dimensions = {one["Name"]: one["Value"] for one in metric.get("Dimensions", [])}
                with self.subTest(name, metric=metric["MetricName"]):
                    if metric["Namespace"] == "AWS/Lambda":
                        self.assertEqual(dimensions, {"FunctionName": "AuthorizerFunction"})
                    else:
                        self.assertEqual(metric["Namespace"], space)
                        self.assertIn(metric["MetricName"], ours)
                        self.assertLessEqual(set(dimensions.values()), reasons)
                        self.assertLessEqual(set(dimensions), {"reason"})

    def test_alarms_ring_when_they_should(self):
        """One period's figures, and whether they are beyond the threshold. What is not there has no data."""
        refusals = {"bad_signature": "signature", "unknown_key": "key", "unknown_issuer": "issuer",
                    "wrong_client": "client", "wrong_token_use": "use", "token_expired": "expired"}
        for alarm, parameters, data, rings in [
            ("CrashesAlarm", {}, {"all": 7, "errors": 3, "unauthorized": 4}, False),
            ("CrashesAlarm", {}, {"all": 7, "unauthorized": 4}, True),
            ("CrashesAlarm", {}, {"all": 1}, True),
            ("CrashesAlarm", {}, {"all": 0, "unauthorized": 0}, False),
            # Where refusals are answers, they are no errors of the function.
            ("CrashesAlarm", {"Refusal": "deny"}, {"all": 3, "errors": 3, "unauthorized": 0}, False),
            ("CrashesAlarm", {"Refusal": "deny"}, {"all": 4, "errors": 3}, True),
            *[("RefusalsAlarm", {}, {id: 100, "unauthorized": 100}, id != "expired") for id in refusals.values()],
            ("RefusalsAlarm", {}, {"signature": 99, "unauthorized": 99}, False),
            ("RefusalsAlarm", {}, {"signature": 60, "key": 60, "unauthorized": 120}, False),
            # A hundred malformed tokens, which have no metric of their own here.
            ("RefusalsAlarm", {}, {"unauthorized": 150, "expired": 50}, True),
            ("RefusalsAlarm", {}, {"denied": 100}, True),
            ("RefusalsAlarm", {"RefusalBurst": "101"}, {"denied": 100}, False),
            ("SlowAnswersAlarm", {}, {"microseconds": 250_001, "answers": 100}, True),
            ("SlowAnswersAlarm", {}, {"microseconds": 250_000, "answers": 100}, False),
            ("SlowAnswersAlarm", {}, {"microseconds": 3_000_000, "answers": 99}, False),
            ("ErrorsAlarm", {}, {"Errors": 1}, True), ("ErrorsAlarm", {}, {"Errors": 0}, False),
            ("ThrottlesAlarm", {}, {"Throttles": 1}, True), ("ThrottlesAlarm", {}, {"Throttles": 0}, False),
            ("KeyFetchesFailAlarm", {}, {"KeyFetchFailures": 1}, True),
            ("KeyFetchesFailAlarm", {}, {"KeyFetchFailures": 0}, False),
        ]:
            with self.subTest(alarm, data=data):
                self.assertIs(is_beyond(of("AWS::CloudWatch::Alarm", parameters)[alarm], data), rings)
        metrics = {one["Id"]: one for one in of("AWS::CloudWatch::Alarm")["RefusalsAlarm"]["Metrics"]}
        for reason, id in refusals.items():
            self.assertEqual(metrics[id]["MetricStat"]["Metric"]["Dimensions"], [{"Name": "reason", "Value": reason}])

    def test_alarms_are_quiet_without_data_and_soon_enough_with(self):
        for name, alarm in of("AWS::CloudWatch::Alarm").items():
            self.assertEqual(alarm["TreatMissingData"], "notBreaching", name)
            (period,) = {alarm.get("Period")} - {None} or {one["MetricStat"]["Period"] for one in alarm["Metrics"] if "MetricStat" in one}
            self.assertLessEqual(period * alarm["EvaluationPeriods"], 900, name)

    def test_alarms_tell_the_topic_if_there_is_one(self):
        topic = "arn:aws:sns:eu-west-1:123456789012:ops"
        for parameters, actions in [({}, None), ({"AlarmTopicArn": topic}, [topic])]:
            for name, alarm in of("AWS::CloudWatch::Alarm", parameters).items():
                self.assertEqual((alarm.get("AlarmActions"), alarm.get("OKActions")), (actions, actions), name)

    def test_the_dashboard_shows_every_alarm_and_is_json(self):
        (dashboard,) = of("AWS::CloudWatch::Dashboard").values()
        body = json.loads(dashboard["DashboardBody"])
        shown = body["widgets"][0]["properties"]["alarms"]
        self.assertEqual(set(shown), {f"{name}.Arn" for name in of("AWS::CloudWatch::Alarm")})
        searches = [metric[0]["expression"] for metric in body["widgets"][2]["properties"]["metrics"]]
        self.assertIn("""SEARCH('{"CognitoAuthorizer/shop",reason} MetricName="Unauthorized"', 'Sum', 60)""", searches)

    def test_without_metrics_nothing_watches_them(self):
        made = Stack(TEMPLATE, {"Metrics": "false"}).resources()
        self.assertFalse([name for name in made if TEMPLATE["Resources"][name]["Type"].startswith("AWS::CloudWatch")])

    def test_every_alarm_is_in_the_runbook(self):
        runbook = (ROOT / "docs" / "runbook.md").read_text()
        for name, alarm in of("AWS::CloudWatch::Alarm").items():
            self.assertIn(f"### {name}\n", runbook)
            self.assertIn(f"See docs/runbook.md, {name}.", alarm["AlarmDescription"])


class Outputs(unittest.TestCase):
    def test_the_commands_exist_with_their_options(self):
        model = botocore.session.get_session().get_service_model("cognito-idp")
        named = {re.sub(r"(?<!^)([A-Z])", r"-\1", name).lower(): name for name in model.operation_names}
        of_the_cli = {"--region", "--query", "--output"}
        found = 0
        for output in Stack(TEMPLATE, EVERYTHING).outputs().values():
            for command in re.findall(r"aws cognito-idp [^&)]+", output):
                operation, *words = command.split()[2:]
                members = model.operation_model(named[operation]).input_shape.members
                options = {word for word in words if word.startswith("--")} - of_the_cli
                known = {"--" + re.sub(r"(?<!^)([A-Z])", r"-\1", member).lower() for member in members}
                self.assertLessEqual(options, known, command)
                found += 1
        self.assertEqual(found, 5)

    def test_what_was_not_made_is_not_spoken_of(self):
        outputs = Stack(TEMPLATE, {"ExampleApis": "none", "UserPoolId": "eu-west-1_A", "ClientId": "*",
                                   "Metrics": "false"}).outputs()
        self.assertEqual(set(outputs), {"AuthorizerFunctionArn"})


if __name__ == "__main__":
    unittest.main()
