//! Where the keys come from, and what may go wrong on the way.

use std::{path::PathBuf, time::Duration};

use cognito_authorizer::testing::jwks;
use tokio::time::sleep;

use super::*;

/// Every time that a test waits for, as short as it can be set.
const SHORT: [(&str, &str); 3] =
    [("JWKS_TTL_SECONDS", "1"), ("JWKS_COOLDOWN_SECONDS", "1"), ("JWKS_TIMEOUT_MS", "1000")];

/// Longer than each of them.
const ENOUGH: Duration = Duration::from_millis(1_100);

#[tokio::test]
async fn with_a_key_file_no_keys_are_fetched() {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("jwks.json");
    std::fs::write(&file, jwks(&[&KEY]).to_string()).unwrap();
    let (issuer, function) = start(&[("JWKS_FILE", file.to_str().unwrap())]).await;
    let (status, line) = ask(&function, &KEY).await;
    assert_eq!((status, &line["keys_from_memory"]), (200, &json!(true)));
    assert_eq!(issuer.requests(), 0);
}

#[tokio::test]
async fn a_provider_that_is_down_is_a_500_and_heals_once_it_is_back() {
    let issuer = Issuer::start(&[&KEY]).await.unwrap();
    issuer.take_down();
    let function = start_for(&issuer, &SHORT).await;
    let (status, line) = ask(&function, &KEY).await;
    assert_eq!((status, &line["reason"]), (500, &json!("keys_unavailable")));
    issuer.publish(&[&KEY]);
    sleep(ENOUGH).await;
    assert_eq!(ask(&function, &KEY).await.0, 200);
}

#[tokio::test]
async fn a_new_key_is_found_after_the_cooldown_and_a_withdrawn_one_ends_with_its_remembered_tokens() {
    let (issuer, function) = start(&[("JWKS_COOLDOWN_SECONDS", "1")]).await;
    let event = good_event(Shape::HttpV2).to_string();
    assert!(function.invoke(event.as_str()).await.outcome.is_ok());
    issuer.publish(&[&NEXT_KEY]);
    sleep(ENOUGH).await;
    assert_eq!(ask(&function, &NEXT_KEY).await.0, 200);
    let answer = function.invoke(event).await;
    let line = function.log_line(&answer.request_id).await.unwrap();
    assert_eq!((&line["outcome"], &line["reason"]), (&json!("unauthorized"), &json!("unknown_key")));
}

#[tokio::test]
async fn an_answer_that_is_no_key_set_is_a_500_without_keys_and_harmless_with_them() {
    let mut cases = JoinSet::new();
    for (code, response) in odd_responses() {
        cases.spawn(meet_without_keys(code, response.clone()));
        cases.spawn(meet_with_keys(code, response));
    }
    cases.join_all().await;
}

async fn meet_without_keys(code: &'static str, response: String) {
    let issuer = Issuer::start(&[]).await.unwrap();
    issuer.respond(response);
    let function = start_for(&issuer, &SHORT).await;
    let (status, line) = ask(&function, &KEY).await;
    assert_eq!((status, &line["reason"]), (500, &json!("keys_unavailable")), "{line}");
    assert_eq!(line["key_fetch"]["outcome"], code);
    assert_eq!(issuer.requests(), 2, "{code}: once before the first event, once for it, and none again");
    assert_small(&function);
}

async fn meet_with_keys(code: &'static str, response: String) {
    let (issuer, function) = start(&SHORT).await;
    issuer.respond(response);
    sleep(ENOUGH).await;
    let (status, line) = ask(&function, &KEY).await;
    assert_eq!((status, &line["key_fetch"]["outcome"]), (200, &json!(code)), "{line}");
    assert_small(&function);
}

/// Half of what the smallest Lambda function has, unoptimised as tests are.
fn assert_small(function: &Function) {
    let peak = function.peak_memory_kib().unwrap();
    assert!(peak < 60 * 1024, "{peak} KiB");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Issuer::start(&[&KEY]).await.unwrap();
    let issuer = Issuer::start(&[]).await.unwrap();
    let location = elsewhere.jwks_url();
    issuer.respond(format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"));
    let function = start_for(&issuer, &[]).await;
    let (status, line) = ask(&function, &KEY).await;
    assert_eq!((status, &line["key_fetch"]["detail"]), (500, &json!("answered with status 302")));
    assert_eq!(elsewhere.requests(), 0);
}

#[tokio::test]
async fn a_key_set_may_take_150000_bytes_and_no_more() {
    for (size, expected) in [(150_000, (200, Value::Null)), (150_001, (500, json!("too_large")))] {
        let issuer = Issuer::start(&[]).await.unwrap();
        let set = jwks(&[&KEY]).to_string();
        let space = " ".repeat(size - set.len());
        issuer.respond(format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n{set}{space}"));
        let function = start_for(&issuer, &[]).await;
        let (status, line) = ask(&function, &KEY).await;
        assert_eq!((status, line["key_fetch"]["outcome"].clone()), expected, "{size} bytes");
    }
}

/// What a provider, or something in its place, may say; and the word that the log has for it. Each
/// connection stays open afterwards.
fn odd_responses() -> Vec<(&'static str, String)> {
    let with_body = |body: &str| format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let promising =
        |length: usize, body: &str| format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}");
    vec![
        ("not_key_set", with_body("<!doctype html><title>Sign in</title>")),
        ("no_usable_key", with_body(r#"{"keys":[]}"#)),
        ("too_large", promising(1_000_000_000, &" ".repeat(200_000))),
        ("timeout", promising(2_000, r#"{"keys":["#)),
        ("timeout", String::new()),
        ("interrupted", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno length\r\n".to_owned()),
        ("unreachable", "220 mail.example.com ESMTP\r\n".to_owned()),
        ("status", "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n".to_owned()),
    ]
}
