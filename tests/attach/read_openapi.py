"""Reads an OpenAPI document with API Gateway's extensions, alone or as the body of a CloudFormation resource."""

from expectations import Attachment, Authorizer, GatewayResponse, Route, Settings, role_of
from intrinsics import function_in, render

ANY = "x-amazon-apigateway-any-method"
VERBS = {"get", "put", "post", "delete", "options", "head", "patch", ANY}


def read(document: dict, api: str, protocol: str, into: Attachment) -> None:
    into.protocols[api] = protocol
    schemes = document.get("securityDefinitions") or document.get("components", {}).get("securitySchemes", {})
    for name, scheme in schemes.items():
        into.authorizers[name] = _authorizer(scheme, api)
    for path, item in document["paths"].items():
        for verb in VERBS & item.keys():
            into.routes.append(_route(api, path, verb, item[verb]))
    for kind, response in document.get("x-amazon-apigateway-gateway-responses", {}).items():
        into.gateway_responses.setdefault(api, {})[kind] = gateway_response(
            response.get("statusCode"), response.get("responseParameters"), response.get("responseTemplates")
        )
    cors = document.get("x-amazon-apigateway-cors")
    if cors:
        into.cors_of_http[api] = {"headers": cors["allowHeaders"], "origins": cors["allowOrigins"]}


def gateway_response(status: object, parameters: dict | None, templates: dict | None) -> GatewayResponse:
    prefix = "gatewayresponse.header."
    headers = {name.removeprefix(prefix): render(value) for name, value in (parameters or {}).items()}
    return GatewayResponse(
        str(status) if status else None, frozenset(headers.items()), (templates or {}).get("application/json")
    )


def _authorizer(scheme: dict, api: str) -> Authorizer:
    extension = scheme["x-amazon-apigateway-authorizer"]
    kind = extension["type"].upper()
    sources = extension.get("identitySource", [])
    if isinstance(sources, str):
        sources = [source.strip() for source in sources.split(",")]
    if kind == "TOKEN":
        sources = [f"method.request.header.{scheme['name']}"]
    function = function_in(render(extension["authorizerUri"]))
    settings = Settings(
        function=role_of(function),
        type=kind,
        identity_sources=tuple(sources),
        ttl=extension.get("authorizerResultTtlInSeconds"),
        payload=extension.get("authorizerPayloadFormatVersion"),
        simple=extension.get("enableSimpleResponses", False),
        validation=extension.get("identityValidationExpression"),
    )
    return Authorizer(settings, api, None, function)


def _route(api: str, path: str, verb: str, operation: dict) -> Route:
    security = [name for requirement in operation.get("security", []) for name in requirement]
    if len(security) > 1:
        raise ValueError(f"API Gateway takes one authorizer for {verb} {path}, not {security}")
    authorizer = security[0] if security else None
    if path.endswith("$default"):
        return Route(api, "", "$default", authorizer)
    return Route(api, "ANY" if verb == ANY else verb.upper(), path, authorizer)
