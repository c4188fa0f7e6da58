//! Does the local API Gateway do over real HTTP what API Gateway does, and does it leave nothing behind?
#![cfg(feature = "cedar")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops"
)]

#[path = "local/around.rs"]
mod around;
#[path = "local/ends.rs"]
mod ends;
#[path = "local/limits.rs"]
mod limits;
#[path = "local/served.rs"]
mod served;
#[path = "local/upstream.rs"]
mod upstream;
#[path = "local/websocket.rs"]
mod websocket;

use serde_json::json;
use tokio::{process::Command, time::sleep};

use crate::served::{COOLDOWN, KINDS, Local, wait_until_gone};

#[tokio::test]
async fn every_kind_of_api_answers_in_its_own_words() {
    for kind in KINDS {
        let local = Local::serve(&["--api", kind]).await;
        let is_rest = kind.starts_with("rest");
        let reader = local.token("user=reader").await;
        let allowed = local.ask("GET /orders/42?page=2", &reader).await;
        assert_eq!(allowed.status, 200, "{kind}: {}", allowed.body);
        let authorizer = &allowed.body["requestContext"]["authorizer"];
        let (context, groups) = match kind {
            "http-v1" => (&authorizer["lambda"], json!("readers")),
            _ if is_rest => (authorizer, json!("readers")),
            _ => (&authorizer["lambda"], json!(["readers"])),
        };
        assert_eq!((&context["username"], &context["cognito:groups"]), (&json!("bob"), &groups), "{kind}");
        assert_eq!(context["exp"].is_string(), is_rest, "{kind}");

        let refusal = |status: u16| match (is_rest, status) {
            (false, 403) => (None, json!({ "message": "Forbidden" })),
            (false, _) => (None, json!({ "message": "Unauthorized" })),
            (true, 403) => {
                let text = "User is not authorized to access this resource with an explicit deny";
                (Some("AccessDeniedException"), json!({ "Message": text }))
            }
            (true, _) => (Some("UnauthorizedException"), json!({ "message": "Unauthorized" })),
        };
        let expired = local.token("user=reader&flaw=expired").await;
        for (route, token, status) in [
            ("DELETE /orders/42", reader.as_str(), 403),
            ("GET /orders", &expired, 401),
            ("GET /orders", "", 401),
        ] {
            let got = local.ask(route, token).await;
            let error_type = got.headers.get("x-amzn-errortype").map(|value| value.to_str().unwrap());
            assert_eq!(
                (got.status, (error_type, got.body.clone())),
                (status, refusal(status)),
                "{kind} {route}"
            );
        }
        assert_eq!(local.status("GET /health", "").await, 200, "{kind}");
        assert_eq!(local.status("GET /nowhere", &reader).await, if is_rest { 403 } else { 404 }, "{kind}");
    }
}

#[tokio::test]
async fn every_person_gets_on_every_route_what_the_policies_say() {
    let local = Local::serve(&[]).await;
    let routes =
        ["GET /orders", "POST /orders", "GET /orders/42", "DELETE /orders/42", "GET /orders/42/items"];
    for (name, expected) in [
        ("administrator", [200; 5]),
        ("reader", [200, 403, 200, 403, 403]),
        ("stranger", [403; 5]),
        ("machine", [200, 200, 200, 403, 403]),
    ] {
        let token = local.token(&format!("user={name}")).await;
        for (route, status) in routes.into_iter().zip(expected) {
            for kind in KINDS {
                let call = local.call(kind, route, Some(&token)).await;
                assert_eq!(call["response"]["status"], status, "{kind}, {name}: {call:#}");
            }
        }
    }
}

#[tokio::test]
async fn an_answer_is_kept_for_all_routes_until_the_cache_is_cleared() {
    let local = Local::serve(&[]).await;
    let token = local.token("user=reader").await;
    for kind in KINDS {
        // Only a simple response is about the one route.
        let is_for_all_routes = kind != "http-v2-simple";
        let first = local.call(kind, "GET /orders", Some(&token)).await;
        assert_eq!(
            (&first["authorizer"]["asked"], &first["authorizer"]["kept"]),
            (&json!(true), &json!(false))
        );
        let again = local.call(kind, "GET /orders", Some(&token)).await;
        assert_eq!(
            (&again["authorizer"]["asked"], &again["authorizer"]["kept"]),
            (&json!(false), &json!(true))
        );
        assert_eq!(again["authorizer"]["answer"], first["authorizer"]["answer"]);
        let other = local.call(kind, "DELETE /orders/42", Some(&token)).await;
        assert_eq!(
            (&other["authorizer"]["kept"], &other["response"]["status"]),
            (&json!(is_for_all_routes), &json!(403))
        );
    }
    let state = local.switch("cache/clear", &json!({})).await;
    assert!(state["apis"].as_array().unwrap().iter().all(|api| api["kept_answers"] == 0));
    assert_eq!(local.call("http-v2", "GET /orders", Some(&token)).await["authorizer"]["asked"], true);
}

