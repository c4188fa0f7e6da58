//! How does cost grow with the size of a token, with keys, with issuers and with routes?
//!
//! `cargo bench --bench growth` takes some minutes. A name behind `--` runs the groups that have it in theirs:
//! `cargo bench --bench growth -- routes`. A `limit` is what anything that does the same must do, in the same run.
//!
//! | group | grows | measured |
//! |---|---|---|
//! | `token` | the token's text: 1,000, 4,000 and 10,000 bytes, padded with one claim | its shape and header; verifying and answering it, fresh and remembered; refusing one of 10,241 bytes |
//! | `keys` | a key set: 2, 20 and 200 keys | reading it, and verifying with its last key |
//! | `issuers` | 1, 10 and 100 issuers, each with its own address | building the verifier, and verifying a token of the last one |
//! | `routes` | 10, 100 and 1,000 routes, plain (`get /resource-1/{id}`) and behind a parameter (`get /{tenant}/resource-1/{id}`) | building the table, ruling on every route, answering for the last one |
//!
//! Some sizes are refused. A document holds 10 of these routes, but not 100: those and more are answered with a
//! simple response, which only an HTTP API takes. 1,000 behind a parameter make no table at all, since they overlap
//! in too many ways: what is measured is the refusal. Deciding with policies, as routes and policies grow, is in the
//! bench `policies`.
//!
//! Fresh is a token where none is remembered; what remembering it takes is in the bench `stages`. The keys of a set
//! are one key under different names: reading and finding them takes no longer if they differ.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a benchmark that cannot go on stops"
)]

mod support;

use std::{
    hint::black_box,
    sync::{Arc, LazyLock},
};

use cognito_authorizer::{
    authorizer::{Authorizer, AuthorizerSettings, Outcome, Record},
    gateway::{Answerer, Event, ResponseFormat, Shape, check_size},
    policy::{Decision, RouteTable, RouteTableError, Ruling, Rulings},
    testing::{
        ISSUER, JWKS_URL, Provider, SigningKey, access_claims, event, event_on, jwks, merged, settings,
        verifier_settings,
    },
    token::{
        Algorithm, IssuerSettings, KeySet, MAX_TOKEN_BYTES, Trace, UnverifiedToken, Verifier,
        VerifierSettings,
    },
};
use criterion::{
    BatchSize, BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime,
};
use serde_json::{Value, json};
use support::{AT, Signed, holding, key_set, public_key, ready, sha256, short, verify};

type Group<'c> = BenchmarkGroup<'c, WallTime>;

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate("key-0", Algorithm::RS256));

/// A token of so many bytes, or up to two fewer: base64 makes four of three.
fn token_of(bytes: usize) -> String {
    let padded = |padding: usize| {
        let members = json!({ "event_id": null, "origin_jti": null, "padding": "x".repeat(padding) });
        KEY.token(&merged(access_claims(AT.as_secs()), &members))
    };
    let token = padded((bytes - padded(0).len()) * 3 / 4);
    assert!((bytes - 2..=bytes).contains(&token.len()), "{} bytes", token.len());
    token
}

/// One issuer, whose set holds the key.
fn verifier(remembered: usize) -> Verifier<Provider> {
    Verifier::new(one_issuer(&key_set(&jwks(&[&KEY])), remembered), Provider::default(), AT)
}

fn one_issuer(keys: &Arc<KeySet>, remembered: usize) -> VerifierSettings {
    let mut settings = VerifierSettings { token_cache_size: remembered, ..verifier_settings() };
    settings.issuers[0].keys = holding(keys, JWKS_URL);
    settings
}

fn authorize(remembered: usize) -> impl Fn(&str) {
    let verifier = one_issuer(&key_set(&jwks(&[&KEY])), remembered);
    let settings = AuthorizerSettings { verifier, ..settings() };
    let authorizer = Authorizer::new(settings, Provider::default(), AT);
    move |event| {
        let mut record = Record::default();
        black_box(ready(authorizer.authorize(event, AT, &mut record)).unwrap());
        assert_eq!(record.outcome, Some(Outcome::Allow));
    }
}

