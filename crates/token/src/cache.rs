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
//! A set that the clock says will be fetched in the future is stale, and other ages are distances between two
//! readings: a clock that was set back keeps nothing fresh, and holds up an attempt for two cooldowns at most.

use std::{sync::Arc, time::Duration};

use super::{
    fetch::FetchError,
    jwk::{KeySet, VerifyingKey},
};
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
    /// Why the last attempt failed, if it did.
    failure: Option<FetchError>,
    generation: u64,
}

#[derive(Debug)]
struct HeldSet {
    keys: Arc<KeySet>,
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
    /// No usable set is held: never the token's fault. Says why the last attempt failed, if there was one.
    Unavailable(Option<FetchError>),
}

impl Answer {
    /// The generation of the set that holds the key.
    pub fn generation(&self) -> Option<u64> {
        match self {
            Self::Found(_, generation) => Some(*generation),
            Self::UnknownKey | Self::Unavailable(_) => None,
        }
    }
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
        Self { settings, held: None, attempted_at: None, failure: None, generation: 0 }
    }

    /// One row of the table.
    pub fn lookup(&self, key_id: &str, now: UnixTime) -> Lookup {
        let may_fetch = |refresh| if self.is_cooling_down(now) { Refresh::No } else { refresh };
        let Some(held) = self.held.as_ref().filter(|held| held.age(now) < self.settings.max_stale) else {
            let answer = Answer::Unavailable(self.failure);
            return Lookup { answer, refresh: may_fetch(Refresh::Now) };
        };
        match held.keys.key(key_id) {
            None => Lookup { answer: Answer::UnknownKey, refresh: may_fetch(Refresh::Now) },
            Some(key) => {
                let is_fresh = held.fetched_at <= now && held.age(now) < self.settings.ttl;
                let refresh = if is_fresh { Refresh::No } else { may_fetch(Refresh::Due) };
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

    /// Replaces the held set. That it parsed, with a usable key, is in its type.
    pub fn replace(&mut self, keys: Arc<KeySet>, fetched_at: UnixTime) {
        self.held = Some(HeldSet { keys, fetched_at });
        self.failure = None;
        self.generation += 1;
    }

    /// Notes that an attempt failed. The held set stays.
    pub fn note_failure(&mut self, failure: FetchError) {
        self.failure = Some(failure);
    }

    /// Why the last attempt failed, if it did.
    pub fn failure(&self) -> Option<FetchError> {
        self.failure
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

#[cfg(test)]
mod tests {
    use super::{super::Algorithm, *};

    const NOW: u64 = 1_800_000_000;
    const TTL: u64 = 3_600;
    const MAX_STALE: u64 = 86_400;
    const COOLDOWN: u64 = 10;

    fn cache() -> KeyCache {
        KeyCache::new(KeyCacheSettings {
            ttl: Duration::from_secs(TTL),
            max_stale: Duration::from_secs(MAX_STALE),
            cooldown: Duration::from_secs(COOLDOWN),
        })
    }

    /// A key set with these `kid`s, all of the key of RFC 8037 appendix A.2.
    fn keys(ids: &[&str]) -> Arc<KeySet> {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let jwk = |id: &&str| format!(r#"{{"kid":"{id}","kty":"OKP","crv":"Ed25519","x":"{x}"}}"#);
        let jwks: Vec<String> = ids.iter().map(jwk).collect();
        let document = format!(r#"{{"keys":[{}]}}"#, jwks.join(","));
        Arc::new(KeySet::parse(document.as_bytes(), &[Algorithm::EdDSA]).unwrap())
    }

    fn at(seconds: u64) -> UnixTime {
        UnixTime::from_secs(seconds)
    }

    /// The answer's kind, and the `kid` and generation of the key that was found.
    #[derive(Debug, PartialEq)]
    enum Kind {
        Found(String, u64),
        UnknownKey,
        Unavailable,
    }

    fn look_up(cache: &KeyCache, key_id: &str, now: u64) -> (Kind, Refresh) {
        let Lookup { answer, refresh } = cache.lookup(key_id, at(now));
        let kind = match answer {
            Answer::Found(key, generation) => Kind::Found(key.id().to_string(), generation),
            Answer::UnknownKey => Kind::UnknownKey,
            Answer::Unavailable(_) => Kind::Unavailable,
        };
        (kind, refresh)
    }

    fn found() -> Kind {
        Kind::Found("held".to_owned(), 1)
    }

    #[test]
    fn every_row_of_the_table_holds_to_the_second_whichever_way_the_clock_jumped() {
        const FRESH: &[Option<u64>] = &[Some(0), Some(TTL - 1)];
        const STALE: &[Option<u64>] = &[Some(TTL), Some(MAX_STALE - 1)];
        const FRESH_OR_STALE: &[Option<u64>] = &[Some(0), Some(TTL - 1), Some(TTL), Some(MAX_STALE - 1)];
        const NONE_OR_EXPIRED: &[Option<u64>] = &[None, Some(MAX_STALE), Some(NOW)];
        const TRIED: &[Option<u64>] = &[Some(0), Some(COOLDOWN - 1)];
        const NOT_TRIED: &[Option<u64>] = &[None, Some(COOLDOWN), Some(NOW)];
        const ANY: &[Option<u64>] = &[None, Some(0), Some(COOLDOWN - 1), Some(COOLDOWN), Some(NOW)];

        // A set from a time to come is stale.
        const NOT_YET: &[Option<u64>] = &[Some(1), Some(TTL - 1), Some(TTL), Some(MAX_STALE - 1)];
        let past: fn(u64) -> u64 = |then| NOW - then;
        let to_come: fn(u64) -> u64 = |then| NOW + then;
        let (before, after, both) = (&[past][..], &[to_come][..], &[past, to_come][..]);

        // The set's age, before or after now; the kid asked for, the time since the last attempt, the answer, the
        // refresh.
        for (ages, clocks, key_ids, attempts, answer, refresh) in [
            (FRESH, before, &["held"][..], ANY, found(), Refresh::No),
            (STALE, before, &["held"], NOT_TRIED, found(), Refresh::Due),
            (STALE, before, &["held"], TRIED, found(), Refresh::No),
            (NOT_YET, after, &["held"], NOT_TRIED, found(), Refresh::Due),
            (NOT_YET, after, &["held"], TRIED, found(), Refresh::No),
            (FRESH_OR_STALE, both, &["other"], NOT_TRIED, Kind::UnknownKey, Refresh::Now),
            (FRESH_OR_STALE, both, &["other"], TRIED, Kind::UnknownKey, Refresh::No),
            (NONE_OR_EXPIRED, both, &["held", "other"], NOT_TRIED, Kind::Unavailable, Refresh::Now),
            (NONE_OR_EXPIRED, both, &["held", "other"], TRIED, Kind::Unavailable, Refresh::No),
        ] {
            for (age, attempt) in ages.iter().flat_map(|age| attempts.iter().map(move |since| (age, since))) {
                for clock in clocks {
                    let mut cache = cache();
                    if let Some(age) = *age {
                        cache.replace(keys(&["held"]), at(clock(age)));
                    }
                    if let Some(attempt) = *attempt {
                        assert!(cache.begin_attempt(at(clock(attempt))));
                    }
                    for key_id in key_ids {
                        let row = format!("{key_id} in a set {age:?} s old, tried {attempt:?} s from now");
                        let (found_answer, found_refresh) = look_up(&cache, key_id, NOW);
                        assert_eq!((&found_answer, found_refresh), (&answer, refresh), "{row}");
                    }
                }
            }
        }
    }

    #[test]
    fn an_attempt_is_allowed_once_per_cooldown_and_a_refused_one_does_not_prolong_it() {
        let mut cache = cache();
        assert!(cache.begin_attempt(at(NOW)));
        for second in 0..COOLDOWN {
            assert!(!cache.begin_attempt(at(NOW + second)), "{second}");
        }
        assert!(cache.begin_attempt(at(NOW + COOLDOWN)));
        assert!(!cache.begin_attempt(at(NOW + COOLDOWN)));
    }

    #[test]
    fn a_new_set_takes_the_place_of_the_whole_old_one_and_starts_a_generation() {
        let mut cache = cache();
        cache.replace(keys(&["old", "both"]), at(NOW));
        cache.replace(keys(&["both", "new"]), at(NOW));
        assert_eq!(look_up(&cache, "old", NOW).0, Kind::UnknownKey);
        assert_eq!(look_up(&cache, "both", NOW).0, Kind::Found("both".to_owned(), 2));
        assert_eq!(look_up(&cache, "new", NOW).0, Kind::Found("new".to_owned(), 2));
    }

    #[test]
    fn a_new_set_does_not_lift_the_cooldown() {
        let mut cache = cache();
        assert!(cache.begin_attempt(at(NOW)));
        cache.replace(keys(&["held"]), at(NOW));
        assert_eq!(look_up(&cache, "other", NOW + COOLDOWN - 1), (Kind::UnknownKey, Refresh::No));
        assert_eq!(look_up(&cache, "other", NOW + COOLDOWN), (Kind::UnknownKey, Refresh::Now));
    }

    #[test]
    fn a_clock_that_jumps_ahead_and_back_costs_a_fetch_each_way_and_never_blocks_one() {
        const YEAR: u64 = 31_536_000;
        let mut cache = cache();
        assert!(cache.begin_attempt(at(NOW)));
        cache.replace(keys(&["held"]), at(NOW));
        for jumped in [NOW + YEAR, NOW, NOW - YEAR, NOW] {
            assert_eq!(look_up(&cache, "held", jumped), (Kind::Unavailable, Refresh::Now), "{jumped}");
            assert!(cache.begin_attempt(at(jumped)), "{jumped}");
            cache.replace(keys(&["held"]), at(jumped));
            let (answer, refresh) = look_up(&cache, "held", jumped);
            assert!(matches!(answer, Kind::Found(..)) && refresh == Refresh::No, "{jumped}");
        }
    }
}
