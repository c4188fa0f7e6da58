//! Requests, tokens and answers of providers that are marked in every place.

use std::hash::{DefaultHasher, Hash, Hasher};

use cognito_authorizer::testing::{compact, event_on, id_claims, jwks};

use super::{secrets::PIECE, *};

/// Text that stands nowhere else, for one place.
pub(crate) fn mark(place: &str) -> String {
    let hash = |number: u8| {
        let mut hasher = DefaultHasher::new();
        (place, number).hash(&mut hasher);
        hasher.finish()
    };
    format!("{:016x}{:016x}", hash(0), hash(1))
}

/// Places of a request.
pub(crate) const REQUEST: [&str; 8] =
    ["header", "query", "cookie", "parameter", "path", "verb", "body", "stage-variable"];
/// Claims, and a key id that no set has.
pub(crate) const TOKEN: [&str; 9] =
    ["username", "jti", "scope", "email", "cognito:groups", "custom:x", "event_id", "nonce", "kid"];
/// Places of a provider's answer.
pub(crate) const PROVIDER: [&str; 6] = ["skipped-kid", "private", "x5c", "member", "page", "location"];

pub(crate) fn marked(mut claims: Value) -> Value {
    for name in TOKEN {
        claims[name] = json!(mark(name));
    }
    // One that the example's policies permit to look.
    claims["cognito:groups"] = json!([mark("cognito:groups"), "readers"]);
    claims
}

/// Where a request has its token, and nowhere else. A REST `TOKEN` event has one place only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Header,
    Cookie,
    Query,
}

pub(crate) fn marked_event(shape: Shape, place: Place, token: &str) -> Value {
    let path = format!("/orders/{}", mark("path"));
    let mut event = event_on(shape, &format!("Bearer {token}"), "GET /orders/{id}", "GET", &path);
    if place != Place::Header {
        remove_authorization(&mut event);
    }
    let value_in = |other: Place, value| if place == other { token.to_owned() } else { value };
    let cookie = format!("session={}; theme={}", value_in(Place::Cookie, mark("cookie")), mark("cookie"));
    let query = value_in(Place::Query, mark("query"));
    event["headers"]["x-secret"] = json!(mark("header"));
    event["headers"]["cookie"] = json!(cookie);
    event["cookies"] = json!(cookie.split("; ").collect::<Vec<_>>());
    event["queryStringParameters"] = json!({ "q": query, "page": mark("query") });
    event["rawQueryString"] = json!(format!("q={query}&page={}", mark("query")));
    event["pathParameters"] = json!({ "id": mark("parameter") });
    event["stageVariables"] = json!({ "v": mark("stage-variable") });
    event["httpMethod"] = json!(mark("verb"));
    event["body"] = json!(mark("body"));
    event
}

fn remove_authorization(event: &mut Value) {
    for map in ["headers", "multiValueHeaders"] {
        if let Some(headers) = event[map].as_object_mut() {
            headers.retain(|name, _| !name.eq_ignore_ascii_case("authorization"));
        }
    }
}

/// Tokens of every fate, by what they are. None has a signature that was seen before.
pub(crate) fn tokens() -> Vec<(&'static str, String)> {
    let now = UnixTime::now().as_secs();
    let claims = marked(access_claims(now));
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        KEY.token(&claims)
    };
    let good = KEY.token(&claims);
    let unknown_kid = json!({ "alg": "RS256", "kid": mark("kid"), "jku": mark("header") }).to_string();
    let bad = [
        NEXT_KEY.token(&claims),
        compact(&unknown_kid, claims.to_string(), &NEXT_KEY),
        compact("{\"alg\":\"RS256\",\"kid\":\"current\"", claims.to_string(), &KEY),
        compact("{\"alg\":\"RS256\",\"kid\":\"current\"}", mark("custom:x"), &KEY),
        with("iss", json!(format!("https://{}.example.com", mark("custom:x")))),
        with("exp", json!(mark("custom:x"))),
        with("exp", json!(1)),
        with("client_id", json!(mark("custom:x"))),
        format!("{good}{good}"),
        format!("{good}, {good}"),
        mark("header"),
        format!("Basic {}", mark("header")),
    ];
    // Within what a token may have, and beyond what an answer may, where each quote is escaped.
    let large = with("custom:large", json!(vec![[mark("custom:x").split_at(PIECE).0]; 470]));
    let sound = [("good", good), ("good", large), ("id", KEY.token(&marked(id_claims(now))))];
    sound.into_iter().chain(bad.map(|token| ("bad", token))).collect()
}

/// What is no event, and holds a token all the same.
pub(crate) fn broken_events(token: &str) -> Vec<String> {
    let good = marked_event(Shape::HttpV2, Place::Header, token).to_string();
    vec![
        token.to_owned(),
        format!("{{\"type\":\"{token}\"}}"),
        good.split_at(good.len() - 40).0.to_owned(),
        good.replace("execute-api", &mark("path")),
        json!({ "type": "TOKEN", "methodArn": mark("path"), "authorizationToken": token }).to_string(),
        json!({ "Records": [{ "body": token }] }).to_string(),
    ]
}

/// Answers of a provider, marked wherever it can put text.
pub(crate) fn provider_answers() -> Vec<String> {
    let mut set = jwks(&[&KEY]);
    set["note"] = json!(mark("member"));
    let mut odd = NEXT_KEY.jwk();
    odd["kid"] = json!(mark("skipped-kid"));
    odd["d"] = json!(mark("private"));
    odd["x5c"] = json!([mark("x5c")]);
    set["keys"].as_array_mut().unwrap().push(odd);
    let (page, location) = (mark("page"), mark("location"));
    let ok = |body: &str| format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    vec![
        ok(&set.to_string()),
        ok(&format!("<html>{page}")),
        ok(&format!("{{\"keys\":[\"{page}\",{{\"kty\":\"RSA\",\"n\":\"{page}\",\"e\":\"{page}\"")),
        ok(&format!("{{\"keys\":[{{\"kty\":\"{page}\",\"kid\":\"{page}\"}}]}}")),
        format!("HTTP/1.1 500 {page}\r\nServer: {page}\r\nContent-Length: 32\r\n\r\n{page}"),
        format!(
            "HTTP/1.1 302 Found\r\nLocation: https://{location}.example.com/\r\nContent-Length: 0\r\n\r\n"
        ),
        format!("HTTP/9.9 {page}\r\n\r\n"),
    ]
}

/// Events with each of the tokens in each shape, by what they hold; what is no event comes last.
pub(crate) fn events(tokens: &[(&'static str, String)], place: Place) -> Vec<(&'static str, String)> {
    let mut events = Vec::new();
    for (held, token) in tokens {
        events.extend(Shape::ALL.map(|shape| (*held, marked_event(shape, place, token).to_string())));
        let mut bare = marked_event(Shape::RestToken, place, token);
        bare["authorizationToken"] = json!(token);
        events.push((held, bare.to_string()));
    }
    events.extend(broken_events(&token(&KEY)).into_iter().map(|event| ("no event", event)));
    events
}