fn tokens(bench: &mut Criterion) {
    for bytes in [1_000, 4_000, 10_000] {
        let mut group = bench.benchmark_group(format!("token/{bytes} bytes"));
        let token = token_of(bytes);
        one_token(&mut group, &token);
        let event = event(Shape::HttpV2, &format!("Bearer {token}")).to_string();
        for (name, remembered) in [("authorize, fresh", 0), ("authorize, remembered", 1)] {
            let authorize = authorize(remembered);
            authorize(&event);
            group.bench_function(name, |bench| bench.iter(|| authorize(black_box(&event))));
        }
        group.finish();
    }
    let too_long = "x".repeat(MAX_TOKEN_BYTES + 1);
    let verifier = verifier(1);
    bench.bench_function("token/10241 bytes, refused", |bench| {
        let refuse = || ready(verifier.verify(black_box(&too_long), AT, &mut Trace::default())).is_err();
        bench.iter(|| assert!(refuse()));
    });
}

fn one_token(group: &mut Group<'_>, token: &str) {
    let signed = Signed::new(&KEY, token);
    group.bench_function("limit: one RS256 check", |bench| bench.iter(|| black_box(&signed).check()));
    group.bench_function("limit: one SHA-256", |bench| bench.iter(|| sha256(black_box(token))));
    group.bench_function("shape and header", |bench| {
        bench.iter(|| UnverifiedToken::parse(black_box(token)).unwrap().key_id().len());
    });
    for (name, remembered) in [("verify, fresh", 0), ("verify, remembered", 1)] {
        let verifier = verifier(remembered);
        verify(&verifier, token);
        group.bench_function(name, |bench| bench.iter(|| verify(&verifier, black_box(token))));
    }
}

/// The set of as many keys, and a token that the last one signed.
fn set_of(count: usize) -> (Value, String) {
    let mut key = SigningKey::generate("", Algorithm::RS256);
    let named = |key: &mut SigningKey, number: usize| {
        key.id = format!("key-{number}");
        key.jwk()
    };
    let keys: Vec<Value> = (0..count).map(|number| named(&mut key, number)).collect();
    (json!({ "keys": keys }), key.token(&access_claims(AT.as_secs())))
}

fn keys(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("keys");
    let signed = Signed::new(&KEY, &token_of(1_000));
    group.bench_function("limit: one RS256 check", |bench| bench.iter(|| black_box(&signed).check()));
    for count in [2, 20, 200] {
        let (set, token) = set_of(count);
        let (document, jwks) = (set.to_string(), set["keys"].as_array().unwrap());
        let least = |document: &str| {
            let value: Value = serde_json::from_str(document).unwrap();
            (value, jwks.iter().map(public_key).collect::<Vec<_>>())
        };
        group.bench_function(format!("{count}, limit: serde_json and aws-lc-rs"), |bench| {
            bench.iter(|| least(black_box(&document)));
        });
        group.bench_function(format!("{count}, read"), |bench| {
            bench.iter(|| KeySet::parse(black_box(document.as_bytes()), &[Algorithm::RS256]).unwrap());
        });
        let verifier = Verifier::new(one_issuer(&key_set(&set), 0), Provider::default(), AT);
        group.bench_function(format!("{count}, verify with the last"), |bench| {
            bench.iter(|| verify(&verifier, black_box(&token)));
        });
    }
    group.finish();
}

/// As many issuers, each with an address of its own, and the last one's name.
fn issuers_of(count: usize, keys: &Arc<KeySet>) -> (VerifierSettings, String) {
    let mut settings = VerifierSettings { token_cache_size: 0, ..verifier_settings() };
    let rules = settings.issuers[0].rules.clone();
    let issuer = |number: usize| format!("{ISSUER}-{number}");
    let issuers = (0..count).map(issuer).map(|issuer| {
        let keys = holding(keys, &format!("{issuer}/.well-known/jwks.json"));
        IssuerSettings { issuer, keys, other_form: None, rules: rules.clone() }
    });
    settings.issuers = issuers.collect();
    (settings, issuer(count - 1))
}

fn issuers(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("issuers");
    let signed = Signed::new(&KEY, &token_of(1_000));
    group.bench_function("limit: one RS256 check", |bench| bench.iter(|| black_box(&signed).check()));
    let keys = key_set(&jwks(&[&KEY]));
    let build = |settings| Verifier::new(settings, Provider::default(), AT);
    for count in [1, 10, 100] {
        group.bench_function(format!("{count}, build"), |bench| {
            let build = |settings| -> Verifier<Provider> { build(settings) };
            bench.iter_batched(|| issuers_of(count, &keys).0, build, BatchSize::SmallInput);
        });
        let (settings, last) = issuers_of(count, &keys);
        let token = KEY.token(&merged(access_claims(AT.as_secs()), &json!({ "iss": last })));
        let verifier = build(settings);
        group.bench_function(format!("{count}, verify of the last"), |bench| {
            bench.iter(|| verify(&verifier, black_box(&token)));
        });
    }
    group.finish();
}

