//! A function under trial: what it is asked, what it answers, and the judge beside it.

use std::{thread, time::Duration};

use cognito_authorizer::{gateway::Shape, testing::event, time::UnixTime};
use rand::{RngExt, SeedableRng, rngs::SmallRng};
use serde_json::Value;

use crate::{
    judge::{Judge, Limits, Seen, Span},
    process::{Bootstrap, Function, variables},
    provider::{Conduct, Provider},
    tally::Tally,
    tokens::{Mint, Token, Truth},
};

/// An event of each shape, into which a token is put.
pub(crate) struct Envelopes(Vec<Envelope>);

struct Envelope {
    text: String,
    event: Value,
}

impl Envelopes {
    pub(crate) fn new() -> Self {
        let envelope = |shape| {
            let event = event(shape, PLACE);
            Envelope { text: event.to_string(), event }
        };
        Self(Shape::ALL.map(envelope).into())
    }
}

/// What all trials share.
pub(crate) struct Stage {
    pub(crate) bootstrap: Bootstrap,
    /// A script that has the function write its log to the file that `LOG` names.
    pub(crate) logging: Bootstrap,
    /// A script that leaves the function as little memory as the smallest has on Lambda.
    pub(crate) capped: Bootstrap,
    pub(crate) mint: Mint,
    pub(crate) envelopes: Envelopes,
}

/// A function's settings.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) limits: Limits,
    pub(crate) more: Vec<(&'static str, String)>,
}

impl Settings {
    /// The times as short as they can be set, so that much happens in little time.
    pub(crate) fn quick() -> Self {
        let limits = Limits {
            ttl: Duration::from_secs(1),
            max_stale: Duration::from_hours(24),
            cooldown: Duration::from_secs(1),
        };
        Self { limits, more: vec![("JWKS_TIMEOUT_MS", "400".to_owned())] }
    }

    /// The times that the function has unless it is told otherwise.
    pub(crate) fn usual() -> Self {
        let limits = Limits {
            ttl: Duration::from_hours(1),
            max_stale: Duration::from_hours(24),
            cooldown: Duration::from_secs(10),
        };
        Self { limits, more: Vec::new() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.more.push((name, value.into()));
        self
    }
}

pub(crate) struct Trial<'s> {
    stage: &'s Stage,
    function: Function,
    /// `None` where none can be reached.
    provider: Option<&'s Provider>,
    limits: Limits,
    judge: Judge,
    random: SmallRng,
    /// The keys whose tokens are asked with.
    pub(crate) signers: Vec<usize>,
    started: Span,
    pub(crate) tally: Tally,
    /// What stands in place of a header that no decision depends on.
    pub(crate) ballast: Option<String>,
    /// How long a published key's tokens were refused, and a withdrawn one's allowed, at most.
    pub(crate) unheard: Duration,
    pub(crate) lingering: Duration,
}

impl<'s> Trial<'s> {
    /// Starts the function, with its keys at `provider` and those of signer 0 asked with.
    pub(crate) fn start(stage: &'s Stage, provider: Option<&'s Provider>, settings: &Settings) -> Self {
        Self::start_as(stage, &stage.bootstrap, provider, settings)
    }

    /// The same for a script that becomes the function.
    pub(crate) fn start_as(
        stage: &'s Stage,
        bootstrap: &Bootstrap,
        provider: Option<&'s Provider>,
        settings: &Settings,
    ) -> Self {
        let limits = settings.limits;
        let seconds = |time: Duration| time.as_secs().to_string();
        let mut variables = variables([
            ("JWKS_TTL_SECONDS", seconds(limits.ttl)),
            ("JWKS_MAX_STALE_SECONDS", seconds(limits.max_stale)),
            ("JWKS_COOLDOWN_SECONDS", seconds(limits.cooldown)),
        ]);
        variables.extend(provider.map(|provider| ("JWKS_URI".to_owned(), provider.url().to_owned())));
        variables.extend(settings.more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        let from = UnixTime::now();
        let function = Function::start(bootstrap, &variables);
        let started = Span { from, to: UnixTime::now() };
        let contacts = provider.map(Provider::take_contacts).unwrap_or_default();
        let mut judge = Judge::new(limits);
        judge.note_start(&contacts, started);
        Self {
            stage,
            function,
            provider,
            limits,
            judge,
            random: SmallRng::seed_from_u64(SEED),
            signers: vec![0],
            started,
            tally: Tally { fetches: contacts.len(), ..Tally::default() },
            ballast: None,
            unheard: Duration::ZERO,
            lingering: Duration::ZERO,
        }
    }

    /// Has the judge know of keys that came in a file.
    pub(crate) fn hold(&mut self, key_ids: Vec<String>) {
        self.judge.hold(key_ids, self.started);
    }

    /// Asks once, in an event of any shape.
    pub(crate) fn ask(&mut self, token: &Token) -> Seen {
        let envelopes = &self.stage.envelopes.0;
        let envelope = &envelopes[self.random.random_range(..envelopes.len())];
        let mut event = envelope.text.replace(PLACE, &token.header);
        if let Some(ballast) = &self.ballast {
            event.insert_str(1, &format!("\"ballast\":\"{ballast}\","));
        }
        let from = UnixTime::now();
        let (answer, took) = self.function.invoke(event.as_bytes());
        let asked = Span { from, to: UnixTime::now() };
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        let seen = Seen::of(&envelope.event, &if answer.is_error { Err(body) } else { Ok(body) });
        let contacts = self.provider.map(Provider::take_contacts);
        self.tally.fetches += contacts.as_ref().map_or(0, Vec::len);
        let wrong = self.judge.judge(&token.truth, asked, contacts.as_deref(), seen);
        self.tally.count(seen, took, wrong);
        seen
    }

    /// A genuine token of one of the signers.
    pub(crate) fn genuine(&mut self) -> &'s Token {
        let signer = self.signers[self.random.random_range(..self.signers.len())];
        self.stage.mint.genuine(signer, &mut self.random)
    }

