//! What each kind of API is answered.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on stops")]

use std::sync::LazyLock;

use cognito_authorizer::{
    authorizer::{Authorizer, AuthorizerSettings, Error, Record},
    gateway::{ContextClaims, Refusal, ResponseFormat, Shape},
    testing::{
        API, JWKS_URL, NOW, Provider, ROUTE_ARN, SigningKey, Verdict, access_claims, compact, evaluate,
        event, jwks, merged, settings,
    },
    time::UnixTime,
    token::{Algorithm, TokenError},
};
use serde_json::{Value, json};

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate("current", Algorithm::RS256));

async fn answer(settings: AuthorizerSettings, event: &Value) -> Result<(Value, Record), Error> {
    let provider = Provider::with(JWKS_URL, &jwks(&[&KEY]));
    let now = UnixTime::from_secs(NOW);
    let mut record = Record::default();
    let response =
        Authorizer::new(settings, provider, now).authorize(&event.to_string(), now, &mut record).await?;
    Ok((serde_json::to_value(response).unwrap(), record))
}

/// The answer to good claims, changed by `change`.
async fn answer_to(settings: AuthorizerSettings, shape: Shape, claims: &Value) -> Value {
    answer(settings, &event(shape, &format!("Bearer {}", KEY.token(claims)))).await.unwrap().0
}

fn claims_with(extra: &Value) -> Value {
    let mut claims = access_claims(NOW);
    claims.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    claims
}

fn arn(shape: Shape) -> String {
    if shape == Shape::WebSocket { format!("{API}/prod/$connect") } else { ROUTE_ARN.to_owned() }
}

fn simple() -> AuthorizerSettings {
    let mut settings = settings();
    settings.answerer.format = ResponseFormat::Simple;
    settings
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().any(has_null),
        Value::Object(members) => members.values().any(has_null),
        _ => false,
    }
}

#[tokio::test]
async fn a_good_token_allows_every_route_of_its_api_and_stage_and_no_other() {
    for shape in Shape::ALL {
        let answer = answer_to(settings(), shape, &access_claims(NOW)).await;
        assert_eq!(answer["principalId"], access_claims(NOW)["sub"], "{shape:?}");
        assert_eq!(
            answer["policyDocument"],
            json!({
                "Version": "2012-10-17",
                "Statement": [
                    { "Action": ["execute-api:Invoke"], "Effect": "Allow", "Resource": [format!("{API}/prod/*")] },
                ],
            }),
            "{shape:?}"
        );
        let verdict = |arn: &str| evaluate(&answer["policyDocument"], arn);
        assert_eq!(verdict(&arn(shape)), Verdict::Allow, "{shape:?}");
        assert_eq!(verdict(&format!("{API}/prod/DELETE/a/b:c/*")), Verdict::Allow);
        assert_eq!(verdict(&format!("{API}/dev/GET/orders/42")), Verdict::ImplicitDeny);
        assert_eq!(verdict(&ROUTE_ARN.replace("a1b2c3d4e5", "otherapi")), Verdict::ImplicitDeny);
        assert_eq!(verdict(&ROUTE_ARN.replace("eu-west-1", "eu-west-2")), Verdict::ImplicitDeny);
    }
}

#[tokio::test]
async fn no_answer_holds_a_null() {
    let claims = claims_with(&json!({ "custom:nothing": null }));
    for shape in Shape::ALL {
        for settings in [settings(), simple()] {
            assert!(!has_null(&answer_to(settings, shape, &claims).await), "{shape:?}");
        }
    }
}

