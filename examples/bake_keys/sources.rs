//! Where a provider's keys are, and the keys. Addresses, algorithms and what counts as a usable key are the
//! function's own: its configuration is read, and nothing of it is written a second time here.

use std::{ffi::OsString, sync::Arc, time::Duration};

use cognito_authorizer::{
    config::{Config, Problems},
    token::{FetchError, FetchJwks, KeySet, KeySetError, KeySourceSettings},
};
use serde_json::{Value, json};
use thiserror::Error;

use crate::arguments::{Provider, WrongArguments};

/// Where the keys of one provider may be. A pool has an address for each of Cognito's issuer forms.
#[derive(Debug)]
pub(crate) struct Sources {
    first: Arc<KeySourceSettings>,
    others: Vec<Arc<KeySourceSettings>>,
}

/// A document that the function would accept.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) source: Arc<KeySourceSettings>,
    pub(crate) document: Vec<u8>,
    pub(crate) keys: KeySet,
}

/// Why an address gave no keys.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{address}: {failure}: {}", remedy(*failure))]
pub(crate) struct NoKeys {
    address: String,
    failure: FetchError,
}

impl Sources {
    /// The addresses at which a function with this provider as its one issuer would look for keys.
    pub(crate) fn of(provider: &Provider) -> Result<Self, WrongArguments> {
        let issuers = Value::from(vec![issuer(provider)]).to_string();
        let config = Config::read(&|name| (name == "ISSUERS").then(|| OsString::from(&issuers)));
        let issuers = config.map_err(|problems| wrong(&problems))?.authorizer.verifier.issuers;
        let mut sources = issuers.into_iter().map(|issuer| issuer.keys);
        let first = sources.next().ok_or(WrongArguments::Form)?;
        Ok(Self { first, others: sources.collect() })
    }

    /// The keys of the first address that does not say for certain that it has none.
    pub(crate) async fn fetch(&self, fetch: &impl FetchJwks) -> Result<Fetched, NoKeys> {
        let mut outcome = fetch_from(&self.first, fetch).await;
        for other in &self.others {
            if !outcome.as_ref().is_err_and(|no_keys| no_keys.failure.is_definite()) {
                break;
            }
            outcome = fetch_from(other, fetch).await;
        }
        outcome
    }
}

/// An entry of `ISSUERS`. Of what it says, only where the keys are and what they are for matters here.
fn issuer(provider: &Provider) -> Value {
    match provider {
        Provider::Pool(id) => json!({ "user_pool_id": id, "client_ids": ["*"] }),
        Provider::Address { url, algorithms } => {
            let mut entry = json!({ "issuer": "https://any.invalid", "audiences": ["any"], "jwks_uri": url });
            if let (Some(fields), Some(algorithms)) = (entry.as_object_mut(), algorithms) {
                fields.insert("algorithms".to_owned(), json!(algorithms));
            }
            entry
        }
    }
}

/// The configuration's problems, by what they are called on the command line.
fn wrong(problems: &Problems) -> WrongArguments {
    let lines = problems.0.iter().map(|problem| {
        let name = match problem.variable.rsplit('.').next() {
            Some("user_pool_id") => "POOL_ID",
            Some("jwks_uri") => "the address",
            Some("algorithms") => "--algorithms",
            _ => &problem.variable,
        };
        format!("{name} {}", problem.text)
    });
    WrongArguments::Value(lines.collect::<Vec<_>>().join("\n"))
}

async fn fetch_from(source: &Arc<KeySourceSettings>, fetch: &impl FetchJwks) -> Result<Fetched, NoKeys> {
    let fetched = match tokio::time::timeout(PATIENCE, fetch.fetch(&source.url)).await {
        Ok(Ok(document)) => read(&document, source).map(|keys| (document, keys)),
        Ok(Err(failure)) => Err(failure),
        Err(_) => Err(FetchError::Timeout),
    };
    let (document, keys) =
        fetched.map_err(|failure| NoKeys { address: source.url.as_str().to_owned(), failure })?;
    Ok(Fetched { source: Arc::clone(source), document, keys })
}

fn read(document: &[u8], source: &KeySourceSettings) -> Result<KeySet, FetchError> {
    Ok(KeySet::parse(document, &source.algorithms)?)
}

/// What to do about a failure.
fn remedy(failure: FetchError) -> &'static str {
    match failure {
        FetchError::Status(300..400) => "give the address that it leads to, since redirects are not followed",
        FetchError::Status(400..=428 | 430..500) => "check the pool's id and region, or the address",
        FetchError::Status(_) | FetchError::Interrupted | FetchError::Timeout => "try again later",
        FetchError::Unreachable => "check the address, and that this network reaches it",
        FetchError::TooLarge | FetchError::KeySet(KeySetError::NotKeySet) => "give the address of a jwk set",
        FetchError::KeySet(KeySetError::NoUsableKey) => "name the algorithms of its keys with --algorithms",
    }
}

/// The most that one fetch may take. The function has less, since a caller waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
