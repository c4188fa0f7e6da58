//! What the example prints and leaves behind, whichever way it ends.

use std::{net::Ipv4Addr, os::unix::fs::PermissionsExt, process::Stdio, time::Duration};

use serde_json::Value;
use tokio::{
    net::TcpListener,
    process::Command,
    time::{sleep, timeout},
};

use crate::served::{Local, PATIENCE, children, local, routes_file, runs, wait_until_gone};

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
    let default = routes_file("rest-default", "GET /orders\n$default\n");
    let default = default.to_str().unwrap();
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
        (&["serve", "--port", "0", "--binary", "/bin/true"], 1, "is it one for Lambda?"),
        (&["serve", "--port", "0", "--binary", "README.md"], 1, "build it with `cargo build`"),
        (
            &["serve", "--port", "0", "--binary", binary, "--routes", "/nowhere"],
            1,
            "name a file with one route a line",
        ),
        (
            &["serve", "--port", "0", "--binary", binary, "--routes", "/dev/null"],
            1,
            "there is no route in it",
        ),
        (
            &["serve", "--port", "0", "--binary", binary, "--routes", "README.md"],
            1,
            "--routes README.md: line 3: ",
        ),
        (
            &["serve", "--port", "0", "--binary", binary, "--api", "rest-token", "--routes", default],
            1,
            "a REST API has no $default",
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
    std::fs::remove_file(default).unwrap();
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
async fn told_to_stop_while_a_function_starts_it_leaves_none_behind() {
    let script = routes_file("never-asks", "#!/bin/sh\nexec sleep 600\n");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let arguments = ["serve", "--port", "0", "--binary", script.to_str().unwrap()];
    for signal in ["-INT", "-TERM"] {
        let mut process = local(&arguments).spawn().unwrap();
        let pid = process.id().unwrap();
        let functions = timeout(PATIENCE, async {
            loop {
                let functions = children(pid);
                if functions.iter().any(|pid| is_program(*pid, "sleep")) {
                    return functions;
                }
                sleep(Duration::from_millis(20)).await;
            }
        });
        let functions = functions.await.unwrap();
        assert!(Command::new("kill").args([signal, &pid.to_string()]).status().await.unwrap().success());
        let status = timeout(PATIENCE, process.wait()).await.unwrap().unwrap();
        assert_eq!(status.code(), Some(0), "{signal}");
        wait_until_gone(&functions).await;
    }
    std::fs::remove_file(&script).unwrap();
}

fn is_program(pid: u32, name: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|found| found.trim() == name)
}

#[tokio::test]
async fn a_request_s_line_says_why_it_was_refused() {
    let mut local = Local::serve(&["--ttl", "0"]).await;
    for (query, route, expected) in [
        ("user=reader", "GET /orders", "200 GET /orders: the authorizer allows it"),
        (
            "user=reader&flaw=expired",
            "GET /orders",
            "401 GET /orders: the authorizer refuses the token (token_expired)",
        ),
        ("user=reader", "DELETE /orders/7", "403 DELETE /orders/7: the authorizer denies it (not_permitted)"),
    ] {
        let token = local.token(query).await;
        local.ask(&format!("{route}?secret={token}"), &token).await;
        assert_eq!(local.output.next_line().await.unwrap().unwrap(), expected);
    }
}

#[tokio::test]
async fn it_serves_and_stops_while_nobody_reads_what_it_prints() {
    let mut local = Local::serve(&[]).await;
    let functions = local.functions();
    // More than a pipe holds, which is 64 KiB.
    let path = format!("GET /health/{}", "x".repeat(1_000));
    for _ in 0..100 {
        assert_eq!(timeout(PATIENCE, local.status(&path, "")).await.unwrap(), 404);
    }
    local.signal("-TERM").await;
    let status = timeout(PATIENCE, local.process.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(0));
    wait_until_gone(&functions).await;
}

#[tokio::test]
async fn what_the_function_says_about_no_request_is_on_standard_error() {
    let local = Local::serve_with(&["--env", "JWKS_URI=http://127.0.0.1:9/none"], Stdio::piped()).await;
    let token = local.token("user=reader").await;
    assert_eq!(local.status("GET /orders", &token).await, 500);
    local.signal("-TERM").await;
    let output = local.process.wait_with_output().await.unwrap();
    let complaints = String::from_utf8(output.stderr).unwrap();
    assert_eq!(complaints.lines().count(), 1, "{complaints}");
    assert!(complaints.contains("no keys fetched at start"), "{complaints}");
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
        ("http-v2-simple", "reader", "POST /orders", "Deny"),
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
