//! What does each stage of one invocation cost, beside the least that it could cost?
//!
//! `cargo bench --bench stages` takes some minutes. Each group holds a stage and, measured in the same run, its
//! `limit`: what anything that does the same must do. A name behind `--` runs the groups that have it in theirs:
//! `cargo bench --bench stages -- authorize/http-v2`.
//!
//! | group | stage | limit |
//! |---|---|---|
//! | `event` | the payload as Lambda's loop takes it over; then shape, ARN, route and credentials of each shape | reading the event as a `serde_json::Value` |
//! | `token` | shape and header of a token; its claims read strictly | its base64url, and its JSON as `Value`s |
//! | `verify` | a token never seen, and one remembered | one RS256 check; one SHA-256 of the token |
//! | `refuse` | a token that is not, by the check at which it fails: what the time of a refusal tells | one RS256 check |
//! | `decide` | a decision that is not kept, without policies and with the example's | Cedar's own answers on the same six routes |
//! | `answer` | document and context for each shape | writing the answer as JSON once |
//! | `line` | the log line | writing the same line as JSON |
//! | `authorize` | the whole pipeline for each shape, fresh and remembered | the event's JSON and the token's SHA-256; for a fresh one an RS256 check more |
//!
//! Three stages are not public, and stand in the smallest public thing that has them. Looking up a remembered token,
//! and checking issuer, times, use and client of verified claims: in `verify` (`Verifier::verify`), of which `check
//! by our key`, and in the group `token` `shape and header` and `claims, read strictly`, are parts. Which route was
//! asked for, the document and the context: in `answer` (`Answerer::respond`). What the log takes of a request and of
//! a decision: in `authorize`.
//!
//! Keys are held from the start, so that nothing waits; what is async is polled once, without an executor. Lambda's
//! loop copies the answer's text after `authorize`.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a benchmark that cannot go on stops"
)]

mod decisions;
#[path = "../support/mod.rs"]
mod support;
mod tokens;

use std::{hint::black_box, sync::LazyLock, time::Duration};

use cognito_authorizer::{
    authorizer::{Authorizer, AuthorizerSettings, Outcome, Record},
    gateway::{Event, Payload, Shape, TokenSource},
    policy::{Policies, Source},
    telemetry::{Invocation, Level, LogFormat, Telemetry, TelemetrySettings},
    testing::{JWKS_URL, Provider, SigningKey, access_claims, event, jwks, settings},
    token::{Algorithm, Verifier},
};
use criterion::{Criterion, criterion_group, criterion_main};
use decisions::{answers, decisions};
use serde_json::{Value, json};
use support::{AT, Signed, holding, key_set, ready, sha256, short};
use tokens::{refusals, tokens, verifications};

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate("current", Algorithm::RS256));

const SCHEMA: &str = include_str!("../../layer/policies/orders.cedarschema");
const POLICIES: &str = include_str!("../../layer/policies/orders.cedar");

fn token(number: usize) -> String {
    let mut claims = access_claims(AT.as_secs());
    claims["jti"] = json!(format!("a1b2c3d4-0000-4000-8000-{number:012}"));
    KEY.token(&claims)
}

fn event_text(shape: Shape, token: &str) -> String {
    event(shape, &format!("Bearer {token}")).to_string()
}

fn example() -> Policies {
    let schema = Source { file: "orders.cedarschema", text: SCHEMA };
    Policies::parse(schema, &[Source { file: "orders.cedar", text: POLICIES }]).unwrap()
}

/// The defaults with keys at hand, remembering so many tokens.
fn remembering(tokens: usize) -> AuthorizerSettings {
    let mut settings = settings();
    settings.verifier.token_cache_size = tokens;
    settings.verifier.issuers[0].keys = holding(&key_set(&jwks(&[&KEY])), JWKS_URL);
    settings
}

fn verifier(tokens: usize) -> Verifier<Provider> {
    Verifier::new(remembering(tokens).verifier, Provider::default(), AT)
}

fn authorizer(tokens: usize, policies: Option<Policies>) -> Authorizer<Provider> {
    let mut settings = remembering(tokens);
    settings.rules.policies = policies;
    Authorizer::new(settings, Provider::default(), AT)
}

