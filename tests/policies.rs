//! What do policies decide about the routes of an API?

#![cfg(feature = "cedar")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on stops")]

use std::sync::{Arc, LazyLock};

use cognito_authorizer::{
    policy::{FailureReason, Policies, Ruling, Source},
    testing::{CLIENT_ID, NOW, POOL_ID, SigningKey, access_claims, id_claims, merged, verified},
    token::Algorithm,
};
use serde_json::{Value, json};

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate("current", Algorithm::RS256));

const SCHEMA: &str = include_str!("../layer/policies/orders.cedarschema");
const POLICIES: &str = include_str!("../layer/policies/orders.cedar");

fn access(members: &Value) -> Value {
    merged(access_claims(NOW), members)
}

fn parse(schema: &str, policies: &str) -> Policies {
    let schema = Source { file: "orders.cedarschema", text: schema };
    Policies::parse(schema, &[Source { file: "orders.cedar", text: policies }]).unwrap()
}

fn policies(text: &str) -> Policies {
    parse(SCHEMA, text)
}

async fn allowed(policies: &Policies, claims: &Value) -> Vec<String> {
    let rulings = policies.decide(verified(&KEY, claims).await.claims());
    let allowed = rulings.iter().filter(|(_, ruling)| ruling.is_allowed());
    allowed.map(|(route, _)| route.name().to_owned()).collect()
}

async fn ruling(policies: &Policies, claims: &Value, route: &str) -> Ruling {
    let rulings = policies.decide(verified(&KEY, claims).await.claims());
    rulings.iter().find(|(other, _)| other.name() == route).unwrap().1.clone()
}

const ALL: [&str; 6] = [
    "$connect",
    "delete /orders/{id}",
    "get /orders",
    "get /orders/{id}",
    "get /orders/{id}/items",
    "post /orders",
];
const LOOKS: &[&str] = &["$connect", "get /orders", "get /orders/{id}"];
const DELETE: &str = "delete /orders/{id}";

#[tokio::test]
async fn the_example_allows_each_of_its_people_what_its_comments_say() {
    let example = policies(POLICIES);
    let not_delete: Vec<&str> = ALL.into_iter().filter(|route| *route != DELETE).collect();
    for (members, expected) in [
        (json!({ "cognito:groups": ["readers"], "scope": "openid" }), LOOKS),
        (json!({ "cognito:groups": null, "scope": "openid orders/read" }), LOOKS),
        (json!({ "cognito:groups": ["admins"] }), &ALL),
        (json!({ "cognito:groups": null, "admin": true }), &ALL),
        (json!({ "cognito:groups": ["admins"], "suspended": true }), &not_delete),
        (json!({ "cognito:groups": null, "scope": "openid orders/write" }), &["post /orders"]),
        (
            json!({ "cognito:groups": null, "username": null, "scope": "orders/read orders/write" }),
            &["$connect", "get /orders", "get /orders/{id}", "post /orders"],
        ),
        (json!({ "cognito:groups": null, "scope": null }), &[]),
        (json!({ "cognito:groups": ["strangers"], "scope": "openid" }), &[]),
    ] {
        let mut found = allowed(&example, &access(&members)).await;
        found.sort();
        assert_eq!(found, expected, "{members}");
    }
}

