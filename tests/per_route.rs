//! With rules per route: is the one answer right for every route, and for every kind of API?

#![cfg(feature = "cedar")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on stops")]

use std::sync::LazyLock;

use cognito_authorizer::{
    authorizer::{Authorizer, AuthorizerSettings, Outcome, Record},
    gateway::{ResponseFormat, Shape},
    policy::{DenyReason, FailureReason, Policies, Source},
    testing::{
        API, ISSUER, JWKS_URL, NOW, POOL_ID, Provider, SigningKey, Verdict, access_claims, evaluate,
        event_on, jwks, merged, settings,
    },
    time::UnixTime,
    token::{Algorithm, TokenRules},
};
use serde_json::{Value, json};

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate("current", Algorithm::RS256));

const SCHEMA: &str = include_str!("../layer/policies/orders.cedarschema");
const POLICIES: &str = include_str!("../layer/policies/orders.cedar");

/// Key, verb and path of a request to each route of the example.
const REQUESTS: [(&str, &str, &str); 5] = [
    ("GET /orders", "GET", "/orders"),
    ("POST /orders", "POST", "/orders"),
    ("GET /orders/{id}", "GET", "/orders/42"),
    ("DELETE /orders/{id}", "DELETE", "/orders/42"),
    ("GET /orders/{id}/items", "GET", "/orders/42/items"),
];

/// The kinds of API that are answered with a document for more than one route.
const WITH_DOCUMENT: [Shape; 4] = [Shape::RestToken, Shape::RestRequest, Shape::HttpV1, Shape::HttpV2];

fn following(schema: &str, policies: &str) -> AuthorizerSettings {
    let schema = Source { file: "test.cedarschema", text: schema };
    let policies = Policies::parse(schema, &[Source { file: "test.cedar", text: policies }]).unwrap();
    let mut settings = settings();
    settings.rules.policies = Some(policies);
    settings
}

fn authorizer(settings: AuthorizerSettings) -> Authorizer<Provider> {
    Authorizer::new(settings, Provider::with(JWKS_URL, &jwks(&[&KEY])), UnixTime::from_secs(NOW))
}

fn example() -> Authorizer<Provider> {
    authorizer(following(SCHEMA, POLICIES))
}

fn simple(schema: &str, policies: &str) -> Authorizer<Provider> {
    let mut settings = following(schema, policies);
    settings.answerer.format = ResponseFormat::Simple;
    authorizer(settings)
}

/// A token with members of its claims set, or taken away by `null`.
fn token(members: &Value) -> String {
    KEY.token(&merged(access_claims(NOW), members))
}

fn in_group(group: &str) -> String {
    token(&json!({ "cognito:groups": [group], "scope": "openid" }))
}

async fn ask(authorizer: &Authorizer<Provider>, event: &Value) -> (Value, Record) {
    let mut record = Record::default();
    let answer = authorizer.authorize(&event.to_string(), UnixTime::from_secs(NOW), &mut record).await;
    (serde_json::to_value(answer.unwrap()).unwrap(), record)
}

fn on(shape: Shape, token: &str, request: (&str, &str, &str)) -> Value {
    let (key, verb, path) = request;
    event_on(shape, &format!("Bearer {token}"), key, verb, path)
}

