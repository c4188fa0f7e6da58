//! One provider's keys: the cache, and the fetches that feed it.

use std::{
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::{
    algorithm::Algorithm,
    cache::{Answer, KeyCache, KeyCacheSettings, Lookup, Refresh},
    fetch::{FetchError, FetchJwks, JwksUrl},
    jwk::KeySet,
    lock,
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
    pub preloaded: Option<Arc<KeySet>>,
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
    /// Whether the provider itself ever gave a set; a key file is not its word.
    has_given: AtomicBool,
    /// Held by the one refresh under way: the only lock that is kept across an await.
    refreshing: tokio::sync::Mutex<()>,
}

/// A key, or why there is none; and how it was found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) answer: Answer,
    /// The fetch that was made on the way.
    pub(super) fetch: Option<Result<FetchReport, FetchError>>,
    /// Whether the key is of a set that was held before.
    pub(super) from_memory: bool,
}

impl KeySource {
    pub(super) fn new(
        settings: &KeySourceSettings,
        cache: KeyCacheSettings,
        timeout: Duration,
        now: UnixTime,
    ) -> Self {
        let mut cache = KeyCache::new(cache);
        if let Some(keys) = &settings.preloaded {
            cache.replace(Arc::clone(keys), now);
        }
        Self {
            url: settings.url.clone(),
            algorithms: settings.algorithms.clone(),
            timeout,
            cache: Mutex::new(cache),
            has_given: AtomicBool::new(false),
            refreshing: tokio::sync::Mutex::new(()),
        }
    }

    /// Looks `key_id` up, fetching first where the cache asks for it. Concurrent callers share one fetch, and
    /// none takes longer than one fetch may.
    pub(super) async fn find(&self, key_id: &str, now: UnixTime, fetch: &impl FetchJwks) -> Found {
        let Lookup { answer: held, refresh } = self.cache().lookup(key_id, now);
        let is_held = matches!(held, Answer::Found(..));
        if is_held && refresh == Refresh::No {
            return Found { answer: held, fetch: None, from_memory: true };
        }
        let fetch = if let Ok(_one_at_a_time) = self.refreshing.try_lock() {
            self.refresh_if_due(key_id, now, fetch).await
        } else {
            // Somebody is fetching. Whoever lacks a key waits for that fetch and makes none of his own; a key at
            // hand never waits.
            if !is_held {
                drop(self.refreshing.lock().await);
            }
            None
        };
        let answer = self.cache().lookup(key_id, now).answer;
        let from_memory = answer.generation().is_some() && answer.generation() == held.generation();
        Found { answer, fetch, from_memory }
    }

    /// To be called by the one that refreshes. Looks again first: another may just have been here.
    async fn refresh_if_due(
        &self,
        key_id: &str,
        now: UnixTime,
        fetch: &impl FetchJwks,
    ) -> Option<Result<FetchReport, FetchError>> {
        let limit = {
            let mut cache = self.cache();
            let limit = match cache.lookup(key_id, now).refresh {
                Refresh::No => return None,
                Refresh::Now => self.timeout,
                Refresh::Due => self.patience_without_need(cache.failure()),
            };
            cache.begin_attempt(now);
            limit
        };
        Some(self.refresh(now, limit, fetch).await)
    }

    /// How long a request that has its key waits for a refresh. A provider that was too slow for the short
    /// limit gets its whole time, or it would never be heard.
    fn patience_without_need(&self, failure: Option<FetchError>) -> Duration {
        match failure {
            Some(FetchError::Timeout) => self.timeout,
            _ => self.timeout.min(PATIENCE_WITHOUT_NEED),
        }
    }

    /// Fetches at start, within the short limit: a provider that hangs then leaves the first request its whole
    /// time. A failure starts no cooldown, so that the first request tries again at once.
    pub(super) async fn warm_up(
        &self,
        now: UnixTime,
        fetch: &impl FetchJwks,
    ) -> Result<FetchReport, FetchError> {
        let report = self.refresh(now, self.patience_without_need(None), fetch).await?;
        self.cache().begin_attempt(now);
        Ok(report)
    }

    /// Whether the provider has never given a set, and says that it has none.
    pub(super) fn is_denied(&self) -> bool {
        let has_given = self.has_given.load(Ordering::Relaxed);
        !has_given && self.cache().failure().is_some_and(FetchError::is_definite)
    }

    pub(super) fn holds_keys(&self, now: UnixTime) -> bool {
        !matches!(self.cache().lookup("", now).answer, Answer::Unavailable(_))
    }

    async fn refresh(
        &self,
        now: UnixTime,
        limit: Duration,
        fetch: &impl FetchJwks,
    ) -> Result<FetchReport, FetchError> {
        let fetched = self.fetch(limit, fetch).await;
        let mut cache = self.cache();
        match fetched {
            Ok(keys) => {
                let report = FetchReport { usable: keys.len(), skipped: keys.skipped() };
                cache.replace(Arc::new(keys), now);
                self.has_given.store(true, Ordering::Relaxed);
                Ok(report)
            }
            Err(error) => {
                cache.note_failure(error);
                Err(error)
            }
        }
    }

    async fn fetch(&self, limit: Duration, fetch: &impl FetchJwks) -> Result<KeySet, FetchError> {
        let document =
            tokio::time::timeout(limit, fetch.fetch(&self.url)).await.map_err(|_| FetchError::Timeout)??;
        Ok(KeySet::parse(&document, &self.algorithms)?)
    }

    fn cache(&self) -> MutexGuard<'_, KeyCache> {
        lock(&self.cache)
    }
}

/// How long to wait for keys that no request lacks: for the refresh of a stale set, and at start. Long enough
/// for a provider that is well (one round trip with TLS), short beside API Gateway's 10 s.
const PATIENCE_WITHOUT_NEED: Duration = Duration::from_secs(1);
