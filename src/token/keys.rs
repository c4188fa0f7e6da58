//! One provider's keys: the cache, and the fetches that feed it.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{
    algorithm::Algorithm,
    cache::{Answer, KeyCache, KeyCacheSettings, Lookup, Refresh},
    fetch::{FetchError, FetchJwks, JwksUrl},
    jwk::KeySet,
};
use crate::time::UnixTime;

/// Where one provider's keys come from.
#[derive(Debug)]
pub struct KeySourceSettings {
    /// The document's address.
    pub url: JwksUrl,
    /// The algorithms its keys may be used for.
    pub algorithms: Vec<Algorithm>,
    /// A key file, read at start: a set fetched then.
    pub preloaded: Option<KeySet>,
}

/// What a successful fetch brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchReport {
    /// Keys that can be used.
    pub usable: usize,
    /// Keys that were skipped.
    pub skipped: usize,
}

/// The keys of one address. Shared by the issuers that use it.
#[derive(Debug)]
pub(super) struct KeySource {
    url: JwksUrl,
    algorithms: Vec<Algorithm>,
    timeout: Duration,
    cache: Mutex<KeyCache>,
    /// Held by the one refresh under way: the only lock that is kept across an await.
    refreshing: tokio::sync::Mutex<()>,
}

/// A key, or why there is none; and the fetch that was made on the way.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) answer: Answer,
    pub(super) fetch: Option<Result<FetchReport, FetchError>>,
}

impl KeySource {
    pub(super) fn new(
        settings: KeySourceSettings,
        cache: KeyCacheSettings,
        timeout: Duration,
        now: UnixTime,
    ) -> Self {
        let mut cache = KeyCache::new(cache);
        if let Some(keys) = settings.preloaded {
            cache.replace(keys, now);
        }
        Self {
            url: settings.url,
            algorithms: settings.algorithms,
            timeout,
            cache: Mutex::new(cache),
            refreshing: tokio::sync::Mutex::new(()),
        }
    }

    /// Looks `key_id` up, fetching first where the cache asks for it. Concurrent callers share one fetch.
    pub(super) async fn find(&self, key_id: &str, now: UnixTime, fetch: &impl FetchJwks) -> Found {
        let Lookup { answer, refresh } = self.cache().lookup(key_id, now);
        let (_one_at_a_time, limit) = match (&answer, refresh) {
            (Answer::Found(..), Refresh::No) => return Found { answer, fetch: None },
            // A key at hand never waits behind somebody else's refresh.
            (Answer::Found(..), _) => match self.refreshing.try_lock() {
                Ok(guard) => (guard, self.timeout.min(PATIENCE_WITHOUT_NEED)),
                Err(_) => return Found { answer, fetch: None },
            },
            // Even where this caller may not fetch, a fetch under way may bring the key.
            (Answer::UnknownKey | Answer::Unavailable, _) => (self.refreshing.lock().await, self.timeout),
        };
        let fetch =
            if self.cache().begin_attempt(now) { Some(self.refresh(now, limit, fetch).await) } else { None };
        Found { answer: self.cache().lookup(key_id, now).answer, fetch }
    }

    /// Fetches at start, within the short limit: a provider that hangs then leaves the first request its whole
    /// time. A failure leaves no trace, so that the first request tries again at once.
    pub(super) async fn warm_up(
        &self,
        now: UnixTime,
        fetch: &impl FetchJwks,
    ) -> Result<FetchReport, FetchError> {
        let report = self.refresh(now, self.timeout.min(PATIENCE_WITHOUT_NEED), fetch).await?;
        self.cache().begin_attempt(now);
        Ok(report)
    }

    pub(super) fn holds_keys(&self, now: UnixTime) -> bool {
        !matches!(self.cache().lookup("", now).answer, Answer::Unavailable)
    }

    async fn refresh(
        &self,
        now: UnixTime,
        limit: Duration,
        fetch: &impl FetchJwks,
    ) -> Result<FetchReport, FetchError> {
        let document =
            tokio::time::timeout(limit, fetch.fetch(&self.url)).await.map_err(|_| FetchError::Timeout)??;
        let keys = KeySet::parse(&document, &self.algorithms)?;
        let report = FetchReport { usable: keys.len(), skipped: keys.skipped() };
        self.cache().replace(keys, now);
        Ok(report)
    }

    /// A panic elsewhere cannot leave the cache half changed, so a poisoned lock is still good.
    fn cache(&self) -> MutexGuard<'_, KeyCache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long to wait for keys that no request lacks: for the refresh of a stale set, and at start. Long enough
/// for a provider that is well (one round trip with TLS), short beside API Gateway's 10 s.
const PATIENCE_WITHOUT_NEED: Duration = Duration::from_secs(1);
