//! A service of the user's own behind the gateway.

use std::{io, net::Ipv4Addr};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, StatusCode},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};

use crate::served::{KINDS, Local, routes_file};

#[tokio::test]
async fn an_upstream_gets_the_request_and_the_context_that_no_client_can_write() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let upstream = format!("http://{}", listener.local_addr().unwrap());
    let service = Router::new().fallback(async |uri: axum::http::Uri, headers: HeaderMap, body: Bytes| {
        let context = headers.get("x-authorizer-context").map(|value| value.to_str().unwrap().to_owned());
        let folded = headers.get("x_authorizer_context").map(|value| value.to_str().unwrap().to_owned());
        json!({ "uri": uri.to_string(), "context": context, "folded": folded, "bytes": body.len() })
            .to_string()
    });
    let local = Local::serve(&["--upstream", &upstream]).await;
    let token = local.token("user=administrator").await;
    let asking = async {
        let request =
            local.client.post(format!("{}/orders?a=%20b", local.gateway)).bearer_auth(&token).body("12345");
        let request =
            request.header("x-authorizer-context", "forged").header("x_authorizer_context", "forged");
        let got = local.send(request).await;
        assert_eq!(got.body["folded"], Value::Null);
        assert_eq!(
            (&got.body["uri"], &got.body["bytes"]),
            (&json!("/orders?a=%20b"), &json!(5)),
            "{}",
            got.body
        );
        let context: Value = serde_json::from_str(got.body["context"].as_str().unwrap()).unwrap();
        assert_eq!(context["username"], "alice");
        let public =
            local.client.get(format!("{}/health", local.gateway)).header("x-authorizer-context", "forged");
        assert_eq!(local.send(public).await.body["context"], Value::Null);
    };
    tokio::select! {
        () = asking => {}
        ended = axum::serve(listener, service).into_future() => panic!("{ended:?}"),
    }
    // The service is gone.
    let call = local.call("http-v2", "GET /orders", Some(&token)).await;
    assert_eq!((&call["response"]["status"], &call["authorizer"]["verdict"]), (&json!(503), &json!("allow")));
    assert_eq!(call["decided"], "the backend cannot be reached, or broke off");
}

#[tokio::test]
async fn an_upstream_gets_the_context_as_a_mapping_of_its_kind_of_api_does() {
    let service = Router::new()
        .fallback(async |headers: HeaderMap| headers["x-authorizer-context"].to_str().unwrap().to_owned());
    let (upstream, _serving) = start(service).await;
    for kind in KINDS {
        let local = Local::serve(&["--api", kind, "--upstream", &upstream]).await;
        let context = local.ask("GET /orders", &local.token("user=reader").await).await.body;
        let is_rest = kind.starts_with("rest");
        assert_eq!(context["username"], "bob", "{kind}");
        assert_eq!(context["exp"].is_string(), is_rest, "{kind}: {context}");
        assert_eq!(context.get("principalId").is_some(), is_rest, "{kind}: {context}");
    }
}

#[tokio::test]
async fn an_answer_to_head_has_the_length_that_its_service_says() {
    let service = Router::new().route("/health", axum::routing::get(async || "a body of 21 letters."));
    let (upstream, _serving) = start(service).await;
    let file = routes_file("head-upstream", "ANY /{proxy+} public\n");
    let routes = ["--routes", file.to_str().unwrap(), "--upstream", &upstream];
    let local = Local::serve(&routes).await;
    std::fs::remove_file(&file).unwrap();
    for method in ["HEAD", "GET"] {
        let got = local.ask(&format!("{method} /health"), "").await;
        assert_eq!((got.status, &got.headers["content-length"]), (200, &"21".parse().unwrap()), "{method}");
    }
}

#[tokio::test]
async fn a_public_route_leads_an_upstream_to_no_other() {
    let service =
        Router::new().fallback(async |uri: axum::http::Uri| (StatusCode::NOT_FOUND, uri.to_string()));
    let (upstream, _serving) = start(service).await;
    let file = routes_file("public-routes", "GET /public/{proxy+} public\nGET /orders\n");
    let routes = ["--routes", file.to_str().unwrap(), "--upstream", &upstream];
    let local = Local::serve(&routes).await;
    std::fs::remove_file(&file).unwrap();
    for (path, status, is_from_backend) in [
        ("/public/a", 404, true),
        ("/public/../orders", 400, false),
        ("/public/%2e%2e/orders", 400, false),
        ("/public/..\\orders", 400, false),
        ("/orders", 401, false),
    ] {
        let response = &local.call("http-v2", &format!("GET {path}"), None).await["response"];
        assert_eq!(
            (&response["status"], &response["from_backend"]),
            (&json!(status), &json!(is_from_backend)),
            "{path}"
        );
    }
}

/// A service's address, and what it ends with.
async fn start(service: Router) -> (String, JoinSet<io::Result<()>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let mut serving = JoinSet::new();
    serving.spawn(axum::serve(listener, service).into_future());
    (address, serving)
}