fn authorize(authorizer: &Authorizer<Provider>, event: &str) -> Record {
    let mut record = Record::default();
    black_box(ready(authorizer.authorize(event, AT, &mut record)).unwrap());
    assert_eq!(record.outcome, Some(Outcome::Allow));
    record
}

/// Reads an event as far as the pipeline does before it looks at the token; gives the length of the token.
fn read(text: &str, sources: &[TokenSource]) -> usize {
    let event = Event::parse(text).unwrap();
    let request = event.request().unwrap();
    black_box((request.arn().unwrap(), request.route()));
    request.credentials(sources).unwrap().len()
}

fn events(bench: &mut Criterion) {
    let sources = settings().token_sources;
    for shape in Shape::ALL {
        let text = event_text(shape, &token(0));
        let mut group = bench.benchmark_group(format!("event/{}", shape.name()));
        group.bench_function("limit: serde_json", |bench| {
            bench.iter(|| serde_json::from_str::<Value>(black_box(&text)).unwrap());
        });
        group.bench_function("payload", |bench| {
            bench.iter(|| serde_json::from_str::<Payload>(black_box(&text)).unwrap());
        });
        group.bench_function("request, ARN, route, credentials", |bench| {
            bench.iter(|| read(black_box(&text), &sources));
        });
        group.finish();
    }
}

fn lines(bench: &mut Criterion) {
    let metrics_namespace = Some("Orders".into());
    let settings = TelemetrySettings { level: Level::Info, format: LogFormat::Json, metrics_namespace };
    let telemetry = Telemetry::new(settings);
    let invocation = Invocation {
        request_id: "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
        trace_header: Some("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=canary-parent;Sampled=1"),
        started_at: AT,
        duration: Duration::from_micros(1_234),
    };
    let mut group = bench.benchmark_group("line");
    for (rules, policies) in [("without policies", None), ("the example's policies", Some(example()))] {
        let record = authorize(&authorizer(1, policies), &event_text(Shape::HttpV2, &token(0)));
        let line = || telemetry.line(&invocation, black_box(&record)).unwrap();
        let value: Value = serde_json::from_str(&line()).unwrap();
        group.bench_function(format!("{rules}, limit: serde_json"), |bench| {
            bench.iter(|| serde_json::to_string(black_box(&value)).unwrap());
        });
        group.bench_function(rules, |bench| bench.iter(line));
    }
    group.finish();
}

fn pipeline(bench: &mut Criterion) {
    let both = [token(0), token(1)];
    let signed = Signed::new(&KEY, &both[0]);
    for shape in Shape::ALL {
        let events = both.each_ref().map(|token| event_text(shape, token));
        let least = || (serde_json::from_str::<Value>(black_box(&events[0])).unwrap(), sha256(&both[0]));
        let mut group = bench.benchmark_group(format!("authorize/{}", shape.name()));
        group.bench_function("limit: fresh", |bench| bench.iter(|| (least(), signed.check())));
        group.bench_function("limit: remembered", |bench| bench.iter(least));
        for rules in ["without policies", "the example's policies"] {
            let policies = || (rules != "without policies").then(example);
            group.bench_function(format!("{rules}, fresh"), |bench| {
                // Each takes the other's place, as where many are remembered already.
                let (authorizer, mut events) = (authorizer(1, policies()), events.iter().cycle());
                let mut fresh = || authorize(&authorizer, events.next().unwrap());
                assert!([fresh(), fresh(), fresh()].iter().all(|record| !record.trace.remembered));
                bench.iter(fresh);
            });
            group.bench_function(format!("{rules}, remembered"), |bench| {
                let authorizer = authorizer(1, policies());
                authorize(&authorizer, &events[0]);
                assert!(authorize(&authorizer, &events[0]).trace.remembered);
                bench.iter(|| authorize(&authorizer, black_box(&events[0])));
            });
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = short();
    targets = events, tokens, verifications, refusals, decisions, answers, lines, pipeline
}
criterion_main!(benches);