#[tokio::test]
async fn claims_stand_in_the_context_as_each_kind_of_api_takes_them() {
    let claims = claims_with(&json!({
        "custom:tenant": "blue",
        "admin": true,
        "level": 3,
        "ratio": 1.5,
        "cognito:groups": ["a,b", "c|d", "\"e\""],
        "spaced": ["two words", "x"],
        "mixed": ["x", 1],
        "empty": [],
        "blank": ["", "x"],
        "address": { "city": "Zürich", "lines": [1, 2] },
        "nothing": null,
        "principalId": "somebody else",
    }));
    let rest = json!({
        "custom:tenant": "blue",
        "admin": true,
        "level": 3,
        "ratio": 1.5,
        "cognito:groups": "a,b c|d \"e\"",
        "spaced": r#"["two words","x"]"#,
        "mixed": r#"["x",1]"#,
        "empty": "",
        "blank": r#"["","x"]"#,
        "address": r#"{"city":"Zürich","lines":[1,2]}"#,
    });
    for shape in Shape::ALL {
        let answer = answer_to(settings(), shape, &claims).await;
        let context = answer["context"].as_object().unwrap();
        for (name, expected) in rest.as_object().unwrap() {
            let expected = if shape == Shape::HttpV2 { &claims[name] } else { expected };
            assert_eq!(context.get(name), Some(expected), "{shape:?} {name}");
        }
        assert!(!context.contains_key("nothing") && !context.contains_key("principalId"), "{shape:?}");
        assert_eq!(context["scope"], "openid orders/read");
        if shape != Shape::HttpV2 {
            assert!(context.values().all(|value| !value.is_array() && !value.is_object()), "{shape:?}");
        }
    }
}

#[tokio::test]
async fn only_the_listed_claims_are_handed_on() {
    let mut settings = settings();
    settings.answerer.context = ContextClaims::Listed(vec!["sub".to_owned(), "absent".to_owned()]);
    let answer = answer_to(settings, Shape::RestToken, &access_claims(NOW)).await;
    assert_eq!(answer["context"], json!({ "sub": access_claims(NOW)["sub"] }));
}

#[tokio::test]
async fn the_principal_is_the_named_claim_else_the_client_else_the_subject() {
    for (claim, principal) in [
        ("sub", access_claims(NOW)["sub"].clone()),
        ("username", json!("jane")),
        ("absent", access_claims(NOW)["client_id"].clone()),
        ("auth_time", json!(NOW.to_string())),
        ("cognito:groups", access_claims(NOW)["client_id"].clone()),
        ("custom:empty", access_claims(NOW)["client_id"].clone()),
    ] {
        let mut settings = settings();
        settings.answerer.principal_id_claim = claim.to_owned();
        let claims = claims_with(&json!({ "custom:empty": "" }));
        let answer = answer_to(settings, Shape::RestToken, &claims).await;
        assert_eq!(answer["principalId"], principal, "{claim}");
    }
}

#[tokio::test]
async fn a_usage_key_is_given_where_its_claim_holds_one() {
    let key = "k".repeat(128);
    for (value, expected) in [
        (json!(key), Some(json!(key))),
        (json!("k".repeat(20)), Some(json!("k".repeat(20)))),
        (json!("k".repeat(19)), None),
        (json!("k".repeat(129)), None),
        (json!(""), None),
        (json!(5), None),
        (Value::Null, None),
    ] {
        let mut settings = settings();
        settings.answerer.usage_identifier_key_claim = Some("custom:api_key".to_owned());
        let claims = claims_with(&json!({ "custom:api_key": value }));
        let answer = answer_to(settings, Shape::RestRequest, &claims).await;
        assert_eq!(answer.get("usageIdentifierKey"), expected.as_ref(), "{value}");
        assert_eq!(evaluate(&answer["policyDocument"], ROUTE_ARN), Verdict::Allow);
    }
    for shape in Shape::ALL {
        let mut settings = settings();
        settings.answerer.usage_identifier_key_claim = Some("custom:api_key".to_owned());
        let answer = answer_to(settings, shape, &claims_with(&json!({ "custom:api_key": key }))).await;
        let is_rest = matches!(shape, Shape::RestToken | Shape::RestRequest);
        assert_eq!(answer.get("usageIdentifierKey").is_some(), is_rest, "{shape:?}");
    }
}

