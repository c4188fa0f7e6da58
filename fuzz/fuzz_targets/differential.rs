//! One token and one key through our verifier and through `jsonwebtoken`'s own `decode` at its strictest: what we accept
//! it accepts, with the same claims, and what only we refuse falls under one of our rules, by name.
#![no_main]

use std::sync::LazyLock;

use cognito_authorizer::{
    testing::{NOW, Provider, SigningKey},
    token::{MAX_TOKEN_BYTES, TokenError, TokenRules, Verifier},
};
use cognito_authorizer_fuzz::{
    json::repeats_a_name,
    mutate,
    signed::{KEYS, Parts},
    verdict,
};
use jsonwebtoken::{DecodingKey, Validation, decode, get_current_timestamp};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use serde_json::{Map, Value, json};

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::json(data, size, max_size, seed)
});

fuzz_target!(|input: &[u8]| {
    let Some(Parts { header, payload }) = Parts::of(input) else { return };
    // jsonwebtoken reads the clock itself: the time that inputs mean is moved to now, and a second that ends between
    // the two checks is not used.
    loop {
        let now = get_current_timestamp();
        let payload = move_times(payload, now);
        let parts = Parts { header, payload: &payload };
        let token = parts.sign();
        let (ours, theirs) = (verdict::verify(&VERIFIER, &token, now), decode_strictly(&token, parts.key()));
        if get_current_timestamp() == now {
            return compare(&parts, &token, now, ours, theirs);
        }
    }
});

fn compare(
    parts: &Parts<'_>,
    token: &str,
    now: u64,
    ours: Result<Map<String, Value>, TokenError>,
    theirs: jsonwebtoken::errors::Result<Map<String, Value>>,
) {
    match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => assert_eq!(ours, theirs),
        (Ok(ours), Err(error)) => {
            // It reads every member of a header by type; we read three, and refuse two more. The payload is all the same.
            let least = json!({ "kid": parts.key().id, "alg": parts.key().algorithm.name() }).to_string();
            let parts = Parts { header: &least, payload: parts.payload };
            let again = decode_strictly(&parts.sign(), parts.key());
            assert_eq!(again.ok(), Some(ours), "only we accept: {error}");
        }
        (Err(error), Ok(_)) => {
            assert!(
                stricter_rule(error, parts, token, now).is_some(),
                "only we refuse, and by no rule: {error:?}"
            );
        }
        (Err(_), Err(_)) => {}
    }
}

/// Our rule under which a token is refused that `jsonwebtoken` accepts; `None` if there is none, or the token keeps it.
fn stricter_rule(error: TokenError, parts: &Parts<'_>, token: &str, now: u64) -> Option<&'static str> {
    let (header, claims) = (parts.header_value(), parts.payload_value());
    let payload = str::from_utf8(parts.payload).unwrap_or_default();
    let (rule, is_broken) = match error {
        TokenError::TooLong => ("a token has at most 10,240 bytes", token.len() > MAX_TOKEN_BYTES),
        TokenError::HeaderDuplicateName => {
            ("a header names nothing twice", repeats_a_name(parts.header, &header))
        }
        TokenError::InvalidKeyId => ("a header has a kid", header["kid"].as_str().is_none_or(str::is_empty)),
        TokenError::CriticalExtension => {
            ("a header asks for no extension", header.get("crit").is_some() || header.get("b64").is_some())
        }
        TokenError::UnknownKey => {
            ("a kid is one of the set's", KEYS.iter().all(|key| header["kid"] != *key.id))
        }
        TokenError::InvalidIssuer => ("iss is one string", !claims["iss"].is_string()),
        TokenError::DuplicateClaim => {
            ("claims name nothing twice, at any depth", repeats_a_name(payload, &claims))
        }
        TokenError::ClaimIllTyped(name) => {
            let name = name.to_string();
            ("a claim that is there has its type", !is_well_typed(&name, &claims[name.as_str()]))
        }
        TokenError::Expired => ("exp is after now", claims["exp"].as_u64() == Some(now)),
        TokenError::WrongTokenUse => {
            ("a token is of no other kind", parts.is_of_another_kind() || claims["events"].is_object())
        }
        TokenError::IssuedInFuture => ("iat is at most 60 s ahead", claims["iat"].as_u64() > Some(now + 60)),
        _ => return None,
    };
    is_broken.then_some(rule)
}

fn is_well_typed(name: &str, value: &Value) -> bool {
    match name {
        "exp" | "nbf" | "iat" | "auth_time" => value.as_u64().is_some_and(|time| time <= 253_402_300_799),
        "iss" | "sub" => value.as_str().is_some_and(|text| !text.is_empty()),
        "aud" if value.is_string() => true,
        "aud" | "cognito:groups" => value.as_array().is_some_and(|items| items.iter().all(Value::is_string)),
        _ => value.is_string(),
    }
}

static VERIFIER: LazyLock<Verifier<Provider>> = LazyLock::new(|| {
    let rules = TokenRules::OpenIdConnect { audiences: vec![AUDIENCE.to_owned()] };
    let mut settings = verdict::settings(rules);
    ISSUER.clone_into(&mut settings.issuers[0].issuer);
    settings.token_cache_size = 0;
    verdict::verifier(settings)
});

fn decode_strictly(token: &str, key: &SigningKey) -> jsonwebtoken::errors::Result<Map<String, Value>> {
    static DECODING: LazyLock<Vec<DecodingKey>> = LazyLock::new(|| {
        let read =
            |key: &SigningKey| DecodingKey::from_jwk(&serde_json::from_value(key.jwk()).unwrap()).unwrap();
        KEYS.iter().map(read).collect()
    });
    let position = KEYS.iter().position(|other| other.id == key.id).unwrap();
    let mut validation = Validation::new(key.algorithm.name().parse()?);
    validation.leeway = 0;
    validation.validate_nbf = true;
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["exp", "iss", "sub", "aud"]);
    decode(token, &DECODING[position], &validation).map(|token| token.claims)
}

/// Moves numbers of ten digits near the time at which tests take place to as near to now.
fn move_times(payload: &[u8], now: u64) -> Vec<u8> {
    let Ok(text) = str::from_utf8(payload) else { return payload.to_vec() };
    let is_digit = |letter: char| letter.is_ascii_digit();
    let mut moved = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(is_digit) {
        let (before, number) = rest.split_at(start);
        let end = number.find(|letter| !is_digit(letter)).unwrap_or(number.len());
        let (number, after) = number.split_at(end);
        moved += before;
        match number.parse::<u64>() {
            Ok(time) if time.abs_diff(NOW) < 10_000 => moved += &(time + now - NOW).to_string(),
            _ => moved += number,
        }
        rest = after;
    }
    (moved + rest).into_bytes()
}

const ISSUER: &str = "https://id.example.com";
const AUDIENCE: &str = "orders";
