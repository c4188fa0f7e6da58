//! The local gateway's page, in a real browser: what it shows is what the policies and the contract say.
#![cfg(feature = "cedar")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on stops"
)]

#[path = "page/browser.rs"]
mod browser;
#[path = "page/keyboard.rs"]
mod keyboard;
#[path = "page/screens.rs"]
mod screens;
#[path = "local/served.rs"]
#[allow(dead_code, reason = "the page's own requests are the browser's")]
mod served;
#[path = "page/switches.rs"]
mod switches;

use std::net::Ipv4Addr;

use axum::{Router, http::StatusCode, routing::get};
use serde_json::json;
use tokio::{net::TcpListener, task::JoinSet};

use crate::browser::{Page, visit, visit_served};

/// Who gets what on the routes of the example, as layer/policies has it: looking is for readers and for the scope
/// `orders/read`, placing orders for `orders/write`, everything for administrators; /health is public.
const STATUSES: [(&str, [u16; 6]); 5] = [
    ("", [401, 401, 401, 401, 401, 200]),
    ("administrator", [200, 200, 200, 200, 200, 200]),
    ("reader", [200, 403, 200, 403, 403, 200]),
    ("stranger", [403, 403, 403, 403, 403, 200]),
    ("machine", [200, 200, 200, 403, 403, 200]),
];

const REQUESTS: [&str; 6] = [
    "GET /orders",
    "POST /orders",
    "GET /orders/42",
    "DELETE /orders/42",
    "GET /orders/42/items",
    "GET /health",
];

#[tokio::test]
#[ignore = "needs chromium-driver: .ci/browser runs it"]
async fn everybody_gets_on_every_route_what_the_policies_give_them() {
    visit(async |page| {
        for (person, expected) in STATUSES {
            page.choose("user", person).await;
            for (request, expected) in REQUESTS.into_iter().zip(expected) {
                page.press(request).await;
                check_shown(&page, request, expected).await;
            }
            page.press("Call every route").await;
            for (request, expected) in REQUESTS.into_iter().zip(expected) {
                assert_eq!(last_answer(&page, request).await, word(expected), "{person}: {request}");
            }
        }
    })
    .await;
}

/// Every place of the page that tells of the last call tells the same.
async fn check_shown(page: &Page, request: &str, status: u16) {
    let expected = format!("{} {request}", word(status));
    assert_eq!(page.text("#outcome").await, expected);
    assert!(page.status().await.starts_with(&expected), "{}", page.status().await);
    assert_eq!(last_answer(page, request).await, word(status));
    let first_of_log = page.text("#calls li:first-child").await;
    assert!(first_of_log.starts_with(&expected), "{first_of_log}");
    let backend = page.text("#stations li:last-child").await;
    assert_eq!(backend.contains("was reached"), status == 200, "{backend}");
    assert!(page.text("#client-got").await.contains("content-type"));
}

/// What a service of the user's own answers on each route, and what the page says to it.
#[tokio::test]
#[ignore = "needs chromium-driver: .ci/browser runs it"]
async fn an_answer_of_ones_own_service_is_not_taken_for_the_gateway_s() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let upstream = format!("http://{}", listener.local_addr().unwrap());
    let service = Router::new()
        .route("/orders", get(async || "orders"))
        .route("/orders/42", get(async || (StatusCode::NOT_FOUND, "no such order")))
        .route("/health", get(async || (StatusCode::INTERNAL_SERVER_ERROR, "ill")));
    let mut serving = JoinSet::new();
    serving.spawn(axum::serve(listener, service).into_future());
    visit_served(&["--upstream", &upstream], async |page| {
        page.choose("user", "reader").await;
        for (request, status, body, is_reached) in [
            ("GET /orders", "200 OK", "orders", true),
            ("GET /orders/42", "404 Not Found", "no such order", true),
            ("GET /health", "500 Internal Server Error", "ill", true),
            ("DELETE /orders/42", "403 Forbidden", "Forbidden", false),
        ] {
            page.press(request).await;
            assert_eq!(page.text("#outcome").await, format!("{status} {request}"));
            let backend = page.text("#stations li:last-child").await;
            assert_eq!(backend.contains("was reached"), is_reached, "{request}: {backend}");
            assert!(page.text("#client-got").await.contains(body), "{request}");
            // What a status means where the gateway gives it says nothing about the service's.
            assert_eq!(page.text("#meaning").await.contains("To a client"), !is_reached, "{request}");
        }
    })
    .await;
}

async fn last_answer(page: &Page, request: &str) -> String {
    page.text(&format!("[data-request='{request}'] td")).await
}

fn word(status: u16) -> String {
    let words = match status {
        101 => "Switching Protocols",
        200 => "OK",
        401 => "Unauthorized",
        403 => "Forbidden",
        500 => "Internal Server Error",
        _ => panic!("{status}"),
    };
    format!("{status} {words}")
}

#[tokio::test]
#[ignore = "needs chromium-driver: .ci/browser runs it"]
async fn a_token_with_something_wrong_is_401_and_the_reason_is_said() {
    visit(async |page| {
        page.choose("user", "reader").await;
        for (flaw, reason) in [
            ("expired", "token_expired"),
            ("tampered", "bad_signature"),
            ("forged", "bad_signature"),
            ("unknown-key", "unknown_key"),
            ("other-client", "wrong_client"),
            ("not-yet-valid", "token_not_yet_valid"),
        ] {
            page.choose("flaw", flaw).await;
            page.press("GET /orders").await;
            check_shown(&page, "GET /orders", 401).await;
            assert!(page.text("#meaning").await.contains(reason), "{flaw}: {}", page.text("#meaning").await);
            assert!(page.text("#answer").await.contains("\"errorMessage\": \"Unauthorized\""), "{flaw}");
        }
        page.choose("flaw", "").await;
        page.choose("use", "id").await;
        page.press("GET /orders").await;
        check_shown(&page, "GET /orders", 401).await;
        assert!(page.status().await.contains("wrong_token_use"));
    })
    .await;
}

