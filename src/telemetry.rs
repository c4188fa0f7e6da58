//! What operators see: one JSON line per invocation, which is its log entry and its metrics.
//!
//! A line holds fixed words, numbers, and names from the configuration, from key sets and from API Gateway.
//! It never holds a token or a part of one, a header's value, or a claim's value other than the verified
//! `sub`. Nothing below us logs: no subscriber is installed, since libraries print whole events at `TRACE`.

mod line;
mod metrics;

use std::{
    io::{Write, stdout},
    panic,
    sync::Arc,
    time::Duration,
};

use serde::Serialize;

use self::line::Line;
use crate::{authorizer::Record, time::UnixTime};

/// How Lambda wants its logs.
/// <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-advanced.html>
#[derive(Clone, Debug)]
pub struct TelemetrySettings {
    /// Lines below this are not printed (`AWS_LAMBDA_LOG_LEVEL`).
    pub level: Level,
    /// How notices are written (`AWS_LAMBDA_LOG_FORMAT`). The line of an invocation is JSON in both.
    pub format: LogFormat,
    /// Where CloudWatch puts the metrics; `None` for no metrics.
    pub metrics_namespace: Option<Arc<str>>,
}

/// Lambda's log levels, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the names are Lambda's")]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
}

/// Lambda's log formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are Lambda's")]
pub enum LogFormat {
    Text,
    Json,
}

/// Writes log lines to standard output, which Lambda hands to CloudWatch.
#[derive(Clone, Debug)]
pub struct Telemetry {
    settings: TelemetrySettings,
}

/// What Lambda says of an invocation.
#[derive(Clone, Copy, Debug)]
pub struct Invocation<'i> {
    /// Lambda's request id.
    pub request_id: &'i str,
    /// The `Lambda-Runtime-Trace-Id` header.
    pub trace_header: Option<&'i str>,
    /// When it began.
    pub started_at: UnixTime,
    /// How long it took.
    pub duration: Duration,
}

impl Telemetry {
    /// Logs as `settings` say.
    pub fn new(settings: TelemetrySettings) -> Self {
        Self { settings }
    }

    /// Prints the line of one invocation.
    pub fn log(&self, invocation: &Invocation<'_>, record: &Record) {
        if let Some(line) = self.line(invocation, record) {
            print(&line);
        }
    }

    /// The line of one invocation, or `None` where the level leaves it out.
    pub fn line(&self, invocation: &Invocation<'_>, record: &Record) -> Option<String> {
        let line = Line::new(invocation, record, self.settings.metrics_namespace.as_deref());
        if line.level < self.settings.level {
            return None;
        }
        serde_json::to_string(&line).ok()
    }

    /// Prints a line that belongs to no invocation.
    pub fn notice(&self, level: Level, now: UnixTime, message: &str) {
        if level >= self.settings.level {
            print(&notice(self.settings.format, level, now, message));
        }
    }

    /// From now on a panic in this process prints its place and no more: its message may quote what was being
    /// read, and the place is enough to find it. `now` tells when it was.
    pub fn hide_panic_messages(self, now: fn() -> UnixTime) {
        panic::set_hook(Box::new(move |panic| {
            let place = panic.location().map_or_else(String::new, ToString::to_string);
            self.notice(Level::Error, now(), &format!("panic at {place}"));
        }));
    }
}

/// A line that belongs to no invocation, in the format that was asked for.
fn notice(format: LogFormat, level: Level, now: UnixTime, message: &str) -> String {
    #[derive(Serialize)]
    struct Notice<'m> {
        timestamp: String,
        level: Level,
        message: &'m str,
    }
    let notice = Notice { timestamp: now.to_rfc3339(), level, message };
    match format {
        LogFormat::Json => serde_json::to_string(&notice).unwrap_or_default(),
        LogFormat::Text => format!("{} {:?} {message}", notice.timestamp, level),
    }
}

/// One line in one write, so that lines of concurrent invocations do not mix. Where standard output is
/// gone, nobody is left to be told.
fn print(line: &str) {
    let _ = stdout().lock().write_all(format!("{line}\n").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_follow_the_format_that_lambda_asks_for() {
        let now = UnixTime::from_secs(1_700_000_000);
        assert_eq!(notice(LogFormat::Text, Level::Warn, now, "keys"), "2023-11-14T22:13:20.000Z Warn keys");
        assert_eq!(
            notice(LogFormat::Json, Level::Warn, now, "keys"),
            r#"{"timestamp":"2023-11-14T22:13:20.000Z","level":"WARN","message":"keys"}"#
        );
    }
}
