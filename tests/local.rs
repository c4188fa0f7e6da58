//! Does the local API Gateway do over real HTTP what API Gateway does, and does it leave nothing behind?
#![cfg(feature = "cedar")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on stops")]

use std::{net::Ipv4Addr, process::Stdio, time::Duration};

use axum::{Router, body::Bytes, http::HeaderMap};
use cognito_authorizer::token::HttpsFetch;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    net::TcpListener,
    process::{Child, ChildStdout, Command},
    time::{sleep, timeout},
};
use tungstenite::{Message, client::IntoClientRequest};

/// A gateway on free ports.
struct Local {
    process: Child,
    /// Held open: what it prints must not fail.
    _output: Lines<BufReader<ChildStdout>>,
    gateway: String,
    issuer: String,
    page: String,
    command: String,
    client: reqwest::Client,
}

/// What a client got.
#[derive(Debug)]
struct Got {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

const KINDS: [&str; 5] = ["rest-token", "rest-request", "http-v1", "http-v2", "http-v2-simple"];

/// Runs the example as its users do.
fn local(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.args(["run", "--locked", "--quiet", "--example", "local", "--"]).args(arguments);
    command.current_dir(env!("CARGO_MANIFEST_DIR")).kill_on_drop(true).stdout(Stdio::piped());
    command
}

impl Local {
    async fn serve(arguments: &[&str]) -> Self {
        let usual = ["serve", "--port", "0", "--binary", env!("CARGO_BIN_EXE_cognito-authorizer")];
        let mut process = local(&[&usual, arguments].concat()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut said = Vec::new();
        while said.len() < 6 {
            said.push(lines.next_line().await.unwrap().expect("an introduction"));
        }
        let address = |name: &str| {
            let line = said.iter().find_map(|line| line.strip_prefix(name)).unwrap();
            line.split_whitespace().next().unwrap().to_owned()
        };
        Self {
            gateway: address("gateway"),
            issuer: address("issuer"),
            page: address("page"),
            command: said[5].trim().to_owned(),
            client: HttpsFetch::default().client().unwrap().clone(),
            process,
            _output: lines,
        }
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Got {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.unwrap();
        let text = || String::from_utf8_lossy(&body).into_owned().into();
        Got { status, headers, body: serde_json::from_slice(&body).unwrap_or_else(|_| text()) }
    }

    async fn token(&self, query: &str) -> String {
        let got = self.send(self.client.get(format!("{}/token?{query}", self.issuer))).await;
        assert_eq!(got.status, 200, "{query}");
        got.body.as_str().unwrap().to_owned()
    }

    /// `GET /orders` and its like, with a token unless that is empty.
    async fn ask(&self, route: &str, token: &str) -> Got {
        let (method, path) = route.split_once(' ').unwrap();
        let request = self.client.request(method.parse().unwrap(), format!("{}{path}", self.gateway));
        let request = if token.is_empty() { request } else { request.bearer_auth(token) };
        self.send(request).await
    }

    async fn status(&self, route: &str, token: &str) -> u16 {
        self.ask(route, token).await.status
    }

    async fn switch(&self, name: &str, body: &Value) -> Value {
        let url = format!("{}/_local/{name}", self.gateway);
        let got = self.send(self.client.post(url).header("x-local", "1").body(body.to_string())).await;
        assert_eq!(got.status, 200, "{name}: {}", got.body);
        got.body
    }

    async fn call(&self, api: &str, route: &str, token: Option<&str>) -> Value {
        let (method, path) = route.split_once(' ').unwrap();
        self.switch("call", &json!({ "api": api, "method": method, "path": path, "token": token })).await
    }

    fn pid(&self) -> u32 {
        self.process.id().unwrap()
    }

    /// The functions that it runs.
    fn functions(&self) -> Vec<u32> {
        let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", self.pid())).unwrap();
        children.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
    }

    async fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.pid().to_string()]).status().await.unwrap();
        assert!(status.success());
    }
}

