//! The part of a line that CloudWatch makes metrics of.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>
//!
//! Each set of dimensions makes metrics of its own, and each metric costs money: there is one without
//! dimensions, for alarms; one by kind of API; and, for what is not allowed, one by reason. All values come from
//! fixed lists.

use serde::Serialize;

use crate::{
    authorizer::{Outcome, Record},
    time::UnixTime,
    token::TokenError,
};

/// Members of a line. Absent ones are left out: a sum over them is the same as over zeros, and cheaper.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Metrics<'n> {
    #[serde(rename = "_aws")]
    metadata: Metadata<'n>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    denied: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unauthorized: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_fetches: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_fetch_failures: Option<u8>,
    duration: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata<'n> {
    /// Milliseconds since 1970.
    timestamp: u64,
    cloud_watch_metrics: Vec<Directive<'n>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive<'n> {
    namespace: &'n str,
    /// Sets of members of the line.
    dimensions: Vec<&'static [&'static str]>,
    metrics: Vec<Metric>,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metric {
    name: &'static str,
    unit: &'static str,
}

impl<'n> Metrics<'n> {
    pub(super) fn new(namespace: &'n str, started_at: UnixTime, duration_us: u64, record: &Record) -> Self {
        let outcome = count(outcome_name(record.outcome));
        let (fetch, other) = (record.trace.fetch, record.trace.other_fetch);
        let is_fetched = fetch.is_some() || other.is_some();
        let failed = |fetch: Option<Result<_, _>>| u8::from(fetch.is_some_and(|fetch| fetch.is_err()));
        let failed_here = if names_no_issuer(record) { 0 } else { failed(fetch) };
        let counted = |name| (outcome.name == name).then_some(1);
        Self {
            allowed: counted(ALLOWED),
            denied: counted(DENIED),
            unauthorized: counted(UNAUTHORIZED),
            errors: counted(ERRORS),
            key_fetches: is_fetched.then_some(u8::from(fetch.is_some()) + u8::from(other.is_some())),
            key_fetch_failures: is_fetched.then_some(failed_here + failed(other)),
            duration: duration_us,
            metadata: Metadata {
                timestamp: started_at.as_millis(),
                cloud_watch_metrics: directives(namespace, record, outcome),
            },
        }
    }
}

fn directives<'n>(namespace: &'n str, record: &Record, outcome: Metric) -> Vec<Directive<'n>> {
    let directive = |dimensions: Vec<&'static [&'static str]>, metrics: Vec<Metric>| Directive {
        namespace,
        dimensions,
        metrics,
    };
    let duration = Metric { name: "Duration", unit: "Microseconds" };
    // An event that is none of API Gateway's has no kind.
    let by_kind: &[&[&str]] = if record.shape.is_some() { &[&[], &["api_kind"]] } else { &[&[]] };
    let mut directives = vec![directive(by_kind.to_vec(), vec![outcome, duration])];
    if !matches!(record.outcome, Some(Outcome::Allow) | None) {
        directives.push(directive(vec![&["reason"]], vec![outcome]));
    }
    if record.trace.fetch.is_some() || record.trace.other_fetch.is_some() {
        directives.push(directive(vec![&[]], vec![count("KeyFetches"), count("KeyFetchFailures")]));
    }
    directives
}

/// A token of an issuer form that its pool does not use makes a fetch that Cognito refuses. That is an answer, and
/// no failure: else anybody could ring an alarm with made-up tokens.
fn names_no_issuer(record: &Record) -> bool {
    use Outcome::{Refuse, Unauthorized};
    matches!(
        record.outcome,
        Some(Refuse(TokenError::UnknownIssuer) | Unauthorized(TokenError::UnknownIssuer))
    )
}

fn outcome_name(outcome: Option<Outcome>) -> &'static str {
    match outcome {
        Some(Outcome::Allow) => ALLOWED,
        Some(Outcome::Deny(_) | Outcome::Refuse(_)) => DENIED,
        Some(Outcome::Unauthorized(_)) => UNAUTHORIZED,
        Some(Outcome::Error(_)) | None => ERRORS,
    }
}

const fn count(name: &'static str) -> Metric {
    Metric { name, unit: "Count" }
}

const ALLOWED: &str = "Allowed";
const DENIED: &str = "Denied";
const UNAUTHORIZED: &str = "Unauthorized";
const ERRORS: &str = "Errors";
