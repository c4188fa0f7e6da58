//! The verifier as the targets about tokens ask it.

use cognito_authorizer::{
    testing::{JWKS_URL, NOW, Provider, jwks, key_source, verifier_settings},
    time::UnixTime,
    token::{Algorithm, TokenError, TokenRules, Trace, Verifier, VerifierSettings, VerifyError},
};
use serde_json::{Map, Value};

use crate::{block_on, signed::KEYS};

/// Settings of one issuer, which has [`KEYS`].
pub fn settings(rules: TokenRules) -> VerifierSettings {
    let mut settings = verifier_settings();
    settings.issuers[0].keys = key_source(JWKS_URL, &[Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA]);
    settings.issuers[0].rules = rules;
    settings
}

/// A verifier with these, and its provider.
pub fn verifier(settings: VerifierSettings) -> Verifier<Provider> {
    let keys: Vec<_> = KEYS.iter().collect();
    Verifier::new(settings, Provider::with(JWKS_URL, &jwks(&keys)), UnixTime::from_secs(NOW))
}

/// A token's claims, or why it is refused. No token ends in a 500.
pub fn verify(verifier: &Verifier<Provider>, token: &str, at: u64) -> Result<Map<String, Value>, TokenError> {
    match block_on(verifier.verify(token, UnixTime::from_secs(at), &mut Trace::default())) {
        Ok(passed) => {
            Ok(passed.claims().iter().map(|(name, value)| (name.to_owned(), value.clone())).collect())
        }
        Err(VerifyError::Token(error)) => Err(error),
        Err(VerifyError::KeysUnavailable(_)) => panic!("a token ends in a 500"),
    }
}
