//! Authorizer events in the form that API Gateway sends, one per shape.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-input.html>
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html>
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-lambda-auth.html>

use serde_json::{Value, json};

use crate::gateway::Shape;

/// The moment at which tests take place.
pub const NOW: u64 = 1_800_000_000;
/// The API that asks, without stage and route.
pub const API: &str = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5";
/// The route that is asked for, except over a WebSocket.
pub const ROUTE_ARN: &str = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod/GET/orders/42";

/// An event of this shape for `GET /orders/42`, with `authorization` as its header's value.
pub fn event(shape: Shape, authorization: &str) -> Value {
    match shape {
        Shape::RestToken => {
            json!({ "type": "TOKEN", "authorizationToken": authorization, "methodArn": ROUTE_ARN })
        }
        Shape::RestRequest => rest_request(authorization),
        Shape::HttpV1 => http_v1(authorization),
        Shape::HttpV2 => http_v2(authorization),
        Shape::WebSocket => websocket(authorization),
    }
}

/// The same for another request: `key` is its route's, `GET /orders/{id}` or `$default`, `verb` and `path` are
/// what the client sent. A WebSocket event has one route only.
pub fn event_on(shape: Shape, authorization: &str, key: &str, verb: &str, path: &str) -> Value {
    let mut event = event(shape, authorization);
    let arn = format!("{API}/prod/{verb}{path}");
    let template = key.split_once(' ').map_or(key, |(_, template)| template);
    match shape {
        Shape::RestToken => event["methodArn"] = arn.into(),
        Shape::RestRequest | Shape::HttpV1 => {
            event["methodArn"] = arn.into();
            event["resource"] = template.into();
            event["path"] = path.into();
            event["httpMethod"] = verb.into();
        }
        Shape::HttpV2 => {
            let path = format!("/prod{path}");
            event["routeArn"] = arn.into();
            event["routeKey"] = key.into();
            event["rawPath"] = path.as_str().into();
            event["requestContext"]["routeKey"] = key.into();
            event["requestContext"]["http"]["method"] = verb.into();
            event["requestContext"]["http"]["path"] = path.into();
        }
        Shape::WebSocket => {}
    }
    event
}

fn rest_request(authorization: &str) -> Value {
    json!({
        "type": "REQUEST",
        "methodArn": ROUTE_ARN,
        "resource": "/orders/{id}",
        "path": "/orders/42",
        "httpMethod": "GET",
        "headers": { "Accept": "*/*", "Authorization": authorization, "Host": host(), "User-Agent": "curl/8.5.0" },
        "multiValueHeaders": {
            "Accept": ["*/*"], "Authorization": [authorization], "Host": [host()], "User-Agent": ["curl/8.5.0"],
        },
        "queryStringParameters": {},
        "multiValueQueryStringParameters": {},
        "pathParameters": { "id": "42" },
        "stageVariables": {},
        "requestContext": {
            "resourceId": "q1w2e3",
            "resourcePath": "/orders/{id}",
            "operationName": null,
            "httpMethod": "GET",
            "extendedRequestId": "JKJaXmPLvHcESHA=",
            "requestTime": "15/Jan/2027:08:00:00 +0000",
            "path": "/prod/orders/42",
            "accountId": "123456789012",
            "protocol": "HTTP/1.1",
            "stage": "prod",
            "domainPrefix": "a1b2c3d4e5",
            "requestTimeEpoch": 1_800_000_000_000_u64,
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "identity": { "sourceIp": "203.0.113.7", "userAgent": "curl/8.5.0", "apiKey": null },
            "domainName": host(),
            "apiId": "a1b2c3d4e5",
        },
    })
}

fn http_v1(authorization: &str) -> Value {
    json!({
        "version": "1.0",
        "type": "REQUEST",
        "methodArn": ROUTE_ARN,
        "identitySource": authorization,
        "authorizationToken": authorization,
        "resource": "/orders/{id}",
        "path": "/orders/42",
        "httpMethod": "GET",
        "headers": { "Accept": "*/*", "Authorization": authorization, "Host": host(), "User-Agent": "curl/8.5.0" },
        "queryStringParameters": {},
        "pathParameters": { "id": "42" },
        "stageVariables": {},
        "requestContext": {
            "path": "/orders/42",
            "accountId": "123456789012",
            "resourceId": "GET /orders/{id}",
            "stage": "prod",
            "requestId": "JKJaXmPLvHcESHA=",
            "identity": { "sourceIp": "203.0.113.7", "userAgent": "curl/8.5.0" },
            "resourcePath": "/orders/{id}",
            "httpMethod": "GET",
            "apiId": "a1b2c3d4e5",
        },
    })
}

fn http_v2(authorization: &str) -> Value {
    json!({
        "version": "2.0",
        "type": "REQUEST",
        "routeArn": ROUTE_ARN,
        "identitySource": [authorization],
        "routeKey": "GET /orders/{id}",
        "rawPath": "/prod/orders/42",
        "rawQueryString": "",
        "cookies": ["theme=dark"],
        "headers": {
            "accept": "*/*",
            "authorization": authorization,
            "content-length": "0",
            "host": host(),
            "user-agent": "curl/8.5.0",
            "x-forwarded-for": "203.0.113.7",
        },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2c3d4e5",
            "domainName": host(),
            "domainPrefix": "a1b2c3d4e5",
            "http": {
                "method": "GET",
                "path": "/prod/orders/42",
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": "curl/8.5.0",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "GET /orders/{id}",
            "stage": "prod",
            "time": "15/Jan/2027:08:00:00 +0000",
            "timeEpoch": 1_800_000_000_000_u64,
        },
        "pathParameters": { "id": "42" },
    })
}

fn websocket(authorization: &str) -> Value {
    json!({
        "type": "REQUEST",
        "methodArn": format!("{API}/prod/$connect"),
        "headers": { "Authorization": authorization, "Host": host(), "Sec-WebSocket-Version": "13" },
        "multiValueHeaders": {
            "Authorization": [authorization], "Host": [host()], "Sec-WebSocket-Version": ["13"],
        },
        "queryStringParameters": {},
        "multiValueQueryStringParameters": {},
        "stageVariables": {},
        "requestContext": {
            "routeKey": "$connect",
            "eventType": "CONNECT",
            "extendedRequestId": "JKJaXmPLvHcESHA=",
            "requestTime": "15/Jan/2027:08:00:00 +0000",
            "messageDirection": "IN",
            "stage": "prod",
            "connectedAt": 1_800_000_000_000_u64,
            "requestTimeEpoch": 1_800_000_000_000_u64,
            "identity": { "sourceIp": "203.0.113.7" },
            "requestId": "JKJaXmPLvHcESHA=",
            "domainName": host(),
            "connectionId": "JKJaXdPLvHcCISg=",
            "apiId": "a1b2c3d4e5",
        },
    })
}

fn host() -> &'static str {
    "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com"
}
