//! Claims out of a file, made verified ones: signed and checked here, as only that makes them.

use std::{error::Error, fs, path::Path, sync::Arc};

use cognito_authorizer::{
    testing::{
        CLIENT_ID, ISSUER, JWKS_URL, POOL_ID, Provider, SigningKey, jwks, key_source, verifier_settings,
    },
    time::UnixTime,
    token::{Algorithm, AllowedClients, AllowedUse, TokenRules, Trace, VerifiedToken, Verifier},
};
use serde_json::{Map, Value, json};

/// Reads a JSON object of claims; fills in what every token has.
pub(crate) async fn verify(file: &Path) -> Result<Arc<VerifiedToken>, Box<dyn Error>> {
    let name = file.display();
    let text = fs::read_to_string(file).map_err(|error| format!("{name}: {error}"))?;
    let claims: Map<String, Value> = serde_json::from_str(&text)
        .map_err(|error| format!("{name}:{}: not a json object of claims", error.line()))?;
    let now = UnixTime::now();
    let claims = complete(claims, now.as_secs());

    let key = SigningKey::generate("explain", Algorithm::ES256);
    let mut settings = verifier_settings();
    let issuer = claims["iss"].as_str().unwrap_or_default();
    issuer.clone_into(&mut settings.issuers[0].issuer);
    settings.issuers[0].keys = key_source(JWKS_URL, &[Algorithm::ES256]);
    settings.issuers[0].rules = rules(issuer, &claims);
    let verifier: Verifier<_> = Verifier::new(settings, Provider::with(JWKS_URL, &jwks(&[&key])), now);
    let token = key.token(&claims.into());
    let outcome = verifier.verify(&token, now, &mut Trace::default()).await;
    outcome.map_err(|error| format!("{name}: no token has such claims: {error}").into())
}

fn complete(mut claims: Map<String, Value>, now: u64) -> Map<String, Value> {
    claims.insert("exp".to_owned(), (now + 300).into());
    claims.insert("iat".to_owned(), now.into());
    claims.remove("nbf");
    let mut fill = |name: &str, value: Value| {
        claims.entry(name).or_insert(value);
    };
    fill("iss", json!(ISSUER));
    fill("sub", json!(format!("somebody-of-{POOL_ID}")));
    if is_pool(claims["iss"].as_str().unwrap_or_default()) {
        let (client, token_use) =
            if claims.contains_key("aud") { ("aud", "id") } else { ("client_id", "access") };
        claims.entry("token_use").or_insert(json!(token_use));
        claims.entry(client).or_insert(json!(CLIENT_ID));
    } else {
        claims.entry("aud").or_insert(json!("explain"));
    }
    claims
}

fn rules(issuer: &str, claims: &Map<String, Value>) -> TokenRules {
    if is_pool(issuer) {
        let (clients, token_use) = (AllowedClients::Any, AllowedUse::Any);
        return TokenRules::UserPool { clients, token_use, audiences: Vec::new() };
    }
    let audiences = match &claims["aud"] {
        Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        audience => audience.as_str().map(str::to_owned).into_iter().collect(),
    };
    TokenRules::OpenIdConnect { audiences }
}

/// Whether an issuer is a user pool, in either form.
fn is_pool(issuer: &str) -> bool {
    issuer.starts_with("https://cognito-idp.") || issuer.starts_with("https://issuer-cognito-idp.")
}