#[tokio::test]
async fn simple_responses_go_to_payload_2_0_and_to_nothing_else() {
    for shape in Shape::ALL {
        let answer = answer_to(simple(), shape, &access_claims(NOW)).await;
        if shape == Shape::HttpV2 {
            assert_eq!(answer["isAuthorized"], true);
            assert_eq!(answer["context"]["cognito:groups"], json!(["readers", "a,b"]));
            assert_eq!(answer.as_object().unwrap().len(), 2);
        } else {
            assert_eq!(evaluate(&answer["policyDocument"], &arn(shape)), Verdict::Allow, "{shape:?}");
        }
    }
}

#[tokio::test]
async fn a_token_without_a_required_scope_or_group_is_denied_and_not_unauthorized() {
    let require = |scopes: &[&str], groups: &[&str]| {
        let mut settings = settings();
        settings.rules.requirements.scopes = scopes.iter().map(ToString::to_string).collect();
        settings.rules.requirements.groups = groups.iter().map(ToString::to_string).collect();
        settings
    };
    for (scopes, groups, reason) in [
        (&["orders/read"][..], &[][..], None),
        (&["x", "orders/read"], &[], None),
        (&["orders"], &[], Some("insufficient_scope")),
        (&["ORDERS/READ"], &[], Some("insufficient_scope")),
        (&["openid orders/read"], &[], Some("insufficient_scope")),
        (&[], &["readers"], None),
        (&[], &["a,b"], None),
        (&[], &["admins", "readers"], None),
        (&[], &["a"], Some("not_in_group")),
        (&[], &["reader"], Some("not_in_group")),
        (&["openid"], &["admins"], Some("not_in_group")),
        (&["x"], &["readers"], Some("insufficient_scope")),
    ] {
        for shape in Shape::ALL {
            let answer = answer_to(require(scopes, groups), shape, &access_claims(NOW)).await;
            let verdict = evaluate(&answer["policyDocument"], &arn(shape));
            let expected = if reason.is_some() { Verdict::ExplicitDeny } else { Verdict::Allow };
            assert_eq!(verdict, expected, "{shape:?} {scopes:?} {groups:?}");
            if let Some(reason) = reason {
                assert_eq!(answer["context"], json!({ "reason": reason }));
                assert_eq!(answer["principalId"], access_claims(NOW)["sub"]);
            }
        }
    }
    let mut simple = require(&["x"], &[]);
    simple.answerer.format = ResponseFormat::Simple;
    assert_eq!(
        answer_to(simple, Shape::HttpV2, &access_claims(NOW)).await,
        json!({ "isAuthorized": false, "context": { "reason": "insufficient_scope" } })
    );
    for absent in ["scope", "cognito:groups"] {
        let mut claims = access_claims(NOW);
        claims.as_object_mut().unwrap().remove(absent);
        let answer = answer_to(require(&["openid"], &["readers"]), Shape::RestToken, &claims).await;
        assert_eq!(evaluate(&answer["policyDocument"], ROUTE_ARN), Verdict::ExplicitDeny, "without {absent}");
        let unasked = answer_to(require(&[], &[]), Shape::RestToken, &claims).await;
        assert_eq!(evaluate(&unasked["policyDocument"], ROUTE_ARN), Verdict::Allow, "without {absent}");
    }
}

#[tokio::test]
async fn a_bad_token_is_a_401_unless_refusals_are_denials() {
    for shape in Shape::ALL {
        let event = event(shape, "Bearer not-a-token");
        assert_eq!(
            answer(settings(), &event).await.unwrap_err(),
            Error::Unauthorized(TokenError::NotThreeParts),
            "{shape:?}"
        );
        let mut deny = settings();
        deny.refusal = Refusal::Deny;
        let (denied, _) = answer(deny, &event).await.unwrap();
        assert_eq!(evaluate(&denied["policyDocument"], &arn(shape)), Verdict::ExplicitDeny, "{shape:?}");
        assert_eq!(denied["context"], json!({ "reason": "not_three_parts" }));
        assert_eq!(denied["principalId"], "anonymous");
        let mut deny = simple();
        deny.refusal = Refusal::Deny;
        let (denied, _) = answer(deny, &event).await.unwrap();
        assert_eq!(denied.get("isAuthorized").is_some(), shape == Shape::HttpV2);
    }
}

