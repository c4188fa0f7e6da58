//! A header and a payload, signed by the issuer, or one line that is a token as it stands: passes if and only if the
//! contract says so, and then with its claims unchanged, until it expires, and in no other spelling.
#![no_main]

use std::{sync::LazyLock, time::Duration};

use cognito_authorizer::{
    testing::{CLIENT_ID, ISSUER, NOW, Provider},
    token::{AllowedClients, AllowedUse, MAX_TOKEN_BYTES, TokenError, TokenRules, Verifier},
};
use cognito_authorizer_fuzz::{json::repeats_a_name, mutate, signed::Parts, verdict};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use serde_json::{Map, Value};

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::json(data, size, max_size, seed)
});

fuzz_target!(|input: &[u8]| {
    let Some(parts) = Parts::of(input) else {
        let verdict = verify(&String::from_utf8_lossy(input), NOW);
        assert!(verdict.is_err(), "a token that nobody signed passes");
        return;
    };
    let token = parts.sign();
    let claims = verify(&token, NOW);
    assert_eq!(claims.is_ok(), is_good(&parts, &token), "{claims:?}");
    assert_eq!(claims, verify(&token, NOW), "another verdict the second time");
    if let Ok(claims) = claims {
        assert_eq!(Value::Object(claims.clone()), parts.payload_value());
        check_end(&token, claims["exp"].as_u64().unwrap());
        check_other_spellings(&token);
    }
});

static VERIFIER: LazyLock<Verifier<Provider>> = LazyLock::new(|| {
    let clients = AllowedClients::Listed(vec![CLIENT_ID.to_owned()]);
    let rules = TokenRules::UserPool { clients, token_use: AllowedUse::Any, audiences: Vec::new() };
    let mut settings = verdict::settings(rules);
    // Fetched once, whatever the time.
    settings.key_cache.ttl = Duration::MAX;
    settings.key_cache.max_stale = Duration::MAX;
    verdict::verifier(settings)
});

fn verify(token: &str, at: u64) -> Result<Map<String, Value>, TokenError> {
    verdict::verify(&VERIFIER, token, at)
}

/// What the documents promise, said once more and in another way.
fn is_good(parts: &Parts<'_>, token: &str) -> bool {
    let (header, claims, key) = (parts.header_value(), parts.payload_value(), parts.key());
    let payload = str::from_utf8(parts.payload).unwrap_or_default();
    let strings = |value: &Value| value.as_array().is_some_and(|items| items.iter().all(Value::is_string));
    let optional = |name: &str, fits: &dyn Fn(&Value) -> bool| claims.get(name).is_none_or(fits);
    let time = |value: &Value| value.as_u64().filter(|time| *time <= 253_402_300_799);
    let no_later_than = |most: u64| move |value: &Value| time(value).is_some_and(|time| time <= most);
    let texts = ["jti", "scope", "client_id", "token_use", "username", "cognito:username"];
    let is_sound = token.len() <= MAX_TOKEN_BYTES
        && header.is_object()
        && claims.is_object()
        && !repeats_a_name(parts.header, &header)
        && !repeats_a_name(payload, &claims)
        && header["alg"] == key.algorithm.name()
        && header["kid"] == *key.id
        && header.get("crit").is_none()
        && header.get("b64").is_none()
        && !parts.is_of_another_kind();
    let is_in_time = time(&claims["exp"]).is_some_and(|time| time > NOW)
        && optional("nbf", &no_later_than(NOW))
        && optional("iat", &no_later_than(NOW + 60))
        && optional("auth_time", &|value| time(value).is_some());
    let is_typed = texts.iter().all(|name| optional(name, &Value::is_string))
        && optional("cognito:groups", &strings)
        && optional("aud", &|value| value.is_string() || strings(value));
    let is_for_us = match claims["token_use"].as_str() {
        Some("access") => claims["client_id"] == CLIENT_ID,
        Some("id") => match &claims["aud"] {
            Value::Array(items) => items.iter().any(|item| item == CLIENT_ID),
            only => only == CLIENT_ID,
        },
        _ => false,
    };
    let has_subject = claims["sub"].as_str().is_some_and(|subject| !subject.is_empty());
    is_sound && is_in_time && is_typed && is_for_us && has_subject && claims["iss"] == ISSUER
}

/// Remembered or not, it passes in its last second and not after it.
fn check_end(token: &str, expires_at: u64) {
    assert!(verify(token, expires_at - 1).is_ok());
    assert_eq!(verify(token, expires_at), Err(TokenError::Expired));
}

/// No byte of a token can be another, and none can be left out or added. A few places for each token; over a run, all.
fn check_other_spellings(token: &str) {
    let digest = token.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    for place in [digest % token.len(), token.len() - 1 - digest % 86] {
        let (head, tail) = token.split_at(place);
        let other = if tail.starts_with('A') { 'B' } else { 'A' };
        for spelling in [
            format!("{head}{other}{}", &tail[1..]),
            format!("{head}{}", &tail[1..]),
            format!("{head}={tail}"),
        ] {
            assert!(verify(&spelling, NOW).is_err(), "another spelling of a good token passes");
        }
    }
}
