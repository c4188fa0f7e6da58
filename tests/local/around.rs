//! What is around the gateway: its routes' file, its backend, its page, and the issuer.

use serde_json::{Value, json};
use tokio::process::Command;

use crate::served::{Local, routes_file};

#[tokio::test]
async fn the_routes_of_a_file_are_served_and_the_page_gives_way_to_them() {
    let file = routes_file("routes", "GET / public\nANY /things/{proxy+}\n");
    let local = Local::serve(&["--routes", file.to_str().unwrap()]).await;
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
    let file = routes_file("command", "GET /open public\nDELETE /things/{id}\n$default\n");
    let routes = ["--routes", file.to_str().unwrap()];
    for (arguments, expected) in [
        (&[][..], "GET /orders"),
        (&["--api", "rest-token"], "/orders"),
        (&["--api", "http-v2-simple"], "GET /orders"),
        (&routes, "DELETE /things/{id}"),
    ] {
        let local = Local::serve(arguments).await;
        let output = Command::new("sh").args(["-c", &local.command]).output().await.unwrap();
        let body: Value = serde_json::from_slice(&output.stdout).unwrap();
        let found = body.get("routeKey").or(body.get("resource"));
        assert_eq!(found, Some(&json!(expected)), "{}: {body}", local.command);
    }
    std::fs::remove_file(&file).unwrap();
}

#[tokio::test]
async fn no_command_is_printed_that_the_settings_do_not_fit() {
    let default = routes_file("default", "GET /open public\n$default\n");
    let head = routes_file("head", "HEAD /things\n");
    let own = ["USER_POOL_ID=eu-west-1_AbCdEf123", "CLIENT_ID=c", "JWKS_URI=http://127.0.0.1:9/none"];
    let own = own.map(|variable| ["--env", variable]).concat();
    for (arguments, expected) in [
        (&["--identity-source", "$request.querystring.token"][..], None),
        (&["--env", "TOKEN_SOURCE=query:token"], None),
        (&["--routes", default.to_str().unwrap()], Some("curl -X GET ")),
        (&["--routes", head.to_str().unwrap()], Some("curl --head ")),
        (&["--api", "websocket"], Some("npx wscat --connect ws://127.0.0.1:")),
        (&own, Some("curl -X GET -H \"Authorization: Bearer $TOKEN\" ")),
    ] {
        let command = Local::serve(arguments).await.command;
        match expected {
            Some(beginning) => assert!(command.starts_with(beginning), "{arguments:?}: {command}"),
            None => assert!(command.starts_with("no example here: "), "{arguments:?}: {command}"),
        }
    }
    for file in [default, head] {
        std::fs::remove_file(file).unwrap();
    }
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
async fn what_a_program_asks_for_in_a_wrong_way_changes_nothing() {
    let local = Local::serve(&[]).await;
    let post = |name: &str, body: &str| {
        let request = local.client.post(format!("{}/_local/{name}", local.gateway));
        local.send(request.header("x-local", "1").body(body.to_owned()))
    };
    for (name, body) in [
        ("keys/withdraw", r#"{"kid": 5}"#),
        ("keys/withdraw", r#"{"kdi": "key-1"}"#),
        ("keys/withdraw", r#"{"kid": "key-9"}"#),
        ("keys/rotate", r#"{"kid": "key-1"}"#),
        ("issuer/down", r#"{"up": true}"#),
        ("call", r#"{"method": "GET", "path": "/orders/4 2"}"#),
        ("call", r#"{"method": "GET", "path": "/orders#part"}"#),
        ("call", r#"{"method": "GET", "path": "/örders"}"#),
        ("call", r#"{"method": "GET", "path": "orders"}"#),
        ("call", r#"{"method": "GET", "path": "/orders", "toke": "x"}"#),
    ] {
        let refused = post(name, body).await;
        assert_eq!(refused.status, 400, "{name} {body}: {}", refused.body);
        assert!(refused.body["message"].is_string(), "{name} {body}");
    }
    let issuer =
        &local.send(local.client.get(format!("{}/_local/state", local.gateway))).await.body["issuer"];
    let keys = issuer["keys"].as_array().unwrap();
    assert!(issuer["up"] == true && keys.len() == 2 && keys.iter().all(|key| key["published"] == true));
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
