//! What is read from an event: its shape, the API and stage that ask, and the token.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on stops")]

use cognito_authorizer::{
    gateway::{Event, EventError, InvalidArn, Payload, Shape, TokenSource},
    testing::{API, ROUTE_ARN, event},
    token::TokenError,
};
use proptest::{collection::vec, prelude::*, sample::Index};
use serde::Deserialize;
use serde_json::{Value, json};

/// What an event comes to.
#[derive(Clone, Debug, PartialEq)]
struct Reading {
    shape: Shape,
    api: String,
    stage: String,
    token: Result<String, TokenError>,
}

impl Reading {
    /// What [`event`] comes to with the token `T`.
    fn of(shape: Shape) -> Self {
        Self { shape, api: "a1b2c3d4e5".to_owned(), stage: "prod".to_owned(), token: Ok("T".to_owned()) }
    }
}

fn read(text: &str) -> Result<Reading, EventError> {
    read_from(text, "header:Authorization")
}

/// Reads an event's text, with token sources as the configuration writes them.
fn read_from(text: &str, sources: &str) -> Result<Reading, EventError> {
    let sources: Vec<_> = sources.split(',').map(|source| TokenSource::parse(source).unwrap()).collect();
    let event = Event::parse(text)?;
    let request = event.request()?;
    let arn = request.arn()?;
    Ok(Reading {
        shape: request.shape(),
        api: arn.api().to_owned(),
        stage: arn.stage().to_owned(),
        token: request.credentials(&sources),
    })
}

fn token_from(event: &Value, sources: &str) -> Result<String, TokenError> {
    read_from(&event.to_string(), sources).unwrap().token
}

/// An event with the members of `patch` put over its own (RFC 7396): null takes away.
fn patched(mut event: Value, patch: &Value) -> Value {
    merge(&mut event, patch);
    event
}

fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let target = target.as_object_mut().unwrap();
    for (name, value) in patch {
        if value.is_null() {
            target.remove(name);
        } else {
            merge(target.entry(name).or_insert(Value::Null), value);
        }
    }
}

// Shapes

#[test]
fn the_five_shapes_are_told_apart_and_read() {
    for (shape, route) in [
        (Shape::RestToken, None),
        (Shape::RestRequest, Some("GET /orders/{id}")),
        (Shape::HttpV1, Some("GET /orders/{id}")),
        (Shape::HttpV2, Some("GET /orders/{id}")),
        (Shape::WebSocket, Some("$connect")),
    ] {
        let text = event(shape, "Bearer T").to_string();
        assert_eq!(read(&text), Ok(Reading::of(shape)));
        let event = Event::parse(&text).unwrap();
        assert_eq!(event.request().unwrap().route().as_deref(), route, "{shape:?}");
    }
}

