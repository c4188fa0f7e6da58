//! Tokens with a header and a payload of any text, which are signed all the same: a fuzzer that had to guess
//! signatures would never see what lies behind them.

use std::sync::LazyLock;

use cognito_authorizer::{
    testing::{SigningKey, compact},
    token::Algorithm,
};
use serde_json::Value;

/// The issuer's keys. Made anew by each process: no input holds a signature.
pub static KEYS: LazyLock<[SigningKey; 3]> = LazyLock::new(|| {
    [("ed", Algorithm::EdDSA), ("ec", Algorithm::ES256), ("rsa", Algorithm::RS256)]
        .map(|(id, algorithm)| SigningKey::generate(id, algorithm))
});

/// An input as a header, its first line, and a payload, the rest.
#[derive(Debug)]
pub struct Parts<'i> {
    pub header: &'i str,
    pub payload: &'i [u8],
}

impl<'i> Parts<'i> {
    /// `None` for an input of one line.
    pub fn of(input: &'i [u8]) -> Option<Self> {
        let end = input.iter().position(|byte| *byte == b'\n')?;
        Some(Self { header: str::from_utf8(&input[..end]).ok()?, payload: &input[end + 1..] })
    }

    /// The header as `serde_json` reads it; `null` where it does not.
    pub fn header_value(&self) -> Value {
        serde_json::from_str(self.header).unwrap_or_default()
    }

    /// The payload as `serde_json` reads it; `null` where it does not.
    pub fn payload_value(&self) -> Value {
        serde_json::from_slice(self.payload).unwrap_or_default()
    }

    /// The key that the header names, or any.
    pub fn key(&self) -> &'static SigningKey {
        let id = &self.header_value()["kid"];
        KEYS.iter().find(|key| *id == *key.id).unwrap_or(&KEYS[0])
    }

    /// Whether the header says that this is neither just a JWT nor an access token.
    pub fn is_of_another_kind(&self) -> bool {
        self.header_value().get("typ").is_some_and(|kind| {
            let kind = kind.as_str().map(str::to_ascii_lowercase).unwrap_or_default();
            !matches!(kind.strip_prefix("application/").unwrap_or(&kind), "jwt" | "at+jwt")
        })
    }

    /// The token.
    pub fn sign(&self) -> String {
        compact(self.header, self.payload, self.key())
    }
}
