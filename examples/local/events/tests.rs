//! Have events what the samples of their kind have, and say they what was sent?

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
    assert_eq!((&v2["headers"]["x-many"], &v2["rawQueryString"]), (&json!("p,q"), &json!("a=1&a=2&b=%2F")));
    assert_eq!(v2["queryStringParameters"], json!({ "a": "1,2", "b": "/" }));
    let rest = authorizer_event(Api::RestRequest, &request);
    assert_eq!(rest["queryStringParameters"], json!({ "a": "2", "b": "/" }));
    assert_eq!(rest["multiValueQueryStringParameters"], json!({ "a": ["1", "2"], "b": ["/"] }));
    assert_eq!(rest["headers"]["X-Many"], "q");
    assert_eq!(rest["multiValueHeaders"]["X-Many"], json!(["p", "q"]));
    let v1 = authorizer_event(Api::HttpV1, &request);
    assert_eq!((&v1["headers"]["X-Many"], &v1["queryStringParameters"]["a"]), (&json!("p,q"), &json!("1,2")));
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
        let expected =
            if api == Api::WebSocket { format!("{arn}/$connect") } else { format!("{arn}/GET/orders/a%20b") };
        assert_eq!(requested_arn(api, &request), expected);
        let event = authorizer_event(api, &request);
        let said = event.get("routeArn").or(event.get("methodArn"));
        assert_eq!(said, Some(&json!(expected)), "{api:?}");
    }
}

#[test]
fn an_integration_gets_the_context_and_the_body_and_nothing_of_the_authorizer_s_event() {
    // Where there is no body, format 1.0 says so, and format 2.0 says nothing.
    for (api, absent) in [(Api::RestToken, Some(Value::Null)), (Api::HttpV1, None), (Api::HttpV2, None)] {
        for (body, expected, is_base64) in [
            (&b"text"[..], Some(json!("text")), false),
            (&[0xff, 0xfe], Some(json!("//4=")), true),
            (&[], absent, false),
        ] {
            let mut request = sample();
            request.body = body.to_vec().into();
            let context = Some(json!({ "lambda": 1 }));
            let event = integration_event(api, &request, &served(api, &request), OCCASION, context.clone());
            assert_eq!(
                (event.get("body"), &event["isBase64Encoded"]),
                (expected.as_ref(), &json!(is_base64)),
                "{api:?}"
            );
            assert_eq!(event["requestContext"].get("authorizer"), context.as_ref());
            for field in ["type", "methodArn", "routeArn", "identitySource"] {
                assert_eq!(event.get(field), None, "{api:?}");
            }
        }
    }
}

#[test]
fn a_message_s_event_is_its_connection_s_with_the_authorizer_s_context() {
    let request = request("/?token=t", &[]);
    let mut connection =
        request_context(Api::WebSocket, &request, &served(Api::WebSocket, &request), OCCASION);
    connection["authorizer"] = json!({ "principalId": "p" });
    let later = Occasion { at: OCCASION.at, number: OCCASION.number + 1 };
    for (message, body, is_base64) in [(&b"hello"[..], "hello", false), (&[0xff, 0xfe], "//4=", true)] {
        let event = message_event(&connection, message, later);
        assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!(body), &json!(is_base64)));
        let context = &event["requestContext"];
        assert_eq!((&context["routeKey"], &context["eventType"]), (&json!("$default"), &json!("MESSAGE")));
        for kept in ["connectionId", "connectedAt", "identity", "authorizer", "stage"] {
            assert_eq!(context[kept], connection[kept], "{kept}");
            assert!(!context[kept].is_null(), "{kept}");
        }
        assert_ne!(context["requestId"], connection["requestId"]);
        // Headers and query belong to the handshake.
        assert_eq!(event.as_object().unwrap().len(), 3);
    }
}
