//! Is what a token gets on every request what Cedar itself says about the route that serves it?

#![cfg(feature = "cedar")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on stops")]

#[path = "support/shop.rs"]
mod shop;

use std::{cell::Cell, sync::LazyLock};

use cognito_authorizer::{
    policy::{Policies, Rulings, Source},
    testing::{
        API, NOW, SigningKey, Verdict, access_claims, evaluate, id_claims, merged, serving_route, verified,
    },
    token::Algorithm,
};
use proptest::{
    prelude::*,
    sample::{select, subsequence},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};
use shop::{action_scope, conditions, oracle, principals, schema};

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate("current", Algorithm::ES256));

const ROUTES: &[&str] = &[
    "get /a",
    "post /a",
    "any /a",
    "get /a/b",
    "get /a/{x}",
    "post /a/{x}",
    "get /c/{x}",
    "any /c/{x}/a",
    "get /a/{x}/b",
    "get /a/{x}/b/{y}",
    "any /{proxy+}",
    "$default",
];

/// One policy about these routes: its effect, the scopes of its principal and action, its condition.
fn policy(routes: &[&'static str]) -> impl Strategy<Value = String> + use<> {
    let effect = select(&["permit", "permit", "permit", "forbid"][..]);
    let principal = select(principals());
    let some = subsequence(routes.to_vec(), 1..=routes.len());
    let scope = (0..4_usize, some).prop_map(|(kind, some)| action_scope(kind, &some));
    let condition = select(conditions(routes[0]));
    (effect, principal, scope, condition).prop_map(|(effect, principal, scope, condition)| {
        format!("{effect} ({principal}, {scope}, resource) {condition};")
    })
}

/// Members of a token's claims, of the right type, another, or absent; and whether it is an access token.
fn claims() -> impl Strategy<Value = (bool, Value)> {
    let flag = select(vec![Value::Null, json!(true), json!(false), json!("true")]);
    let number = select(vec![Value::Null, json!(1), json!(100), json!("1")]);
    let level = select(vec![Value::Null, json!(1), json!(9), json!(true)]);
    let groups = subsequence(&["a", "b", "c"][..], 0..=3);
    let subject = select(&["someone", "other"][..]);
    let user = select(vec![Value::Null, json!("jane"), json!("jane")]);
    (any::<bool>(), flag, number, level, groups, subject, user).prop_map(
        |(is_access, flag, number, level, groups, subject, user)| {
            let members = json!({
                "sub": subject, "cognito:groups": groups, "flag": flag, "number": number, "level": level,
                "username": user,
            });
            (is_access, members)
        },
    )
}

/// The document that an answer carries.
fn document(rulings: &Rulings) -> Value {
    let statement = |effect: &str, patterns: &[String]| {
        let resources: Vec<String> = patterns.iter().map(|pattern| format!("{API}/prod/{pattern}")).collect();
        json!({ "Action": ["execute-api:Invoke"], "Effect": effect, "Resource": resources })
    };
    let patterns = rulings.patterns();
    let statements = [statement("Allow", &patterns.allow), statement("Deny", &patterns.deny)];
    json!({ "Version": "2012-10-17", "Statement": statements })
}

#[test]
fn iams_verdict_on_every_request_is_cedars_on_the_route_that_serves_it() {
    let routes = subsequence(ROUTES, 1..6).prop_shuffle();
    let policies = routes.prop_flat_map(|routes| {
        let policies = prop::collection::vec(policy(&routes), 1..8);
        (Just(routes), policies)
    });
    let paths = prop::collection::vec(select(&["a", "a", "b", "c", "v1", "a:b"][..]), 1..5);
    let requests = prop::collection::vec((select(&["GET", "POST", "PUT"][..]), paths), 80);
    let cases = (policies, claims(), requests);
    let [checked, allowed, used, refused] = [const { Cell::new(0_u32) }; 4];
    let count = |counter: &Cell<u32>, more: bool| counter.set(counter.get() + u32::from(more));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = Config { cases: 1_500, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &SEED));
    runner
        .run(&cases, |((routes, policies), (is_access, members), requests)| {
            let (schema, policies) = (schema(&routes), policies.join("\n"));
            let sources = [Source { file: "a.cedar", text: &policies }];
            let Ok(parsed) = Policies::parse(Source { file: "a.cedarschema", text: &schema }, &sources)
            else {
                count(&refused, true);
                return Ok(());
            };
            count(&used, true);
            let claims = if is_access { access_claims(NOW) } else { id_claims(NOW) };
            let verified = runtime.block_on(verified(&KEY, &merged(claims, &members)));
            let rulings = parsed.decide(verified.claims());
            let expected = oracle(&routes, &policies, is_access, &members);
            for (route, expected) in routes.iter().zip(&expected) {
                let found = rulings.iter().find(|(other, _)| other.name() == *route).unwrap().1;
                prop_assert_eq!(
                    found.is_allowed(),
                    *expected,
                    "{} under\n{}\nfor {}",
                    route,
                    policies,
                    members
                );
            }
            let document = document(&rulings);
            for (verb, path) in requests {
                let Some((route, is_ordinary)) = serving_route(&routes, verb, &path) else { continue };
                let arn = format!("{API}/prod/{verb}/{}", path.join("/"));
                let verdict = evaluate(&document, &arn) == Verdict::Allow;
                // Never more than Cedar allows; and less only where a value is another route's text.
                prop_assert!(!verdict || expected[route], "{arn} of {routes:?}: {document}");
                if is_ordinary {
                    prop_assert_eq!(verdict, expected[route], "{} of {:?}: {}", arn, routes, document);
                }
                count(&checked, true);
                count(&allowed, verdict);
            }
            Ok(())
        })
        .unwrap();
    let [checked, allowed, used, refused] = [checked, allowed, used, refused].map(Cell::into_inner);
    println!(
        "{used} sets of policies, {checked} requests checked, {allowed} allowed; {refused} sets refused"
    );
    assert!(used > 500 && checked > 5_000 && allowed > 1_000, "{used} {checked} {allowed}");
}

/// Any 32 bytes: the same cases every time.
const SEED: [u8; 32] = *b"every route of a generated table";
