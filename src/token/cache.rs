//! The key cache: a state machine that takes `now` and does no I/O.
//!
//! | set we hold | kid in it | tried within the cooldown | answer | refresh |
//! |---|---|---|---|---|
//! | fresh | yes | – | key | no |
//! | stale | yes | no | key | due, bounded |
//! | stale | yes | yes | key | no |
//! | fresh or stale | no | no | look again after the refresh | now |
//! | fresh or stale | no | yes | `unknown_key` | no |
//! | none or expired | – | no | look again after the refresh | now |
//! | none or expired | – | yes | `keys_unavailable` | no |
//!
//! "Look again" is written as the answer that holds if the refresh brings nothing, beside [`Refresh::Now`].
//! Ages are distances between two clock readings, so a clock that jumps back ages a set as one that jumps
//! ahead does: nothing stays fresh, or cooling down, for longer than its setting.

use std::{sync::Arc, time::Duration};

use super::jwk::{KeySet, VerifyingKey};
use crate::time::UnixTime;

/// How long a key set serves, and how often its provider may be asked.
#[derive(Clone, Copy, Debug)]
pub struct KeyCacheSettings {
    /// After this a set is stale: still used, and refreshed by the next request.
    pub ttl: Duration,
    /// After this a set has expired and is no longer used.
    pub max_stale: Duration,
    /// The least time between two attempts to fetch, whatever their outcome.
    pub cooldown: Duration,
}

/// The keys of one provider, and when they were fetched and last tried.
#[derive(Debug)]
pub struct KeyCache {
    settings: KeyCacheSettings,
    held: Option<HeldSet>,
    attempted_at: Option<UnixTime>,
    generation: u64,
}

#[derive(Debug)]
struct HeldSet {
    keys: KeySet,
    fetched_at: UnixTime,
}

/// What the cache says of one `kid`.
#[derive(Debug)]
pub struct Lookup {
    /// The answer as things stand.
    pub answer: Answer,
    /// Whether to fetch before that answer is given.
    pub refresh: Refresh,
}

/// Whether a key is there.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The key, and the generation of the set that holds it.
    Found(Arc<VerifyingKey>, u64),
    /// A usable set is held and has no such key: the token's fault.
    UnknownKey,
    /// No usable set is held: never the token's fault.
    Unavailable,
}

/// Whether a fetch is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresh {
    /// No fetch.
    No,
    /// The answer is good, and the set is old: try within a short deadline.
    Due,
    /// Without a fetch there is no good answer.
    Now,
}

impl KeyCache {
    /// An empty cache.
    pub fn new(settings: KeyCacheSettings) -> Self {
        Self { settings, held: None, attempted_at: None, generation: 0 }
    }

    /// One row of the table.
    pub fn lookup(&self, key_id: &str, now: UnixTime) -> Lookup {
        let may_fetch = |refresh| if self.is_cooling_down(now) { Refresh::No } else { refresh };
        let Some(held) = self.held.as_ref().filter(|held| held.age(now) < self.settings.max_stale) else {
            return Lookup { answer: Answer::Unavailable, refresh: may_fetch(Refresh::Now) };
        };
        match held.keys.key(key_id) {
            None => Lookup { answer: Answer::UnknownKey, refresh: may_fetch(Refresh::Now) },
            Some(key) => {
                let fresh = held.age(now) < self.settings.ttl;
                let refresh = if fresh { Refresh::No } else { may_fetch(Refresh::Due) };
                Lookup { answer: Answer::Found(Arc::clone(key), self.generation), refresh }
            }
        }
    }

    /// Stamps an attempt to fetch, before it is made. `false` within the cooldown: then none may be made.
    pub fn begin_attempt(&mut self, now: UnixTime) -> bool {
        if self.is_cooling_down(now) {
            return false;
        }
        self.attempted_at = Some(now);
        true
    }

    /// Replaces the held set. That it parsed, with a usable key, is in its type; after a failed attempt there
    /// is nothing to call, and the old set stays.
    pub fn replace(&mut self, keys: KeySet, fetched_at: UnixTime) {
        self.held = Some(HeldSet { keys, fetched_at });
        self.generation += 1;
    }

    fn is_cooling_down(&self, now: UnixTime) -> bool {
        self.attempted_at.is_some_and(|at| now.distance(at) < self.settings.cooldown)
    }
}

impl HeldSet {
    fn age(&self, now: UnixTime) -> Duration {
        now.distance(self.fetched_at)
    }
}
