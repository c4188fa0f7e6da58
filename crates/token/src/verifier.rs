//! Issuer, key, signature, claims, in that order; and the tokens that passed before.

use std::{
    collections::HashMap,
    hash::{Hash, Hasher},
    num::NonZeroUsize,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use lru::LruCache;

use super::{
    cache::{Answer, KeyCacheSettings},
    claims::Claims,
    error::{TokenError, VerifyError},
    fetch::{FetchError, FetchJwks},
    jwk::VerifyingKey,
    jws::UnverifiedToken,
    keys::{FetchReport, Found, KeySource, KeySourceSettings},
    lock,
    rules::{TokenRules, TokenUse},
};
use crate::time::{Stopwatch, UnixTime};

/// Whom a [`Verifier`] trusts, and how.
#[derive(Debug)]
pub struct VerifierSettings {
    /// The issuers whose tokens are accepted.
    pub issuers: Vec<IssuerSettings>,
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
    /// Where its keys come from. Issuers that share one of these share its fetches.
    pub keys: Arc<KeySourceSettings>,
    /// Where the keys of the same pool's other issuer form come from. Few pools have tokens in both forms: one
    /// whose address is refused while the other form has keys is taken for no issuer at all.
    pub other_form: Option<Arc<KeySourceSettings>>,
    /// What its tokens must say.
    pub rules: TokenRules,
}

/// Turns a token's text into [`Claims`]. Made once, used for every invocation. `K` is what is kept with a
/// remembered token.
#[derive(Debug)]
pub struct Verifier<F, K = ()> {
    issuers: HashMap<Arc<str>, Arc<Issuer>>,
    key_sources: Vec<Arc<KeySource>>,
    fetch: F,
    fetch_timeout: Duration,
    clock_skew_seconds: u64,
    remembered: Option<Mutex<LruCache<TokenDigest, Arc<VerifiedToken<K>>>>>,
}

#[derive(Debug)]
struct Issuer {
    name: Arc<str>,
    keys: Arc<KeySource>,
    other_form: Option<Arc<KeySource>>,
    rules: TokenRules,
}

/// SHA-256 of the whole token: of its signature too, so that no other payload can ride on one, and so that
/// the token itself is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TokenDigest([u8; SHA256_OUTPUT_LEN]);

/// Eight bytes of a digest are spread as evenly as all of it; equality looks at all.
impl Hash for TokenDigest {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        if let Some(head) = self.0.first_chunk() {
            hasher.write_u64(u64::from_ne_bytes(*head));
        }
    }
}

/// A token that passed: its claims, and what was worked out from them.
#[derive(Debug)]
pub struct VerifiedToken<K = ()> {
    claims: Claims,
    kept: OnceLock<K>,
    issuer: Arc<Issuer>,
    key: Arc<VerifyingKey>,
    generation: u64,
}

impl<K> VerifiedToken<K> {
    /// The claims.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// What `work_out` makes of the claims, worked out once for as long as the token is remembered.
    pub fn keep(&self, work_out: impl FnOnce(&Claims) -> K) -> &K {
        self.kept.get_or_init(|| work_out(&self.claims))
    }
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
    /// Whether that key is of a set that was held before.
    pub key_from_memory: bool,
    /// The fetch that was made, if any.
    pub fetch: Option<Result<FetchReport, FetchError>>,
    /// The fetch of the same pool's other issuer form, made because this one's address was refused.
    pub other_fetch: Option<Result<FetchReport, FetchError>>,
    /// Whether the token had been verified before.
    pub remembered: bool,
}

