"""Reads a Terraform configuration. No provider is asked, so a misspelt argument is found only if a check misses it."""

import pathlib
import re

import hcl2
import read_openapi
from expectations import Attachment, Authorizer, Permission, Route, Settings, role_of
from intrinsics import function_in

OPTIONS = hcl2.SerializationOptions(strip_string_quotes=True, explicit_blocks=False, with_comments=False)
SOURCE = re.compile(r"\$\{(?P<api>\w+\.\w+)\.execution_arn\}/authorizers/\$\{(?P<id>\w+\.\w+)\.id\}")


def read(path: pathlib.Path) -> Attachment:
    with path.open() as file:
        configuration = hcl2.load(file, serialization_options=OPTIONS)
    texts = {f"${{local.{name}}}": text for block in configuration["locals"] for name, text in block.items()}
    resources = {
        f"{kind}.{name}": _expand(arguments, texts)
        for block in configuration["resource"]
        for kind, named in block.items()
        for name, arguments in named.items()
    }
    attachment = Attachment()
    for id, arguments in resources.items():
        match id.partition(".")[0]:
            case "aws_api_gateway_rest_api":
                attachment.protocols[id] = "REST"
            case "aws_apigatewayv2_api":
                attachment.protocols[id] = arguments["protocol_type"]
                for cors in arguments.get("cors_configuration", []):
                    attachment.cors_of_http[id] = {"headers": cors["allow_headers"], "origins": cors["allow_origins"]}
            case "aws_api_gateway_authorizer" | "aws_apigatewayv2_authorizer":
                attachment.authorizers[arguments["name"]] = _authorizer(id, arguments)
            case "aws_api_gateway_method":
                attachment.routes.append(_method(arguments, resources))
            case "aws_apigatewayv2_route":
                attachment.routes.append(_route(arguments, resources))
            case "aws_api_gateway_gateway_response":
                responses = attachment.gateway_responses.setdefault(_referred(arguments["rest_api_id"]), {})
                responses[arguments["response_type"]] = read_openapi.gateway_response(
                    arguments.get("status_code"),
                    arguments.get("response_parameters"),
                    arguments.get("response_templates"),
                )
            case "aws_lambda_permission":
                attachment.permissions.append(_permission(arguments))
    return attachment


def _expand(value: object, texts: dict) -> object:
    """Puts local values that are text in, and takes the quotes off keys."""
    if isinstance(value, dict):
        return {name.strip('"'): _expand(inner, texts) for name, inner in value.items()}
    if isinstance(value, list):
        return [_expand(inner, texts) for inner in value]
    for name, text in texts.items():
        if isinstance(value, str) and isinstance(text, str):
            value = value.replace(name, text)
    return value


def _referred(expression: str) -> str:
    """`${aws_api_gateway_rest_api.rest.id}` as `aws_api_gateway_rest_api.rest`."""
    return re.fullmatch(r"\$\{(\w+\.\w+)\.id\}", expression)[1]


def _authorizer(id: str, arguments: dict) -> Authorizer:
    sources = arguments.get("identity_sources") or arguments.get("identity_source", "").split(",")
    function = function_in(arguments["authorizer_uri"])
    settings = Settings(
        function=role_of(function),
        type=arguments.get("authorizer_type") or arguments["type"],
        identity_sources=tuple(source.strip() for source in sources),
        ttl=arguments.get("authorizer_result_ttl_in_seconds"),
        payload=arguments.get("authorizer_payload_format_version"),
        simple=arguments.get("enable_simple_responses", False),
        validation=arguments.get("identity_validation_expression"),
    )
    return Authorizer(settings, _referred(arguments.get("api_id") or arguments["rest_api_id"]), id, function)


def _method(arguments: dict, resources: dict) -> Route:
    path = "/" + resources[_referred(arguments["resource_id"])]["path_part"]
    asked = arguments["authorization"] == "CUSTOM"
    authorizer = resources[_referred(arguments["authorizer_id"])]["name"] if asked else None
    return Route(_referred(arguments["rest_api_id"]), arguments["http_method"], path, authorizer)


def _route(arguments: dict, resources: dict) -> Route:
    verb, _, path = arguments["route_key"].rpartition(" ")
    asked = arguments.get("authorization_type") == "CUSTOM"
    authorizer = resources[_referred(arguments["authorizer_id"])]["name"] if asked else None
    return Route(_referred(arguments["api_id"]), verb, path, authorizer)


def _permission(arguments: dict) -> Permission:
    arn = arguments.get("source_arn", "any API")
    found = SOURCE.fullmatch(arn)
    source = f"{found['api']}/authorizers/{found['id']}" if found else arn
    return Permission(arguments["action"], arguments["principal"], arguments["function_name"], source)
