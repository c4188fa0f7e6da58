//! A clock that jumps back and forth. No clock of a machine is touched: the authorizer is asked in process, and
//! handed `now`.

use std::collections::VecDeque;

use cognito_authorizer::{
    authorizer::{Authorizer, Record},
    gateway::Shape,
    testing::{JWKS_URL, NOW, Provider, Reply, event, jwks, settings},
    time::{Stopwatch, UnixTime},
    token::FetchError,
};
use rand::{RngExt, SeedableRng, rngs::SmallRng};
use serde_json::json;

use crate::{
    judge::{Contact, Gave, Judge, Seen, Span},
    tally::Tally,
    tokens::Token,
    trial::{Settings, Stage},
};

struct Leap<'s> {
    stage: &'s Stage,
    authorizer: Authorizer<Provider>,
    provider: Provider,
    is_up: bool,
    judge: Judge,
    random: SmallRng,
    now: UnixTime,
    attempted: Option<UnixTime>,
    tally: Tally,
    /// Issued at one time, asked with at any.
    tokens: VecDeque<Token>,
}

/// Asks so often, at a time that jumps, of a provider that is down now and then.
pub(crate) fn leap(stage: &Stage, steps: usize) -> Tally {
    let now = UnixTime::from_secs(NOW);
    let provider = Provider::with(JWKS_URL, &jwks(&[&stage.mint.keys[0]]));
    let mut leap = Leap {
        stage,
        authorizer: Authorizer::new(settings(), provider.clone(), now),
        provider,
        is_up: true,
        judge: Judge::new(Settings::usual().limits),
        random: SmallRng::seed_from_u64(NOW),
        now,
        attempted: None,
        tally: Tally::default(),
        tokens: VecDeque::new(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        for number in 0..steps {
            leap.step(number).await;
        }
    });
    leap.tally.overruns = leap.judge.overruns;
    leap.tally.notes.push("in process, with `now` handed down".to_owned());
    leap.tally
}

impl Leap<'_> {
    async fn step(&mut self, number: usize) {
        self.move_clock();
        // Down for a tenth of the time.
        if self.random.random_ratio(1, if self.is_up { 90 } else { 10 }) {
            self.turn_provider();
        }
        let token = match self.random.random_range(0..3) {
            0 if !self.tokens.is_empty() => {
                self.tokens[self.random.random_range(..self.tokens.len())].clone()
            }
            1 => self.stage.mint.worthless(number, self.now, &mut self.random),
            _ => self.sign(number),
        };
        self.ask(&token).await;
    }

    fn sign(&mut self, number: usize) -> Token {
        let issued = self.now.as_secs();
        let token = self.stage.mint.sign(0, number, issued, issued + LIFETIME);
        self.tokens.push_front(token.clone());
        self.tokens.truncate(REMEMBERED);
        token
    }

    fn move_clock(&mut self) {
        let seconds = if self.random.random_ratio(1, 3) {
            LEAPS[self.random.random_range(..LEAPS.len())]
        } else {
            self.random.random_range(..3)
        };
        let now = self.now.as_secs();
        let is_backwards = seconds > 2 && self.random.random();
        let now = if is_backwards { now.saturating_sub(seconds) } else { now + seconds };
        // It stays within a century of 2027.
        self.now = UnixTime::from_secs(now.clamp(NOW - CENTURY / 2, NOW + CENTURY));
    }

    fn turn_provider(&mut self) {
        self.is_up = !self.is_up;
        if self.is_up {
            self.provider.publish(JWKS_URL, &jwks(&[&self.stage.mint.keys[0]]));
        } else {
            self.provider.reply(JWKS_URL, Reply::Fail(FetchError::Unreachable));
        }
    }

    async fn ask(&mut self, token: &Token) {
        let now = self.now;
        let cooldown = Settings::usual().limits.cooldown;
        if self.attempted.is_none_or(|at| now.distance(at) >= cooldown) {
            self.tally.fetches_at_most += 1;
        }
        let event = event(Shape::ALL[self.random.random_range(..Shape::ALL.len())], &token.header);
        let stopwatch = Stopwatch::start();
        let before = self.provider.requests().len();
        let answer = self.authorizer.authorize(&event.to_string(), now, &mut Record::default()).await;
        let fetches = self.provider.requests().len() - before;
        let outcome = match answer {
            Ok(response) => Ok(serde_json::to_value(response).unwrap()),
            Err(error) => Err(json!({ "errorMessage": error.to_string() })),
        };
        let seen = Seen::of(&event, &outcome);
        let keys = || Gave::Keys(vec![self.stage.mint.keys[0].id.clone()]);
        let gave = if self.is_up { keys() } else { Gave::Nothing };
        let contacts = vec![Contact { at: now, gave }; fetches];
        let wrong = self.judge.judge(&token.truth, Span { from: now, to: now }, Some(&contacts), seen);
        self.attempted = contacts.first().map(|contact| contact.at).or(self.attempted);
        self.tally.fetches += fetches;
        self.tally.count(seen, stopwatch.elapsed(), wrong);
    }
}

/// By how many seconds the clock leaps: within and beyond the cooldown, the TTL, the greatest age of keys; years.
const LEAPS: [u64; 10] = [5, 9, 11, 70, 3_500, 3_700, 86_000, 87_000, 31_536_000, 1_261_440_000];

const CENTURY: u64 = 3_155_760_000;

/// Of a token, in seconds.
const LIFETIME: u64 = 3_600;

/// Fewer than the function remembers, so that many are asked with again.
const REMEMBERED: usize = 200;
