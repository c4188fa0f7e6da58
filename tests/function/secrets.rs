//! Whatever callers and providers send is marked, and no mark is ever printed.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
};

use cognito_authorizer::testing::{compact, event_on, id_claims, jwks};

use super::*;

/// Text that stands nowhere else, for one place.
fn mark(place: &str) -> String {
    let hash = |number: u8| {
        let mut hasher = DefaultHasher::new();
        (place, number).hash(&mut hasher);
        hasher.finish()
    };
    format!("{:016x}{:016x}", hash(0), hash(1))
}

/// So short a piece of a secret would help nobody, and could stand in a line by chance: 16^8 to one.
const PIECE: usize = 8;

fn holds_piece(text: &str, secret: &str) -> bool {
    secret.as_bytes().windows(PIECE).any(|piece| text.contains(str::from_utf8(piece).unwrap()))
}

/// Places of a request.
const REQUEST: [&str; 8] =
    ["header", "query", "cookie", "parameter", "path", "verb", "body", "stage-variable"];
/// Claims, and a key id that no set has.
const TOKEN: [&str; 9] =
    ["username", "jti", "scope", "email", "cognito:groups", "custom:x", "event_id", "nonce", "kid"];
/// Places of a provider's answer.
const PROVIDER: [&str; 6] = ["skipped-kid", "private", "x5c", "member", "page", "location"];

fn marked(mut claims: Value) -> Value {
    for name in TOKEN {
        claims[name] = json!(mark(name));
    }
    claims["cognito:groups"] = json!([mark("cognito:groups")]);
    claims
}

fn marked_event(shape: Shape, authorization: &str) -> Value {
    let mut event = event_on(shape, authorization, "GET /orders/{id}", "GET", &format!("/{}", mark("path")));
    event["headers"]["x-secret"] = json!(mark("header"));
    event["headers"]["cookie"] = json!(format!("session={}", mark("cookie")));
    event["cookies"] = json!([format!("session={}", mark("cookie"))]);
    event["queryStringParameters"] = json!({ "q": mark("query") });
    event["rawQueryString"] = json!(format!("q={}", mark("query")));
    event["pathParameters"] = json!({ "id": mark("parameter") });
    event["stageVariables"] = json!({ "v": mark("stage-variable") });
    event["httpMethod"] = json!(mark("verb"));
    event["body"] = json!(mark("body"));
    event
}

/// Tokens of every fate. None has a signature that was seen before.
fn tokens() -> Vec<String> {
    let now = UnixTime::now().as_secs();
    let claims = marked(access_claims(now));
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        KEY.token(&claims)
    };
    let good = KEY.token(&claims);
    let unknown_kid = json!({ "alg": "RS256", "kid": mark("kid"), "jku": mark("header") }).to_string();
    vec![
        good.clone(),
        KEY.token(&marked(id_claims(now))),
        NEXT_KEY.token(&claims),
        compact(&unknown_kid, claims.to_string(), &NEXT_KEY),
        compact("{\"alg\":\"RS256\",\"kid\":\"current\"", claims.to_string(), &KEY),
        compact("{\"alg\":\"RS256\",\"kid\":\"current\"}", mark("custom:x"), &KEY),
        with("iss", json!(format!("https://{}.example.com", mark("custom:x")))),
        with("exp", json!(mark("custom:x"))),
        with("exp", json!(1)),
        with("client_id", json!(mark("custom:x"))),
        with("custom:large", json!(mark("custom:x").repeat(250))),
        format!("{good}{good}"),
        format!("{good}, {good}"),
        mark("header"),
        format!("Basic {}", mark("header")),
    ]
}

