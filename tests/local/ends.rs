//! What the example prints and leaves behind, whichever way it ends.

use std::{net::Ipv4Addr, process::Stdio, time::Duration};

use serde_json::Value;
use tokio::{
    net::TcpListener,
    process::Command,
    time::{sleep, timeout},
};

use crate::served::{Local, PATIENCE, local, runs, wait_until_gone};

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
        (&["serve", "--port", "0", "--binary", "/bin/true"], 1, "is it one for Lambda?"),
        (&["serve", "--port", "0", "--binary", "README.md"], 1, "build it with `cargo build`"),
        (&["serve", "--port", "0", "--binary", binary, "--routes", "/nowhere"], 1, "--routes /nowhere: "),
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
