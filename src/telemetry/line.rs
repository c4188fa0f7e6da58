//! The line of an invocation.

use serde::Serialize;

use super::{Invocation, Level, metrics::Metrics};
use crate::{
    authorizer::{Outcome, Record},
    gateway::Shape,
    policy::Failure,
    token::{FetchError, FetchReport, TokenUse},
};

/// The fields of an invocation's line, absent ones left out.
#[derive(Debug, Serialize)]
pub(super) struct Line<'r> {
    timestamp: String,
    pub(super) level: Level,
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
    #[serde(skip_serializing_if = "Vec::is_empty")]
    policies: Vec<&'r str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed_policies: Vec<FailedPolicy<'r>>,
    token_from_memory: bool,
    keys_from_memory: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_fetch: Option<KeyFetch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    other_key_fetch: Option<KeyFetch>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    left_out_claims: &'r [String],
    request_id: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<&'r str>,
    duration_us: u64,
    #[serde(flatten)]
    metrics: Option<Metrics<'r>>,
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
    /// With metrics for `namespace`, if there is one.
    pub(super) fn new(invocation: &Invocation<'r>, record: &'r Record, namespace: Option<&'r str>) -> Self {
        let trace = &record.trace;
        let (outcome, reason, detail) = describe(record.outcome);
        let duration_us = u64::try_from(invocation.duration.as_micros()).unwrap_or(u64::MAX);
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
            action: record.ruling().map(|(route, _)| route.name()),
            policies: record.ruling().map(|(_, ruling)| ruling.determined_by()).unwrap_or_default(),
            failed_policies: record.failed_policies().iter().map(FailedPolicy::new).collect(),
            token_from_memory: trace.remembered,
            keys_from_memory: trace.key_from_memory,
            key_fetch: trace.fetch.map(KeyFetch::new),
            other_key_fetch: trace.other_fetch.map(KeyFetch::new),
            left_out_claims: &record.left_out_claims,
            request_id: invocation.request_id,
            trace_id: invocation.trace_header.and_then(trace_root),
            duration_us,
            metrics: namespace
                .map(|namespace| Metrics::new(namespace, invocation.started_at, duration_us, record)),
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
        || !record.failed_policies().is_empty()
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
}
