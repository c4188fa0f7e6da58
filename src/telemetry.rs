//! What operators see: one JSON line per invocation.
//!
//! A line holds fixed words, numbers, and names from the configuration, from key sets and from API Gateway.
//! It never holds a token or a part of one, a header's value, or a claim's value other than the verified
//! `sub`. Nothing below us logs: no subscriber is installed, since libraries print whole events at `TRACE`.

use std::{
    io::{Write, stdout},
    time::Duration,
};

use serde::Serialize;

use crate::{
    authorizer::{Outcome, Record},
    gateway::Shape,
    policy::Failure,
    time::UnixTime,
    token::{FetchError, FetchReport, TokenUse},
};

/// How Lambda wants its logs.
/// <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-advanced.html>
#[derive(Clone, Copy, Debug)]
pub struct TelemetrySettings {
    /// Lines below this are not printed (`AWS_LAMBDA_LOG_LEVEL`).
    pub level: Level,
    /// How notices are written (`AWS_LAMBDA_LOG_FORMAT`). The line of an invocation is JSON in both.
    pub format: LogFormat,
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
#[derive(Clone, Copy, Debug)]
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
        let line = Line::new(invocation, record);
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

/// The fields of an invocation's line, absent ones left out.
#[derive(Debug, Serialize)]
struct Line<'r> {
    timestamp: String,
    level: Level,
    message: &'static str,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_use: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal_id: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'r str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    policies: &'r [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed_policies: Vec<FailedPolicy<'r>>,
    token_from_memory: bool,
    keys_from_memory: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_fetch: Option<KeyFetch>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    left_out_claims: &'r [String],
    request_id: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<&'r str>,
    duration_us: u64,
}

/// The fetch that an invocation made.
#[derive(Debug, Serialize)]
struct KeyFetch {
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keys_usable: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keys_skipped: Option<usize>,
}

/// A policy that could not be evaluated.
#[derive(Debug, Serialize)]
struct FailedPolicy<'r> {
    policy: &'r str,
    reason: &'static str,
}

impl<'r> FailedPolicy<'r> {
    fn new(failure: &'r Failure) -> Self {
        Self { policy: &failure.policy, reason: failure.reason.code() }
    }
}

impl<'r> Line<'r> {
    fn new(invocation: &Invocation<'r>, record: &'r Record) -> Self {
        let trace = &record.trace;
        let (outcome, reason, detail) = describe(record.outcome);
        Self {
            timestamp: invocation.started_at.to_rfc3339(),
            level: level(record),
            message: "authorizer",
            outcome,
            reason,
            detail,
            api_kind: record.shape.map(Shape::name),
            api: record.api.as_deref(),
            stage: record.stage.as_deref(),
            route: record.route.as_deref(),
            issuer: trace.issuer.as_deref(),
            kid: trace.key_id.as_deref(),
            token_use: trace.token_use.map(TokenUse::name),
            principal_id: record.subject.as_deref(),
            action: record.action.as_deref(),
            policies: &record.policies,
            failed_policies: record.failed_policies.iter().map(FailedPolicy::new).collect(),
            token_from_memory: trace.remembered,
            keys_from_memory: trace.key_from_memory,
            key_fetch: trace.fetch.map(KeyFetch::new),
            left_out_claims: &record.left_out_claims,
            request_id: invocation.request_id,
            trace_id: invocation.trace_header.and_then(trace_root),
            duration_us: u64::try_from(invocation.duration.as_micros()).unwrap_or(u64::MAX),
        }
    }
}

impl KeyFetch {
    fn new(fetch: Result<FetchReport, FetchError>) -> Self {
        match fetch {
            Ok(FetchReport { usable, skipped }) => {
                Self { outcome: "ok", detail: None, keys_usable: Some(usable), keys_skipped: Some(skipped) }
            }
            Err(error) => Self {
                outcome: error.code(),
                detail: Some(error.to_string()),
                keys_usable: None,
                keys_skipped: None,
            },
        }
    }
}

/// An error of ours is an error; whatever an operator may want to look at is a warning.
fn level(record: &Record) -> Level {
    let worth_a_look = !record.left_out_claims.is_empty()
        || !record.failed_policies.is_empty()
        || matches!(record.trace.fetch, Some(Err(_)));
    match record.outcome {
        None | Some(Outcome::Error(_)) => Level::Error,
        Some(Outcome::Deny(_) | Outcome::Refuse(_) | Outcome::Unauthorized(_)) => Level::Warn,
        Some(Outcome::Allow) if worth_a_look => Level::Warn,
        Some(Outcome::Allow) => Level::Info,
    }
}

fn describe(outcome: Option<Outcome>) -> (&'static str, Option<&'static str>, Option<String>) {
    match outcome {
        Some(Outcome::Allow) => ("allow", None, None),
        Some(Outcome::Deny(reason)) => ("deny", Some(reason.code()), None),
        Some(Outcome::Refuse(error)) => ("deny", Some(error.code()), Some(error.to_string())),
        Some(Outcome::Unauthorized(error)) => ("unauthorized", Some(error.code()), Some(error.to_string())),
        Some(Outcome::Error(fault)) => ("error", Some(fault.code()), Some(fault.to_string())),
        None => ("error", None, None),
    }
}

/// The X-Ray trace id out of its header, if it has the form that X-Ray gives it: a caller may have sent the
/// header, with anything in it.
/// <https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html>
fn trace_root(header: &str) -> Option<&str> {
    let root = header.split(';').find_map(|field| field.trim().strip_prefix("Root="))?;
    let is_hex =
        |part: &str, length: usize| part.len() == length && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let (epoch, unique) = root.strip_prefix("1-")?.split_once('-')?;
    (is_hex(epoch, 8) && is_hex(unique, 24)).then_some(root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_well_formed_trace_id_is_logged() {
        let root = "1-5759e988-bd862e3fe1be46a994272793";
        assert_eq!(trace_root(&format!("Root={root};Parent=53995c3f42cd8ad8;Sampled=1")), Some(root));
        assert_eq!(trace_root(&format!("Self=x; Root={root}")), Some(root));
        for header in ["", "Root=", "Root=eyJhbGciOi", "Root=1-5759e988-short", "Parent=1"] {
            assert_eq!(trace_root(header), None, "{header}");
        }
    }

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
