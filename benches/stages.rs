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

mod support;

use std::{hint::black_box, sync::LazyLock, time::Duration};

use cedar_policy::{
    Authorizer as Cedar, Context, Decision as CedarDecision, Entities, EntityUid, PolicySet,
    Request as Question,
};
use cognito_authorizer::{
    authorizer::{Authorizer, AuthorizerSettings, Outcome, Record},
    gateway::{Answerer, Event, Payload, ResponseFormat, Shape, TokenSource},
    policy::{Policies, Rules, Source},
    telemetry::{Invocation, Level, LogFormat, Telemetry, TelemetrySettings},
    testing::{JWKS_URL, POOL_ID, Provider, SigningKey, access_claims, compact, event, jwks, settings},
    token::{Algorithm, Trace, UnverifiedToken, Verifier, VerifyError, parse_object},
};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use serde_json::{Value, json};
use support::{AT, Signed, decode, holding, key_set, ready, sha256, short, verify};
use tokio::runtime::Builder;

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate("current", Algorithm::RS256));

const SCHEMA: &str = include_str!("../layer/policies/orders.cedarschema");
const POLICIES: &str = include_str!("../layer/policies/orders.cedar");

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

fn tokens(bench: &mut Criterion) {
    let token = token(0);
    let parts: Vec<&str> = token.split('.').collect();
    let claims = decode(parts[1]);
    let value = |json: &[u8]| serde_json::from_slice::<Value>(json).unwrap();
    let mut group = bench.benchmark_group("token");
    group.bench_function("limit: base64url and serde_json", |bench| {
        let least = |parts: &[&str]| (value(&decode(parts[0])), value(&decode(parts[1])), decode(parts[2]));
        bench.iter(|| least(black_box(&parts)));
    });
    group.bench_function("shape and header", |bench| {
        bench.iter(|| UnverifiedToken::parse(black_box(&token)).unwrap().key_id().len());
    });
    group.bench_function("limit: serde_json of the claims", |bench| bench.iter(|| value(black_box(&claims))));
    group.bench_function("claims, read strictly", |bench| {
        bench.iter(|| parse_object(black_box(&claims)).unwrap());
    });
    group.finish();
}

fn verifications(bench: &mut Criterion) {
    let both = [token(0), token(1)];
    let [token, _] = &both;
    let signed = Signed::new(&KEY, token);
    let mut group = bench.benchmark_group("verify");
    group.bench_function("limit: one RS256 check", |bench| bench.iter(|| black_box(&signed).check()));
    group.bench_function("limit: one SHA-256", |bench| bench.iter(|| sha256(black_box(token))));
    group.bench_function("check by our key", |bench| {
        let (keys, token) = (key_set(&jwks(&[&KEY])), UnverifiedToken::parse(token).unwrap());
        let key = keys.key(token.key_id()).unwrap();
        bench.iter(|| key.verify(black_box(&token)).is_ok());
    });
    group.bench_function("never seen, none remembered", |bench| {
        let verifier = verifier(0);
        bench.iter(|| verify(&verifier, black_box(token)));
    });
    // Each takes the other's place.
    group.bench_function("never seen, then remembered", |bench| {
        let (verifier, mut tokens) = (verifier(1), both.iter().cycle());
        bench.iter(|| verify(&verifier, tokens.next().unwrap()));
    });
    group.bench_function("remembered", |bench| {
        let verifier = verifier(1);
        verify(&verifier, token);
        bench.iter(|| verify(&verifier, black_box(token)));
    });
    group.finish();
}