#[tokio::test]
async fn one_document_is_right_for_every_route_whichever_was_asked() {
    let example = example();
    let everything = [true, true, true, true, true];
    for (members, expected) in [
        (json!({ "cognito:groups": ["readers"], "scope": "openid" }), [true, false, true, false, false]),
        (json!({ "cognito:groups": ["admins"], "scope": "openid" }), everything),
        (json!({ "cognito:groups": null, "admin": true }), everything),
        (json!({ "cognito:groups": ["admins"], "suspended": true }), [true, true, true, false, true]),
        (json!({ "cognito:groups": null, "scope": "orders/write" }), [false, true, false, false, false]),
        (json!({ "cognito:groups": ["strangers"], "scope": "openid" }), [false; 5]),
    ] {
        let token = token(&members);
        for shape in WITH_DOCUMENT {
            let mut answers = Vec::new();
            for request in REQUESTS.into_iter().chain([("GET /elsewhere", "GET", "/elsewhere")]) {
                let (answer, _) = ask(&example, &on(shape, &token, request)).await;
                answers.push(answer.to_string());
            }
            answers.dedup();
            assert_eq!(answers.len(), 1, "{shape:?} {members}");
            let answer: Value = serde_json::from_str(&answers[0]).unwrap();
            let verdicts = REQUESTS.map(|(_, verb, path)| {
                let arn = format!("{API}/prod/{verb}{path}");
                evaluate(&answer["policyDocument"], &arn) == Verdict::Allow
            });
            assert_eq!(verdicts, expected, "{shape:?} {members}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_document_names_nothing_outside_its_api_and_stage() {
    let example = example();
    for group in ["readers", "admins", "strangers"] {
        let (answer, _) = ask(&example, &on(Shape::RestRequest, &in_group(group), REQUESTS[3])).await;
        for statement in answer["policyDocument"]["Statement"].as_array().unwrap() {
            for resource in statement["Resource"].as_array().unwrap() {
                let behind = resource.as_str().unwrap().strip_prefix(&format!("{API}/prod/")).unwrap();
                assert!(!behind.contains("42"), "the caller's path: {resource}");
            }
        }
        for elsewhere in ["other/GET/orders", "prod2/GET/orders", "prod/GET/elsewhere", "prod/PUT/orders"] {
            let verdict = evaluate(&answer["policyDocument"], &format!("{API}/{elsewhere}"));
            assert_ne!(verdict, Verdict::Allow, "{group} {elsewhere}");
        }
    }
}

#[tokio::test]
async fn the_reason_for_a_403_stands_in_the_context_where_some_route_is_denied() {
    let example = example();
    for (group, reason, has_claims) in [
        ("readers", json!("not_permitted"), true),
        ("admins", Value::Null, true),
        ("x", json!("not_permitted"), false),
    ] {
        let (answer, _) = ask(&example, &on(Shape::HttpV2, &in_group(group), REQUESTS[0])).await;
        assert_eq!(answer["context"]["reason"], reason, "{group}");
        assert_eq!(answer["context"]["sub"].is_string(), has_claims, "{group}");
    }
    let (nothing, _) = ask(&example, &on(Shape::HttpV2, &in_group("x"), REQUESTS[0])).await;
    let every_route = json!([{
        "Action": ["execute-api:Invoke"], "Effect": "Deny", "Resource": [format!("{API}/prod/*")]
    }]);
    assert_eq!(nothing["policyDocument"]["Statement"], every_route);
}

#[tokio::test]
async fn the_reason_for_a_403_stays_where_claims_do_not() {
    // A space makes the list JSON text, in which every quote is escaped twice.
    let long: Vec<String> = (0..40).map(|_| format!(" {}", "\"".repeat(50))).collect();
    let token = token(&json!({ "cognito:groups": ["readers"], "custom:long": long, "reason": "of a claim" }));
    let (answer, record) = ask(&example(), &on(Shape::RestRequest, &token, REQUESTS[0])).await;
    assert_eq!(record.left_out_claims, ["custom:long"]);
    assert_eq!(answer["context"]["reason"], "not_permitted");
    assert!(answer.to_string().len() < 8_000);
}

#[tokio::test]
async fn a_user_of_another_provider_is_named_by_its_whole_issuer() {
    for (pool, expected) in [(ISSUER, Verdict::Allow), (POOL_ID, Verdict::ExplicitDeny)] {
        let policy = format!(r#"permit (principal in Shop::UserGroup::"{pool}|readers", action, resource);"#);
        let mut settings = following(SCHEMA, &policy);
        let audiences = vec!["api".to_owned()];
        settings.verifier.issuers[0].rules = TokenRules::OpenIdConnect { audiences };
        let token = token(&json!({ "aud": "api", "token_use": null, "cognito:groups": ["readers"] }));
        let (answer, _) = ask(&authorizer(settings), &on(Shape::RestRequest, &token, REQUESTS[0])).await;
        assert_eq!(
            evaluate(&answer["policyDocument"], &format!("{API}/prod/GET/orders")),
            expected,
            "{pool}"
        );
    }
}

#[tokio::test]
async fn required_scopes_and_groups_come_before_policies() {
    let mut settings = following(SCHEMA, POLICIES);
    settings.rules.requirements.scopes = vec!["orders".to_owned()];
    let (answer, record) =
        ask(&authorizer(settings), &on(Shape::RestToken, &in_group("admins"), REQUESTS[0])).await;
    assert_eq!(answer["context"], json!({ "reason": "insufficient_scope" }));
    assert_eq!(record.outcome, Some(Outcome::Deny(DenyReason::InsufficientScope)));
}

#[tokio::test]
async fn the_log_has_the_verdict_on_the_route_that_was_asked_and_the_policies_behind_it() {
    let example = example();
    let denied = Outcome::Deny(DenyReason::NotPermitted);
    for shape in WITH_DOCUMENT {
        for (group, request, outcome, action, policies) in [
            ("readers", REQUESTS[0], Outcome::Allow, Some("get /orders"), &["readers-look"][..]),
            ("readers", REQUESTS[3], denied, Some("delete /orders/{id}"), &[]),
            ("admins", REQUESTS[3], Outcome::Allow, Some("delete /orders/{id}"), &["admins-do-everything"]),
            ("admins", ("GET /elsewhere", "GET", "/elsewhere"), denied, None, &[]),
        ] {
            let (_, record) = ask(&example, &on(shape, &in_group(group), request)).await;
            assert_eq!(record.outcome, Some(outcome), "{shape:?} {group} {request:?}");
            assert_eq!(
                record.ruling().map(|(route, _)| route.name()),
                action,
                "{shape:?} {group} {request:?}"
            );
            assert_eq!(
                record.ruling().map(|(_, ruling)| ruling.determined_by()).unwrap_or_default(),
                policies,
                "{shape:?} {group} {request:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_policy_that_fails_is_logged_by_its_id_and_a_fixed_word_on_every_route() {
    let failing = r#"
        permit (principal, action, resource);
        @id("level") forbid (principal, action == Shop::Action::"post /orders", resource)
        when { context.token.level > 3 };"#;
    let schema = SCHEMA.replace("token?: Claims", "token: Claims").replace("admin?: Bool", "level: Long");
    let authorizer = authorizer(following(&schema, failing));
    for (request, outcome) in
        [(REQUESTS[1], Outcome::Deny(DenyReason::NotPermitted)), (REQUESTS[0], Outcome::Allow)]
    {
        let (_, record) = ask(&authorizer, &on(Shape::RestRequest, &in_group("x"), request)).await;
        assert_eq!(record.outcome, Some(outcome));
        let failed: Vec<_> = record.failed_policies().iter().map(|it| (&*it.policy, it.reason)).collect();
        assert_eq!(failed, [("level", FailureReason::ClaimAbsent)]);
    }
}

#[tokio::test]
async fn a_simple_response_is_about_the_route_that_was_asked() {
    let example = simple(SCHEMA, POLICIES);
    for (group, expected) in
        [("readers", [true, false, true, false, false]), ("admins", [true; 5]), ("strangers", [false; 5])]
    {
        for (request, expected) in REQUESTS.into_iter().zip(expected) {
            let (answer, record) = ask(&example, &on(Shape::HttpV2, &in_group(group), request)).await;
            assert_eq!(answer["isAuthorized"], expected, "{group} {request:?}");
            let reason = if expected { Value::Null } else { json!("not_permitted") };
            assert_eq!(answer["context"]["reason"], reason, "{group} {request:?}");
            assert_eq!(record.outcome == Some(Outcome::Allow), expected, "{group} {request:?}");
        }
    }
}

#[tokio::test]
async fn where_the_route_leaves_the_verb_or_the_path_open_both_are_looked_at() {
    let schema = r#"namespace Shop {
        entity User in [UserGroup];
        entity UserGroup;
        entity Application;
        action "get /orders", "get /admin", "any /{proxy+}"
            appliesTo { principal: [User], resource: [Application] };
    }"#;
    let policies = r#"
        permit (principal, action in [Shop::Action::"get /orders", Shop::Action::"any /{proxy+}"], resource);"#;
    let authorizer = simple(schema, policies);
    for (key, verb, path, expected) in [
        ("ANY /orders", "GET", "/orders", true),
        ("$default", "GET", "/orders", true),
        ("$default", "GET", "/anything/else", true),
        ("$default", "GET", "/admin", false),
        ("ANY /{proxy+}", "GET", "/admin", false),
        ("ANY /{proxy+}", "GET", "/admin/", false),
        ("ANY /{proxy+}", "POST", "/admin", true),
        // A backend decodes this to /admin.
        ("$default", "GET", "/%61dmin", false),
        ("$default", "GET", "/a%20b", true),
        // Or this, by taking segments out.
        ("$default", "GET", "/x/../admin", false),
        ("$default", "GET", "/x/%2e%2e/admin", false),
        ("$default", "GET", "//admin", false),
        // Or this, by decoding twice, by leaving out what follows a semicolon, or by turning a backslash.
        ("$default", "GET", "/%2561dmin", false),
        ("$default", "GET", "/100%25", true),
        ("$default", "GET", "/admin;x=y", false),
        ("$default", "GET", "/admin%3Bx", false),
        ("$default", "GET", "/x\\..\\admin", false),
        ("$default", "GET", "/x%5Cadmin", false),
        ("$default", "GET", "/x/y/", true),
        // The key names one route, and not the table's finer one.
        ("GET /orders", "GET", "/admin", true),
        ("GET /admin", "GET", "/orders", false),
        // A route that the schema does not have.
        ("GET /orders/{id}", "GET", "/orders/1", false),
    ] {
        let (answer, _) = ask(&authorizer, &on(Shape::HttpV2, &in_group("x"), (key, verb, path))).await;
        assert_eq!(answer["isAuthorized"], expected, "{key}: {verb} {path}");
    }
}

#[tokio::test]
async fn a_slash_more_is_read_both_ways_where_the_route_leaves_the_path_open() {
    let schema = r#"namespace Shop {
        entity User in [UserGroup];
        entity UserGroup;
        entity Application;
        action "get /orders", "get /admin", "$default"
            appliesTo { principal: [User], resource: [Application] };
    }"#;
    let permit = |route: &str| format!("permit (principal, action == Shop::Action::\"{route}\", resource);");
    let either = permit("get /orders");
    let both = permit("get /orders") + &permit("$default");
    for (policies, path, expected) in [
        (&either, "/orders", true),
        (&either, "/orders/", false),
        (&both, "/orders/", true),
        (&both, "/admin/", false),
        (&both, "/else/", true),
    ] {
        let authorizer = simple(schema, policies);
        let (answer, _) =
            ask(&authorizer, &on(Shape::HttpV2, &in_group("x"), ("$default", "GET", path))).await;
        assert_eq!(answer["isAuthorized"], expected, "{path} {policies}");
    }
}

#[tokio::test]
async fn a_default_route_whose_arn_has_no_path_is_decided_by_the_events_path() {
    let authorizer = simple(SCHEMA, POLICIES);
    let (own, custom) = ("a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com", "api.example.com");
    for (domain, stage, path, expected) in [
        (own, "prod", "/prod/orders", true),
        (own, "prod", "/orders", false),
        (own, "prod", "/prod/orders/1/items", false),
        (own, "$default", "/orders", true),
        (own, "$default", "/prod/orders", false),
        (custom, "prod", "/orders", true),
        // The caller's own path: no route of the example.
        (custom, "prod", "/prod/orders", false),
    ] {
        let mut event = on(Shape::HttpV2, &in_group("readers"), ("$default", "GET", "/orders"));
        event["routeArn"] = json!(format!("{API}/{stage}/$default"));
        event["requestContext"]["domainName"] = json!(domain);
        event["requestContext"]["http"]["path"] = json!(path);
        let (answer, _) = ask(&authorizer, &event).await;
        assert_eq!(answer["isAuthorized"], expected, "{domain} {stage} {path}");
    }
}

#[tokio::test]
async fn a_websocket_is_opened_by_the_policy_on_connect() {
    let schema = r#"namespace Chat {
        entity User in [UserGroup];
        entity UserGroup;
        entity Application;
        action "$connect" appliesTo { principal: [User], resource: [Application] };
    }"#;
    let policies =
        format!(r#"permit (principal in Chat::UserGroup::"{POOL_ID}|talkers", action, resource);"#);
    let authorizer = authorizer(following(schema, &policies));
    for (group, expected) in [("talkers", Verdict::Allow), ("x", Verdict::ExplicitDeny)] {
        let (answer, record) = ask(&authorizer, &on(Shape::WebSocket, &in_group(group), ("", "", ""))).await;
        assert_eq!(evaluate(&answer["policyDocument"], &format!("{API}/prod/$connect")), expected);
        assert_eq!(record.ruling().map(|(route, _)| route.name()), Some("$connect"));
    }
}

#[tokio::test]
async fn an_answer_that_would_be_too_large_denies_in_so_many_words() {
    let names: Vec<String> = (0..60).map(|number| format!("\"get /resource-{number}\"")).collect();
    let schema = format!(
        "namespace Shop {{ entity User in [UserGroup]; entity UserGroup; entity Application;
         action {} appliesTo {{ principal: [User], resource: [Application] }}; }}",
        names.join(", ")
    );
    let authorizer = authorizer(following(&schema, "permit (principal, action, resource);"));
    for (stage, reason) in [("prod".to_owned(), Value::Null), ("s".repeat(128), json!("answer_too_large"))] {
        let mut event = on(Shape::RestRequest, &in_group("x"), ("GET /resource-1", "GET", "/resource-1"));
        event["methodArn"] = json!(format!("{API}/{stage}/GET/resource-1"));
        let (answer, record) = ask(&authorizer, &event).await;
        assert!(answer.to_string().len() < 8_000);
        assert_eq!(answer["context"]["reason"], reason);
        // It may be the principal that is too long.
        assert_eq!(answer["principalId"] == "anonymous", !reason.is_null());
        let verdict = evaluate(&answer["policyDocument"], &format!("{API}/{stage}/GET/resource-1"));
        assert_eq!(verdict == Verdict::Allow, reason.is_null());
        assert_eq!(record.outcome == Some(Outcome::Allow), reason.is_null());
    }
}