#[tokio::test]
#[ignore = "needs chromium-driver: .ci/browser runs it"]
async fn a_token_is_taken_apart_into_what_it_says_and_what_proves_it() {
    visit(async |page| {
        assert!(!page.find("#token").await.is_displayed().await.unwrap());
        page.choose("user", "administrator").await;
        assert!(page.text("#token-header .read").await.contains("published by the issuer"));
        let claims = page.text("#token-claims .read").await;
        for said in ["cognito:groups\n[\"admins\"]", "token_use\naccess", "exp\n", "good until: in "] {
            assert!(claims.contains(said), "{said}: {claims}");
        }
        let parts = page.evaluate(
            "return [...document.querySelectorAll('.raw')].map((raw) => raw.textContent.length > 20)",
        );
        assert_eq!(parts.await, json!([true, true, true]));

        page.choose("flaw", "tampered").await;
        assert!(page.text("#token-claims .read").await.contains("[\"admins\",\"owners\"]"));
        page.choose("flaw", "expired").await;
        assert!(page.text("#token-claims .read").await.contains("good until: 60 minutes ago"));
        page.choose("flaw", "unknown-key").await;
        assert!(page.text("#token-header .read").await.contains("never published"));
        page.choose("user", "").await;
        assert!(!page.find("#token").await.is_displayed().await.unwrap());
    })
    .await;
}

#[tokio::test]
#[ignore = "needs chromium-driver: .ci/browser runs it"]
async fn what_the_authorizer_answered_is_shown_as_what_it_allows_and_hands_on() {
    visit(async |page| {
        page.choose("user", "reader").await;
        page.press("DELETE /orders/42").await;
        assert!(page.text("#meaning").await.contains("not_permitted"));
        page.open_all().await;
        let answer = page.text("#answer").await;
        assert!(answer.contains("Allow GET /orders") && answer.contains("Deny DELETE /orders/*"), "{answer}");
        assert!(page.text("#document").await.contains("\"principalId\""));
        assert!(page.text("#context").await.contains("The backend did not get it"));
        page.press("GET /orders").await;
        let context = page.text("#context").await;
        assert!(
            context.contains("The backend got it") && context.contains("cognito:groups\n[\"readers\"]"),
            "{context}"
        );
        page.press("GET /health").await;
        assert!(page.text("#answer").await.contains("No authorizer"));
        assert!(page.text("#stations").await.contains("was not asked"));
    })
    .await;
}

#[tokio::test]
#[ignore = "needs chromium-driver: .ci/browser runs it"]
async fn every_kind_of_api_lets_a_reader_in_and_a_stranger_not() {
    visit(async |page| {
        for (api, request, good) in [
            ("rest-token", "GET /orders", 200),
            ("rest-request", "GET /orders", 200),
            ("http-v1", "GET /orders", 200),
            ("http-v2", "GET /orders", 200),
            ("http-v2-simple", "GET /orders", 200),
            ("websocket", "GET /", 101),
        ] {
            page.find(&format!("#api option[value='{api}']")).await.click().await.unwrap();
            page.settle().await;
            let is_rest = api.starts_with("rest") || api == "websocket";
            for (person, expected) in [("", 401), ("stranger", 403), ("reader", good)] {
                page.choose("user", person).await;
                page.press(request).await;
                let outcome = page.text("#outcome").await;
                assert_eq!(outcome, format!("{} {request}", word(expected)), "{api}: {person}");
                // As the backend gets it: these kinds add the principal.
                page.open_all().await;
                let context = page.text("#context").await;
                assert_eq!(context.contains("principalId"), is_rest && expected == good, "{api}: {context}");
            }
        }
    })
    .await;
}

#[tokio::test]
#[ignore = "needs chromium-driver: .ci/browser runs it"]
async fn what_a_token_says_is_shown_as_text_and_never_run() {
    visit(async |page| {
        page.evaluate("document.querySelector('form details').open = true").await;
        page.evaluate(HOSTILE_TOKEN).await;
        page.press("Use this token").await;
        page.open_all().await;
        let claims = page.text("#token-claims .read").await;
        assert!(
            claims.contains("<img src=x onerror=alert(1)>") && claims.contains("<b id='run'>&amp;</b>"),
            "{claims}"
        );
        page.press("GET /orders").await;
        check_shown(&page, "GET /orders", 401).await;
        assert_eq!(
            page.evaluate("return document.querySelectorAll('#run, main img').length").await,
            json!(0)
        );

        // What is no token at all is no trouble either.
        for text in ["nonsense", "a.b", "....", "e30.W10.x"] {
            page.evaluate(&format!("document.querySelector('#own').value = '{text}'")).await;
            page.press("Use this token").await;
            page.press("GET /orders").await;
            check_shown(&page, "GET /orders", 401).await;
        }
    })
    .await;
}

/// Markup in every place that the page shows.
const HOSTILE_TOKEN: &str = r#"
    const markup = { "<img src=x onerror=alert(1)>": "<b id='run'>&amp;</b>", kid: "<i id='run'>" };
    const part = btoa(JSON.stringify(markup)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    document.querySelector("textarea").value = `${part}.${part}.<s id='run'>`;
"#;
