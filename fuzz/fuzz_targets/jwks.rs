//! Any bytes as a key set: what is kept is a key for verifying, of its algorithm's type and size, and never private; all
//! else is counted as skipped; and a good key goes on serving whatever stands beside it.
#![no_main]

use std::sync::LazyLock;

use cognito_authorizer::{
    testing::SigningKey,
    token::{Algorithm, KeySet, KeySetError},
};
use cognito_authorizer_fuzz::{json::repeats_a_name, mutate};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use serde_json::Value;

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::json(data, size, max_size, seed)
});

fuzz_target!(|document: &[u8]| {
    let text = str::from_utf8(document).unwrap_or_default();
    let read: Option<Value> = serde_json::from_str(text).ok();
    for allowed in [&Algorithm::ALL[..], &[Algorithm::RS256], &[Algorithm::ES256, Algorithm::PS256]] {
        let keys = KeySet::parse(document, allowed);
        match &read {
            // Only one reading of the document: all of it can be checked.
            Some(value) if !repeats_a_name(text, value) => check(keys, value, allowed),
            _ => {}
        }
    }
    if read.is_some() {
        check_good_key_serves_beside(text);
    }
});

fn check(keys: Result<KeySet, KeySetError>, document: &Value, allowed: &[Algorithm]) {
    let entries = document.as_object().and_then(|document| document.get("keys")).and_then(Value::as_array);
    let Some(entries) = entries else {
        assert_eq!(keys.err(), Some(KeySetError::NotKeySet));
        return;
    };
    let Ok(keys) = keys else {
        assert_eq!(keys.err(), Some(KeySetError::NoUsableKey));
        return;
    };
    assert_eq!(keys.len() + keys.skipped(), entries.len());
    for key in keys.keys() {
        assert!(allowed.contains(&key.algorithm()) && !key.id().is_empty());
        let is_it = |entry: &&Value| entry["kid"] == **key.id() && may_verify(entry, key.algorithm());
        let found: Vec<&Value> = entries.iter().filter(is_it).collect();
        assert!(!found.is_empty(), "{key:?} is none of {document}");
        // If all are the same, all verify.
        let stands_twice = found.len() > 1 && found.iter().all(|entry| *entry == found[0]);
        assert!(!stands_twice, "a kid that stands twice serves: {document}");
        assert!(!key.verify_signature(b"message", &[0; 256]));
    }
}

/// What RFC 7517 and RFC 7518 ask of a key for this algorithm, but for the mathematics.
fn may_verify(entry: &Value, algorithm: Algorithm) -> bool {
    // Characters of base64url.
    let width = |name: &str| entry[name].as_str().map_or(0, str::len);
    let is_point = |curve: &str, length: usize| {
        entry["kty"] == "EC" && entry["crv"] == curve && width("x") == length && width("y") == length
    };
    let has_type = match algorithm {
        Algorithm::ES256 => is_point("P-256", 43),
        Algorithm::ES384 => is_point("P-384", 64),
        Algorithm::ES512 => is_point("P-521", 88),
        Algorithm::EdDSA => entry["kty"] == "OKP" && entry["crv"] == "Ed25519" && width("x") == 43,
        _ => entry["kty"] == "RSA" && width("n") >= 342 && width("e") > 0 && entry["e"] != "AQ",
    };
    let is_public =
        ["d", "p", "q", "dp", "dq", "qi", "oth", "k"].iter().all(|name| entry.get(name).is_none());
    let operations = entry.get("key_ops").is_none_or(|operations| {
        operations
            .as_array()
            .is_some_and(|operations| operations.iter().any(|operation| operation == "verify"))
    });
    let is_for_signatures = entry.get("use").is_none_or(|usage| usage == "sig");
    let is_named = entry.get("alg").is_none_or(|name| name == algorithm.name());
    has_type && is_public && operations && is_for_signatures && is_named
}

/// Any JSON as another key, or two.
fn check_good_key_serves_beside(entry: &str) {
    static GOOD: LazyLock<SigningKey> =
        LazyLock::new(|| SigningKey::generate("the good one", Algorithm::EdDSA));
    let document = format!(r#"{{"keys":[{entry},{},{entry}]}}"#, GOOD.jwk());
    let keys = KeySet::parse(document.as_bytes(), &Algorithm::ALL).unwrap();
    // Another key may take its name; then neither serves.
    if !entry.contains("the good one") && !entry.contains('\\') {
        assert_eq!((keys.len(), keys.skipped()), (1, 2), "an odd key serves, or spoils the good one");
        assert!(keys.key(&GOOD.id).unwrap().verify_signature(b"message", &GOOD.sign(b"message")));
    }
}
