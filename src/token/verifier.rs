//! Issuer, key, signature, claims, in that order; and the tokens that passed before.

use std::{
    collections::HashMap,
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use lru::LruCache;

use super::{
    cache::{Answer, KeyCacheSettings},
    claims::{Claims, TokenRules, TokenUse},
    error::{TokenError, VerifyError},
    fetch::{FetchError, FetchJwks},
    jwk::VerifyingKey,
    jws::UnverifiedToken,
    keys::{FetchReport, Found, KeySource, KeySourceSettings},
};
use crate::time::UnixTime;

/// Whom a [`Verifier`] trusts, and how.
#[derive(Debug)]
pub struct VerifierSettings {
    /// The issuers whose tokens are accepted.
    pub issuers: Vec<IssuerSettings>,
    /// Where keys come from; issuers refer to these by position.
    pub key_sources: Vec<KeySourceSettings>,
    /// How long keys serve.
    pub key_cache: KeyCacheSettings,
    /// The most that one fetch may take, start to last byte.
    pub fetch_timeout: Duration,
    /// By how much `exp` and `nbf` may be missed.
    pub clock_skew_seconds: u64,
    /// How many verified tokens are remembered; 0 for none.
    pub token_cache_size: usize,
}

/// One accepted issuer.
#[derive(Debug)]
pub struct IssuerSettings {
    /// `iss`, byte by byte.
    pub issuer: String,
    /// The position of its keys in [`VerifierSettings::key_sources`].
    pub key_source: usize,
    /// What its tokens must say.
    pub rules: TokenRules,
}

/// Turns a token's text into [`Claims`]. Made once, used for every invocation.
#[derive(Debug)]
pub struct Verifier<F> {
    issuers: HashMap<Arc<str>, Arc<Issuer>>,
    key_sources: Vec<Arc<KeySource>>,
    fetch: F,
    clock_skew_seconds: u64,
    remembered: Option<Mutex<LruCache<TokenDigest, Remembered>>>,
}

#[derive(Debug)]
struct Issuer {
    name: Arc<str>,
    keys: Arc<KeySource>,
    rules: TokenRules,
}

/// SHA-256 of the whole token: of its signature too, so that no other payload can ride on one, and so that
/// the token itself is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct TokenDigest([u8; SHA256_OUTPUT_LEN]);

/// A token that passed. Good for as long as its key set's generation and its own times.
#[derive(Clone, Debug)]
struct Remembered {
    claims: Arc<Claims>,
    issuer: Arc<Issuer>,
    key: Arc<VerifyingKey>,
    generation: u64,
}

/// What one verification touched, for the log. Holds names from the configuration and from key sets, and
/// nothing from a token that was not verified.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// The configured issuer that the token named.
    pub issuer: Option<Arc<str>>,
    /// The `kid` of the key that was found.
    pub key_id: Option<Arc<str>>,
    /// `token_use` of the verified token.
    pub token_use: Option<TokenUse>,
    /// The fetch that was made, if any.
    pub fetch: Option<Result<FetchReport, FetchError>>,
    /// Whether the token had been verified before.
    pub remembered: bool,
}

impl<F: FetchJwks> Verifier<F> {
    /// Builds the verifier. Key files count as fetched at `now`. An issuer whose key source does not exist is
    /// left out, so that its tokens are refused.
    pub fn new(settings: VerifierSettings, fetch: F, now: UnixTime) -> Self {
        let VerifierSettings { issuers, key_sources, key_cache, fetch_timeout, .. } = settings;
        let key_sources: Vec<_> = key_sources
            .into_iter()
            .map(|source| Arc::new(KeySource::new(source, key_cache, fetch_timeout, now)))
            .collect();
        let issuers = issuers.into_iter().filter_map(|issuer| {
            let name: Arc<str> = issuer.issuer.into();
            let keys = Arc::clone(key_sources.get(issuer.key_source)?);
            Some((Arc::clone(&name), Arc::new(Issuer { name, keys, rules: issuer.rules })))
        });
        Self {
            issuers: issuers.collect(),
            clock_skew_seconds: settings.clock_skew_seconds,
            remembered: NonZeroUsize::new(settings.token_cache_size)
                .map(|size| Mutex::new(LruCache::new(size))),
            fetch,
            key_sources,
        }
    }