#[tokio::test]
async fn refusals_are_kept_as_far_as_they_are_answers_and_without_time_nothing_is() {
    let keeping = Local::serve(&[]).await;
    let expired = keeping.token("user=reader&flaw=expired").await;
    for _ in 0..2 {
        let call = keeping.call("http-v2", "GET /orders", Some(&expired)).await;
        assert_eq!((&call["response"]["status"], &call["authorizer"]["asked"]), (&json!(401), &json!(true)));
        assert_eq!(call["authorizer"]["log"]["reason"], "token_expired");
    }
    let forgetting = Local::serve(&["--ttl", "0"]).await;
    let token = forgetting.token("user=reader").await;
    for kind in KINDS {
        for _ in 0..2 {
            let call = forgetting.call(kind, "GET /orders", Some(&token)).await;
            assert_eq!(call["authorizer"]["asked"], true, "{kind}");
        }
    }
}

#[tokio::test]
async fn without_an_identity_source_the_function_is_not_asked() {
    let local =
        Local::serve(&["--identity-source", "$request.header.Authorization,$request.header.X-Tenant"]).await;
    let token = local.token("user=reader").await;
    let call = local.call("http-v2", "GET /orders", Some(&token)).await;
    assert_eq!((&call["response"]["status"], &call["authorizer"]["asked"]), (&json!(401), &json!(false)));
    let url = format!("{}/orders", local.gateway);
    let got = local.send(local.client.get(url).bearer_auth(&token).header("x-tenant", "blue")).await;
    assert_eq!(got.status, 200);
}

#[tokio::test]
async fn a_new_key_is_found_and_a_withdrawn_one_stops_working() {
    let local = Local::serve(&["--ttl", "0"]).await;
    let old = local.token("user=reader").await;
    assert_eq!(local.status("GET /orders", &old).await, 200);
    local.switch("keys/rotate", &json!({})).await;
    sleep(COOLDOWN).await;
    let new = local.token("user=reader").await;
    assert_eq!(
        (local.status("GET /orders", &new).await, local.status("GET /orders", &old).await),
        (200, 200)
    );
    local.switch("keys/withdraw", &json!({ "kid": "key-2" })).await;
    local.switch("keys/rotate", &json!({})).await;
    sleep(COOLDOWN).await;
    let newest = local.token("user=reader").await;
    assert_eq!(
        (local.status("GET /orders", &newest).await, local.status("GET /orders", &old).await),
        (200, 401)
    );
}

#[tokio::test]
async fn an_issuer_that_is_down_is_a_500_and_heals() {
    for kind in KINDS {
        let (body, error_type) = if kind.starts_with("rest") {
            (json!({ "message": null }), Some("AuthorizerConfigurationException"))
        } else {
            (json!({ "message": "Internal Server Error" }), None)
        };
        let local = Local::serve(&["--ttl", "0", "--api", kind]).await;
        let token = local.token("user=reader").await;
        local.switch("issuer/down", &json!({})).await;
        assert!(local.client.get(format!("{}/token?user=reader", local.issuer)).send().await.is_err());
        // The page's sign-in goes on.
        local.switch("token", &json!({ "user": "reader" })).await;
        assert_eq!(local.status("GET /orders", &token).await, 200, "its keys are still held");
        local.switch("function/restart", &json!({})).await;
        let got = local.ask("GET /orders", &token).await;
        let found = got.headers.get("x-amzn-errortype").map(|value| value.to_str().unwrap());
        assert_eq!((got.status, got.body, found), (500, body, error_type), "{kind}");
        local.switch("issuer/up", &json!({})).await;
        sleep(COOLDOWN).await;
        assert_eq!(local.status("GET /orders", &token).await, 200);
    }
}

#[tokio::test]
async fn a_function_that_answers_in_the_other_form_is_a_500_and_one_that_died_is_started_again() {
    let local = Local::serve(&["--ttl", "0", "--env", "RESPONSE_FORMAT=simple"]).await;
    let token = local.token("user=reader").await;
    let call = local.call("http-v2", "GET /orders", Some(&token)).await;
    assert_eq!(call["response"]["status"], 500);
    assert_eq!(call["authorizer"]["answer"]["isAuthorized"], true);

    let local = Local::serve(&["--ttl", "0"]).await;
    let functions = local.functions();
    assert_eq!(functions.len(), 1);
    let function = functions[0];
    assert!(Command::new("kill").args(["-9", &function.to_string()]).status().await.unwrap().success());
    wait_until_gone(&[function]).await;
    assert_eq!(local.status("GET /orders", &token).await, 401, "a token of another issuer's keys");
    let token = local.token("user=reader").await;
    assert_eq!(local.status("GET /orders", &token).await, 200);
    assert_eq!(local.switch("cache/clear", &json!({})).await["function"]["starts"], 2);
}

#[tokio::test]
async fn a_function_that_takes_too_long_is_a_500_and_is_started_again() {
    let local = Local::serve(&[]).await;
    let token = local.token("user=reader").await;
    let functions = local.functions();
    assert!(
        Command::new("kill").args(["-STOP", &functions[0].to_string()]).status().await.unwrap().success()
    );
    let call = local.call("http-v2", "GET /orders", Some(&token)).await;
    assert_eq!((&call["response"]["status"], &call["authorizer"]["verdict"]), (&json!(500), &json!(null)));
    assert_eq!(call["authorizer"]["error"]["errorType"], "Sandbox.Timedout");
    wait_until_gone(&functions).await;
    let token = local.token("user=reader").await;
    assert_eq!(local.status("GET /orders", &token).await, 200);
    assert_eq!(local.switch("cache/clear", &json!({})).await["function"]["starts"], 2);
}
