"""Reads a CloudFormation template, written by hand or by SAM or the CDK."""

import re

import read_openapi
from expectations import Attachment, Authorizer, Permission, Route, Settings, role_of
from intrinsics import function_in, render

SOURCE = re.compile(
    r"arn:(?:aws|\$\{AWS::Partition\}):execute-api:\$\{AWS::Region\}:\$\{AWS::AccountId\}:"
    r"\$\{(?P<api>\w+)(?:\.ApiId)?\}/authorizers/(?:\$\{(?P<id>\w+)\}|\*)"
)


def read(template: dict) -> Attachment:
    attachment = Attachment()
    resources = template["Resources"]
    names = {id: _name(one) for id, one in resources.items() if one["Type"].endswith("::Authorizer")}
    for id, resource in resources.items():
        properties = resource.get("Properties", {})
        match resource["Type"]:
            case "AWS::ApiGateway::RestApi":
                _read_api(id, properties, "REST", attachment)
            case "AWS::ApiGatewayV2::Api":
                _read_api(id, properties, properties.get("ProtocolType", "HTTP"), attachment)
            case "AWS::ApiGateway::Authorizer" | "AWS::ApiGatewayV2::Authorizer":
                attachment.authorizers[names[id]] = _authorizer(id, properties)
            case "AWS::ApiGateway::Method":
                attachment.routes.append(_method(properties, resources, names))
            case "AWS::ApiGatewayV2::Route":
                attachment.routes.append(_route(properties, names))
            case "AWS::ApiGateway::GatewayResponse":
                responses = attachment.gateway_responses.setdefault(_referred(properties["RestApiId"]), {})
                responses[properties["ResponseType"]] = read_openapi.gateway_response(
                    properties.get("StatusCode"),
                    properties.get("ResponseParameters"),
                    properties.get("ResponseTemplates"),
                )
            case "AWS::Lambda::Permission":
                attachment.permissions.append(_permission(properties))
    return attachment


def _name(authorizer: dict) -> str:
    return authorizer["Properties"]["Name"]


def _referred(value: dict | None) -> str | None:
    return value["Ref"] if value else None


def _read_api(id: str, properties: dict, protocol: str, into: Attachment) -> None:
    into.protocols[id] = protocol
    if "Body" in properties:
        read_openapi.read(properties["Body"], id, protocol, into)
    cors = properties.get("CorsConfiguration")
    if cors:
        into.cors_of_http[id] = {"headers": cors["AllowHeaders"], "origins": cors["AllowOrigins"]}


def _authorizer(id: str, properties: dict) -> Authorizer:
    sources = properties.get("IdentitySource", [])
    if isinstance(sources, str):
        sources = [source.strip() for source in sources.split(",")]
    function = function_in(render(properties["AuthorizerUri"]))
    settings = Settings(
        function=role_of(function),
        type=properties.get("AuthorizerType") or properties["Type"],
        identity_sources=tuple(sources),
        ttl=properties.get("AuthorizerResultTtlInSeconds"),
        payload=properties.get("AuthorizerPayloadFormatVersion"),
        simple=properties.get("EnableSimpleResponses", False),
        validation=properties.get("IdentityValidationExpression"),
    )
    return Authorizer(settings, _referred(properties.get("ApiId") or properties["RestApiId"]), id, function)


def _method(properties: dict, resources: dict, names: dict) -> Route:
    parent = properties["ResourceId"]
    path = "/" + resources[parent["Ref"]]["Properties"]["PathPart"] if "Ref" in parent else "/"
    authorizer = _asked(properties, names)
    return Route(_referred(properties["RestApiId"]), properties["HttpMethod"], path, authorizer)


def _route(properties: dict, names: dict) -> Route:
    verb, _, path = properties["RouteKey"].rpartition(" ")
    return Route(_referred(properties["ApiId"]), verb, path, _asked(properties, names))


def _asked(properties: dict, names: dict) -> str | None:
    """The authorizer's name. `AuthorizerId` alone protects nothing: the type must say that it is asked."""
    asked = properties.get("AuthorizationType") == "CUSTOM"
    return names[_referred(properties["AuthorizerId"])] if asked else None


def _permission(properties: dict) -> Permission:
    arn = render(properties.get("SourceArn", "any API"))
    found = SOURCE.fullmatch(arn)
    source = f"{found['api']}/authorizers/{found['id'] or '*'}" if found else arn
    return Permission(properties["Action"], properties["Principal"], render(properties["FunctionName"]), source)