#[tokio::test]
async fn a_group_is_a_whole_string_of_its_own_pool() {
    let example = policies(POLICIES);
    for groups in [
        json!(["Admins"]),
        json!(["admins "]),
        json!(["admins,readers"]),
        json!(["a", "dmins"]),
        json!([format!("{POOL_ID}|admins")]),
    ] {
        let claims = access(&json!({ "cognito:groups": groups, "scope": "openid" }));
        assert_eq!(allowed(&example, &claims).await, Vec::<String>::new(), "{groups}");
    }
    let other_pool = POLICIES.replace(POOL_ID, "eu-west-1_OtherPool");
    let claims = access(&json!({ "cognito:groups": ["admins"], "scope": "openid" }));
    assert_eq!(allowed(&policies(&other_pool), &claims).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_claim_of_another_type_than_the_schemas_is_absent_and_never_coerced() {
    let example = policies(POLICIES);
    for admin in [json!("true"), json!(1), json!(["true"]), json!({ "admin": true }), json!(false)] {
        let claims = access(&json!({ "cognito:groups": null, "scope": "openid", "admin": admin }));
        assert_eq!(allowed(&example, &claims).await, Vec::<String>::new(), "{admin}");
    }
}

#[tokio::test]
async fn a_forbid_on_an_optional_claim_does_not_see_one_of_another_type() {
    let example = policies(POLICIES);
    for (suspended, is_allowed) in [(json!(true), false), (json!("true"), true), (json!(1), true)] {
        let claims = access(&json!({ "cognito:groups": ["admins"], "suspended": suspended }));
        assert_eq!(ruling(&example, &claims, DELETE).await.is_allowed(), is_allowed, "{suspended}");
    }
    // Declared as required, it is an error to do without, which denies.
    let required = parse(
        &SCHEMA.replace("token?", "token").replace("suspended?", "suspended"),
        r#"permit (principal in Shop::UserGroup::"eu-west-1_AbCdEf123|admins", action, resource);
           forbid (principal, action, resource) when { context.token.suspended };"#,
    );
    let claims = access(&json!({ "cognito:groups": ["admins"], "suspended": "true" }));
    assert!(!ruling(&required, &claims, DELETE).await.is_allowed());
}

/// The policy on one route where access tokens may have a claim, which stands for `it` in the condition.
fn on_claim(name: &str, declared: &str, condition: &str) -> Policies {
    let schema = format!(
        "namespace Shop {{ entity User in [UserGroup]; entity UserGroup; entity Application; type Level = Long;
         action \"get /a\" appliesTo {{
             principal: [User], resource: [Application], context: {{ token?: {{ {name}?: {declared} }} }} }}; }}"
    );
    let condition = condition.replace("it", &format!("context.token.{name}"));
    let has = format!("context has token && context.token has {name}");
    parse(&schema, &format!("permit (principal, action, resource) when {{ {has} && {condition} }};"))
}

#[tokio::test]
async fn a_claim_is_seen_where_it_has_the_type_that_is_declared_and_nowhere_else() {
    let (text, record) = ("it like \"*\"", "{ level: Long, note?: String }");
    for (declared, condition, value, expected) in [
        ("String", text, json!("a"), true),
        ("String", text, json!(7), false),
        ("String", text, json!(["a"]), false),
        ("Long", "it == 7", json!(7), true),
        ("Long", "it == 7", json!("7"), false),
        ("Long", "it <= 8", json!(7.5), false),
        ("Level", "it == 7", json!(7), true),
        ("Level", "it == 7", json!("7"), false),
        ("Bool", "it", json!(true), true),
        ("Bool", "it", json!("true"), false),
        ("Bool", "it", json!(1), false),
        ("Set<String>", "it.contains(\"a\")", json!(["a", "b"]), true),
        ("Set<String>", "it.contains(\"a\")", json!(["a", 1]), false),
        ("Set<String>", "it.contains(\"a\")", json!("a"), false),
        ("Set<Level>", "it.contains(7)", json!([7]), true),
        ("Set<Level>", "it.contains(7)", json!(["7"]), false),
        (record, "it.level == 7", json!({ "level": 7, "note": 1, "more": 1 }), true),
        (record, "it has note", json!({ "level": 7, "note": 1 }), false),
        (record, "it.level == 7", json!({ "level": "7" }), false),
        (record, "it == it", json!(7), false),
        ("Set<{ level: Long }>", "it.contains({ level: 7 })", json!([{ "level": 7 }]), true),
        ("Set<{ level: Long }>", "it.contains({ level: 7 })", json!([7]), false),
    ] {
        let policies = on_claim("claim", declared, condition);
        let allowed = allowed(&policies, &access(&json!({ "claim": value }))).await;
        assert_eq!(!allowed.is_empty(), expected, "{value} as {declared}: {condition}");
    }
    // A scope is taken apart for a set of strings, and for no other.
    let claims = access(&json!({ "scope": "7 8" }));
    for (declared, expected) in [("Set<String>", true), ("String", true), ("Set<Long>", false)] {
        let allowed = allowed(&on_claim("scope", declared, "true"), &claims).await;
        assert_eq!(!allowed.is_empty(), expected, "scope as {declared}");
    }
}

#[tokio::test]
async fn a_failure_says_by_a_fixed_word_what_could_not_be_evaluated() {
    let schema = SCHEMA.replace("token?: Claims", "token: Claims").replace("admin?: Bool", "level: Long");
    let too_late =
        r#"datetime("9999-12-31").offset(duration("9223372036854775807ms")) > datetime("2027-01-15")"#;
    for (condition, reason) in [
        ("context.token.level > 3", FailureReason::ClaimAbsent),
        ("principal.level > 3", FailureReason::ClaimAbsent),
        ("9223372036854775807 + 1 > 0", FailureReason::Overflow),
        (too_late, FailureReason::Extension),
    ] {
        let failing =
            parse(&schema, &format!("forbid (principal, action, resource) when {{ {condition} }};"));
        let failed = ruling(&failing, &access(&json!({})), DELETE).await.failed;
        assert_eq!(failed.iter().map(|failed| failed.reason).collect::<Vec<_>>(), [reason], "{condition}");
    }
}

