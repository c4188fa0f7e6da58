//! What is around the gateway: its routes' file, its backend, its page, and the issuer.

use std::net::Ipv4Addr;

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, StatusCode},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, process::Command, task::JoinSet};

use crate::served::Local;

#[tokio::test]
async fn an_upstream_gets_the_request_and_the_context_that_no_client_can_write() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let upstream = format!("http://{}", listener.local_addr().unwrap());
    let service = Router::new().fallback(async |uri: axum::http::Uri, headers: HeaderMap, body: Bytes| {
        let context = headers.get("x-authorizer-context").map(|value| value.to_str().unwrap().to_owned());
        json!({ "uri": uri.to_string(), "context": context, "bytes": body.len() }).to_string()
    });
    let local = Local::serve(&["--upstream", &upstream]).await;
    let token = local.token("user=administrator").await;
    let asking = async {
        let request =
            local.client.post(format!("{}/orders?a=%20b", local.gateway)).bearer_auth(&token).body("12345");
        let got = local.send(request.header("x-authorizer-context", "forged")).await;
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
    assert_eq!(local.status("GET /orders", &token).await, 503);
}

#[tokio::test]
async fn a_public_route_leads_an_upstream_to_no_other() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let upstream = format!("http://{}", listener.local_addr().unwrap());
    let service =
        Router::new().fallback(async |uri: axum::http::Uri| (StatusCode::NOT_FOUND, uri.to_string()));
    let mut serving = JoinSet::new();
    serving.spawn(axum::serve(listener, service).into_future());
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let file = folder.join(format!("public-routes-{}", std::process::id()));
    std::fs::write(&file, "GET /public/{proxy+} public\nGET /orders\n").unwrap();
    let routes = ["--routes", file.to_str().unwrap(), "--policies", "none", "--upstream", &upstream];
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

#[tokio::test]
async fn the_routes_of_a_file_are_served_and_the_page_gives_way_to_them() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let file = folder.join(format!("routes-{}", std::process::id()));
    std::fs::write(&file, "GET / public\nANY /things/{proxy+}\n").unwrap();
    let local = Local::serve(&["--routes", file.to_str().unwrap(), "--policies", "none"]).await;
    std::fs::remove_file(&file).unwrap();
    let token = local.token("user=stranger").await;
    let root = local.ask("GET /", "").await;
    assert_eq!((root.status, &root.body["routeKey"]), (200, &json!("GET /")));
    assert!(local.page.ends_with("/_local/"));
    let things = local.ask("PUT /things/a/b", &token).await;
    assert_eq!((things.status, &things.body["pathParameters"]), (200, &json!({ "proxy": "a/b" })));
    assert_eq!(local.status("GET /orders", &token).await, 404);

    let usual = Local::serve(&[]).await;
    let root = usual.ask("GET /", "").await;
    assert_eq!((root.status, root.headers["location"].to_str().unwrap()), (302, "/_local/"));
    let page = usual.ask("GET /_local/", "").await;
    assert_eq!(page.status, 200);
    assert!(page.headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'self';"));
}

#[tokio::test]
async fn the_command_that_it_prints_works() {
    let local = Local::serve(&[]).await;
    let output = Command::new("sh").args(["-c", &local.command]).output().await.unwrap();
    let body: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(body["routeKey"], "GET /orders", "{}", local.command);
}

#[tokio::test]
async fn a_page_of_another_origin_can_change_and_read_nothing() {
    let local = Local::serve(&[]).await;
    let rotate = || local.client.post(format!("{}/_local/keys/rotate", local.gateway));
    let state = || local.client.get(format!("{}/_local/state", local.gateway));
    let port = local.gateway.rsplit(':').next().unwrap();
    for (request, expected) in [
        (rotate(), 403),
        (rotate().header("x-local", "1").header("sec-fetch-site", "cross-site"), 403),
        (rotate().header("x-local", "1").header("host", "evil.example.com"), 421),
        (state().header("host", format!("evil.example.com:{port}")), 421),
        (
            local
                .client
                .get(format!("{}/token?user=reader", local.issuer))
                .header("host", "evil.example.com"),
            421,
        ),
        (rotate().header("x-local", "1").body("[]"), 400),
        (rotate().header("x-local", "1").header("sec-fetch-site", "same-origin"), 200),
        (state(), 200),
    ] {
        let got = local.send(request).await;
        assert_eq!(got.status, expected, "{}", got.body);
        assert!(!got.headers.contains_key("access-control-allow-origin"));
    }
    let state = local.send(state()).await.body;
    assert_eq!(state["issuer"]["keys"].as_array().unwrap().len(), 3, "one rotation was let through");
}

#[tokio::test]
async fn the_issuer_has_a_user_pool_s_addresses() {
    let local = Local::serve(&[]).await;
    let pool = format!("{}/eu-west-1_AbCdEf123/.well-known", local.issuer);
    let discovery = local.send(local.client.get(format!("{pool}/openid-configuration"))).await.body;
    assert_eq!(discovery["issuer"], "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123");
    let keys = local.send(local.client.get(discovery["jwks_uri"].as_str().unwrap())).await.body;
    assert_eq!(keys["keys"].as_array().unwrap().len(), 2);
    let machine = ("3n4b5urk1ft4fl3mg5e62d9ado", "no-secret-of-anybody");
    let endpoint = discovery["token_endpoint"].as_str().unwrap();
    let grant = |body: &'static str| {
        let form = local
            .client
            .post(endpoint)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        form.basic_auth(machine.0, Some(machine.1))
    };
    let granted = local.send(grant("grant_type=client_credentials&scope=orders%2Fread")).await;
    assert_eq!((&granted.body["token_type"], &granted.body["expires_in"]), (&json!("Bearer"), &json!(3600)));
    assert_eq!(granted.headers["cache-control"], "no-store");
    let token = granted.body["access_token"].as_str().unwrap();
    assert_eq!(
        (local.status("GET /orders", token).await, local.status("POST /orders", token).await),
        (200, 403)
    );
    let refused = local.send(grant("grant_type=password")).await;
    assert_eq!((refused.status, refused.body), (400, json!({ "error": "unsupported_grant_type" })));
    let nobody = local.client.post(endpoint).basic_auth("nobody", Some("x"));
    let nobody = local.send(nobody.header("content-type", "application/x-www-form-urlencoded")).await;
    assert_eq!((nobody.status, nobody.body), (401, json!({ "error": "invalid_client" })));
    assert_eq!(nobody.headers["www-authenticate"], "Basic");
}