#[test]
fn a_shape_is_told_by_what_it_alone_has() {
    use Shape::{HttpV1, HttpV2, RestRequest, RestToken, WebSocket};
    let connect = format!("{API}/prod/$connect");
    let path_like_connect = format!("{API}/prod/GET/$connect");
    for (of, patch, expected) in [
        (RestToken, json!({ "version": "1.0" }), RestToken),
        (RestToken, json!({ "requestContext": { "eventType": "CONNECT" } }), RestToken),
        (RestToken, json!({ "methodArn": connect }), RestToken),
        (RestRequest, json!({ "authorizationToken": "Bearer U" }), RestRequest),
        (RestRequest, json!({ "version": "2.0" }), RestRequest),
        (RestRequest, json!({ "version": "1.0" }), HttpV1),
        (RestRequest, json!({ "methodArn": path_like_connect }), RestRequest),
        (RestRequest, json!({ "requestContext": { "eventType": "MESSAGE" } }), RestRequest),
        (RestRequest, json!({ "requestContext": { "eventType": "connect" } }), RestRequest),
        (RestRequest, json!({ "requestContext": ["CONNECT"] }), RestRequest),
        (RestRequest, json!({ "eventType": "CONNECT" }), RestRequest),
        (HttpV1, json!({ "authorizationToken": "Bearer U" }), HttpV1),
        (HttpV1, json!({ "authorizationToken": null }), HttpV1),
        (HttpV1, json!({ "version": "1" }), RestRequest),
        (HttpV2, json!({ "version": null }), HttpV2),
        (HttpV2, json!({ "version": "1.0" }), HttpV2),
        (HttpV2, json!({ "type": null }), HttpV2),
        (HttpV2, json!({ "type": "TOKEN" }), HttpV2),
        (HttpV2, json!({ "methodArn": connect }), HttpV2),
        (HttpV2, json!({ "routeArn": connect }), HttpV2),
        (HttpV2, json!({ "routeArn": null, "methodArn": ROUTE_ARN }), RestRequest),
        (HttpV1, json!({ "type": null }), HttpV1),
        (WebSocket, json!({ "type": null }), WebSocket),
        (WebSocket, json!({ "type": null, "requestContext": null }), WebSocket),
        (WebSocket, json!({ "version": "$LATEST" }), WebSocket),
        (WebSocket, json!({ "version": "1.0" }), WebSocket),
        (WebSocket, json!({ "version": "2.0" }), WebSocket),
        (WebSocket, json!({ "requestContext": null }), WebSocket),
        (WebSocket, json!({ "requestContext": { "eventType": null } }), WebSocket),
        (WebSocket, json!({ "methodArn": ROUTE_ARN }), WebSocket),
        (WebSocket, json!({ "methodArn": ROUTE_ARN, "requestContext": null }), RestRequest),
    ] {
        let reading = read(&patched(event(of, "Bearer T"), &patch).to_string());
        assert_eq!(reading.map(|reading| reading.shape), Ok(expected), "{of:?} with {patch}");
    }
}

#[test]
fn an_arn_of_any_partition_stage_and_path_gives_its_api_and_stage() {
    for (arn, api, stage) in [
        ("arn:aws:execute-api:us-east-1:123456789012:abc/prod/GET/orders", "abc", "prod"),
        ("arn:aws-cn:execute-api:cn-north-1:123456789012:abc/prod/GET/orders", "abc", "prod"),
        ("arn:aws-us-gov:execute-api:us-gov-west-1:123456789012:abc/prod/GET/orders", "abc", "prod"),
        ("arn:aws-iso:execute-api:us-iso-east-1:123456789012:abc/prod/GET/orders", "abc", "prod"),
        ("arn:aws-iso-b:execute-api:us-isob-east-1:123456789012:abc/prod/GET/orders", "abc", "prod"),
        ("arn:aws-eusc:execute-api:eusc-de-east-1:123456789012:abc/prod/GET/orders", "abc", "prod"),
        ("arn:aws:execute-api:us-east-1:123456789012:abc/$default/GET/", "abc", "$default"),
        ("arn:aws:execute-api:us-east-1:123456789012:abc/$default/$default", "abc", "$default"),
        ("arn:aws:execute-api:us-east-1:123456789012:abc/*/GET/", "abc", "*"),
        (
            "arn:aws:execute-api:us-east-1:123456789012:abc/ESTestInvoke-stage/GET/",
            "abc",
            "ESTestInvoke-stage",
        ),
        ("arn:aws:execute-api:us-east-1:123456789012:abc/v1_2-b/POST/", "abc", "v1_2-b"),
        ("arn:aws:execute-api:us-east-1:123456789012:abc/prod/GET/a:b/arn:aws:x", "abc", "prod"),
        ("arn:aws:execute-api:us-east-1:123456789012:abc/prod/GET/*/other/stage", "abc", "prod"),
        ("arn:aws:execute-api:us-east-1:123456789012:abc/prod/GET//", "abc", "prod"),
        ("arn:aws:execute-api:us-east-1:123456789012:abc/prod/GET/${aws:username}/?", "abc", "prod"),
        ("arn:aws:execute-api:us-east-1:123456789012:abc/prod/GET/caf\u{e9} \u{1f600}", "abc", "prod"),
        ("arn:aws:execute-api:us-east-1:123456789012:abc/prod/$connect", "abc", "prod"),
    ] {
        for text in [
            patched(event(Shape::RestRequest, "Bearer T"), &json!({ "methodArn": arn })).to_string(),
            patched(event(Shape::HttpV2, "Bearer T"), &json!({ "routeArn": arn })).to_string(),
        ] {
            let reading = read(&text).unwrap();
            assert_eq!((reading.api.as_str(), reading.stage.as_str()), (api, stage), "{arn}");
        }
    }
}

