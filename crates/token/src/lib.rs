//! Tokens: from the text in a request to verified [`Claims`], and the keys that this takes.
//!
//! This crate knows nothing of API Gateway. What it trusts is the configuration it was built with and key
//! sets fetched from the addresses named there; everything in a token is a caller's text until
//! [`Verifier::verify`] has passed it.

mod algorithm;
mod cache;
mod claims;
mod error;
mod fetch;
mod json;
mod jwk;
mod jws;
mod keys;
mod rules;
pub mod time;
mod verifier;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use algorithm::Algorithm;
pub use cache::{Answer, KeyCache, KeyCacheSettings, Lookup, Refresh};
pub use claims::Claims;
pub use error::{ClaimName, TokenError, VerifyError};
pub use fetch::{Authorities, FetchError, FetchJwks, HttpsFetch, InvalidJwksUrl, JwksUrl, MAX_JWKS_BYTES};
pub use json::{JsonError, parse_object, parse_value};
pub use jwk::{KeySet, KeySetError, VerifyingKey};
pub use jws::{MAX_TOKEN_BYTES, UnverifiedToken, VerifiedPayload};
pub use keys::{FetchReport, KeySourceSettings};
pub use rules::{AllowedClients, AllowedUse, TokenRules, TokenUse};
pub use verifier::{IssuerSettings, Trace, VerifiedToken, Verifier, VerifierSettings};

/// Locks a cache. A panic elsewhere cannot leave one half changed, so a poisoned lock is still good.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
