//! What the function may answer, worked out from what it was given and never from what it says.
//!
//! The judge knows what is true of each token, when the provider was asked and what it gave. From these follows
//! which keys the function holds, and with them the answers that the contract permits:
//!
//! | the token | keys held, this one among them | keys held, this one not | no keys |
//! |---|---|---|---|
//! | genuine, its time is now | Allow | 401 | 500 with the fixed text |
//! | genuine, its time is not now | 401 | 401 | 401 or 500 with the fixed text |
//! | worthless | 401 | 401 | 401 or 500 with the fixed text |

use std::{sync::LazyLock, time::Duration};

use cognito_authorizer::{
    testing::{API, Verdict, access_claims, evaluate},
    time::UnixTime,
};
use serde_json::Value;

use crate::{gateway::client_status, tokens::Truth};

/// An answer, as the client would see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Let through, as the token's subject, on this API's stage and on no other.
    Allowed,
    /// 401.
    Unauthorized,
    /// 500, with the text that stands for missing keys.
    Unavailable,
    /// Anything else, which is always wrong.
    Other,
}

impl Seen {
    pub(crate) fn of(event: &Value, outcome: &Result<Value, Value>) -> Self {
        match (client_status(event, outcome), outcome) {
            (200, Ok(answer)) if keeps_to_its_bounds(answer) => Self::Allowed,
            (401, _) => Self::Unauthorized,
            (500, Err(error)) if error["errorMessage"] == KEYS_UNAVAILABLE => Self::Unavailable,
            _ => Self::Other,
        }
    }
}

/// Whether an answer is for the subject of every token here, and for no other stage.
fn keeps_to_its_bounds(answer: &Value) -> bool {
    let elsewhere = format!("{API}/other/GET/orders/42");
    answer["principalId"] == CLAIMS["sub"]
        && evaluate(&answer["policyDocument"], &elsewhere) != Verdict::Allow
}

/// A stretch of time within which something happened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) from: UnixTime,
    pub(crate) to: UnixTime,
}

/// One connection to the provider, and what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Contact {
    pub(crate) at: UnixTime,
    pub(crate) gave: Gave,
}

/// What the provider gave.
#[derive(Clone, Debug)]
pub(crate) enum Gave {
    /// Nothing that may be used.
    Nothing,
    /// The keys of these names.
    Keys(Vec<String>),
    /// The same, at a time when it may have been too late.
    KeysLate(Vec<String>),
}

/// The three times of the key cache.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) ttl: Duration,
    pub(crate) max_stale: Duration,
    pub(crate) cooldown: Duration,
}

pub(crate) struct Judge {
    limits: Limits,
    held: Option<Held>,
    attempted: Option<Span>,
    /// Fetches that came within the cooldown of another.
    pub(crate) overruns: usize,
}

struct Held {
    key_ids: Vec<String>,
    fetched: Span,
}

