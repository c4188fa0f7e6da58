//! Is what a token gets on every request what Cedar itself says about the route that serves it?

#![cfg(feature = "cedar")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on stops")]

use std::{cell::Cell, sync::LazyLock};

use cedar_policy::{Authorizer, Context, Decision, Entities, EntityUid, PolicySet, Request};
use cognito_authorizer::{
    policy::{Policies, Rulings, Source},
    testing::{
        API, CLIENT_ID, NOW, POOL_ID, SigningKey, Verdict, access_claims, evaluate, id_claims, merged,
        serving_route, verified,
    },
    token::Algorithm,
};
use proptest::{
    prelude::*,
    sample::{select, subsequence},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};

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

/// Every other route declares one claim less.
fn schema(routes: &[&str]) -> String {
    let action = |(position, route): (usize, &&str)| {
        let flag = if declares_flag(position) { "flag?: Bool, " } else { "" };
        format!(
            "action {route:?} appliesTo {{ principal: [User], resource: [Application],
               context: {{ token: {{ {flag}number: Long }} }} }};"
        )
    };
    format!(
        "namespace Shop {{
           entity User in [UserGroup] = {{ level?: Long }};
           entity UserGroup;
           entity Application;
           {}
         }}",
        routes.iter().enumerate().map(action).collect::<String>()
    )
}

fn declares_flag(position: usize) -> bool {
    position.is_multiple_of(2)
}

/// One policy about these routes: its effect, the scopes of its principal and action, its condition.
fn policy(routes: &[&'static str]) -> impl Strategy<Value = String> + use<> {
    let effect = select(&["permit", "permit", "permit", "forbid"][..]);
    let principal = select(vec![
        "principal".to_owned(),
        format!("principal in Shop::UserGroup::\"{POOL_ID}|a\""),
        format!("principal in Shop::UserGroup::\"{POOL_ID}|b\""),
        format!("principal == Shop::User::\"{POOL_ID}|someone\""),
        format!("principal == Shop::User::\"{POOL_ID}|client|{CLIENT_ID}\""),
        "principal is Shop::User".to_owned(),
    ]);
    let uid = |route: &str| format!("Shop::Action::{route:?}");
    let some = subsequence(routes.to_vec(), 1..=routes.len());
    let scope = (0..4_usize, some).prop_map(move |(kind, some)| match kind {
        0 | 1 => {
            format!("action in [{}]", some.iter().map(|route| uid(route)).collect::<Vec<_>>().join(", "))
        }
        2 => format!("action == {}", uid(some[0])),
        _ => "action".to_owned(),
    });
    let condition = select(vec![
        String::new(),
        "when { context.token has flag && context.token.flag }".to_owned(),
        "unless { context.token has flag && context.token.flag }".to_owned(),
        "when { principal has level && principal.level > 3 }".to_owned(),
        // Fails where the number is absent, or large.
        "when { context.token.number + 9223372036854775800 > 0 }".to_owned(),
        // Alone, the first half would make a policy that never applies, which is refused.
        format!("when {{ action == {} || principal has level }}", uid(routes[0])),
        format!("unless {{ action == {} && principal has level }}", uid(routes[0])),
    ]);
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

/// What Cedar says about each route, asked one by one with everything that was written, and built from the
/// claims here. An error must deny.
fn oracle(routes: &[&str], policies: &str, is_access: bool, members: &Value) -> Vec<bool> {
    let set: PolicySet = policies.parse().unwrap();
    let bearer = match (&members["username"], members["sub"].as_str().unwrap()) {
        (Value::Null, _) if is_access => format!("client|{CLIENT_ID}"),
        (_, subject) => subject.to_owned(),
    };
    let uid = json!({ "type": "Shop::User", "id": format!("{POOL_ID}|{bearer}") });
    let parent = |group: &Value| json!({ "type": "Shop::UserGroup", "id": format!("{POOL_ID}|{}", group.as_str().unwrap()) });
    let parents: Vec<Value> = members["cognito:groups"].as_array().unwrap().iter().map(parent).collect();
    let keep = |name: &str, is_typed: fn(&Value) -> bool| {
        Some((name.to_owned(), members[name].clone())).filter(|(_, value)| is_typed(value))
    };
    let attributes: Value = keep("level", Value::is_i64).filter(|_| !is_access).into_iter().collect();
    let context = |position: usize| {
        let flag = keep("flag", Value::is_boolean).filter(|_| declares_flag(position));
        let token: Value = flag.into_iter().chain(keep("number", Value::is_i64)).collect();
        if is_access { json!({ "token": token }) } else { json!({}) }
    };
    let entities = json!([{ "uid": uid, "attrs": attributes, "parents": parents }]);
    let entities = Entities::from_json_value(entities, None).unwrap();
    let principal = EntityUid::from_json(uid).unwrap();
    let resource: EntityUid = "Shop::Application::\"Shop\"".parse().unwrap();
    let ask = |(position, route): (usize, &&str)| {
        let action: EntityUid = format!("Shop::Action::{route:?}").parse().unwrap();
        let context = Context::from_json_value(context(position), None).unwrap();
        let request = Request::new(principal.clone(), action, resource.clone(), context, None).unwrap();
        let response = Authorizer::new().is_authorized(&request, &set, &entities);
        response.decision() == Decision::Allow && response.diagnostics().errors().next().is_none()
    };
    routes.iter().enumerate().map(ask).collect()
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