/// What becomes of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// A document holds it.
    Document,
    /// Only simple responses do.
    Simple,
    /// There is none.
    TooComplex,
}

impl Fate {
    fn of(names: &[String]) -> Self {
        match RouteTable::new(names.iter().map(String::as_str)) {
            Ok(table) if check_size(&table).is_ok() => Self::Document,
            Ok(_) => Self::Simple,
            Err(RouteTableError::TooComplex) => Self::TooComplex,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Four routes for each resource.
fn names(prefix: &str, count: usize) -> Vec<String> {
    let shapes = ["get /R", "post /R", "get /R/{id}", "delete /R/{id}"];
    let of_resource =
        |number: usize| shapes.map(|shape| shape.replace('R', &format!("{prefix}resource-{number}")));
    (0..).flat_map(of_resource).take(count).collect()
}

fn routes(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("routes");
    group.sample_size(10);
    for (kind, prefix, count, fate) in [
        ("plain", "", 10, Fate::Document),
        ("plain", "", 100, Fate::Simple),
        ("plain", "", 1_000, Fate::Simple),
        ("behind a parameter", "{tenant}/", 10, Fate::Document),
        ("behind a parameter", "{tenant}/", 100, Fate::Simple),
        ("behind a parameter", "{tenant}/", 1_000, Fate::TooComplex),
    ] {
        let (names, name) = (names(prefix, count), format!("{count} {kind}"));
        let ends = if fate == Fate::TooComplex { "refused" } else { "table" };
        group.bench_function(format!("{name}, {ends}"), |bench| {
            bench.iter(|| assert_eq!(Fate::of(black_box(&names)), fate));
        });
        if fate != Fate::TooComplex {
            answers(&mut group, &name, &names, fate);
        }
    }
    group.finish();
}

/// Every other route is permitted, the last one among them.
fn rule(table: &Arc<RouteTable>) -> Rulings {
    let permitted = Ruling { permitted_by: vec!["policy".into()], ..Ruling::default() };
    let ruling = |position: usize| if position % 2 == 1 { permitted.clone() } else { Ruling::default() };
    Rulings::new(Arc::clone(table), (0..table.routes().len()).map(ruling).collect())
}

/// Ruling on every route, and the answers that a table has for a request to its last one.
fn answers(group: &mut Group<'_>, name: &str, names: &[String], fate: Fate) {
    let table = Arc::new(RouteTable::new(names.iter().map(String::as_str)).unwrap());
    group.bench_function(format!("{name}, rulings"), |bench| bench.iter(|| rule(black_box(&table))));
    let decision = Decision::PerRoute(Arc::new(rule(&table)));
    answer(group, &format!("{name}, simple response"), ResponseFormat::Simple, &decision);
    if fate == Fate::Document {
        answer(group, &format!("{name}, document"), ResponseFormat::Iam, &decision);
    }
}

fn answer(group: &mut Group<'_>, name: &str, format: ResponseFormat, decision: &Decision) {
    let Decision::PerRoute(rulings) = decision else { panic!("no rulings") };
    let (verb, template) = rulings.table().routes().last().unwrap().name().split_once(' ').unwrap();
    let (verb, path) = (verb.to_uppercase(), template.replace("{id}", "42").replace("{tenant}", "blue"));
    let event = event_on(Shape::HttpV2, "Bearer x", &format!("{verb} {template}"), &verb, &path).to_string();
    let event = Event::parse(&event).unwrap();
    let request = event.request().unwrap();
    let (arn, verified) = (request.arn().unwrap(), verify(&verifier(0), &token_of(1_000)));
    let answerer = Answerer { format, ..settings().answerer };
    let respond = || answerer.respond(&request, &arn, black_box(verified.claims()), decision, None);
    let response = respond();
    assert_eq!((response.denied, response.route), (None, Some(rulings.table().routes().len() - 1)), "{name}");
    group.bench_function(format!("{name}, limit: serde_json"), |bench| {
        bench.iter(|| serde_json::to_string(black_box(&response.response)).unwrap());
    });
    group.bench_function(name, |bench| bench.iter(respond));
}

criterion_group! {
    name = benches;
    config = short();
    targets = tokens, keys, issuers, routes
}
criterion_main!(benches);
