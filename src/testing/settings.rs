//! Settings as the configuration's defaults give them for one pool and one client.

use std::{sync::Arc, time::Duration};

use super::issuer::{CLIENT_ID, ISSUER};
use crate::{
    authorizer::AuthorizerSettings,
    gateway::{Answerer, ContextClaims, Refusal, ResponseFormat, TokenSource},
    policy::Rules,
    token::{
        Algorithm, AllowedClients, AllowedUse, IssuerSettings, JwksUrl, KeyCacheSettings, KeySourceSettings,
        TokenRules, TokenUse, VerifierSettings,
    },
};

/// Where the pool publishes its keys.
pub const JWKS_URL: &str =
    "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123/.well-known/jwks.json";

/// The defaults for [`ISSUER`] and [`CLIENT_ID`], with one issuer form and one key address.
pub fn settings() -> AuthorizerSettings {
    AuthorizerSettings {
        verifier: verifier_settings(),
        token_sources: vec![TokenSource::Header("authorization".to_owned())],
        rules: Rules::default(),
        answerer: Answerer {
            context: ContextClaims::All,
            principal_id_claim: "sub".to_owned(),
            usage_identifier_key_claim: None,
            format: ResponseFormat::Iam,
        },
        refusal: Refusal::Unauthorized,
    }
}

/// Keys at this address, for these algorithms.
pub fn key_source(url: &str, algorithms: &[Algorithm]) -> Arc<KeySourceSettings> {
    let url = JwksUrl::parse(url).unwrap();
    Arc::new(KeySourceSettings { url, algorithms: algorithms.to_vec(), preloaded: None })
}

/// The verifier's part of [`settings`].
pub fn verifier_settings() -> VerifierSettings {
    let rules = TokenRules::UserPool {
        clients: AllowedClients::Listed(vec![CLIENT_ID.to_owned()]),
        token_use: AllowedUse::Only(TokenUse::Access),
        audiences: Vec::new(),
    };
    VerifierSettings {
        issuers: vec![IssuerSettings {
            issuer: ISSUER.to_owned(),
            keys: key_source(JWKS_URL, &[Algorithm::RS256]),
            other_form: None,
            rules,
        }],
        key_cache: KeyCacheSettings {
            ttl: Duration::from_hours(1),
            max_stale: Duration::from_hours(24),
            cooldown: Duration::from_secs(10),
        },
        fetch_timeout: Duration::from_secs(3),
        clock_skew_seconds: 0,
        token_cache_size: 512,
    }
}