/// Bad tokens, by the check that each fails, in the order of the checks.
fn refused() -> [(&'static str, String); 6] {
    let other = SigningKey::generate("current", Algorithm::RS256);
    let with = |name: &str, value: Value| {
        let mut claims = access_claims(AT.as_secs());
        claims[name] = value;
        claims
    };
    let good = with("version", json!(2));
    let unknown = compact(r#"{"alg":"RS256","kid":"unknown"}"#, good.to_string(), &other);
    let wrong_algorithm = compact(r#"{"alg":"RS384","kid":"current"}"#, good.to_string(), &other);
    [
        ("unknown_issuer", KEY.token(&with("iss", json!("https://login.example.com/eu-west-1_AbCdEf123")))),
        ("unknown_key", unknown),
        ("wrong_algorithm", wrong_algorithm),
        ("bad_signature", other.token(&good)),
        ("token_expired", KEY.token(&with("exp", json!(1)))),
        ("wrong_client", KEY.token(&with("client_id", json!("another")))),
    ]
}

fn refusals(bench: &mut Criterion) {
    let signed = Signed::new(&KEY, &token(0));
    let waiting = Builder::new_current_thread().enable_time().build().unwrap();
    let mut group = bench.benchmark_group("refuse");
    group.bench_function("limit: one RS256 check", |bench| bench.iter(|| black_box(&signed).check()));
    for (reason, token) in refused() {
        let verifier = verifier(1);
        // The first asks a provider for a key that is not there: what is measured comes within the cooldown.
        let error = waiting.block_on(verifier.verify(&token, AT, &mut Trace::default())).unwrap_err();
        assert!(matches!(error, VerifyError::Token(error) if error.code() == reason), "{reason}: {error}");
        group.bench_function(reason, |bench| {
            bench.iter(|| ready(verifier.verify(black_box(&token), AT, &mut Trace::default())).unwrap_err());
        });
    }
    group.finish();
}

/// The example's policies as Cedar has them, and a question about each of its routes for the bearer of a [`token`].
fn cedars_own() -> (PolicySet, Entities, Vec<Question>) {
    let (claims, policies) = (access_claims(AT.as_secs()), example());
    let of_pool = |kind: &str, name: &Value| {
        let id = format!("{POOL_ID}|{}", name.as_str().unwrap());
        json!({ "type": format!("Shop::{kind}"), "id": id })
    };
    let groups = claims["cognito:groups"].as_array().unwrap().iter();
    let parents: Vec<Value> = groups.map(|group| of_pool("UserGroup", group)).collect();
    let uid = of_pool("User", &claims["sub"]);
    let entities = Entities::from_json_value(json!([{ "uid": uid, "attrs": {}, "parents": parents }]), None);
    let scopes: Vec<&str> = claims["scope"].as_str().unwrap().split(' ').collect();
    let context = Context::from_json_value(json!({ "token": { "scope": scopes } }), None).unwrap();
    let principal = EntityUid::from_json(uid).unwrap();
    let resource: EntityUid = "Shop::Application::\"Shop\"".parse().unwrap();
    let question = |route: &str| {
        let action = format!("Shop::Action::{route:?}").parse().unwrap();
        Question::new(principal.clone(), action, resource.clone(), context.clone(), None).unwrap()
    };
    let questions = policies.routes().routes().iter().map(|route| question(route.name())).collect();
    (POLICIES.parse().unwrap(), entities.unwrap(), questions)
}

fn decisions(bench: &mut Criterion) {
    let verified = verify(&verifier(1), &token(0));
    let claims = verified.claims();
    let rulings = example().decide(claims);
    let mut group = bench.benchmark_group("decide");
    group.bench_function("limit: Cedar's own six answers", |bench| {
        let (cedar, (policies, entities, questions)) = (Cedar::new(), cedars_own());
        let answer = |question: &Question| cedar.is_authorized(question, &policies, &entities).decision();
        let allowed: Vec<bool> =
            questions.iter().map(|question| answer(question) == CedarDecision::Allow).collect();
        assert_eq!(allowed, rulings.iter().map(|(_, ruling)| ruling.is_allowed()).collect::<Vec<_>>());
        bench.iter(|| black_box(&questions).iter().map(answer).collect::<Vec<_>>());
    });
    group.bench_function("without policies", |bench| {
        let rules = Rules::default();
        bench.iter(|| rules.decide(black_box(claims)));
    });
    let rules = || Rules { policies: Some(example()), ..Rules::default() };
    group.bench_function("the example's policies", |bench| {
        let rules = rules();
        bench.iter(|| rules.decide(black_box(claims)));
    });
    // No token before met the same policies: patterns are made as well.
    group.sample_size(10);
    group.bench_function("the example's policies, first of its kind", |bench| {
        let decide = |rules: Rules| rules.decide(black_box(claims));
        bench.iter_batched(rules, decide, BatchSize::PerIteration);
    });
    group.finish();
}

/// One kind of API and of answer, without policies and with the example's.
fn answers_to(bench: &mut Criterion, name: &str, shape: Shape, format: ResponseFormat) {
    let (token, verified) = (token(0), verify(&verifier(1), &token(0)));
    let text = event_text(shape, &token);
    let event = Event::parse(&text).unwrap();
    let request = event.request().unwrap();
    let (arn, claims) = (request.arn().unwrap(), verified.claims());
    let answerer = Answerer { format, ..settings().answerer };
    let mut group = bench.benchmark_group(format!("answer/{name}"));
    for (rules, policies) in [("every route", None), ("route by route", Some(example()))] {
        let decision = Rules { policies, ..Rules::default() }.decide(claims);
        let respond = || answerer.respond(&request, &arn, black_box(claims), &decision, None);
        let answer = respond();
        assert_eq!(answer.denied, None, "{name}, {rules}");
        // The answer is text already: what is to be written is what stands in it.
        let written = serde_json::to_value(&answer.response).unwrap();
        group.bench_function(format!("{rules}, limit: serde_json"), |bench| {
            bench.iter(|| serde_json::to_string(black_box(&written)).unwrap());
        });
        group.bench_function(rules, |bench| bench.iter(respond));
    }
    group.finish();
}

fn answers(bench: &mut Criterion) {
    for shape in Shape::ALL {
        answers_to(bench, shape.name(), shape, ResponseFormat::Iam);
    }
    answers_to(bench, "http-v2 simple", Shape::HttpV2, ResponseFormat::Simple);
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