    /// Fetches the keys before the first event, where it is certain that the first token needs them: one
    /// address, and no key file. A failure is harmless and returned for the log; the first request tries again.
    pub async fn warm_up(&self, now: UnixTime) -> Option<Result<FetchReport, FetchError>> {
        match self.key_sources.as_slice() {
            [only] if !only.holds_keys(now) => Some(only.warm_up(now, &self.fetch).await),
            _ => None,
        }
    }

    /// Checks `token`, a caller's text, at `now`. Notes in `trace` what it touched.
    pub async fn verify(
        &self,
        token: &str,
        now: UnixTime,
        trace: &mut Trace,
    ) -> Result<Arc<Claims>, VerifyError> {
        UnverifiedToken::check_length(token)?;
        let Some(remembered) = &self.remembered else {
            return Ok(self.verify_anew(token, now, trace).await?.claims);
        };
        let digest = TokenDigest::of(token);
        let hit = lock(remembered).get(&digest).cloned();
        if let Some(hit) = hit
            && let Some(claims) = self.recall(&hit, now, trace).await?
        {
            return Ok(claims);
        }
        let verified = self.verify_anew(token, now, trace).await?;
        let claims = Arc::clone(&verified.claims);
        lock(remembered).put(digest, verified);
        Ok(claims)
    }

    /// A remembered token is held to what can change: its key, which may have been withdrawn, and its times.
    /// `None` where the key set has changed since: then everything is checked again.
    async fn recall(
        &self,
        hit: &Remembered,
        now: UnixTime,
        trace: &mut Trace,
    ) -> Result<Option<Arc<Claims>>, VerifyError> {
        let (_, generation) = self.find_key(&hit.issuer, hit.key.id(), now, trace).await?;
        if generation != hit.generation {
            return Ok(None);
        }
        hit.claims.check_times(now, self.clock_skew_seconds)?;
        trace.remembered = true;
        trace.token_use = hit.claims.token_use();
        Ok(Some(Arc::clone(&hit.claims)))
    }

    async fn verify_anew(
        &self,
        token: &str,
        now: UnixTime,
        trace: &mut Trace,
    ) -> Result<Remembered, VerifyError> {
        let token = UnverifiedToken::parse(token)?;
        let issuer = self.issuers.get(token.issuer()).ok_or(TokenError::UnknownIssuer)?;
        let (key, generation) = self.find_key(issuer, token.key_id(), now, trace).await?;
        let payload = key.verify(&token)?;
        let claims = Claims::check(&payload, &issuer.name, &issuer.rules, now, self.clock_skew_seconds)?;
        trace.token_use = claims.token_use();
        Ok(Remembered { claims: Arc::new(claims), issuer: Arc::clone(issuer), key, generation })
    }

    async fn find_key(
        &self,
        issuer: &Issuer,
        key_id: &str,
        now: UnixTime,
        trace: &mut Trace,
    ) -> Result<(Arc<VerifyingKey>, u64), VerifyError> {
        trace.issuer = Some(Arc::clone(&issuer.name));
        let Found { answer, fetch } = issuer.keys.find(key_id, now, &self.fetch).await;
        let failure = fetch.and_then(Result::err);
        trace.fetch = fetch.or(trace.fetch);
        match answer {
            Answer::Found(key, generation) => {
                trace.key_id = Some(Arc::clone(key.id()));
                Ok((key, generation))
            }
            Answer::UnknownKey => Err(TokenError::UnknownKey.into()),
            Answer::Unavailable => Err(VerifyError::KeysUnavailable(failure)),
        }
    }
}

impl TokenDigest {
    fn of(token: &str) -> Self {
        let mut bytes = [0; SHA256_OUTPUT_LEN];
        bytes.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        Self(bytes)
    }
}

/// A panic elsewhere cannot leave the cache half changed, so a poisoned lock is still good.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