    pub(crate) fn ask_genuine(&mut self) -> Seen {
        let token = self.genuine();
        self.ask(token)
    }

    pub(crate) fn ask_worthless(&mut self) -> Seen {
        let token = self.stage.mint.worthless(self.tally.asked, UnixTime::now(), &mut self.random);
        self.ask(&token)
    }

    /// Asks with either, as often with the one as with the other.
    pub(crate) fn ask_any(&mut self) -> Seen {
        if self.random.random() { self.ask_genuine() } else { self.ask_worthless() }
    }

    /// Asks for so long.
    pub(crate) fn ask_for(&mut self, time: Duration) {
        let end = UnixTime::now().plus(time);
        while UnixTime::now() < end {
            self.ask_any();
            thread::sleep(BETWEEN_EVENTS);
        }
    }

    /// Ends the fault, and asks until genuine tokens are allowed again.
    pub(crate) fn heal(&mut self) {
        if let Some(provider) = self.provider {
            provider.conduct(Conduct::Well);
        }
        let since = UnixTime::now();
        while self.ask_genuine() != Seen::Allowed {
            if UnixTime::now().distance(since) > TOO_LONG {
                self.tally.failures.push("it did not heal".to_owned());
                return;
            }
            thread::sleep(BETWEEN_EVENTS);
        }
        self.tally.healed_after = self.tally.healed_after.max(Some(UnixTime::now().distance(since)));
    }

    /// Asks for so long after what is published has changed, and notes for how long a new key's tokens are refused
    /// and a withdrawn one's allowed.
    pub(crate) fn settle_for(&mut self, time: Duration) {
        let since = UnixTime::now();
        while UnixTime::now().distance(since) < time {
            self.ask_worthless();
            let token = self.genuine();
            let Truth::Genuine { key_id, .. } = &token.truth else { return };
            let is_published = self.provider.is_some_and(|provider| provider.publishes(key_id));
            let seen = self.ask(token);
            let elapsed = UnixTime::now().distance(since);
            match (is_published, seen) {
                (true, Seen::Unauthorized) => self.unheard = self.unheard.max(elapsed),
                (false, Seen::Allowed) => self.lingering = self.lingering.max(elapsed),
                _ => {}
            }
        }
    }

    /// Whether so much went wrong that the rest would say nothing new, and take long to say it.
    pub(crate) fn is_hopeless(&self) -> bool {
        self.judge.overruns + self.tally.wrong_answers() >= HOPELESS
    }

    pub(crate) fn function_id(&self) -> u32 {
        self.function.process().id()
    }

    pub(crate) fn memory_kib(&self) -> u64 {
        self.function.process().memory_kib()
    }

    /// Ends the function. At most one fetch before the first event, one at once, and one after each cooldown.
    pub(crate) fn finish(mut self) -> Tally {
        let lived = UnixTime::now().distance(self.started.from).as_secs() / self.limits.cooldown.as_secs();
        self.tally.fetches_at_most = 2 + usize::try_from(lived).unwrap();
        self.tally.overruns = self.judge.overruns;
        self.tally.peak_memory_kib = self.function.process().peak_memory_kib();
        self.tally
    }
}

/// Stands in an event until a token takes its place.
const PLACE: &str = "THE-TOKEN";

/// One trial is like the last one but for time.
const SEED: u64 = 20_261_126;

/// Some hundred events a second: enough to be asked in every state, and room for other trials.
const BETWEEN_EVENTS: Duration = Duration::from_millis(2);

const HOPELESS: usize = 100;

/// More than a cooldown and a fetch, by far.
const TOO_LONG: Duration = Duration::from_secs(30);
