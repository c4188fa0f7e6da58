//! Writes `events/`: one authorizer event per kind of API, a token for each of the example's people, and the key set
//! that all of them verify against.
//!
//! `cargo run --example sample_events` makes a new key each time, signs with it, and forgets it: the private
//! key is never written.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "whatever goes wrong ends the run")]

#[path = "local/people.rs"]
mod people;

use cognito_authorizer::{
    gateway::Shape,
    testing::{SigningKey, access_claims, event, jwks},
    token::Algorithm,
};
use serde_json::{Value, json};

use crate::people::Name;

fn main() {
    let key = SigningKey::generate("sample-key-1", Algorithm::RS256);
    write("jwks", &jwks(&[&key]));
    let token = sign(&key, access_claims(ISSUED_AT));
    for shape in Shape::ALL {
        write(shape.name(), &event(shape, &format!("Bearer {token}")));
    }
    let line = |name: Name| format!("{} {}\n", name.word(), sign(&key, name.access_claims(ISSUED_AT)));
    std::fs::write(path("tokens.txt"), Name::ALL.map(line).concat()).unwrap();
}

fn sign(key: &SigningKey, mut claims: Value) -> String {
    claims["exp"] = json!(EXPIRES_AT);
    key.token(&claims)
}

fn write(name: &str, content: &Value) {
    std::fs::write(path(&format!("{name}.json")), format!("{content:#}\n")).unwrap();
}

fn path(name: &str) -> String {
    format!("{}/events/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// 2026-01-01.
const ISSUED_AT: u64 = 1_767_225_600;
/// 2100-01-01: samples are to be of use for long, and their key signs nothing else.
const EXPIRES_AT: u64 = 4_102_444_800;
