//! The event that an authorizer is asked with, and the one that a backend gets.
//!
//! Both are the sample event of their kind with everything in it that is about the request replaced, so that
//! they have its fields.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use cognito_authorizer::{
    gateway::Shape,
    testing::{API, event_on},
    time::UnixTime,
};
use serde_json::{Map, Value, json};

use crate::{
    api::{Api, Family},
    request::{ClientRequest, MultiMap, lower_case, title_case},
    routes::Match,
};

/// What a request is told apart by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Occasion {
    pub(crate) at: UnixTime,
    pub(crate) number: usize,
}

/// What is asked for, in the words of IAM.
pub(crate) fn requested_arn(api: Api, request: &ClientRequest) -> String {
    match api.family() {
        Family::WebSocket => format!("{API}/{STAGE}/$connect"),
        _ => format!("{API}/{STAGE}/{}{}", request.method, request.path),
    }
}

/// The authorizer's event, but for what its identity sources are found to hold.
pub(crate) fn describe(api: Api, request: &ClientRequest, served: &Match, occasion: Occasion) -> Value {
    describe_as(api.shape(), request, served, occasion)
}

/// Adds the identity, where the kind of API says it in a field of its own.
pub(crate) fn add_identity(api: Api, event: &mut Value, identity: &[String]) {
    match api.shape() {
        Shape::RestToken => event["authorizationToken"] = identity.join(",").into(),
        Shape::HttpV1 => {
            event["identitySource"] = identity.join(",").into();
            event["authorizationToken"] = identity.join(",").into();
        }
        Shape::HttpV2 => event["identitySource"] = json!(identity),
        Shape::RestRequest | Shape::WebSocket => {}
    }
}

/// What a request is found to be, as its integration is told.
pub(crate) fn request_context(
    api: Api,
    request: &ClientRequest,
    served: &Match,
    occasion: Occasion,
) -> Value {
    describe_as(integration_shape(api), request, served, occasion)["requestContext"].take()
}

/// What a proxy integration gets: of a REST API in format 1.0, of an HTTP API in format 2.0.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>
pub(crate) fn integration_event(
    api: Api,
    request: &ClientRequest,
    served: &Match,
    occasion: Occasion,
    context: Option<Value>,
) -> Value {
    let mut event = describe_as(integration_shape(api), request, served, occasion);
    let fields = event.as_object_mut().unwrap();
    for field in ["type", "methodArn", "routeArn", "identitySource"] {
        fields.remove(field);
    }
    if api.family() == Family::Rest {
        // Where an authorizer gets an empty map, an integration gets null.
        fields.values_mut().filter(|value| **value == json!({})).for_each(|value| *value = Value::Null);
    }
    if let Some(context) = context {
        event["requestContext"]["authorizer"] = context;
    }
    add_body(&mut event, &request.body);
    event
}

/// What the `$default` integration of a WebSocket API gets for a message; `connection` is its handshake's
/// `requestContext`, with the authorizer's context in it.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-develop-routes.html>
pub(crate) fn message_event(connection: &Value, message: &[u8], occasion: Occasion) -> Value {
    let mut context = connection.clone();
    context["routeKey"] = "$default".into();
    context["eventType"] = "MESSAGE".into();
    context["messageId"] = occasion.short_id().into();
    occasion.sign(&mut context, Shape::WebSocket);
    let mut event = json!({ "requestContext": context });
    add_body(&mut event, message);
    event
}

const fn integration_shape(api: Api) -> Shape {
    match api.family() {
        Family::Rest => Shape::RestRequest,
        Family::Http => Shape::HttpV2,
        Family::WebSocket => Shape::WebSocket,
    }
}

fn add_body(event: &mut Value, body: &[u8]) {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let text = std::str::from_utf8(body);
    event["isBase64Encoded"] = text.is_err().into();
    event["body"] = match text {
        Ok("") => Value::Null,
        Ok(text) => text.into(),
        Err(_) => STANDARD.encode(body).into(),
    };
    // Format 2.0 leaves out what there is not.
    if event["version"] == "2.0" && event["body"].is_null() {
        event.as_object_mut().unwrap().remove("body");
    }
}

fn describe_as(shape: Shape, request: &ClientRequest, served: &Match, occasion: Occasion) -> Value {
    let mut event = event_on(shape, "", &served.route.key, &request.method, &request.path);
    match shape {
        Shape::RestToken => {}
        Shape::HttpV2 => describe_v2(&mut event, request, served, occasion),
        Shape::RestRequest | Shape::HttpV1 | Shape::WebSocket => {
            describe_v1(&mut event, shape, request, served, occasion);
        }
    }
    event
}