#[test]
fn the_route_is_the_template_of_the_api_s_owner_and_never_the_caller_s_words() {
    use Shape::{HttpV1, HttpV2, RestRequest, RestToken, WebSocket};
    for (shape, patch, route) in [
        (RestToken, json!({ "resource": "/orders", "httpMethod": "GET", "routeKey": "GET /" }), None),
        (RestRequest, json!({ "path": "/orders/secret" }), Some("GET /orders/{id}")),
        (RestRequest, json!({ "httpMethod": "FORGED" }), Some("ANY /orders/{id}")),
        (RestRequest, json!({ "httpMethod": "get" }), Some("ANY /orders/{id}")),
        (RestRequest, json!({ "httpMethod": 7 }), Some("ANY /orders/{id}")),
        (RestRequest, json!({ "resource": null }), None),
        (HttpV1, json!({ "path": "/orders/secret", "httpMethod": "DELETE" }), Some("DELETE /orders/{id}")),
        (HttpV1, json!({ "resource": 7 }), None),
        (HttpV2, json!({ "routeKey": "$default", "rawPath": "/orders/secret" }), Some("$default")),
        (HttpV2, json!({ "routeKey": ["GET /orders"] }), None),
        (WebSocket, json!({ "requestContext": { "routeKey": "forged" } }), Some("$connect")),
    ] {
        let text = patched(event(shape, "Bearer T"), &patch).to_string();
        let event = Event::parse(&text).unwrap();
        assert_eq!(event.request().unwrap().route().as_deref(), route, "{shape:?} with {patch}");
    }
}

// Leniency