/// Whether a process runs: one that has ended and that nobody has asked about is a zombie.
fn runs(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with('Z'))
}

async fn wait_until_gone(pids: &[u32]) {
    let gone = async {
        while pids.iter().any(|pid| runs(*pid)) {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, gone).await.expect("they end");
}

/// A little more than the function's `JWKS_COOLDOWN_SECONDS` here.
const COOLDOWN: Duration = Duration::from_millis(1_100);

/// Far more than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

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
    for (kind, routes) in KINDS.iter().zip([2, 2, 2, 2, 1]) {
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
        // Only a simple response is about the one route.
        let other = local.call(kind, "DELETE /orders/42", Some(&token)).await;
        assert_eq!(
            (&other["authorizer"]["kept"], &other["response"]["status"]),
            (&json!(routes == 2), &json!(403))
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
    for (kind, body, error_type) in [
        ("http-v2", json!({ "message": "Internal Server Error" }), None),
        ("rest-request", json!({ "message": null }), Some("AuthorizerConfigurationException")),
    ] {
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
        assert_eq!((got.status, got.body, found), (500, body, error_type));
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
}

#[tokio::test]
async fn a_websocket_is_opened_for_whoever_may_and_echoes() {
    use axum::http::header::AUTHORIZATION;
    let local = Local::serve(&["--api", "websocket"]).await;
    for (query, expected) in [
        ("user=reader", 101),
        ("user=administrator", 101),
        ("user=stranger", 403),
        ("user=reader&flaw=expired", 401),
        ("", 401),
    ] {
        let mut request =
            format!("{}/", local.gateway.replacen("http", "ws", 1)).into_client_request().unwrap();
        let token = if query.is_empty() { String::new() } else { local.token(query).await };
        if !token.is_empty() {
            request.headers_mut().insert(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        }
        match tungstenite::connect(request) {
            Ok((mut socket, response)) => {
                assert_eq!(response.status().as_u16(), expected, "{query}");
                socket.send(Message::text("hello")).unwrap();
                assert_eq!(socket.read().unwrap(), Message::text("hello"));
            }
            Err(tungstenite::Error::Http(response)) => {
                assert_eq!(response.status().as_u16(), expected, "{query}")
            }
            Err(error) => panic!("{query}: {error}"),
        }
        let call = local.call(
            "websocket",
            "GET /",
            Some(&token).filter(|token| !token.is_empty()).map(String::as_str),
        );
        assert_eq!(call.await["response"]["status"], expected, "{query}");
    }
}

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

/// Runs it to its end: the exit code, and what is on standard error.
async fn fail(arguments: &[&str]) -> (Option<i32>, String) {
    let output = timeout(PATIENCE, local(arguments).stderr(Stdio::piped()).output()).await.unwrap().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[tokio::test]
async fn what_cannot_be_served_is_told_in_one_line_that_says_what_to_do() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let binary = env!("CARGO_BIN_EXE_cognito-authorizer");
    for (arguments, code, expected) in [
        (&["serve", "--port", &port, "--binary", binary][..], 1, "name another with --port"),
        (
            &["serve", "--port", "0", "--issuer-port", &port, "--binary", binary],
            1,
            "name another with --issuer-port",
        ),
        (
            &["serve", "--port", "0", "--binary", "/nowhere/function"],
            1,
            "--binary /nowhere/function: there is no",
        ),
        (
            &["serve", "--port", "0", "--binary", binary, "--env", "TOKEN_USE=x"],
            1,
            "TOKEN_USE: must be one of",
        ),
        (&["serve", "--port", "0", "--binary", binary, "--routes", "/nowhere"], 1, "--routes /nowhere: "),
        (
            &["serve", "--port", "0", "--binary", binary, "--routes", "README.md"],
            1,
            "--routes README.md: line 3: ",
        ),
        (&["serve", "--prot", "1"], 2, "unexpected argument '--prot'"),
        (&["nonsense"], 2, "'nonsense'"),
        (&["event", "http-v2", "--user", "nobody"], 2, "administrator"),
        (&["event", "http-v2", "--user", "reader", "--route", "GET /nowhere"], 2, "--route: "),
    ] {
        let (found, complaint) = fail(arguments).await;
        assert_eq!(found, Some(code), "{arguments:?}: {complaint}");
        assert!(complaint.contains(expected) && complaint.lines().count() == 1, "{arguments:?}: {complaint}");
    }
}

#[tokio::test]
async fn told_to_stop_it_stops_all_that_it_started() {
    for signal in ["-INT", "-TERM"] {
        let mut local = Local::serve(&[]).await;
        local.call("http-v2-simple", "GET /orders", Some("x")).await;
        let functions = local.functions();
        assert_eq!(functions.len(), 2, "one for each form of answer");
        local.signal(signal).await;
        let status = timeout(PATIENCE, local.process.wait()).await.unwrap().unwrap();
        assert_eq!(status.code(), Some(0), "{signal}");
        wait_until_gone(&functions).await;
    }
}

#[tokio::test]
async fn killed_in_the_middle_of_a_request_it_leaves_no_function_behind() {
    let mut local = Local::serve(&["--ttl", "0"]).await;
    let functions = local.functions();
    assert!(functions.iter().all(|pid| runs(*pid)) && functions.len() == 1);
    let token = local.token("user=reader").await;
    // An event that the function has in hand: it is stopped before it is asked.
    let hold = |signal: &'static str| Command::new("kill").args([signal, &functions[0].to_string()]).status();
    assert!(hold("-STOP").await.unwrap().success());
    let request = local.client.get(format!("{}/orders", local.gateway)).bearer_auth(&token);
    let asking = async { request.send().await.is_err() };
    let killing = async {
        sleep(Duration::from_millis(200)).await;
        local.signal("-KILL").await;
    };
    let (is_cut_off, ()) = tokio::join!(asking, killing);
    assert!(is_cut_off);
    local.process.wait().await.unwrap();
    assert!(hold("-CONT").await.unwrap().success());
    wait_until_gone(&functions).await;
}

#[tokio::test]
async fn a_printed_event_is_answered_as_the_sample_settings_have_it() {
    for (kind, user, route, expected) in [
        ("rest-token", "administrator", "DELETE /orders/42", "Allow"),
        ("rest-request", "reader", "GET /orders", "Allow"),
        ("http-v1", "reader", "DELETE /orders/42", "Deny"),
        ("http-v2", "machine", "POST /orders", "Allow"),
        ("http-v2", "stranger", "GET /orders/42", "Deny"),
        ("websocket", "reader", "GET /", "Allow"),
        ("websocket", "stranger", "GET /", "Deny"),
    ] {
        let output = local(&["event", kind, "--user", user, "--route", route]).output().await.unwrap();
        assert!(output.status.success(), "{kind} {user}");
        let event: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(decide(&event).await, expected, "{kind} {user} {route}");
    }
}

/// The function's decision with events/settings.env.
async fn decide(event: &Value) -> &'static str {
    use std::{collections::HashMap, ffi::OsString};

    use cognito_authorizer::{
        authorizer::{Authorizer, Outcome, Record},
        config::Config,
        testing::{NOW, Provider},
        time::UnixTime,
    };
    let text = std::fs::read_to_string("events/settings.env").unwrap();
    let settings: HashMap<&str, &str> = text.lines().map(|line| line.split_once('=').unwrap()).collect();
    let config = Config::read(&|name| settings.get(name).map(OsString::from)).unwrap();
    let now = UnixTime::from_secs(NOW);
    let authorizer = Authorizer::new(config.authorizer, Provider::default(), now);
    let mut record = Record::default();
    authorizer.authorize(&event.to_string(), now, &mut record).await.unwrap();
    if record.outcome == Some(Outcome::Allow) { "Allow" } else { "Deny" }
}