impl Judge {
    /// Of a function that holds no keys yet.
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, held: None, attempted: None, overruns: 0 }
    }

    /// Keys from a file count as fetched at the start.
    pub(crate) fn hold(&mut self, key_ids: Vec<String>, fetched: Span) {
        self.held = Some(Held { key_ids, fetched });
    }

    /// The fetch before the first event. One that fails starts no cooldown.
    pub(crate) fn note_start(&mut self, contacts: &[Contact], started: Span) {
        for contact in contacts {
            if let Gave::Keys(key_ids) = &contact.gave {
                self.attempted = Some(Span { from: started.from, to: contact.at });
                self.hold(key_ids.clone(), Span { from: started.from, to: contact.at });
            }
        }
    }

    /// What is wrong with an answer, if anything is. `contacts` are those made meanwhile; `None` where nobody but
    /// the function itself knows of them.
    pub(crate) fn judge(
        &mut self,
        truth: &Truth,
        asked: Span,
        contacts: Option<&[Contact]>,
        seen: Seen,
    ) -> Option<&'static str> {
        if contacts.is_some_and(<[Contact]>::is_empty) && self.is_fetch_due(truth, asked) {
            return Some("no fetch although one was due");
        }
        contacts.unwrap_or_default().iter().for_each(|contact| self.note(contact, asked, seen));
        if self.permits(truth, asked, seen) {
            return None;
        }
        Some(match (truth, seen) {
            (Truth::Worthless, Seen::Allowed) => "a worthless token let through",
            (Truth::Worthless, _) => "a worthless token not answered with 401",
            (Truth::Genuine { .. }, Seen::Allowed) => {
                "a token let through without its key or out of its time"
            }
            (Truth::Genuine { .. }, Seen::Unauthorized) => "a genuine token refused",
            (Truth::Genuine { .. }, Seen::Unavailable) => "a 500 although keys are held",
            (Truth::Genuine { .. }, Seen::Other) => "a genuine token answered with something else",
        })
    }

    fn note(&mut self, contact: &Contact, asked: Span, seen: Seen) {
        // The function stamps an attempt before it connects, and after it got the event.
        if self.attempted.is_some_and(|last| contact.at.distance(last.from) < self.limits.cooldown) {
            self.overruns += 1;
        }
        let attempt = Span { from: asked.from, to: contact.at };
        self.attempted = Some(attempt);
        match &contact.gave {
            Gave::Keys(key_ids) => self.hold(key_ids.clone(), attempt),
            Gave::KeysLate(key_ids) if seen == Seen::Allowed => self.hold(key_ids.clone(), attempt),
            Gave::Nothing | Gave::KeysLate(_) => {}
        }
    }

    /// Whether a genuine token's key is missing or old, for certain, and nothing forbids to fetch.
    fn is_fetch_due(&self, truth: &Truth, asked: Span) -> bool {
        let Truth::Genuine { key_id, .. } = truth else { return false };
        let is_cool = self.attempted.is_none_or(|last| asked.from.distance(last.to) >= self.limits.cooldown);
        let is_wanting = self.held.as_ref().is_none_or(|held| {
            let is_old = held.fetched.from > asked.to || held.least_age(asked) >= self.limits.ttl;
            is_old || !held.key_ids.contains(key_id)
        });
        is_cool && is_wanting
    }

    fn permits(&self, truth: &Truth, asked: Span, seen: Seen) -> bool {
        let held = self.held.as_ref();
        let may_hold = held.filter(|held| held.least_age(asked) < self.limits.max_stale);
        let may_lack = held.is_none_or(|held| held.most_age(asked) >= self.limits.max_stale);
        let has = |key_id: &String| may_hold.map(|held| held.key_ids.contains(key_id));
        match (seen, truth) {
            (Seen::Other, _) | (Seen::Allowed, Truth::Worthless) => false,
            (Seen::Unavailable, _) => may_lack,
            (Seen::Unauthorized, Truth::Worthless) => true,
            (Seen::Allowed, Truth::Genuine { key_id, .. }) => {
                has(key_id) == Some(true) && !truth.is_surely_untimely(asked)
            }
            (Seen::Unauthorized, Truth::Genuine { key_id, .. }) => {
                has(key_id) == Some(false) || !truth.is_surely_timely(asked)
            }
        }
    }
}

impl Held {
    fn least_age(&self, asked: Span) -> Duration {
        asked.from.distance(self.fetched.to)
    }

    fn most_age(&self, asked: Span) -> Duration {
        asked.to.distance(self.fetched.from)
    }
}

impl Truth {
    /// Whether the token is good in time at every moment of `asked`.
    pub(crate) fn is_surely_timely(&self, asked: Span) -> bool {
        matches!(self, Self::Genuine { issued, expires, .. }
            if *expires > asked.to.as_secs() && *issued <= asked.from.as_secs() + DRIFT)
    }

    /// Whether it is at none.
    fn is_surely_untimely(&self, asked: Span) -> bool {
        matches!(self, Self::Genuine { issued, expires, .. }
            if *expires <= asked.from.as_secs() || *issued > asked.to.as_secs() + DRIFT)
    }
}

/// What all tokens here say but for times and names.
static CLAIMS: LazyLock<Value> = LazyLock::new(|| access_claims(0));

/// What the contract says of keys that are missing.
const KEYS_UNAVAILABLE: &str = "no usable keys for the token's issuer";

/// By how many seconds `iat` may be ahead, says the contract.
const DRIFT: u64 = 60;