#[tokio::test]
async fn a_policy_that_fails_denies_its_route_and_closes_nothing_else() {
    let erroring = r#"
        permit (principal, action, resource);
        @id("forbids-deletion")
        forbid (principal, action == Shop::Action::"delete /orders/{id}", resource)
        when { context has token && 9223372036854775807 + (if principal has admin then 0 else 1) > 0 };
    "#;
    let erroring = policies(erroring);
    let claims = access(&json!({}));
    let deletion = ruling(&erroring, &claims, DELETE).await;
    assert!(!deletion.is_allowed());
    let failed: Vec<_> = deletion.failed.iter().map(|failed| (&*failed.policy, failed.reason)).collect();
    assert_eq!(failed, [("forbids-deletion", FailureReason::Overflow)]);
    assert_eq!(deletion.determined_by(), ["forbids-deletion"]);
    let mut found = allowed(&erroring, &claims).await;
    found.sort();
    assert_eq!(found, ALL.into_iter().filter(|route| *route != DELETE).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_ruling_names_the_policies_that_determined_it() {
    let example = policies(POLICIES);
    let admin = access(&json!({ "cognito:groups": ["admins"], "admin": true, "suspended": true }));
    for (route, expected) in [
        (DELETE, &["suspended-deletes-nothing"][..]),
        ("get /orders", &["scope-looks", "admins-do-everything", "admin-claim-does-everything"]),
    ] {
        let ruling = ruling(&example, &admin, route).await;
        assert_eq!(ruling.determined_by(), expected, "{route}");
    }
    let stranger = access(&json!({ "cognito:groups": null, "scope": "openid" }));
    assert_eq!(ruling(&example, &stranger, DELETE).await, Ruling::default());
    // Without an `@id`, a policy is called by its file and line.
    let unnamed = policies("\n// everybody\npermit (principal, action, resource);");
    assert_eq!(ruling(&unnamed, &stranger, DELETE).await.determined_by(), ["orders.cedar:3"]);
}

#[tokio::test]
async fn a_policy_that_looks_at_the_action_is_decided_for_each_route() {
    let looking = policies(
        r#"permit (principal, action, resource) when { action == Shop::Action::"get /orders" };
           forbid (principal, action, resource) when { action in [Shop::Action::"post /orders"] };
           permit (principal, action == Shop::Action::"delete /orders/{id}", resource);"#,
    );
    let mut found = allowed(&looking, &access(&json!({}))).await;
    found.sort();
    assert_eq!(found, [DELETE, "get /orders"]);
}

#[tokio::test]
async fn an_action_may_be_in_another_that_stands_for_both_in_policies() {
    let schema = r#"namespace Shop {
        entity User in [UserGroup];
        entity UserGroup;
        entity Application;
        action "any /orders" appliesTo { principal: [User], resource: [Application] };
        action "get /orders", "put /orders" in ["any /orders"]
            appliesTo { principal: [User], resource: [Application] };
        action "get /users" appliesTo { principal: [User], resource: [Application] };
    }"#;
    let all = ["any /orders", "get /orders", "put /orders"];
    for (policy, expected) in [
        (r#"permit (principal, action in Shop::Action::"any /orders", resource);"#, &all[..]),
        (r#"permit (principal, action == Shop::Action::"any /orders", resource);"#, &all[..1]),
        (r#"permit (principal, action, resource) when { action in Shop::Action::"any /orders" };"#, &all),
    ] {
        let mut found = allowed(&parse(schema, policy), &access(&json!({}))).await;
        found.sort();
        assert_eq!(found, expected, "{policy}");
    }
}

#[tokio::test]
async fn each_route_sees_the_claims_that_its_own_context_declares() {
    let schema = r#"namespace Shop {
        entity User in [UserGroup];
        entity UserGroup;
        entity Application;
        action "get /a" appliesTo {
            principal: [User], resource: [Application], context: { token?: { level?: Long } } };
        action "get /b" appliesTo {
            principal: [User], resource: [Application], context: { token?: { level?: String } } };
        action "get /c" appliesTo { principal: [User], resource: [Application], context: { token?: {} } };
    }"#;
    let leveled = parse(
        schema,
        "permit (principal, action, resource) when { context has token && context.token has level };",
    );
    assert_eq!(allowed(&leveled, &access(&json!({ "level": 7 }))).await, ["get /a"]);
    assert_eq!(allowed(&leveled, &access(&json!({ "level": "7" }))).await, ["get /b"]);
}

#[tokio::test]
async fn tokens_about_which_the_same_is_found_share_one_decision() {
    let example = policies(POLICIES);
    let reader = |sub: &str| access(&json!({ "sub": sub, "cognito:groups": ["readers"], "scope": "openid" }));
    let first = example.decide(verified(&KEY, &reader("first")).await.claims());
    let second = example.decide(verified(&KEY, &reader("second")).await.claims());
    assert!(Arc::ptr_eq(&first, &second));
    let admin =
        example.decide(verified(&KEY, &access(&json!({ "cognito:groups": ["admins"] }))).await.claims());
    assert!(!Arc::ptr_eq(&first, &admin));
}

#[tokio::test]
async fn a_schema_in_cedars_json_form_means_the_same() {
    let text = r#"{ "Shop": {
        "entityTypes": {
            "User": { "memberOfTypes": ["UserGroup"],
                      "shape": { "type": "Record", "attributes": {} } },
            "UserGroup": { "shape": { "type": "Record", "attributes": {} } },
            "Application": { "shape": { "type": "Record", "attributes": {} } } },
        "actions": {
            "get /orders": { "appliesTo": { "principalTypes": ["User"], "resourceTypes": ["Application"],
                "context": { "type": "Record", "attributes": {
                    "pathParameters": { "type": "Record", "attributes": {}, "required": false },
                    "queryStringParameters": { "type": "Record", "attributes": {}, "required": false } } } } },
            "get /orders/{id}": { "appliesTo": { "principalTypes": ["User"],
                "resourceTypes": ["Application"],
                "context": { "type": "Record", "attributes": {} } } } } } }"#;
    let policy = format!(
        r#"permit (principal in Shop::UserGroup::"{POOL_ID}|readers",
                   action in [Shop::Action::"get /orders"], resource);"#
    );
    let exported = parse(text, &policy);
    let claims = access(&json!({ "cognito:groups": ["readers"] }));
    assert_eq!(allowed(&exported, &claims).await, ["get /orders"]);
}

