//! The event that an authorizer is asked with, and the one that a backend gets.
//!
//! Both are the sample event of their kind with everything in it that is about the request replaced, so that
//! they have its fields.

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

/// What a proxy integration gets: of a REST API in format 1.0, of an HTTP API in format 2.0.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>
pub(crate) fn integration_event(
    api: Api,
    request: &ClientRequest,
    served: &Match,
    occasion: Occasion,
    context: Option<Value>,
) -> Value {
    let shape = if api.family() == Family::Rest { Shape::RestRequest } else { Shape::HttpV2 };
    let mut event = describe_as(shape, request, served, occasion);
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
    add_body(&mut event, request);
    event
}

fn add_body(event: &mut Value, request: &ClientRequest) {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let text = std::str::from_utf8(&request.body);
    event["isBase64Encoded"] = text.is_err().into();
    event["body"] = match text {
        Ok("") => Value::Null,
        Ok(text) => text.into(),
        Err(_) => STANDARD.encode(&request.body).into(),
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
    event["headers"] = last_of_each(&headers);
    event["queryStringParameters"] = last_of_each(&query);
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

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use cognito_authorizer::testing::event;

    use super::*;
    use crate::routes::RouteTable;

    const OCCASION: Occasion = Occasion { at: UnixTime::from_secs(1_800_000_000), number: 7 };

    fn request(target: &str, headers: &[(&'static str, &'static str)]) -> ClientRequest {
        let mut request = ClientRequest::new("GET", target);
        for (name, value) in headers {
            request.headers.append(*name, HeaderValue::from_static(value));
        }
        request
    }

    /// The request that the sample events are about.
    fn sample() -> ClientRequest {
        let headers = [
            ("accept", "*/*"),
            ("authorization", "Bearer t"),
            ("host", "127.0.0.1:3000"),
            ("user-agent", "curl/8.5.0"),
            ("content-length", "0"),
            ("cookie", "theme=dark"),
            ("sec-websocket-version", "13"),
        ];
        request("/orders/42", &headers)
    }

    fn served(api: Api, request: &ClientRequest) -> Match {
        RouteTable::usual().find(api, &request.method, &request.path).unwrap()
    }

    fn authorizer_event(api: Api, request: &ClientRequest) -> Value {
        let mut event = describe(api, request, &served(api, request), OCCASION);
        add_identity(api, &mut event, &["Bearer t".to_owned()]);
        event
    }

    /// Where something stands in an event: not in maps that hold what the client sent.
    fn places(event: &Value, place: &str) -> Vec<String> {
        let is_the_client_s = place.to_lowercase().ends_with("headers") || place.ends_with("Parameters");
        match event.as_object().filter(|_| !is_the_client_s) {
            Some(members) => {
                members.iter().flat_map(|(name, value)| places(value, &format!("{place}.{name}"))).collect()
            }
            None => vec![place.to_owned()],
        }
    }

    #[test]
    fn an_event_has_the_fields_of_the_sample_of_its_kind() {
        for api in Api::ALL {
            let event_here = authorizer_event(api, &sample());
            let sample = event(api.shape(), "Bearer t");
            assert_eq!(places(&event_here, ""), places(&sample, ""), "{api:?}");
        }
    }

    #[test]
    fn an_event_says_what_was_sent_where_the_sample_says_it() {
        for api in Api::ALL {
            let (event_here, sample) = (authorizer_event(api, &sample()), event(api.shape(), "Bearer t"));
            for pointer in [
                "/type",
                "/version",
                "/methodArn",
                "/routeArn",
                "/routeKey",
                "/rawPath",
                "/resource",
                "/path",
                "/httpMethod",
                "/pathParameters",
                "/identitySource",
                "/authorizationToken",
                "/cookies",
                "/headers/Authorization",
                "/headers/authorization",
                "/headers/Host",
                "/multiValueHeaders/Authorization",
                "/requestContext/path",
                "/requestContext/resourcePath",
                "/requestContext/resourceId",
                "/requestContext/stage",
                "/requestContext/time",
                "/requestContext/requestTime",
                "/requestContext/timeEpoch",
                "/requestContext/http/path",
            ] {
                let (found, expected) = (event_here.pointer(pointer), sample.pointer(pointer));
                // A REST API's resource has an id that the route does not give.
                if (api, pointer) != (Api::RestRequest, "/requestContext/resourceId") || found.is_none() {
                    assert_eq!(found, expected, "{api:?} {pointer}");
                }
            }
        }
    }

    #[test]
    fn repeated_headers_and_parameters_are_joined_listed_or_the_last_by_kind() {
        let request = request("/orders?a=1&a=2&b=%2F", &[("x-many", "p"), ("x-many", "q")]);
        let v2 = authorizer_event(Api::HttpV2, &request);
        assert_eq!(
            (&v2["headers"]["x-many"], &v2["rawQueryString"]),
            (&json!("p,q"), &json!("a=1&a=2&b=%2F"))
        );
        assert_eq!(v2["queryStringParameters"], json!({ "a": "1,2", "b": "/" }));
        let rest = authorizer_event(Api::RestRequest, &request);
        assert_eq!(rest["queryStringParameters"], json!({ "a": "2", "b": "/" }));
        assert_eq!(rest["multiValueQueryStringParameters"], json!({ "a": ["1", "2"], "b": ["/"] }));
        assert_eq!(rest["headers"]["X-Many"], "q");
        assert_eq!(rest["multiValueHeaders"]["X-Many"], json!(["p", "q"]));
        assert_eq!(authorizer_event(Api::HttpV1, &request)["headers"]["X-Many"], "q");
    }

    #[test]
    fn payload_two_leaves_out_what_there_is_not() {
        let event = authorizer_event(Api::HttpV2, &request("/orders", &[]));
        for field in ["cookies", "queryStringParameters", "pathParameters"] {
            assert_eq!(event.get(field), None);
        }
        let cookies = authorizer_event(Api::HttpV2, &request("/orders", &[("cookie", "a=1; b=2")]));
        assert_eq!(cookies["cookies"], json!(["a=1", "b=2"]));
        assert_eq!(cookies["headers"].get("cookie"), None);
    }

    #[test]
    fn an_arn_has_the_path_as_it_was_sent() {
        let request = request("/orders/a%20b?x=1", &[]);
        let arn = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod";
        for api in Api::ALL {
            let expected = if api == Api::WebSocket {
                format!("{arn}/$connect")
            } else {
                format!("{arn}/GET/orders/a%20b")
            };
            assert_eq!(requested_arn(api, &request), expected);
            let event = authorizer_event(api, &request);
            let said = event.get("routeArn").or(event.get("methodArn"));
            assert_eq!(said, Some(&json!(expected)), "{api:?}");
        }
    }

    #[test]
    fn an_integration_gets_the_context_and_the_body_and_nothing_of_the_authorizer_s_event() {
        for (api, absent) in
            [(Api::RestToken, Value::Null), (Api::HttpV1, Value::Null), (Api::HttpV2, Value::Null)]
        {
            for (body, expected, is_base64) in [
                (&b"text"[..], json!("text"), false),
                (&[0xff, 0xfe], json!("//4="), true),
                (&[], absent.clone(), false),
            ] {
                let mut request = sample();
                request.body = body.to_vec().into();
                let context = Some(json!({ "lambda": 1 }));
                let event =
                    integration_event(api, &request, &served(api, &request), OCCASION, context.clone());
                assert_eq!(
                    (&event["body"], &event["isBase64Encoded"]),
                    (&expected, &json!(is_base64)),
                    "{api:?}"
                );
                assert_eq!(event["requestContext"].get("authorizer"), context.as_ref());
                for field in ["type", "methodArn", "routeArn", "identitySource"] {
                    assert_eq!(event.get(field), None, "{api:?}");
                }
            }
        }
    }
}