#[tokio::test]
async fn an_answer_stays_under_8000_bytes_and_loses_the_largest_claims_first() {
    let big = claims_with(&json!({
        "custom:huge": "h".repeat(2_000),
        "custom:large": "\"".repeat(700),
        "custom:small": "s",
        "cognito:groups": (0..12).map(|group| format!("group-{group}-{}", "g".repeat(80))).collect::<Vec<_>>(),
        "username": "u".repeat(128),
    }));
    for shape in Shape::ALL {
        let token = format!("Bearer {}", KEY.token(&big));
        let (answer, record) = answer(settings(), &event(shape, &token)).await.unwrap();
        assert!(answer.to_string().len() < 8_000, "{shape:?}");
        assert_eq!(record.left_out_claims, Vec::<String>::new(), "{shape:?}: fits as it is");
    }
    let mut bigger = big;
    bigger["custom:nested"] = json!([vec!["\"".repeat(6); 120]]);
    for shape in Shape::ALL {
        let token = format!("Bearer {}", KEY.token(&bigger));
        let (answer, record) = answer(settings(), &event(shape, &token)).await.unwrap();
        assert!(answer.to_string().len() < 8_000, "{shape:?}");
        let context = answer["context"].as_object().unwrap();
        assert_eq!(record.left_out_claims, dropped(shape), "{shape:?}");
        assert!(record.left_out_claims.iter().all(|name| !context.contains_key(name)));
        for kept in ["sub", "client_id", "username", "token_use", "scope", "cognito:groups", "custom:small"] {
            assert!(context.contains_key(kept), "{shape:?} {kept}");
        }
    }
}

/// Escaped quotes make the nested list longer as JSON text in a string than as a list.
fn dropped(shape: Shape) -> Vec<&'static str> {
    if shape == Shape::HttpV2 { vec![] } else { vec!["custom:nested"] }
}

