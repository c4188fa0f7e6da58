//! What is too long, too much at once, and what identity sources make of it.

use serde_json::json;
use tokio::task::JoinSet;

use crate::served::{KINDS, Local};

#[tokio::test]
async fn a_path_or_a_body_over_the_limit_is_refused_before_the_authorizer_is_asked() {
    for kind in KINDS {
        let local = Local::serve(&["--api", kind]).await;
        let token = local.token("user=administrator").await;
        // The ARN, up to the path: its length is known, and the limit is 1,600 bytes.
        let arn = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod/GET/orders/";
        let longest = "x".repeat(1_600 - arn.len());
        for (id, expected) in [(longest.clone(), 200), (longest + "x", 414)] {
            assert_eq!(local.status(&format!("GET /orders/{id}"), &token).await, expected, "{kind}");
        }
        let post = |bytes: usize| {
            let request = local.client.post(format!("{}/orders", local.gateway));
            request.bearer_auth(&token).body(vec![b'x'; bytes])
        };
        let limit = 10 * 1024 * 1024;
        assert_eq!(local.send(post(limit)).await.status, 200, "{kind}");
        let refused = local.send(post(limit + 1)).await;
        let message = if kind.starts_with("rest") {
            "HTTP content length exceeded 10485760 bytes."
        } else {
            "Request Entity Too Large"
        };
        assert_eq!((refused.status, refused.body), (413, json!({ "message": message })), "{kind}");
    }
}

#[tokio::test]
async fn many_at_once_get_each_its_own_answer() {
    let local = Local::serve(&["--ttl", "0"]).await;
    let mut people = Vec::new();
    for (user, expected) in [("administrator", 200), ("reader", 403), ("stranger", 403), ("machine", 403)] {
        people.push((local.token(&format!("user={user}")).await, expected));
    }
    people.push(("nonsense".to_owned(), 401));
    let mut asking = JoinSet::new();
    for (token, expected) in (0..20).flat_map(|_| people.clone()) {
        let url = format!("{}/orders/42", local.gateway);
        let request = local.client.delete(url).bearer_auth(token);
        asking.spawn(async move { (request.send().await.unwrap().status().as_u16(), expected) });
    }
    let answers = asking.join_all().await;
    assert_eq!(answers.len(), 100);
    assert!(answers.iter().all(|(status, expected)| status == expected), "{answers:?}");
}

#[tokio::test]
async fn a_variable_of_the_context_is_an_identity_source_whatever_the_payload() {
    for (kind, header, variables) in [
        ("http-v1", "$request.header.Authorization", ["$context.routeKey", "$context.identity.sourceIp"]),
        ("http-v2", "$request.header.Authorization", ["$context.httpMethod", "$context.routeKey"]),
        (
            "rest-request",
            "method.request.header.Authorization",
            ["context.httpMethod", "context.resourcePath"],
        ),
    ] {
        let sources = format!("{header},{}", variables.join(","));
        let local = Local::serve(&["--api", kind, "--identity-source", &sources]).await;
        let token = local.token("user=administrator").await;
        for (route, is_kept) in [("GET /orders", false), ("GET /orders", true), ("POST /orders", false)] {
            let call = local.call(kind, route, Some(&token)).await;
            assert_eq!(
                (&call["response"]["status"], &call["authorizer"]["kept"]),
                (&json!(200), &json!(is_kept)),
                "{kind} {route}"
            );
        }
    }
}

#[tokio::test]
async fn without_identity_sources_every_request_is_the_function_s_to_judge() {
    for kind in ["rest-request", "http-v1", "http-v2", "http-v2-simple", "websocket"] {
        let ttl: &[&str] = if kind == "websocket" { &[] } else { &["--ttl", "0"] };
        let local = Local::serve(&[&["--api", kind, "--identity-source", "none"], ttl].concat()).await;
        let good = if kind == "websocket" { 101 } else { 200 };
        for (token, expected) in [(Some(local.token("user=reader").await), good), (None, 401)] {
            let call = local.call(kind, "GET /orders", token.as_deref()).await;
            assert_eq!(
                (&call["response"]["status"], &call["authorizer"]["asked"]),
                (&json!(expected), &json!(true)),
                "{kind}"
            );
        }
    }
}
