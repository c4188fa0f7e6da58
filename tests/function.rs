//! The function itself: its executable, as Lambda runs it, under the example's Runtime API.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on stops"
)]

#[path = "telemetry/emf.rs"]
mod emf;
#[path = "../examples/local/function_log.rs"]
mod function_log;
#[path = "../examples/local/gateway.rs"]
mod gateway;
#[path = "function/hostile_events.rs"]
mod hostile_events;
#[path = "../examples/local/issuer.rs"]
mod issuer;
#[path = "function/key_fetches.rs"]
mod key_fetches;
#[path = "function/marks.rs"]
mod marks;
#[path = "../benches/function/provider.rs"]
mod provider;
#[path = "../examples/local/runtime_api.rs"]
mod runtime_api;
#[path = "function/secrets.rs"]
mod secrets;
#[path = "function/tls.rs"]
mod tls;

use std::{
    path::Path,
    process::{Command, Output},
    sync::{Arc, LazyLock},
};

use cognito_authorizer::{
    gateway::Shape,
    testing::{CLIENT_ID, POOL_ID, SigningKey, access_claims, event},
    time::UnixTime,
    token::Algorithm,
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    gateway::client_status,
    issuer::Issuer,
    runtime_api::{Function, StartError},
};

const BINARY: &str = env!("CARGO_BIN_EXE_cognito-authorizer");

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate("current", Algorithm::RS256));
static NEXT_KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate("next", Algorithm::RS256));

/// An issuer with [`KEY`] published, and a function that trusts it.
async fn start(settings: &[(&str, &str)]) -> (Issuer, Function) {
    let issuer = Issuer::start(&[&KEY]).await.unwrap();
    let function = start_for(&issuer, settings).await;
    (issuer, function)
}

async fn start_for(issuer: &Issuer, settings: &[(&str, &str)]) -> Function {
    let url = issuer.jwks_url();
    let pool = [("USER_POOL_ID", POOL_ID), ("CLIENT_ID", CLIENT_ID), ("JWKS_URI", &url)];
    start_with(&[&pool, settings].concat()).await.unwrap()
}

async fn start_with(variables: &[(&str, &str)]) -> Result<Function, StartError> {
    Function::start(Path::new(BINARY), variables, |_| ()).await
}

fn token(key: &SigningKey) -> String {
    key.token(&access_claims(UnixTime::now().as_secs()))
}

fn good_event(shape: Shape) -> Value {
    event(shape, &format!("Bearer {}", token(&KEY)))
}

/// The status that the client sees for an event of this token, and the log line.
async fn ask(function: &Function, key: &SigningKey) -> (u16, Value) {
    let event = event(Shape::HttpV2, &token(key));
    let answer = function.invoke(event.to_string()).await;
    let line = function.log_line(&answer.request_id).await.unwrap();
    (client_status(&event, &answer.outcome), line)
}

#[tokio::test]
async fn a_broken_configuration_is_reported_whole_and_nothing_is_served() {
    let variables = [
        ("USER_POOL_ID", "canary-pool"),
        ("CLIENT_ID", "canary client"),
        ("TOKEN_USE", "canary-use"),
        ("JWKS_URI", "http://canary.example.com/keys"),
        ("JWKS_FILE", "/nowhere/canary"),
        ("JWKS_COOLDOWN_SECONDS", "-1canary"),
        ("REQUIRED_SCOPES", " , "),
    ];
    // This error says that no event was asked for.
    let Err(StartError::Ended { status, init_error, log }) = start_with(&variables).await else {
        panic!("the function started");
    };
    assert_eq!(status.code(), Some(1));
    let init_error = init_error.unwrap();
    assert_eq!(init_error["errorType"], "Runtime.InvalidConfiguration");
    for report in [init_error["errorMessage"].as_str().unwrap(), &log.join("\n")] {
        for (variable, _) in variables {
            assert!(report.contains(&format!("{variable}: ")), "{variable} is missing from {report}");
        }
        assert!(!report.contains("canary"), "{report}");
    }
}

#[test]
fn started_outside_lambda_it_says_in_one_line_what_to_do_instead() {
    let Output { status, stdout, stderr } = Command::new(BINARY).env_clear().output().unwrap();
    let stderr = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(2));
    assert!(stderr.contains("cargo run --example local"), "{stderr}");
    assert_eq!((stderr.lines().count(), stdout.len()), (1, 0));
}

#[tokio::test]
async fn every_shape_of_event_with_a_good_token_is_allowed_and_no_answer_holds_a_null() {
    let (_issuer, function) = start(&[]).await;
    for shape in Shape::ALL {
        let event = good_event(shape);
        let answer = function.invoke(event.to_string()).await;
        assert_eq!(client_status(&event, &answer.outcome), 200, "{shape:?}: {answer:?}");
        assert!(!answer.outcome.unwrap().to_string().contains("null"), "{shape:?}");
    }
}

#[tokio::test]
async fn a_bad_token_is_the_exact_word_and_the_next_event_is_served() {
    let (_issuer, function) = start(&[]).await;
    let unauthorized = json!({ "errorType": "Unauthorized", "errorMessage": "Unauthorized" });
    for shape in Shape::ALL {
        let answer = function.invoke(event(shape, "Bearer nonsense").to_string()).await;
        assert_eq!(answer.outcome, Err(unauthorized.clone()), "{shape:?}");
        assert!(function.invoke(good_event(shape).to_string()).await.outcome.is_ok(), "{shape:?}");
    }
}