/// What is no event, and holds a token all the same.
fn broken_events(token: &str) -> Vec<String> {
    let good = marked_event(Shape::HttpV2, token).to_string();
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
fn provider_answers() -> Vec<String> {
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

/// Everything that one function prints and answers to all of that.
async fn provoke(settings: &[(&str, &str)]) -> (String, String) {
    let issuer = Issuer::start(&[&KEY]).await.unwrap();
    issuer.respond(provider_answers().swap_remove(0));
    let function = start_for(&issuer, &[settings, &[("JWKS_COOLDOWN_SECONDS", "1")]].concat()).await;
    let (mut answers, mut errors) = (String::new(), String::new());
    let mut events = broken_events(&token(&KEY));
    let tokens = tokens();
    for token in &tokens {
        events.extend(Shape::ALL.map(|shape| marked_event(shape, &format!("Bearer {token}")).to_string()));
        events.push(marked_event(Shape::RestToken, token).to_string());
    }
    for event in events {
        match function.invoke(event).await.outcome {
            Ok(answer) => answers.push_str(&answer.to_string()),
            Err(error) => errors.push_str(&error.to_string()),
        }
    }
    let printed = errors + &function.log.lines().concat();
    assert_holds_no_piece(&printed, &tokens);
    (answers, printed)
}

/// Of any part of any token: inside of one, marks are base64url.
fn assert_holds_no_piece(printed: &str, tokens: &[String]) {
    let pieces: HashSet<&[u8]> = printed.as_bytes().windows(PIECE).collect();
    let mut parts = tokens.iter().flat_map(|token| token.split('.'));
    let found = parts.any(|part| part.as_bytes().windows(PIECE).any(|piece| pieces.contains(piece)));
    assert!(!found, "what is printed holds a piece of a token");
}

/// Everything that functions print and answer while their provider says such things.
async fn provoke_by_provider() -> (String, String) {
    let (mut answers, mut printed) = (String::new(), String::new());
    for response in provider_answers() {
        let issuer = Issuer::start(&[]).await.unwrap();
        issuer.respond(response);
        let function =
            start_for(&issuer, &[("AWS_LAMBDA_LOG_LEVEL", "TRACE"), ("JWKS_TIMEOUT_MS", "300")]).await;
        for key in [&KEY, &NEXT_KEY] {
            let event =
                marked_event(Shape::HttpV2, &key.token(&marked(access_claims(UnixTime::now().as_secs()))));
            let answer = function.invoke(event.to_string()).await;
            function.log_line(&answer.request_id).await.unwrap();
            match answer.outcome {
                Ok(answer) => answers.push_str(&answer.to_string()),
                Err(error) => printed.push_str(&error.to_string()),
            }
        }
        printed.push_str(&function.log.lines().concat());
    }
    (answers, printed)
}

fn assert_holds_none(text: &str, what: &str, places: &[&str]) {
    assert!(!text.is_empty(), "{what} was not seen");
    let found: Vec<_> = places.iter().filter(|place| holds_piece(text, &mark(place))).collect();
    assert!(found.is_empty(), "{what} holds a piece of {found:?}");
    // Base64url of `{"alg"` and `{"kid"`: how every token begins.
    assert!(!text.contains("eyJhbGci") && !text.contains("eyJraWQi"), "{what} holds a token");
}

#[tokio::test]
async fn no_level_and_no_format_prints_a_piece_of_what_callers_or_providers_send() {
    let secret = [&REQUEST[..], &TOKEN, &PROVIDER].concat();
    for level in ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"] {
        for format in ["JSON", "Text"] {
            let log = [
                ("AWS_LAMBDA_LOG_LEVEL", level),
                ("AWS_LAMBDA_LOG_FORMAT", format),
                ("RUST_LOG", "trace"),
                ("RUST_BACKTRACE", "full"),
            ];
            let (answers, printed) = provoke(&log).await;
            assert_holds_none(&printed, &format!("what is printed at {level} in {format}"), &secret);
            assert_holds_none(&answers, "an answer", &[&REQUEST[..], &PROVIDER].concat());
            if level == "TRACE" {
                let outcomes = ["allow", "unauthorized", "error"];
                let missing = |outcome: &&str| !printed.contains(&format!("\"outcome\":\"{outcome}\""));
                assert!(!outcomes.iter().any(missing), "{printed}");
            }
        }
    }
}

#[tokio::test]
async fn no_setting_lets_a_piece_of_them_be_printed() {
    let secret = [&REQUEST[..], &TOKEN, &PROVIDER].concat();
    let policies = concat!(env!("CARGO_MANIFEST_DIR"), "/layer/policies");
    for settings in [
        [("REFUSAL", "deny"), ("RESPONSE_FORMAT", "simple")],
        [("POLICIES", policies), ("TOKEN_USE", "any")],
        [("REQUIRED_SCOPES", "a"), ("REQUIRED_GROUPS", "a")],
        [("TOKEN_SOURCE", "header:authorization,cookie:session,query:q"), ("TOKEN_CACHE_SIZE", "0")],
        [("USAGE_IDENTIFIER_KEY_CLAIM", "jti"), ("PRINCIPAL_ID_CLAIM", "email")],
        [("AWS_LAMBDA_MAX_CONCURRENCY", "4"), ("METRICS_NAMESPACE", "Orders")],
    ] {
        let (_, printed) = provoke(&[&settings[..], &[("AWS_LAMBDA_LOG_LEVEL", "TRACE")]].concat()).await;
        assert_holds_none(&printed, &format!("what is printed with {settings:?}"), &secret);
    }
}

#[tokio::test]
async fn nothing_that_a_provider_says_is_printed_or_answered() {
    let (answers, printed) = provoke_by_provider().await;
    assert_holds_none(&printed, "what is printed", &[&REQUEST[..], &TOKEN, &PROVIDER].concat());
    assert_holds_none(&answers, "an answer", &[&REQUEST[..], &PROVIDER].concat());
}