impl<F: FetchJwks, K> Verifier<F, K> {
    /// Builds the verifier. Key files count as fetched at `now`.
    pub fn new(settings: VerifierSettings, fetch: F, now: UnixTime) -> Self {
        let VerifierSettings { issuers, key_cache, fetch_timeout, .. } = settings;
        let mut sources = KeySources { key_cache, fetch_timeout, now, made: Vec::new() };
        let issuers = issuers.into_iter().map(|IssuerSettings { issuer, keys, other_form, rules }| {
            let name: Arc<str> = issuer.into();
            let keys = sources.make(keys);
            let other_form = other_form.map(|keys| sources.make(keys));
            (Arc::clone(&name), Arc::new(Issuer { name, keys, other_form, rules }))
        });
        let issuers = issuers.collect();
        Self {
            issuers,
            fetch_timeout,
            key_sources: sources.made.into_iter().map(|(_, source)| source).collect(),
            clock_skew_seconds: settings.clock_skew_seconds,
            remembered: NonZeroUsize::new(settings.token_cache_size)
                .map(|size| Mutex::new(LruCache::new(size))),
            fetch,
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
    ) -> Result<Arc<VerifiedToken<K>>, VerifyError> {
        UnverifiedToken::check_length(token)?;
        let Some(remembered) = &self.remembered else {
            return self.verify_anew(token, now, trace).await;
        };
        let digest = TokenDigest::of(token);
        let hit = lock(remembered).get(&digest).cloned();
        if let Some(hit) = hit {
            if self.still_holds(&hit, now, trace).await? {
                return Ok(hit);
            }
            lock(remembered).pop(&digest);
        }
        let verified = self.verify_anew(token, now, trace).await?;
        lock(remembered).put(digest, Arc::clone(&verified));
        Ok(verified)
    }

    /// A remembered token is held to what can change: its key, which may have been withdrawn, and its times.
    /// It no longer holds where the key set has changed since: then everything is checked again.
    async fn still_holds(
        &self,
        hit: &VerifiedToken<K>,
        now: UnixTime,
        trace: &mut Trace,
    ) -> Result<bool, VerifyError> {
        let (_, generation) = self.find_key(&hit.issuer, hit.key.id(), now, trace).await?;
        if generation != hit.generation {
            return Ok(false);
        }
        hit.claims.check_times(now, self.clock_skew_seconds)?;
        trace.remembered = true;
        trace.token_use = hit.claims.token_use();
        Ok(true)
    }

    async fn verify_anew(
        &self,
        token: &str,
        now: UnixTime,
        trace: &mut Trace,
    ) -> Result<Arc<VerifiedToken<K>>, VerifyError> {
        let token = UnverifiedToken::parse(token)?;
        let issuer = self.issuers.get(token.issuer()).ok_or(TokenError::UnknownIssuer)?;
        let (key, generation) = self.find_key(issuer, token.key_id(), now, trace).await?;
        let payload = key.verify(&token)?;
        let claims = Claims::check(&payload, &issuer.name, &issuer.rules, now, self.clock_skew_seconds)?;
        trace.token_use = claims.token_use();
        let (kept, issuer) = (OnceLock::new(), Arc::clone(issuer));
        Ok(Arc::new(VerifiedToken { claims, kept, issuer, key, generation }))
    }

    async fn find_key(
        &self,
        issuer: &Issuer,
        key_id: &str,
        now: UnixTime,
        trace: &mut Trace,
    ) -> Result<(Arc<VerifyingKey>, u64), VerifyError> {
        trace.issuer = Some(Arc::clone(&issuer.name));
        let stopwatch = Stopwatch::start();
        let Found { answer, fetch, from_memory } = issuer.keys.find(key_id, now, &self.fetch).await;
        trace.fetch = fetch.or(trace.fetch);
        match answer {
            Answer::Found(key, generation) => {
                trace.key_id = Some(Arc::clone(key.id()));
                trace.key_from_memory = from_memory && !matches!(trace.fetch, Some(Ok(_)));
                Ok((key, generation))
            }
            Answer::UnknownKey => Err(TokenError::UnknownKey.into()),
            Answer::Unavailable(_) if self.is_no_issuer(issuer, now, stopwatch, trace).await => {
                Err(TokenError::UnknownIssuer.into())
            }
            Answer::Unavailable(failure) => Err(VerifyError::KeysUnavailable(failure)),
        }
    }

    /// Whether this is an issuer form that its pool does not use: Cognito refuses its address, and hands out
    /// the other form's keys. Otherwise anybody could cause errors by naming it.
    async fn is_no_issuer(
        &self,
        issuer: &Issuer,
        now: UnixTime,
        stopwatch: Stopwatch,
        trace: &mut Trace,
    ) -> bool {
        let Some(other_form) = issuer.other_form.as_ref().filter(|_| issuer.keys.is_denied()) else {
            return false;
        };
        if other_form.holds_keys(now) {
            return true;
        }
        // The other form's own tokens wait for a cooldown after this fetch. It must not be worse than theirs would be: it
        // has its whole time, or is not made.
        if stopwatch.elapsed() + self.fetch_timeout > MOST_FOR_TWO_FETCHES {
            return false;
        }
        // No key has an empty id: looking for one only makes sure that there is a set.
        let found = other_form.find("", now, &self.fetch).await;
        trace.other_fetch = found.fetch;
        !matches!(found.answer, Answer::Unavailable(_))
    }
}

/// Within the time that a function has beside API Gateway's 10 s.
const MOST_FOR_TWO_FETCHES: Duration = Duration::from_secs(8);

/// Makes one key source for each of the settings that issuers share.
struct KeySources {
    key_cache: KeyCacheSettings,
    fetch_timeout: Duration,
    now: UnixTime,
    made: Vec<(Arc<KeySourceSettings>, Arc<KeySource>)>,
}

impl KeySources {
    fn make(&mut self, settings: Arc<KeySourceSettings>) -> Arc<KeySource> {
        if let Some((_, made)) = self.made.iter().find(|(made_for, _)| Arc::ptr_eq(made_for, &settings)) {
            return Arc::clone(made);
        }
        let made = Arc::new(KeySource::new(&settings, self.key_cache, self.fetch_timeout, self.now));
        self.made.push((settings, Arc::clone(&made)));
        made
    }
}

impl TokenDigest {
    fn of(token: &str) -> Self {
        let mut bytes = [0; SHA256_OUTPUT_LEN];
        bytes.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        Self(bytes)
    }
}
