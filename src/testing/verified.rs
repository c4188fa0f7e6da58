//! Verified claims, which only verification makes.

use std::sync::Arc;

use serde_json::Value;

use super::{
    events::NOW,
    issuer::{SigningKey, jwks},
    provider::Provider,
    settings::{JWKS_URL, key_source, verifier_settings},
};
use crate::{
    time::UnixTime,
    token::{AllowedClients, AllowedUse, TokenRules, Trace, VerifiedToken, Verifier},
};

/// Claims of the pool, of any client and use, signed and verified.
pub async fn verified(key: &SigningKey, claims: &Value) -> Arc<VerifiedToken> {
    let mut settings = verifier_settings();
    settings.issuers[0].keys = key_source(JWKS_URL, &[key.algorithm]);
    settings.issuers[0].rules = TokenRules::UserPool {
        clients: AllowedClients::Any,
        token_use: AllowedUse::Any,
        audiences: Vec::new(),
    };
    let now = UnixTime::from_secs(NOW);
    let verifier: Verifier<_> = Verifier::new(settings, Provider::with(JWKS_URL, &jwks(&[key])), now);
    verifier.verify(&key.token(claims), now, &mut Trace::default()).await.unwrap()
}

/// Claims with some members set, or taken away by `null`.
pub fn merged(mut claims: Value, members: &Value) -> Value {
    for (name, value) in members.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}