/// Everything that stands where REST APIs have it.
fn describe_v1(event: &mut Value, shape: Shape, request: &ClientRequest, served: &Match, occasion: Occasion) {
    let (headers, query) = (as_received(request, title_case), request.query_map());
    // As the identity source has them: REST and WebSocket APIs take the last value, HTTP APIs join all.
    let single = if shape == Shape::HttpV1 { joined } else { last_of_each };
    event["headers"] = single(&headers);
    event["queryStringParameters"] = single(&query);
    event["stageVariables"] = json!({});
    // Payload 1.0 has the single values alone.
    if shape != Shape::HttpV1 {
        event["multiValueHeaders"] = json!(headers);
        event["multiValueQueryStringParameters"] = json!(query);
    }
    if shape != Shape::WebSocket {
        event["pathParameters"] = json!(served.parameters);
    }
    let template = event["resource"].clone();
    let context = &mut event["requestContext"];
    let prefix = if shape == Shape::HttpV1 { "" } else { "/prod" };
    replace(context, "path", format!("{prefix}{}", request.path));
    replace(context, "httpMethod", request.method.clone());
    replace(context, "resourcePath", template);
    if shape == Shape::HttpV1 {
        replace(context, "resourceId", served.route.key.clone());
    }
    replace(context, "connectedAt", occasion.at.as_millis());
    replace(context, "connectionId", occasion.short_id());
    replace(&mut context["identity"], "sourceIp", CLIENT);
    replace(&mut context["identity"], "userAgent", user_agent(request));
    occasion.sign(context, shape);
}

fn describe_v2(event: &mut Value, request: &ClientRequest, served: &Match, occasion: Occasion) {
    let mut headers = as_received(request, lower_case);
    let cookies = headers.remove("cookie").unwrap_or_default();
    let cookies: Vec<&str> = cookies.iter().flat_map(|line| line.split("; ")).collect();
    let fields = event.as_object_mut().unwrap();
    fields.insert("headers".to_owned(), joined(&headers));
    fields.insert("rawQueryString".to_owned(), request.query.clone().into());
    let query = request.query_map();
    // Format 2.0 leaves out what there is not.
    for (name, value, is_empty) in [
        ("cookies", json!(cookies), cookies.is_empty()),
        ("queryStringParameters", joined(&query), query.is_empty()),
        ("pathParameters", json!(served.parameters), served.parameters.is_empty()),
    ] {
        fields.remove(name);
        if !is_empty {
            fields.insert(name.to_owned(), value);
        }
    }
    let context = &mut event["requestContext"];
    context["http"]["sourceIp"] = CLIENT.into();
    context["http"]["userAgent"] = user_agent(request).into();
    occasion.sign(context, Shape::HttpV2);
}

/// The headers as they reach API Gateway's API: for its own host, through its own front.
fn as_received(request: &ClientRequest, spell: fn(&axum::http::HeaderName) -> String) -> MultiMap {
    let mut request = request.clone();
    let own = [
        ("host", HOST),
        ("x-forwarded-for", CLIENT),
        ("x-forwarded-port", "443"),
        ("x-forwarded-proto", "https"),
    ];
    for (name, value) in own {
        request.headers.insert(name, axum::http::HeaderValue::from_static(value));
    }
    request.header_map(spell)
}

impl Occasion {
    /// The ids and times of a request's context, where this kind of API has them.
    fn sign(self, context: &mut Value, shape: Shape) {
        let id = if shape == Shape::RestRequest { self.long_id() } else { self.short_id() };
        replace(context, "requestId", id);
        replace(context, "extendedRequestId", self.short_id());
        replace(context, "requestTime", self.written());
        replace(context, "requestTimeEpoch", self.at.as_millis());
        replace(context, "time", self.written());
        replace(context, "timeEpoch", self.at.as_millis());
    }

    fn short_id(self) -> String {
        format!("JKJa{:010}=", self.number)
    }

    fn long_id(self) -> String {
        format!("c6af9ac6-7b61-11e6-9a41-{:012}", self.number)
    }

    /// `15/Jan/2027:08:00:00 +0000`.
    fn written(self) -> String {
        let text = self.at.to_rfc3339();
        let parts: Vec<&str> = text.split(['-', 'T', '.']).collect();
        let month = parts[1].parse::<usize>().unwrap() - 1;
        format!("{}/{}/{}:{} +0000", parts[2], MONTHS[month], parts[0], parts[3])
    }
}

/// Sets a member that the sample has, and no other.
fn replace(object: &mut Value, name: &str, value: impl Into<Value>) {
    if let Some(member) = object.get_mut(name) {
        *member = value.into();
    }
}

fn user_agent(request: &ClientRequest) -> String {
    request.header("user-agent").pop().unwrap_or_default()
}

fn last_of_each(map: &MultiMap) -> Value {
    let last = map.iter().filter_map(|(name, values)| Some((name.clone(), values.last()?.as_str().into())));
    Value::Object(last.collect::<Map<String, Value>>())
}

fn joined(map: &MultiMap) -> Value {
    let joined: BTreeMap<&String, String> =
        map.iter().map(|(name, values)| (name, values.join(","))).collect();
    json!(joined)
}

const STAGE: &str = "prod";

/// The API's own, on which a named stage stands in front of the path.
const HOST: &str = "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com";

const CLIENT: &str = "127.0.0.1";

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
