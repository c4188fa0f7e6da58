//! The clock. The only file that may read it: everything else is handed `now`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// A moment, counted from 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnixTime(Duration);

impl UnixTime {
    /// 9999-12-31T23:59:59Z, the last second that RFC 3339 §5.6 can write. No token lives longer.
    pub const LATEST: Self = Self::from_secs(253_402_300_799);

    /// The system's clock. A clock set before 1970 reads as 1970.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    pub fn now() -> Self {
        Self(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
    }

    /// The moment `seconds` after 1970 began.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// Whole seconds since 1970 began, rounded down: what `NumericDate` claims are compared with.
    pub const fn as_secs(self) -> u64 {
        self.0.as_secs()
    }

    /// Whole milliseconds since 1970 began, as CloudWatch counts.
    pub fn as_millis(self) -> u64 {
        u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX)
    }

    /// The time between two readings, whichever came first: a clock that was set back then counts as one
    /// that was set forward, and nothing stays fresh because of it.
    pub fn distance(self, other: Self) -> Duration {
        self.0.abs_diff(other.0)
    }

    /// This moment later by `duration`.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }

    /// RFC 3339 in UTC with milliseconds, as Lambda's log filter expects it.
    pub fn to_rfc3339(self) -> String {
        humantime::format_rfc3339_millis(UNIX_EPOCH + self.0.min(Self::LATEST.0)).to_string()
    }
}

/// Measures how long one invocation took. Its clock is the one of time limits, which tests may stop.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Time since the start.
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_is_the_same_in_both_directions() {
        let (early, late) = (UnixTime::from_secs(100), UnixTime::from_secs(130));
        assert_eq!(early.distance(late), Duration::from_secs(30));
        assert_eq!(late.distance(early), Duration::from_secs(30));
    }

    #[test]
    fn a_stopwatch_shows_no_less_than_what_has_passed() {
        let stopwatch = Stopwatch::start();
        std::thread::sleep(Duration::from_millis(1));
        assert!(stopwatch.elapsed() >= Duration::from_millis(1));
    }

    #[test]
    fn prints_rfc_3339_and_survives_an_absurd_clock() {
        assert_eq!(UnixTime::from_secs(1_700_000_000).to_rfc3339(), "2023-11-14T22:13:20.000Z");
        assert_eq!(UnixTime::from_secs(u64::MAX).to_rfc3339(), "9999-12-31T23:59:59.000Z");
    }
}
