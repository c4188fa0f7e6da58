//! The pipeline as a whole: what any caller can reach.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on stops"
)]

use std::sync::{
    LazyLock,
    atomic::{AtomicUsize, Ordering},
};

use cognito_authorizer::{
    authorizer::{Authorizer, AuthorizerSettings, Error, Fault, Outcome, Record},
    config::Config,
    gateway::{Refusal, Response, Shape, TokenSource},
    testing::{
        API, CLIENT_ID, ISSUER, JWKS_URL, NOW, POOL_ID, Provider, Reply, SigningKey, access_claims, compact,
        event, jwks, settings,
    },
    time::UnixTime,
    token::{Algorithm, FetchError, FetchJwks, JwksUrl, TokenError},
};
use proptest::prelude::*;
use serde_json::{Value, json};

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate("current", Algorithm::RS256));
static STRANGER: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate("stranger", Algorithm::RS256));

fn now() -> UnixTime {
    UnixTime::from_secs(NOW)
}

fn authorizer(settings: AuthorizerSettings) -> Authorizer<Provider> {
    Authorizer::new(settings, Provider::with(JWKS_URL, &jwks(&[&KEY])), now())
}

async fn ask(authorizer: &Authorizer<Provider>, event: &str) -> (Result<Response, Error>, Record) {
    let mut record = Record::default();
    let answer = authorizer.authorize(event, now(), &mut record).await;
    (answer, record)
}

fn good_token() -> String {
    KEY.token(&access_claims(NOW))
}

/// Any one place in which each shape can carry a token.
fn every_source() -> AuthorizerSettings {
    let mut settings = settings();
    settings.token_sources = ["header:Authorization", "query:token", "cookie:token"]
        .map(|source| TokenSource::parse(source).unwrap())
        .to_vec();
    settings
}

