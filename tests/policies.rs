//! What do policies decide about the routes of an API?

#![cfg(feature = "cedar")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on stops")]

use std::sync::{Arc, LazyLock};

use cognito_authorizer::{
    policy::{Policies, PolicyError, Ruling},
    testing::{
        CLIENT_ID, JWKS_URL, NOW, POOL_ID, Provider, SigningKey, access_claims, id_claims, jwks,
        verifier_settings,
    },
    time::UnixTime,
    token::{Algorithm, AllowedClients, AllowedUse, Claims, TokenRules, Trace, Verifier},
};
use serde_json::{Value, json};

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate("current", Algorithm::RS256));

const SCHEMA: &str = include_str!("../policies/orders.cedarschema");
const POLICIES: &str = include_str!("../policies/orders.cedar");

async fn verified(claims: &Value) -> Arc<Claims> {
    let mut settings = verifier_settings();
    settings.issuers[0].rules = TokenRules::UserPool {
        clients: AllowedClients::Any,
        token_use: AllowedUse::Any,
        audiences: Vec::new(),
    };
    let now = UnixTime::from_secs(NOW);
    let verifier = Verifier::new(settings, Provider::with(JWKS_URL, &jwks(&[&KEY])), now);
    verifier.verify(&KEY.token(claims), now, &mut Trace::default()).await.unwrap()
}

fn access(members: &Value) -> Value {
    merged(access_claims(NOW), members)
}

/// Members set, or taken away by `null`.
fn merged(mut claims: Value, members: &Value) -> Value {
    for (name, value) in members.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

fn policies(text: &str) -> Policies {
    Policies::parse(SCHEMA, text).unwrap()
}

async fn allowed(policies: &Policies, claims: &Value) -> Vec<String> {
    let rulings = policies.decide(&*verified(claims).await);
    let routes = policies.routes().routes().iter().zip(&rulings);
    routes.filter(|(_, ruling)| ruling.is_allowed).map(|(route, _)| route.name().to_owned()).collect()
}

async fn ruling(policies: &Policies, claims: &Value, route: &str) -> Ruling {
    let position = policies.routes().routes().iter().position(|other| other.name() == route).unwrap();
    policies.decide(&*verified(claims).await).swap_remove(position)
}

const ALL: [&str; 5] =
    ["delete /orders/{id}", "get /orders", "get /orders/{id}", "get /orders/{id}/items", "post /orders"];
const READS: &[&str] = &["get /orders", "get /orders/{id}"];
const DELETE: &str = "delete /orders/{id}";

#[tokio::test]
async fn the_example_allows_each_of_its_people_what_its_comments_say() {
    let example = policies(POLICIES);
    let not_delete: Vec<&str> = ALL.into_iter().filter(|route| *route != DELETE).collect();
    for (members, expected) in [
        (json!({ "cognito:groups": ["readers"], "scope": "openid" }), READS),
        (json!({ "cognito:groups": ["admins"] }), &ALL),
        (json!({ "cognito:groups": null, "admin": true }), &ALL),
        (json!({ "cognito:groups": ["admins"], "suspended": true }), &not_delete),
        (json!({ "cognito:groups": null, "scope": "openid orders/write" }), &["post /orders"]),
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
        assert_eq!(ruling(&example, &claims, DELETE).await.is_allowed, is_allowed, "{suspended}");
    }
    // Declared as required, it is an error to do without, which denies.
    let required = Policies::parse(
        &SCHEMA.replace("token?", "token").replace("suspended?", "suspended"),
        r#"permit (principal in Shop::UserGroup::"eu-west-1_AbCdEf123|admins", action, resource);
           forbid (principal, action, resource) when { context.token.suspended };"#,
    )
    .unwrap();
    let claims = access(&json!({ "cognito:groups": ["admins"], "suspended": "true" }));
    assert!(!ruling(&required, &claims, DELETE).await.is_allowed);
}

#[tokio::test]
async fn an_erroring_policy_denies_its_route_and_closes_nothing_else() {
    let erroring = r#"
        permit (principal, action, resource);
        @id("forbids-deletion")
        forbid (principal, action == Shop::Action::"delete /orders/{id}", resource)
        when { context has token && 9223372036854775807 + (if principal has admin then 0 else 1) > 0 };
    "#;
    let erroring = policies(erroring);
    let claims = access(&json!({}));
    let deletion = ruling(&erroring, &claims, DELETE).await;
    assert!(!deletion.is_allowed);
    assert_eq!(deletion.failed.len(), 1);
    let mut found = allowed(&erroring, &claims).await;
    found.sort();
    assert_eq!(found, ALL.into_iter().filter(|route| *route != DELETE).collect::<Vec<_>>());
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
async fn a_machine_is_a_principal_in_no_users_name_space() {
    let user = format!(r#"permit (principal == Shop::User::"{POOL_ID}|{CLIENT_ID}", action, resource);"#);
    let machine =
        format!(r#"permit (principal == Shop::User::"{POOL_ID}|client|{CLIENT_ID}", action, resource);"#);
    let claims = access(&json!({ "sub": CLIENT_ID, "username": null, "cognito:groups": null }));
    assert_eq!(allowed(&policies(&user), &claims).await, Vec::<String>::new());
    assert_eq!(allowed(&policies(&machine), &claims).await.len(), ALL.len());
}

#[test]
fn policies_that_cannot_be_meant_are_refused_in_words() {
    let with = |condition: &str| format!("permit (principal, action, resource) when {{ {condition} }};");
    let refusal = |schema: &str, text: &str| Policies::parse(schema, text).map(drop).unwrap_err().to_string();
    let schema_with = |from: &str, to: &str| SCHEMA.replace(from, to);
    for (schema, text, expected) in [
        (SCHEMA.to_owned(), "permit (principal".to_owned(), "the policies: "),
        (SCHEMA.to_owned(), with("principal.email == 1"), "do not fit the schema"),
        (SCHEMA.to_owned(), with("context.token.admin"), "do not fit the schema"),
        (SCHEMA.to_owned(), "permit (principal == ?principal, action, resource);".to_owned(), "template"),
        ("namespace Shop {".to_owned(), POLICIES.to_owned(), "the schema: "),
        (schema_with("Application", "App"), POLICIES.to_owned(), "one namespace"),
        (schema_with("\"get /orders\",", "\"GET /orders\","), String::new(), "GET /orders: must be"),
        (schema_with("suspended?: Bool", "suspended?: ipaddr"), String::new(), "suspended must be"),
    ] {
        let found = refusal(&schema, &text);
        assert!(found.contains(expected), "{expected:?} is not in {found:?}");
    }
}

#[test]
fn a_policy_that_reads_what_differs_from_request_to_request_is_refused() {
    let schema = SCHEMA.replace(
        "{ token?: Claims }",
        "{ token?: Claims, pathParameters?: { id: String }, queryStringParameters?: {} }",
    );
    for condition in [
        "context has pathParameters && context.pathParameters.id == \"1\"",
        "context has queryStringParameters",
        "context == context",
        "[context].isEmpty()",
    ] {
        let text = format!("permit (principal, action, resource) when {{ {condition} }};");
        let error = Policies::parse(&schema, &text).unwrap_err();
        assert_eq!(error, PolicyError::ReadsRequest("policy0".to_owned()), "{condition}");
    }
    let by_token = "permit (principal, action, resource) when { context has token };";
    assert!(Policies::parse(&schema, by_token).is_ok());
}
