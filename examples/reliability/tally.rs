//! What came of a trial, and what it may be at most.

use std::{collections::BTreeMap, time::Duration};

use crate::judge::Seen;

/// Counts of one row, over all of its functions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) asked: usize,
    pub(crate) allowed: usize,
    pub(crate) unauthorized: usize,
    pub(crate) unavailable: usize,
    /// Wrong answers, by what is wrong with them.
    pub(crate) wrong: BTreeMap<&'static str, usize>,
    /// What else went wrong.
    pub(crate) failures: Vec<String>,
    pub(crate) fetches: usize,
    /// As many as the cooldown allows.
    pub(crate) fetches_at_most: usize,
    /// Those that came too early.
    pub(crate) overruns: usize,
    pub(crate) peak_memory_kib: u64,
    pub(crate) slowest: Duration,
    /// From a fault's end to the first genuine token that is allowed.
    pub(crate) healed_after: Option<Duration>,
    /// What the table has to say besides.
    pub(crate) notes: Vec<String>,
}

impl Tally {
    pub(crate) fn count(&mut self, seen: Seen, took: Duration, wrong: Option<&'static str>) {
        self.asked += 1;
        match seen {
            Seen::Allowed => self.allowed += 1,
            Seen::Unauthorized => self.unauthorized += 1,
            Seen::Unavailable => self.unavailable += 1,
            // The judge has a word for these.
            Seen::Other => {}
        }
        if let Some(wrong) = wrong {
            *self.wrong.entry(wrong).or_default() += 1;
        }
        self.slowest = self.slowest.max(took);
    }

    /// Another function of the same row.
    pub(crate) fn add(&mut self, other: Self) {
        self.asked += other.asked;
        self.allowed += other.allowed;
        self.unauthorized += other.unauthorized;
        self.unavailable += other.unavailable;
        for (wrong, count) in other.wrong {
            *self.wrong.entry(wrong).or_default() += count;
        }
        self.failures.extend(other.failures);
        self.fetches += other.fetches;
        self.fetches_at_most += other.fetches_at_most;
        self.overruns += other.overruns;
        self.peak_memory_kib = self.peak_memory_kib.max(other.peak_memory_kib);
        self.slowest = self.slowest.max(other.slowest);
        self.healed_after = self.healed_after.max(other.healed_after);
        self.notes.extend(other.notes);
    }

    pub(crate) fn wrong_answers(&self) -> usize {
        self.wrong.values().sum()
    }

    /// Everything that makes the row fail.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems: Vec<String> =
            self.wrong.iter().map(|(wrong, count)| format!("{count} × {wrong}")).collect();
        problems.extend(self.failures.iter().cloned());
        let limits = [
            (self.asked > 0, "nothing was asked".to_owned()),
            (self.overruns == 0, format!("{} fetches within the cooldown", self.overruns)),
            (self.fetches <= self.fetches_at_most, "more fetches than the cooldown allows".to_owned()),
            (self.peak_memory_kib < MEMORY_KIB, "more memory than the smallest function has".to_owned()),
            (self.slowest < PATIENCE, "an answer that API Gateway would not have waited for".to_owned()),
        ];
        problems.extend(limits.into_iter().filter(|(holds, _)| !holds).map(|(_, problem)| problem));
        problems
    }
}

/// The smallest Lambda function's.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>
const MEMORY_KIB: u64 = 128 * 1024;

/// API Gateway's, with an authorizer.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html>
const PATIENCE: Duration = Duration::from_secs(10);
