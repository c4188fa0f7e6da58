//! A decision, and the answer that tells it.

use std::hint::black_box;

use cedar_policy::{
    Authorizer as Cedar, Context, Decision as CedarDecision, Entities, EntityUid, PolicySet,
    Request as Question,
};
use cognito_authorizer::{
    gateway::{Answerer, Event, ResponseFormat, Shape},
    policy::Rules,
    testing::{POOL_ID, access_claims, settings},
};
use criterion::{BatchSize, Criterion};
use serde_json::{Value, json};

use crate::{
    POLICIES, event_text, example,
    support::{AT, verify},
    token, verifier,
};

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

pub(crate) fn decisions(bench: &mut Criterion) {
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

pub(crate) fn answers(bench: &mut Criterion) {
    for shape in Shape::ALL {
        answers_to(bench, shape.name(), shape, ResponseFormat::Iam);
    }
    answers_to(bench, "http-v2 simple", Shape::HttpV2, ResponseFormat::Simple);
}
