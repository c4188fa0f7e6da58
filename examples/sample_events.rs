//! Writes `events/`: one authorizer event per kind of API, and the key set that their tokens verify against.
//!
//! `cargo run --example sample_events` makes a new key each time, signs with it, and forgets it: the private
//! key is never written.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "whatever goes wrong ends the run")]

use cognito_authorizer::{
    gateway::Shape,
    testing::{SigningKey, access_claims, event, jwks},
    token::Algorithm,
};
use serde_json::{Value, json};

fn main() {
    let key = SigningKey::generate("sample-key-1", Algorithm::RS256);
    write("jwks", &jwks(&[&key]));
    let mut claims = access_claims(ISSUED_AT);
    claims["exp"] = json!(EXPIRES_AT);
    let token = key.token(&claims);
    for shape in Shape::ALL {
        write(shape.name(), &event(shape, &format!("Bearer {token}")));
    }
}

fn write(name: &str, content: &Value) {
    let path = format!("{}/events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::write(path, format!("{content:#}\n")).unwrap();
}

/// 2026-01-01.
const ISSUED_AT: u64 = 1_767_225_600;
/// 2100-01-01: samples are to be of use for long, and their key signs nothing else.
const EXPIRES_AT: u64 = 4_102_444_800;