#[tokio::test]
async fn claims_of_an_id_token_are_the_principals_attributes_and_of_an_access_token_are_not() {
    let by_attribute =
        policies("permit (principal, action, resource) when { principal has admin && principal.admin };");
    let id = merged(id_claims(NOW), &json!({ "admin": true }));
    assert_eq!(allowed(&by_attribute, &id).await.len(), ALL.len());
    let claims = access(&json!({ "admin": true }));
    assert_eq!(allowed(&by_attribute, &claims).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_user_is_a_principal_by_its_subject_whatever_client_it_came_by() {
    let by_subject = access_claims(NOW)["sub"].as_str().unwrap().to_owned();
    let by_client = format!("client|{CLIENT_ID}");
    for (name, expected) in [(by_subject, ALL.len()), (by_client, 0)] {
        let policy = format!(r#"permit (principal == Shop::User::"{POOL_ID}|{name}", action, resource);"#);
        assert_eq!(allowed(&policies(&policy), &access(&json!({}))).await.len(), expected, "{name}");
    }
}

#[tokio::test]
async fn a_machine_is_a_principal_in_no_users_name_space() {
    let user = format!(r#"permit (principal == Shop::User::"{POOL_ID}|{CLIENT_ID}", action, resource);"#);
    let machine =
        format!(r#"permit (principal == Shop::User::"{POOL_ID}|client|{CLIENT_ID}", action, resource);"#);
    let claims = access(&json!({ "sub": CLIENT_ID, "username": null, "cognito:groups": null }));
    assert_eq!(allowed(&policies(&user), &claims).await, Vec::<String>::new());
    assert_eq!(allowed(&policies(&machine), &claims).await.len(), ALL.len());
}

#[tokio::test]
async fn a_bearer_is_named_as_a_policy_would_name_it() {
    let user = access(&json!({ "sub": "a \"b\"" }));
    let machine = access(&json!({ "sub": CLIENT_ID, "username": null, "cognito:groups": null }));
    for (claims, expected) in [
        (user, format!(r#"Shop::User::"{POOL_ID}|a \"b\"""#)),
        (machine, format!(r#"Shop::User::"{POOL_ID}|client|{CLIENT_ID}""#)),
    ] {
        assert_eq!(policies(POLICIES).principal(verified(&KEY, &claims).await.claims()), expected);
    }
}