#[tokio::test]
async fn every_form_of_answer_loses_claims_before_it_grows_too_long() {
    let mut with_usage_key = settings();
    with_usage_key.answerer.usage_identifier_key_claim = Some("jti".to_owned());
    for (settings, shape, member) in [
        (settings(), Shape::WebSocket, "policyDocument"),
        (with_usage_key, Shape::RestRequest, "usageIdentifierKey"),
        (simple(), Shape::HttpV2, "isAuthorized"),
    ] {
        // Short in a token, and 19 bytes each as they are written.
        let numbers = format!("[{}]", ["1e15"; 500].join(","));
        let claims = claims_with(&json!({ "custom:long": "NUMBERS" }));
        let claims = claims.to_string().replace("\"NUMBERS\"", &numbers);
        let token = compact(r#"{"alg":"RS256","kid":"current"}"#, claims, &KEY);
        let (answer, record) = answer(settings, &event(shape, &token)).await.unwrap();
        assert_eq!(record.left_out_claims, ["custom:long"], "{shape:?}");
        assert!(answer.to_string().len() < 8_000 && !answer[member].is_null(), "{answer}");
        assert!(answer["context"]["sub"].is_string(), "{answer}");
    }
}

#[tokio::test]
async fn no_more_claims_are_left_out_than_an_answer_of_7999_bytes_needs() {
    // A space makes the list JSON text, in which every quote is escaped twice.
    let groups: Vec<String> = (0..32).map(|_| format!(" {}", "\"".repeat(50))).collect();
    let claims = |extra: Value| claims_with(&merged(json!({ "cognito:groups": groups }), &extra));
    let without = answer_to(settings(), Shape::RestToken, &claims(json!({ "custom:second": "" }))).await;
    for (bytes, expected) in [(7_999, &["custom:first"][..]), (8_000, &["custom:first", "custom:second"])] {
        let second = "s".repeat(bytes - without.to_string().len());
        let claims = claims(json!({ "custom:first": "f".repeat(second.len() + 1), "custom:second": second }));
        let event = event(Shape::RestToken, &KEY.token(&claims));
        let (answer, record) = answer(settings(), &event).await.unwrap();
        assert_eq!(record.left_out_claims, expected, "{bytes} bytes without the first");
        assert_eq!(answer.to_string().len() == bytes, bytes < 8_000);
    }
}

#[tokio::test]
async fn an_answer_of_8000_bytes_in_which_nothing_can_be_left_out_is_a_denial() {
    let ask = async |stage: &str| {
        let mut settings = settings();
        settings.answerer.context = ContextClaims::Listed(Vec::new());
        let mut event = event(Shape::RestToken, &KEY.token(&access_claims(NOW)));
        event["methodArn"] = json!(format!("{API}/{stage}/GET/orders"));
        answer(settings, &event).await.unwrap().0
    };
    let shortest = ask("s").await.to_string().len() - 1;
    for bytes in [7_999, 8_000] {
        let answer = ask(&"s".repeat(bytes - shortest)).await;
        let reason = answer["context"].get("reason");
        assert_eq!(reason, (bytes == 8_000).then_some(&json!("answer_too_large")), "{bytes} bytes");
    }
}

#[tokio::test]
async fn even_the_claims_kept_longest_go_before_an_answer_grows_too_long() {
    // A space makes the list JSON text, in which every quote is escaped twice.
    let groups: Vec<String> = (0..40).map(|group| format!("{group} {}", "\"".repeat(50))).collect();
    let claims = claims_with(&json!({ "cognito:groups": groups }));
    let (answer, record) = answer(settings(), &event(Shape::RestToken, &KEY.token(&claims))).await.unwrap();
    assert!(answer.to_string().len() < 8_000);
    assert_eq!(record.left_out_claims.last().map(String::as_str), Some("cognito:groups"));
    assert_eq!(evaluate(&answer["policyDocument"], ROUTE_ARN), Verdict::Allow);
    assert!(answer["context"].as_object().unwrap().contains_key("sub"));
}

#[tokio::test]
async fn a_resource_is_built_from_the_arns_parts_and_never_echoes_the_path() {
    for (asked, resource) in [
        (
            "arn:aws-cn:execute-api:cn-north-1:123456789012:abc/prod/GET/a:b/*/${x}?",
            "arn:aws-cn:execute-api:cn-north-1:123456789012:abc/prod/*",
        ),
        (
            "arn:aws:execute-api:eu-west-1:123456789012:abc/$default/GET/x",
            "arn:aws:execute-api:eu-west-1:123456789012:abc/$default/*",
        ),
        (
            "arn:aws:execute-api:eu-west-1:123456789012:abc/ESTestInvoke-stage/GET/",
            "arn:aws:execute-api:eu-west-1:123456789012:abc/ESTestInvoke-stage/*",
        ),
        (
            "arn:aws:execute-api:eu-west-1:123456789012:abc/*/GET/",
            "arn:aws:execute-api:eu-west-1:123456789012:abc/?/*",
        ),
    ] {
        let mut event = event(Shape::RestToken, &KEY.token(&access_claims(NOW)));
        event["methodArn"] = json!(asked);
        let (answer, _) = answer(settings(), &event).await.unwrap();
        assert_eq!(answer["policyDocument"]["Statement"][0]["Resource"], json!([resource]));
        assert_eq!(evaluate(&answer["policyDocument"], asked), Verdict::Allow);
    }
}

#[tokio::test]
async fn a_context_without_claims_is_an_empty_object() {
    let mut settings = settings();
    settings.answerer.context = ContextClaims::Listed(vec!["absent".to_owned()]);
    assert_eq!(answer_to(settings, Shape::HttpV2, &access_claims(NOW)).await["context"], json!({}));
}