#[tokio::test]
async fn the_answer_is_the_same_whichever_route_was_asked_for() {
    let authorizer = authorizer(settings());
    let routes = ["GET/orders", "DELETE/orders/42", "POST/", "PATCH/a:b/*/${x}", "$connect", "$default"];
    for shape in Shape::ALL {
        let mut answers = Vec::new();
        for route in routes {
            let mut event = event(shape, &good_token());
            let field = if shape == Shape::HttpV2 { "routeArn" } else { "methodArn" };
            event[field] = json!(format!("{API}/prod/{route}"));
            event["path"] = json!(route);
            event["resource"] = json!(route);
            event["httpMethod"] = json!("DELETE");
            event["routeKey"] = json!(route);
            let (answer, _) = ask(&authorizer, &event.to_string()).await;
            answers.push(serde_json::to_string(&answer.unwrap()).unwrap());
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{shape:?}");
    }
}

#[tokio::test]
async fn a_repeated_token_gives_the_same_answer_from_memory() {
    let authorizer = authorizer(settings());
    let event = event(Shape::HttpV2, &good_token()).to_string();
    let (first, fresh) = ask(&authorizer, &event).await;
    let (second, remembered) = ask(&authorizer, &event).await;
    assert_eq!(first, second);
    assert_ne!(first, ask(&authorizer, &event.replace("/prod/", "/test/")).await.0, "of another stage");
    assert!(!fresh.trace.remembered && remembered.trace.remembered);
    assert_eq!(fresh.outcome, Some(Outcome::Allow));
}

#[tokio::test]
async fn an_answer_from_memory_is_for_its_own_kind_of_event_and_its_own_api_and_stage() {
    let long_memory = authorizer(settings());
    let places = ["prod", "test", "prod"].map(|stage| format!("{API}/{stage}/"));
    let elsewhere = format!("{}/", API.replace("a1b2c3d4e5", "z9y8x7w6v5") + "/prod");
    for _ in 0..3 {
        for shape in Shape::ALL {
            for place in places.iter().chain([&elsewhere]) {
                let event = event(shape, &good_token()).to_string().replace(&format!("{API}/prod/"), place);
                let (from_memory, record) = ask(&long_memory, &event).await;
                let (anew, _) = ask(&authorizer(settings()), &event).await;
                assert_eq!(from_memory, anew, "{shape:?} {place}");
                let text = serde_json::to_string(&from_memory.unwrap()).unwrap();
                assert!(text.contains(place), "{shape:?} {place}: {text}");
                assert_eq!(record.outcome, Some(Outcome::Allow));
            }
        }
    }
}

#[tokio::test]
async fn a_provider_that_is_down_is_a_500_and_never_a_401() {
    for (reply, failure) in [
        (Reply::Fail(FetchError::Unreachable), FetchError::Unreachable),
        (Reply::Fail(FetchError::Status(503)), FetchError::Status(503)),
        (
            Reply::Body(b"<html>".to_vec()),
            FetchError::KeySet(cognito_authorizer::token::KeySetError::NotKeySet),
        ),
        (
            Reply::Body(br#"{"keys":[]}"#.to_vec()),
            FetchError::KeySet(cognito_authorizer::token::KeySetError::NoUsableKey),
        ),
    ] {
        for refusal in [Refusal::Unauthorized, Refusal::Deny] {
            let provider = Provider::default();
            provider.reply(JWKS_URL, reply.clone());
            let mut settings = settings();
            settings.refusal = refusal;
            let authorizer = Authorizer::new(settings, provider, now());
            let event = event(Shape::RestToken, &good_token()).to_string();
            let (answer, _) = ask(&authorizer, &event).await;
            assert_eq!(answer, Err(Error::Internal(Fault::KeysUnavailable(Some(failure)))));
            let (within_cooldown, _) = ask(&authorizer, &event).await;
            assert_eq!(within_cooldown, Err(Error::Internal(Fault::KeysUnavailable(Some(failure)))));
        }
    }
}

/// A provider whose second fetch hits a bug of ours.
struct PanicsOnce {
    provider: Provider,
    fetches: AtomicUsize,
}

impl FetchJwks for PanicsOnce {
    async fn fetch(&self, url: &JwksUrl) -> Result<Vec<u8>, FetchError> {
        let before = self.fetches.fetch_add(1, Ordering::Relaxed);
        assert_ne!(before, 1, "on purpose, quoting {url:?}");
        self.provider.fetch(url).await
    }
}

#[tokio::test]
async fn a_panic_while_serving_is_a_500_with_a_fixed_text_and_the_next_event_is_served() {
    let (provider, fetches) = (Provider::with(JWKS_URL, &jwks(&[&KEY])), AtomicUsize::new(0));
    let authorizer = Authorizer::new(settings(), PanicsOnce { provider, fetches }, now());
    let good = event(Shape::HttpV2, &good_token()).to_string();
    let unknown = event(Shape::HttpV2, &STRANGER.token(&access_claims(NOW))).to_string();
    let panicked = Err("serving the event failed".to_owned());
    let unauthorized = Err("Unauthorized".to_owned());
    for (at, event, expected) in [
        (0, &good, Ok(())),
        (10, &unknown, panicked),
        (10, &good, Ok(())),
        (20, &unknown, unauthorized),
        (20, &good, Ok(())),
    ] {
        let mut record = Record::default();
        let answer = authorizer.authorize(event, UnixTime::from_secs(NOW + at), &mut record).await;
        assert_eq!(answer.map(|_| ()).map_err(|error| error.to_string()), expected, "after {at} s");
    }
}

#[tokio::test]
async fn a_broken_event_names_what_is_wrong_and_the_next_event_is_served() {
    let authorizer = authorizer(settings());
    let good = event(Shape::RestToken, &good_token());
    let changed = |name: &str, value: Value| {
        let mut event = good.clone();
        event[name] = value;
        event.to_string()
    };
    let mut without_arn = good.clone();
    without_arn.as_object_mut().unwrap().remove("methodArn");
    for (event, expected) in [
        (String::new(), "the event is not a json object"),
        ("null".to_owned(), "the event is not a json object"),
        ("[]".to_owned(), "the event is not a json object"),
        (r#"["TOKEN"]"#.to_owned(), "the event is not a json object"),
        ("{".to_owned(), "the event is not a json object"),
        (
            "{}".to_owned(),
            "the event is no api gateway authorizer event: its type is neither TOKEN nor REQUEST",
        ),
        (
            changed("type", json!("token")),
            "the event is no api gateway authorizer event: its type is neither TOKEN nor REQUEST",
        ),
        (
            changed("type", json!(1)),
            "the event is no api gateway authorizer event: its type is neither TOKEN nor REQUEST",
        ),
        (without_arn.to_string(), "the event has no methodArn"),
        (changed("methodArn", json!(7)), "the event has no methodArn"),
        (changed("methodArn", json!("x")), "the event's methodArn is not an arn"),
        (
            changed("methodArn", json!("arn:aws:s3:::bucket")),
            "the event's methodArn is not of the service execute-api",
        ),
        (
            changed("methodArn", json!("arn:aws:execute-api:r:1:a/s")),
            "the event's methodArn has no usable route",
        ),
        (changed("routeArn", json!({})), "the event has no routeArn"),
    ] {
        let (answer, record) = ask(&authorizer, &event).await;
        let Err(Error::Internal(Fault::Event(error))) = answer else { panic!("{event}: {answer:?}") };
        assert_eq!(error.to_string(), expected, "{event}");
        assert_eq!(record.outcome, Some(Outcome::Error(Fault::Event(error))));
        assert!(ask(&authorizer, &good.to_string()).await.0.is_ok());
    }
}

#[tokio::test]
async fn a_missing_token_is_the_callers_fault_in_every_shape() {
    let authorizer = authorizer(every_source());
    for shape in Shape::ALL {
        for absent in [Value::Null, json!(""), json!({}), json!([]), json!(5)] {
            let mut event = event(shape, "");
            for field in [
                "authorizationToken",
                "headers",
                "multiValueHeaders",
                "cookies",
                "queryStringParameters",
                "identitySource",
            ] {
                event[field] = absent.clone();
            }
            let (answer, _) = ask(&authorizer, &event.to_string()).await;
            assert_eq!(answer, Err(Error::Unauthorized(TokenError::Missing)), "{shape:?} {absent}");
        }
    }
}

#[tokio::test]
async fn a_path_that_is_no_text_spoils_nothing() {
    let authorizer = authorizer(settings());
    for shape in [Shape::RestToken, Shape::RestRequest, Shape::HttpV1, Shape::HttpV2] {
        let event = event(shape, &good_token()).to_string().replace("GET/orders/42", r"GET/orders/\ud800");
        assert!(event.contains(r"\ud800"));
        assert!(ask(&authorizer, &event).await.0.is_ok(), "{shape:?}");
    }
}

#[test]
fn only_time_rs_reads_the_clock() {
    // The lint is the guard; this makes sure that it stands and that nobody is excused elsewhere.
    let lints = std::fs::read_to_string("clippy.toml").unwrap();
    assert!(lints.contains("std::time::SystemTime::now") && lints.contains("std::time::Instant::now"));
    let mut readers = Vec::new();
    let mut folders = ["src", "crates"].map(std::path::PathBuf::from).to_vec();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if std::fs::read_to_string(&path).unwrap().lines().any(|line| {
                line.contains("SystemTime::now")
                    || line.contains("Instant::now")
                    || line.contains("UnixTime::now()")
            }) {
                readers.push(path.display().to_string());
            }
        }
    }
    readers.sort();
    assert_eq!(
        readers,
        ["crates/token/src/time.rs", "src/main.rs"],
        "main reads it once per invocation, through time.rs"
    );
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

/// Puts a caller's text wherever a caller can put one.
fn with_callers_text(shape: Shape, text: &str) -> String {
    let mut event = event(shape, text);
    event["queryStringParameters"] = json!({ "token": text, text: text });
    event["multiValueQueryStringParameters"] = json!({ text: [text, text] });
    event["cookies"] = json!([text, format!("token={text}")]);
    event["path"] = json!(text);
    event["pathParameters"] = json!({ "id": text });
    event["headers"]["x-other"] = json!(text);
    if shape == Shape::RestToken {
        event["methodArn"] = json!(format!("{API}/prod/GET/{text}"));
    }
    event.to_string()
}

fn is_refused(answer: &Result<Response, Error>) -> bool {
    matches!(answer, Err(Error::Unauthorized(_)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_credential_whatever_it_is_ends_in_a_500_or_an_allow(text in any::<String>(), shape in 0..5_usize) {
        let (answer, _) = block_on(ask(&authorizer(every_source()), &with_callers_text(Shape::ALL[shape], &text)));
        prop_assert!(is_refused(&answer), "{:?}", answer);
    }

    #[test]
    fn no_header_shaped_text_ends_in_a_500_or_an_allow(scheme in "(?i)bearer|basic|", text in "[ -~]{0,64}", shape in 0..5_usize) {
        let event = with_callers_text(Shape::ALL[shape], &format!("{scheme} {text}"));
        let (answer, _) = block_on(ask(&authorizer(every_source()), &event));
        prop_assert!(is_refused(&answer), "{:?}", answer);
    }

    #[test]
    fn no_text_as_an_event_panics_or_ends_in_an_allow(text in any::<String>()) {
        let (answer, _) = block_on(ask(&authorizer(every_source()), &text));
        prop_assert!(matches!(answer, Err(Error::Internal(Fault::Event(_)))), "{:?}", answer);
    }

    #[test]
    fn no_event_with_odd_fields_panics_or_allows_anything_beyond_its_api_and_stage(field in "type|version|methodArn|routeArn|headers|multiValueHeaders|cookies|requestContext|queryStringParameters|authorizationToken|resource|path", value in odd_value(), shape in 0..5_usize) {
        let mut event = event(Shape::ALL[shape], &good_token());
        event[field.as_str()] = value;
        let (answer, _) = block_on(ask(&authorizer(every_source()), &event.to_string()));
        prop_assert_ne!(&answer, &Err(Error::Internal(Fault::Panic)));
        if let Ok(response) = answer {
            let resource = &serde_json::to_value(response).unwrap()["policyDocument"]["Statement"][0]["Resource"];
            prop_assert_eq!(resource, &json!([format!("{API}/prod/*")]));
        }
    }
}

fn odd_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::collection::vec(any::<String>(), 0..4).prop_map(Value::from),
        prop::collection::btree_map(any::<String>(), any::<String>(), 0..4)
            .prop_map(|members| json!(members)),
    ]
}

/// The configuration's defaults for one pool, which trusts both of its issuer forms; Cognito refuses the address
/// of the form that the pool does not use.
fn default_authorizer() -> (Authorizer<Provider>, Provider) {
    let variables = |name: &str| match name {
        "USER_POOL_ID" => Some(POOL_ID.into()),
        "CLIENT_ID" => Some(CLIENT_ID.into()),
        _ => None,
    };
    let provider = Provider::with(JWKS_URL, &jwks(&[&KEY]));
    let newer = JWKS_URL.replace("cognito-idp", "issuer-cognito-idp");
    provider.reply(&newer, Reply::Fail(FetchError::Status(403)));
    (Authorizer::new(Config::read(&variables).unwrap().authorizer, provider.clone(), now()), provider)
}

#[tokio::test]
async fn no_made_up_token_ends_in_a_500_while_the_provider_is_well() {
    let issuers =
        [ISSUER, &ISSUER.replace("cognito-idp", "issuer-cognito-idp"), "https://evil.example.com", ""];
    let headers = [
        json!({ "alg": "RS256", "kid": "current" }),
        json!({ "alg": "RS256", "kid": "made up" }),
        json!({ "alg": "none", "kid": "current" }),
    ];
    for first in issuers {
        // Each comes first once: nothing is in memory then.
        let (authorizer, _provider) = default_authorizer();
        for issuer in [first].into_iter().chain(issuers) {
            for header in &headers {
                let forged = compact(&header.to_string(), json!({ "iss": issuer }).to_string(), &STRANGER);
                for at in [NOW, NOW + 20] {
                    let mut record = Record::default();
                    let event = event(Shape::HttpV2, &forged).to_string();
                    let answer = authorizer.authorize(&event, UnixTime::from_secs(at), &mut record).await;
                    assert!(is_refused(&answer), "{issuer} {header}: {answer:?}");
                }
            }
        }
        assert!(ask(&authorizer, &event(Shape::HttpV2, &good_token()).to_string()).await.0.is_ok());
    }
}

#[tokio::test]
async fn large_and_deep_input_is_refused_and_the_next_event_is_served() {
    let authorizer = authorizer(every_source());
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let good = event(Shape::RestRequest, &good_token()).to_string();
    for text in ["a".repeat(1_000_000), ".".repeat(100_000), "\0".repeat(10_000), "é".repeat(10_000)] {
        for shape in Shape::ALL {
            let (answer, _) = ask(&authorizer, &with_callers_text(shape, &text)).await;
            assert!(is_refused(&answer), "{shape:?}: {answer:?}");
        }
    }
    for field in ["headers", "requestContext", "cookies", "somethingElse"] {
        let event = format!(r#"{{"type":"REQUEST","{field}":{deep},"methodArn":"{API}/prod/GET/x"}}"#);
        let (answer, _) = ask(&authorizer, &event).await;
        assert_eq!(answer, Err(Error::Unauthorized(TokenError::Missing)), "{field}");
    }
    assert!(ask(&authorizer, &good).await.0.is_ok());
}