/// What is told apart in the log is one and the same for the caller: which issuers and keys there are, and what
/// of a token was right, is nothing that a refusal says.
#[tokio::test]
async fn every_refusal_has_the_same_answer() {
    let (_issuer, function) = start(&[("JWKS_COOLDOWN_SECONDS", "60")]).await;
    let unauthorized = json!({ "errorType": "Unauthorized", "errorMessage": "Unauthorized" });
    let now = UnixTime::now().as_secs();
    let with = |name: &str, value: Value| {
        let mut claims = access_claims(now);
        claims[name] = value;
        KEY.token(&claims)
    };
    let as_current = SigningKey::generate("current", Algorithm::RS256);
    for (reason, token) in [
        ("token_missing", String::new()),
        ("not_three_parts", "nonsense".to_owned()),
        ("unknown_issuer", with("iss", json!("https://login.example.com"))),
        ("unknown_key", token(&NEXT_KEY)),
        ("bad_signature", token(&as_current)),
        ("token_expired", with("exp", json!(1))),
        ("wrong_client", with("client_id", json!("another"))),
        ("wrong_token_use", with("token_use", json!("id"))),
    ] {
        for shape in Shape::ALL {
            let answer = function.invoke(event(shape, &token).to_string()).await;
            assert_eq!(answer.outcome, Err(unauthorized.clone()), "{shape:?}: {reason}");
            assert_eq!(function.log_line(&answer.request_id).await.unwrap()["reason"], reason, "{shape:?}");
        }
    }
}

#[tokio::test]
async fn where_lambda_sends_several_events_at_once_they_are_answered_and_share_one_fetch() {
    let issuer = Issuer::start(&[]).await.unwrap();
    let settings = [("AWS_LAMBDA_MAX_CONCURRENCY", "8"), ("AWS_LAMBDA_LOG_FORMAT", "JSON")];
    let function = Arc::new(start_for(&issuer, &settings).await);
    let warm_ups = issuer.requests();
    issuer.publish(&[&KEY]);
    let event = good_event(Shape::HttpV2).to_string();
    let mut asked = JoinSet::new();
    for _ in 0..64 {
        let (function, event) = (Arc::clone(&function), event.clone());
        asked.spawn(async move { function.invoke(event).await });
    }
    for answer in asked.join_all().await {
        assert!(answer.outcome.is_ok(), "{answer:?}");
    }
    assert_eq!(issuer.requests() - warm_ups, 1);
    assert!(function.log.lines().iter().all(|line| line.starts_with('{')));
}

#[tokio::test]
async fn each_invocation_prints_one_line_of_json_with_its_request_id_and_nothing_else() {
    let (_issuer, function) = start(&[]).await;
    let mut request_ids = Vec::new();
    for event in [good_event(Shape::HttpV2), event(Shape::HttpV2, "nonsense"), json!("nonsense")] {
        request_ids.push(function.invoke(event.to_string()).await.request_id);
    }
    function.log_line(&request_ids[2]).await.unwrap();
    let lines: Vec<Value> =
        function.log.lines().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let logged = |field: &str| lines.iter().map(|line| line[field].clone()).collect::<Vec<_>>();
    assert_eq!(logged("request_id"), request_ids);
    assert_eq!(logged("outcome"), ["allow", "unauthorized", "error"]);
    assert_eq!(lines[0]["trace_id"], "1-5759e988-bd862e3fe1be46a994272793");
    for (line, metric) in lines.iter().zip(["Allowed", "Unauthorized", "Errors"]) {
        assert_eq!(emf::extract(line)["CognitoAuthorizer"][metric], 1, "{line}");
    }
}

#[tokio::test]
async fn at_level_error_requests_that_are_allowed_or_refused_leave_no_line() {
    let (_issuer, function) = start(&[("AWS_LAMBDA_LOG_LEVEL", "ERROR")]).await;
    for authorization in [&token(&KEY), "nonsense"] {
        function.invoke(event(Shape::HttpV2, authorization).to_string()).await;
    }
    let broken = function.invoke("{}").await;
    assert_eq!(function.log_line(&broken.request_id).await.unwrap()["level"], "ERROR");
    assert_eq!(function.log.lines().len(), 1);
}

#[tokio::test]
async fn at_level_trace_nothing_is_printed_but_the_lines_of_invocations() {
    let settings = [("AWS_LAMBDA_LOG_LEVEL", "TRACE"), ("RUST_LOG", "trace"), ("RUST_BACKTRACE", "full")];
    let (_issuer, function) = start(&settings).await;
    let token = token(&KEY);
    let events =
        [event(Shape::HttpV2, &token).to_string(), format!("{{\"type\":\"{token}\"}}"), token.clone()];
    for event in &events {
        let answer = function.invoke(event.as_str()).await;
        function.log_line(&answer.request_id).await.unwrap();
    }
    let log = function.log.lines();
    assert_eq!(log.len(), events.len(), "{log:#?}");
    for part in token.split('.') {
        assert!(!log.concat().contains(part));
    }
}

/// What is looked for are names of functions, of which a debug build keeps all that were linked.
#[test]
#[cfg_attr(not(debug_assertions), ignore = "the release profile strips names")]
fn the_first_random_number_does_not_wait_for_cpu_jitter() {
    let binary = std::fs::read(BINARY).unwrap();
    let binary = String::from_utf8_lossy(&binary);
    assert!(binary.contains("opt_out_cpu_jitter_initialize"), "this binary cannot tell");
    assert!(
        !binary.contains("jent_read_entropy"),
        "built without AWS_LC_SYS_NO_JITTER_ENTROPY=1 of .cargo/config.toml"
    );
}