/// Values that no field is expected to have, as JSON text.
fn odd_values() -> Vec<String> {
    let nested = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let plain = ["null", "7", "-1e999", "true", "[7,null]", "{}", r#"{"a":{"b":7}}"#, r#""\ud800""#];
    plain.into_iter().map(str::to_owned).chain([nested]).collect()
}

/// The pointers of every member at every depth.
fn pointers(value: &Value) -> Vec<String> {
    let members = value.as_object().into_iter().flatten();
    members
        .flat_map(|(name, value)| {
            let below = pointers(value).into_iter().map(move |rest| format!("/{name}{rest}"));
            [format!("/{name}")].into_iter().chain(below)
        })
        .collect()
}

/// An event's text with one member replaced by JSON text, or taken away.
fn replaced(event: &Value, pointer: &str, by: Option<&str>) -> String {
    const PLACE: &str = "the place of the odd value";
    let mut event = event.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = event.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match by {
        None => drop(parent.remove(name)),
        Some(_) => drop(parent.insert(name.to_owned(), PLACE.into())),
    }
    event.to_string().replacen(&format!("\"{PLACE}\""), by.unwrap_or_default(), 1)
}

#[test]
fn a_field_that_the_decision_does_not_need_may_be_anything() {
    use Shape::{HttpV1, HttpV2, RestRequest, RestToken};
    for shape in Shape::ALL {
        let event = event(shape, "Bearer T");
        for pointer in pointers(&event) {
            let odd_values = odd_values();
            for value in odd_values.iter().map(|text| Some(text.as_str())).chain([None]) {
                let is_absent = value.is_none_or(|text| text == "null");
                let is_text = value.is_some_and(|text| text.starts_with('"'));
                let without_token = Reading { token: Err(TokenError::Missing), ..Reading::of(shape) };
                let expected = match (shape, pointer.as_str()) {
                    (HttpV2, "/routeArn") if is_text => {
                        Err(EventError::InvalidArn("routeArn", InvalidArn::NotArn))
                    }
                    (_, "/methodArn") if is_text => {
                        Err(EventError::InvalidArn("methodArn", InvalidArn::NotArn))
                    }
                    (HttpV2, "/routeArn") if is_absent => Err(EventError::NoArn("methodArn")),
                    (HttpV2, "/routeArn") => Err(EventError::NoArn("routeArn")),
                    (_, "/methodArn") => Err(EventError::NoArn("methodArn")),
                    (RestToken | RestRequest, "/type") => Err(EventError::UnknownShape),
                    (HttpV1, "/version") => Ok(Reading { shape: RestRequest, ..Reading::of(shape) }),
                    (RestToken, "/authorizationToken")
                    | (HttpV1, "/headers" | "/headers/Authorization")
                    | (HttpV2, "/headers" | "/headers/authorization") => Ok(without_token),
                    _ => Ok(Reading::of(shape)),
                };
                let text = replaced(&event, &pointer, value);
                assert_eq!(read(&text), expected, "{shape:?} with {value:?} at {pointer}");
            }
        }
    }
}

#[test]
fn fields_that_nobody_has_heard_of_are_passed_over() {
    for shape in Shape::ALL {
        for value in odd_values() {
            let text = event(shape, "Bearer T").to_string();
            let text = text.replacen('{', &format!(r#"{{"unheardOf":{value},"unheardOf":{value},"#), 1);
            assert_eq!(read(&text), Ok(Reading::of(shape)), "{value}");
        }
    }
}

#[test]
fn headers_queries_and_cookies_beside_the_token_may_be_anything() {
    const ODD_STRINGS: [&str; 6] = [
        r#""\u0000\u001f\u007f""#,
        r#""\r\nX: y""#,
        r#""é 😀""#,
        r#""\udfff\ud800""#,
        r#""""#,
        r#"["\ud800"]"#,
    ];
    const ODD_NAMES: [&str; 5] = ["x-odd", "", r"\u0000", "é", r"\ud800"];
    for shape in [Shape::RestRequest, Shape::HttpV1, Shape::HttpV2, Shape::WebSocket] {
        for map in
            ["headers", "multiValueHeaders", "queryStringParameters", "multiValueQueryStringParameters"]
        {
            for value in odd_values().into_iter().chain(ODD_STRINGS.map(str::to_owned)) {
                for name in ODD_NAMES {
                    let event = patched(event(shape, "Bearer T"), &json!({ map: { "ODD": "ODD" } }));
                    let odd = format!(r#""{name}":{value},"{name}":{value}"#);
                    let text = event.to_string().replacen(r#""ODD":"ODD""#, &odd, 1);
                    assert_eq!(read(&text), Ok(Reading::of(shape)), "{shape:?} with {odd} in {map}");
                }
            }
        }
    }
}

// Broken events

#[test]
fn a_broken_event_is_told_by_the_field_that_is_wrong_and_without_its_text() {
    use EventError::{NoArn, NotObject, UnknownShape};
    let arn = |field, error| EventError::InvalidArn(field, error);
    let rest = event(Shape::RestRequest, "Bearer SECRET");
    let http = event(Shape::HttpV2, "Bearer SECRET");
    let fields_in_a_list = format!(r#"["REQUEST",null,"{ROUTE_ARN}"{}]"#, ",null".repeat(11));
    let rest_with = |patch: Value| patched(rest.clone(), &patch).to_string();
    let http_with = |patch: Value| patched(http.clone(), &patch).to_string();
    for (text, error, names) in [
        (String::new(), NotObject, "json object"),
        ("SECRET".to_owned(), NotObject, "json object"),
        ("null".to_owned(), NotObject, "json object"),
        (r#""SECRET""#.to_owned(), NotObject, "json object"),
        (json!([rest]).to_string(), NotObject, "json object"),
        (fields_in_a_list, NotObject, "json object"),
        (format!("\u{feff}{rest}"), NotObject, "json object"),
        (format!("{rest}SECRET"), NotObject, "json object"),
        (rest.to_string().replacen('{', r#"{"type":"SECRET","#, 1), NotObject, "json object"),
        (r#"{"headers":{"Authorization":"SECRET"#.to_owned(), NotObject, "json object"),
        ("{}".to_owned(), UnknownShape, "type"),
        (json!({ "Records": [{ "body": "SECRET" }] }).to_string(), UnknownShape, "type"),
        (rest_with(json!({ "type": "SECRET" })), UnknownShape, "type"),
        (rest_with(json!({ "type": "request" })), UnknownShape, "type"),
        (rest_with(json!({ "type": ["SECRET"] })), UnknownShape, "type"),
        (rest_with(json!({ "methodArn": null })), NoArn("methodArn"), "methodArn"),
        (rest_with(json!({ "methodArn": ["SECRET"] })), NoArn("methodArn"), "methodArn"),
        (http_with(json!({ "routeArn": { "SECRET": 1 } })), NoArn("routeArn"), "routeArn"),
        (http_with(json!({ "routeArn": 7, "methodArn": ROUTE_ARN })), NoArn("routeArn"), "routeArn"),
        (rest_with(json!({ "methodArn": "SECRET" })), arn("methodArn", InvalidArn::NotArn), "methodArn"),
        (
            rest_with(json!({ "methodArn": "arn:aws:lambda:r:1:function:SECRET" })),
            arn("methodArn", InvalidArn::WrongService),
            "methodArn is not of the service execute-api",
        ),
        (
            rest_with(json!({ "methodArn": "arn:SECRET!:execute-api:r:1:a/s/GET/" })),
            arn("methodArn", InvalidArn::Part("partition")),
            "methodArn has no usable partition",
        ),
        (
            http_with(json!({ "routeArn": "arn:aws:execute-api:r:1:SECRET" })),
            arn("routeArn", InvalidArn::Part("stage")),
            "routeArn has no usable stage",
        ),
        (
            http_with(json!({ "routeArn": "arn:aws:execute-api:r:1:a/SECRET*/GET/" })),
            arn("routeArn", InvalidArn::Part("stage")),
            "routeArn has no usable stage",
        ),
        (
            http_with(json!({ "routeArn": "arn:aws:execute-api:r:1:a/SECRET" })),
            arn("routeArn", InvalidArn::Part("route")),
            "routeArn has no usable route",
        ),
    ] {
        assert_eq!(read(&text), Err(error), "{text}");
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(names), "{shown:?} does not say {names:?}");
        assert!(!shown.contains("SECRET"), "{shown:?} shows the event");
    }
}

#[test]
fn what_the_runtime_hands_over_is_taken_whole_or_as_nothing() {
    let rest = event(Shape::RestRequest, "Bearer T").to_string();
    for (bytes, text) in [
        (rest.as_bytes(), rest.as_str()),
        (b" [7] ", "[7]"),
        (b"null", "null"),
        (b"", ""),
        (b"nonsense", ""),
        (b"{\"type\":", ""),
        (b"{\"type\":\"\xff\"}", ""),
        (b"{\"a\":tru}", ""),
        (b"{\"\xff\":1}", ""),
        (b"{} and more", "{}"),
    ] {
        let payload = Payload::deserialize(&mut serde_json::Deserializer::from_slice(bytes)).unwrap();
        assert_eq!(payload.as_str(), text);
    }
}

proptest! {
    #[test]
    fn no_text_is_an_event_by_accident(text in any::<String>()) {
        prop_assert!(read(&text).is_err());
    }

    #[test]
    fn no_damage_to_an_event_makes_its_error_show_the_token(
        shape in 0..Shape::ALL.len(),
        from in any::<Index>(),
        length in 0..60_usize,
        characters in vec(any::<char>(), 0..20),
    ) {
        let mut text: Vec<char> = event(Shape::ALL[shape], "Bearer SECRET").to_string().chars().collect();
        let from = from.index(text.len());
        let to = text.len().min(from + length);
        text.splice(from..to, characters);
        if let Err(error) = read(&text.into_iter().collect::<String>()) {
            let shown = format!("{error} {error:?}");
            prop_assert!(!shown.contains("SECRET"), "{}", shown);
        }
    }
}

// Where the token stands

#[test]
fn a_header_s_token_is_taken_with_or_without_its_scheme_and_spaces() {
    for (value, token) in [
        ("Bearer T", "T"),
        ("bearer T", "T"),
        ("BEARER T", "T"),
        ("bEaReR T", "T"),
        ("T", "T"),
        ("  T\t", "T"),
        (" Bearer   T ", "T"),
        ("Bearer \tT", "T"),
        ("BearerT", "BearerT"),
    ] {
        for shape in Shape::ALL {
            let found = token_from(&event(shape, value), "header:Authorization");
            assert_eq!(found.as_deref(), Ok(token), "{value:?} in {shape:?}");
        }
    }
}

/// An event with nothing where tokens usually stand.
fn without_token(shape: Shape) -> Value {
    let nothing = json!({ "Authorization": null, "authorization": null });
    let patch = match shape {
        Shape::RestToken => json!({ "authorizationToken": null }),
        Shape::HttpV1 | Shape::HttpV2 => json!({ "headers": nothing }),
        Shape::RestRequest | Shape::WebSocket => json!({ "headers": nothing, "multiValueHeaders": nothing }),
    };
    patched(event(shape, ""), &patch)
}

#[test]
fn a_token_is_found_wherever_the_configuration_says() {
    use Shape::{HttpV1, HttpV2, RestRequest, WebSocket};
    for (shape, patch, source) in [
        (RestRequest, json!({ "headers": { "authorization": "Bearer T" } }), "header:Authorization"),
        (RestRequest, json!({ "headers": { "AUTHORIZATION": "Bearer T" } }), "header:authorization"),
        (RestRequest, json!({ "multiValueHeaders": { "X-Token": ["T"] } }), "header:x-token"),
        (HttpV1, json!({ "headers": { "X-Token": "T" } }), "header:x-tOKEN"),
        (HttpV2, json!({ "headers": { "x-token": "T" } }), "header:X-Token"),
        (WebSocket, json!({ "headers": { "Sec-WebSocket-Protocol": "T" } }), "header:sec-websocket-protocol"),
        (WebSocket, json!({ "queryStringParameters": { "token": "T" } }), "query:token"),
        (RestRequest, json!({ "multiValueQueryStringParameters": { "token": ["T"] } }), "query:token"),
        (HttpV1, json!({ "queryStringParameters": { "a token": "T", "other": "a,b" } }), "query:a token"),
        (HttpV2, json!({ "queryStringParameters": { "token": "T" } }), "query:token"),
        (HttpV2, json!({ "cookies": ["theme=dark", "token=T"] }), "cookie:token"),
        (HttpV2, json!({ "cookies": ["theme=dark; token=\"T\""] }), "cookie:token"),
        (RestRequest, json!({ "headers": { "Cookie": "theme=dark; token=T" } }), "cookie:token"),
        (HttpV1, json!({ "headers": { "cookie": "token=T;theme=dark" } }), "cookie:token"),
        (WebSocket, json!({ "multiValueHeaders": { "Cookie": ["a=b", "token=T"] } }), "cookie:token"),
    ] {
        let event = patched(without_token(shape), &patch);
        assert_eq!(token_from(&event, source).as_deref(), Ok("T"), "{source} in {shape:?} with {patch}");
    }
}

#[test]
fn a_token_is_not_found_where_the_configuration_does_not_say() {
    for (patch, source) in [
        (json!({ "headers": { "X-Authorization": "T" } }), "header:Authorization"),
        (json!({ "queryStringParameters": { "authorization": "T" } }), "header:Authorization"),
        (json!({ "authorizationToken": "T" }), "header:Authorization"),
        (json!({ "identitySource": ["T"] }), "header:Authorization"),
        (json!({ "queryStringParameters": { "Token": "T" } }), "query:token"),
        (json!({ "rawQueryString": "token=T" }), "query:token"),
        (json!({ "cookies": ["Token=T"] }), "cookie:token"),
        (json!({ "cookies": ["my-token=T"] }), "cookie:token"),
        (json!({ "cookies": ["token"] }), "cookie:token"),
        (json!({ "cookies": ["theme=token=T"] }), "cookie:token"),
    ] {
        for shape in [Shape::RestRequest, Shape::HttpV1, Shape::HttpV2, Shape::WebSocket] {
            let event = patched(without_token(shape), &patch);
            assert_eq!(token_from(&event, source), Err(TokenError::Missing), "{source} with {patch}");
        }
    }
}

#[test]
fn the_first_source_with_a_value_is_the_one() {
    let everywhere = json!({
        "headers": { "authorization": "Bearer H" },
        "queryStringParameters": { "token": "Q" },
        "cookies": ["token=C"],
    });
    let nothing = json!({});
    let empty = json!({ "headers": { "authorization": "" } });
    let only_query = json!({ "queryStringParameters": { "token": "Q" } });
    for (patch, sources, token) in [
        (&everywhere, "header:Authorization,query:token,cookie:token", Ok("H")),
        (&everywhere, "query:token,cookie:token,header:Authorization", Ok("Q")),
        (&everywhere, "cookie:token,header:Authorization,query:token", Ok("C")),
        (&everywhere, "header:X-None,cookie:none,query:token", Ok("Q")),
        (&only_query, "header:Authorization,cookie:token,query:token", Ok("Q")),
        (&empty, "header:Authorization,query:token", Err(TokenError::Missing)),
        (&nothing, "header:Authorization,query:token,cookie:token", Err(TokenError::Missing)),
    ] {
        let event = patched(without_token(Shape::HttpV2), patch);
        let found = token_from(&event, sources);
        assert_eq!(found.as_deref().map_err(|error| *error), token, "{sources} with {patch}");
    }
}

#[test]
fn a_token_event_has_one_place_for_its_token_whatever_is_configured() {
    let rest = patched(
        event(Shape::RestToken, "Bearer T"),
        &json!({ "headers": { "Authorization": "Bearer U", "Cookie": "token=U" } }),
    );
    for sources in ["header:Authorization", "header:X-Token", "query:token", "cookie:token,query:token"] {
        assert_eq!(token_from(&rest, sources).as_deref(), Ok("T"), "{sources}");
    }
}

#[test]
fn what_is_no_single_bearer_token_is_refused_for_what_it_is() {
    use TokenError::{Ambiguous, Missing, WrongScheme};
    for (value, error) in [
        ("", Missing),
        ("   ", Missing),
        ("Bearer", Missing),
        ("bearer ", Missing),
        ("Basic dXNlcjpwYXNz", WrongScheme),
        ("Digest username=\"x\"", WrongScheme),
        ("AWS4-HMAC-SHA256 Credential=a, Signature=b", WrongScheme),
        ("Bearer: T", WrongScheme),
        ("T U", WrongScheme),
        ("Bearer T, Bearer T", Ambiguous),
        ("Bearer T,Bearer U", Ambiguous),
        ("Bearer T,", Ambiguous),
        ("T,U", Ambiguous),
        ("T, Bearer U", Ambiguous),
        ("Basic dXNlcjpwYXNz, Bearer T", WrongScheme),
    ] {
        for shape in Shape::ALL {
            let found = token_from(&event(shape, value), "header:Authorization,header:X-None");
            assert_eq!(found, Err(error), "{value:?} in {shape:?}");
        }
    }
}

#[test]
fn several_tokens_in_one_source_are_refused_unless_they_are_the_same() {
    use Shape::{HttpV1, HttpV2, RestRequest, WebSocket};
    const AGAIN: [&str; 2] = ["Bearer T", "Bearer U"];
    for again in AGAIN {
        let expected = if again == "Bearer T" { Ok("T") } else { Err(TokenError::Ambiguous) };
        let bare = again.strip_prefix("Bearer ").unwrap();
        for (shape, patch, source) in [
            (RestRequest, json!({ "headers": { "authorization": again } }), "header:Authorization"),
            (RestRequest, json!({ "headers": { "Authorization": again } }), "header:Authorization"),
            (
                RestRequest,
                json!({ "multiValueHeaders": { "AUTHORIZATION": [again] } }),
                "header:Authorization",
            ),
            (
                WebSocket,
                json!({ "multiValueHeaders": { "Authorization": ["Bearer T", again] } }),
                "header:Authorization",
            ),
            (HttpV1, json!({ "headers": { "authorization": again } }), "header:Authorization"),
            (HttpV2, json!({ "headers": { "Authorization": again } }), "header:Authorization"),
            (HttpV2, json!({ "cookies": ["token=T", format!("token={bare}")] }), "cookie:token"),
            (HttpV2, json!({ "cookies": [format!("token=T; token={bare}")] }), "cookie:token"),
            (
                HttpV2,
                json!({ "cookies": ["token=T"], "headers": { "cookie": format!("token={bare}") } }),
                "cookie:token",
            ),
            (
                RestRequest,
                json!({
                    "queryStringParameters": { "token": bare },
                    "multiValueQueryStringParameters": { "token": ["T", bare] },
                }),
                "query:token",
            ),
        ] {
            let event = patched(event(shape, "Bearer T"), &patch);
            let found = token_from(&event, source);
            assert_eq!(found.as_deref().map_err(|error| *error), expected, "{source} with {patch}");
        }
        // serde_json's own objects hold a name once.
        let text = event(HttpV1, "Bearer T").to_string();
        let text = text.replacen(r#""headers":{"#, &format!(r#""headers":{{"Authorization":"{again}","#), 1);
        let found = read(&text).unwrap().token;
        assert_eq!(found.as_deref().map_err(|error| *error), expected, "the name twice in one map");
    }
}

#[test]
fn a_query_that_the_gateway_joined_is_several_tokens() {
    let patch = json!({ "queryStringParameters": { "token": "T,T" } });
    let event = patched(without_token(Shape::HttpV2), &patch);
    assert_eq!(token_from(&event, "query:token"), Err(TokenError::Ambiguous));
}

// Events that others wrote down

#[test]
fn documented_events_of_api_gateway_are_read() {
    const REST_REQUEST: &str =
        include_str!("fixtures/aws_lambda_events/example-apigw-custom-auth-request-type-request.json");
    const REST_TOKEN: &str =
        include_str!("fixtures/aws_lambda_events/example-apigw-custom-auth-request.json");
    const HTTP_V1: &str =
        include_str!("fixtures/aws_lambda_events/example-apigw-v2-custom-authorizer-v1-request.json");
    const HTTP_V2: &str =
        include_str!("fixtures/aws_lambda_events/example-apigw-v2-custom-authorizer-v2-request.json");
    const NULL_MAPS: &str = include_str!(
        "fixtures/aws_lambda_events/example-apigw-v2-custom-authorizer-v2-request-null-maps.json"
    );
    const NO_COOKIES: &str = include_str!(
        "fixtures/aws_lambda_events/example-apigw-v2-custom-authorizer-v2-request-without-cookies.json"
    );
    const NO_IDENTITY_SOURCE: &str = include_str!(
        "fixtures/aws_lambda_events/example-apigw-v2-custom-authorizer-v2-request-without-identity-source.json"
    );
    const WEBSOCKET: &str =
        include_str!("fixtures/aws_lambda_events/example-apigw-v2-custom-authorizer-websocket-request.json");
    for (text, shape, api, stage, source, token) in [
        // From the console's test button, whose stage is a literal `*`.
        (REST_TOKEN, Shape::RestToken, "ymy8tbxw7b", "*", "header:Authorization", Ok("allow")),
        (REST_REQUEST, Shape::RestRequest, "s4x3opwd6i", "test", "header:headerauth1", Ok("headerValue1")),
        (HTTP_V1, Shape::HttpV1, "abcdef123", "test", "query:QueryString1", Ok("queryValue1")),
        (HTTP_V2, Shape::HttpV2, "abcdef123", "test", "header:header1", Ok("value1")),
        // Its cookies have no values.
        (HTTP_V2, Shape::HttpV2, "abcdef123", "test", "cookie:cookie1", Err(TokenError::Missing)),
        (HTTP_V2, Shape::HttpV2, "abcdef123", "test", "query:parameter1", Err(TokenError::Ambiguous)),
        (NULL_MAPS, Shape::HttpV2, "abcdef123", "test", "query:parameter1", Err(TokenError::Missing)),
        (NO_COOKIES, Shape::HttpV2, "abcdef123", "test", "cookie:cookie1", Err(TokenError::Missing)),
        (NO_IDENTITY_SOURCE, Shape::HttpV2, "abcdef123", "test", "query:parameter2", Ok("value")),
        (WEBSOCKET, Shape::WebSocket, "abcdef123", "test", "header:HEADER2", Ok("value2")),
    ] {
        let reading =
            Reading { shape, api: api.to_owned(), stage: stage.to_owned(), token: token.map(str::to_owned) };
        assert_eq!(read_from(text, source), Ok(reading), "{text}");
    }
}

#[test]
fn authorizer_events_of_other_services_are_refused_since_they_have_no_type() {
    for text in [
        include_str!("fixtures/aws_lambda_events/example-appsync-lambda-auth-request.json"),
        include_str!("fixtures/aws_lambda_events/example-iot-custom-auth-request.json"),
        include_str!("fixtures/aws_lambda_events/example-iot-custom-auth-request-x509.json"),
    ] {
        assert_eq!(read(text), Err(EventError::UnknownShape), "{text}");
    }
}
