//! Does the command that bakes keys into the package write what the function takes, and nothing else?
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on stops")]

#[path = "../examples/bake_keys/arguments.rs"]
mod arguments;
#[path = "../examples/bake_keys/sources.rs"]
mod sources;

use std::{
    ffi::OsString,
    fs, io,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::{
        Arc, LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    http::{StatusCode, header::LOCATION},
};
use cognito_authorizer::{
    config::Config,
    testing::{JWKS_URL, POOL_ID, Provider as Scripted, Reply, SigningKey, jwks},
    time::Stopwatch,
    token::{Algorithm, FetchError, MAX_JWKS_BYTES},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, process::Command, task::JoinSet};

use crate::{
    arguments::{Arguments, Provider},
    sources::Sources,
};

static FIRST: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate("first", Algorithm::RS256));
static SECOND: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate("second", Algorithm::RS256));
static CURVE: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate("curve", Algorithm::ES256));

/// A provider on loopback, until it is dropped.
struct Publisher {
    url: String,
    requests: Arc<AtomicUsize>,
    _server: JoinSet<io::Result<()>>,
}

impl Publisher {
    /// One that says nothing but this. `location` is sent where it is not empty.
    async fn start(status: u16, location: &str, body: impl Into<Vec<u8>>) -> Self {
        let (body, location, requests) = (body.into(), location.to_owned(), Arc::<AtomicUsize>::default());
        let counter = Arc::clone(&requests);
        let answer = move || async move {
            counter.fetch_add(1, Ordering::Relaxed);
            let headers = (!location.is_empty()).then_some([(LOCATION, location)]);
            (StatusCode::from_u16(status).unwrap(), headers.map(axum::response::AppendHeaders), body)
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
        let mut server = JoinSet::new();
        server.spawn(axum::serve(listener, Router::new().fallback(answer)).into_future());
        Self { url, requests, _server: server }
    }

    async fn publishing(set: &Value) -> Self {
        Self::start(200, "", set.to_string()).await
    }
}

/// What the command did.
#[derive(Debug)]
struct Outcome {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

/// Runs the command as its users do.
async fn bake(arguments: &[&str]) -> Outcome {
    let mut command = Command::new(env!("CARGO"));
    command.arg("bake-keys").args(arguments).current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = command.output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Outcome { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

async fn bake_into(file: &Path, arguments: &[&str]) -> Outcome {
    bake(&[arguments, &["--out", file.to_str().unwrap()]].concat()).await
}

/// A file in a folder that is not there yet.
fn new_file(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bake_keys").join(test);
    let _ = fs::remove_dir_all(&folder);
    folder.join("keys/jwks.json")
}

/// The names in a file's folder.
fn neighbours(file: &Path) -> Vec<OsString> {
    fs::read_dir(file.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name()).collect()
}

/// Whether the function has each of these keys at its start, with this file as the keys of its one issuer.
fn function_has(issuer: &[(&str, &str)], file: &Path, asked: &[&str]) -> Vec<bool> {
    let variables = [issuer, &[("JWKS_FILE", file.to_str().unwrap())]].concat();
    let lookup = |name: &str| {
        variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| OsString::from(value))
    };
    let verifier = Config::read(&lookup).unwrap().authorizer.verifier;
    let keys = verifier.issuers[0].keys.preloaded.as_ref().unwrap();
    asked.iter().map(|id| keys.key(id).is_some()).collect()
}

#[tokio::test]
async fn a_baked_set_is_written_as_it_came_and_the_function_takes_it_as_its_key_file() {
    let file = new_file("taken");
    let pool = [("USER_POOL_ID", POOL_ID), ("CLIENT_ID", "*")];
    let other = r#"[{"issuer":"https://i.example.com","audiences":["a"],"algorithms":["ES256","RS256"]}]"#;
    let post_quantum = json!({ "kid": "odd", "kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA" });
    let with_odd_key = json!({ "keys": [FIRST.jwk(), post_quantum], "note": "kept" });
    let (first, second) = ("  RS256  first\n", "  RS256  second\n");
    // The set, options, the issuer of the function; its keys, and what is said.
    for (set, options, issuer, has, said) in [
        (
            jwks(&[&FIRST, &SECOND]),
            &[][..],
            &pool[..],
            [true, true, false],
            ["keys: 2, skipped: 0", first, second],
        ),
        (with_odd_key, &[], &pool, [true, false, false], ["keys: 1, skipped: 1", first, ""]),
        (jwks(&[&CURVE, &FIRST]), &[], &pool, [true, false, false], ["keys: 1, skipped: 1", first, ""]),
        (
            jwks(&[&CURVE, &FIRST]),
            &["--algorithms", "ES256,RS256"],
            &[("ISSUERS", other)],
            [true, false, true],
            ["keys: 2, skipped: 0", first, "  ES256  curve\n"],
        ),
    ] {
        let publisher = Publisher::publishing(&set).await;
        let outcome = bake_into(&file, &[&[publisher.url.as_str()], options].concat()).await;
        assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""), "{set}");
        for words in said.into_iter().chain([publisher.url.as_str(), file.to_str().unwrap()]) {
            assert!(outcome.stdout.contains(words), "{words:?} is not in {}", outcome.stdout);
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), set.to_string());
        assert_eq!(neighbours(&file), ["jwks.json"]);
        assert_eq!(function_has(issuer, &file, &["first", "second", "curve"]), has, "{set}");
    }
}

#[tokio::test]
async fn whoever_bakes_is_told_what_to_do_next_and_what_the_file_s_age_means() {
    let publisher = Publisher::publishing(&jwks(&[&FIRST])).await;
    let outcome = bake_into(&new_file("next"), &[&publisher.url]).await;
    for words in ["JWKS_FILE", "sam build && sam deploy", "rotation: ", "withdrawal: ", "JWKS_TTL_SECONDS"] {
        assert!(outcome.stdout.contains(words), "{words:?} is not in {}", outcome.stdout);
    }
}

#[tokio::test]
async fn baking_again_says_what_became_of_the_keys() {
    let file = new_file("again");
    let [one, both, other] =
        [jwks(&[&FIRST]), jwks(&[&FIRST, &SECOND]), jwks(&[&SECOND])].map(|it| it.to_string());
    let spaced = format!("{other}\n");
    // What is there, what is fetched, and what is said of it.
    for (before, now, said) in [
        (None, &one, "written, where there was none"),
        (Some(&*one), &one, "unchanged"),
        (Some(&one), &both, "written, changed; new keys: second; keys gone: none"),
        (Some(&both), &other, "written, changed; new keys: none; keys gone: first"),
        (Some(&other), &one, "written, changed; new keys: first; keys gone: second"),
        (Some(&other), &spaced, "written, changed, with the same key ids as before"),
        (Some("no key set"), &one, "written, changed; new keys: first; keys gone: none"),
    ] {
        let _ = fs::remove_file(&file);
        if let Some(before) = before {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, before).unwrap();
        }
        let publisher = Publisher::start(200, "", now.as_str()).await;
        let outcome = bake_into(&file, &[&publisher.url]).await;
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
        let line = format!("{}: {said}\n", file.display());
        assert!(outcome.stdout.contains(&line), "{line:?} is not in {}", outcome.stdout);
        assert_eq!(fs::read_to_string(&file).unwrap(), *now);
    }
}

#[tokio::test]
async fn what_the_function_would_not_take_is_refused_in_one_line_and_an_older_file_stays() {
    let set = jwks(&[&FIRST]).to_string();
    let elsewhere = Publisher::start(200, "", set.as_str()).await;
    let too_large = format!("{set}{}", " ".repeat(MAX_JWKS_BYTES + 1 - set.len()));
    // Status, location and body of the answer, and what is said of it.
    for (status, location, body, said) in [
        (200, "", r#"{"keys":[]}"#.to_owned(), "no key in it can be used: name the algorithms of its keys"),
        (200, "", jwks(&[&CURVE]).to_string(), "no key in it can be used: name the algorithms of its keys"),
        (
            200,
            "",
            "<!doctype html><title>Sign in</title>".to_owned(),
            "not a json object with a list named keys: give",
        ),
        (200, "", too_large, "a body over 150000 bytes: give the address of a jwk set"),
        (204, "", String::new(), "answered with status 204: try again later"),
        (302, elsewhere.url.as_str(), String::new(), "status 302: give the address that it leads to"),
        (403, "", set.clone(), "status 403: check the pool's id and region, or the address"),
        (404, "", set.clone(), "status 404: check the pool's id and region, or the address"),
        (429, "", set.clone(), "status 429: try again later"),
        (500, "", set.clone(), "status 500: try again later"),
    ] {
        let publisher = Publisher::start(status, location, body).await;
        assert_refused(&publisher.url, said).await;
        assert_eq!(publisher.requests.load(Ordering::Relaxed), 2, "{said}");
    }
    assert_eq!(elsewhere.requests.load(Ordering::Relaxed), 0, "a redirect is not followed");
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap();
    assert_refused(&format!("http://{closed}/jwks.json"), "no connection: check the address").await;
}

/// Asks twice: with no file there, and with one.
async fn assert_refused(url: &str, said: &str) {
    let file = new_file("refused");
    for old in [None, Some("what was there before")] {
        if let Some(old) = old {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, old).unwrap();
        }
        let outcome = bake_into(&file, &[url]).await;
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(1), ""), "{said}");
        assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
        assert!(outcome.stderr.starts_with(&format!("{url}: ")), "{}", outcome.stderr);
        assert!(outcome.stderr.contains(said), "{said:?} is not in {}", outcome.stderr);
        assert_eq!(fs::read_to_string(&file).ok().as_deref(), old, "{said}");
        assert_eq!(file.parent().unwrap().exists(), old.is_some(), "{said}");
    }
    assert_eq!(neighbours(&file), ["jwks.json"], "{said}");
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_named() {
    let publisher = Publisher::publishing(&jwks(&[&FIRST])).await;
    let file = new_file("unwritable");
    fs::create_dir_all(&file).unwrap();
    fs::write(file.join("inside"), "a file").unwrap();
    for (out, said) in [
        (file.clone(), "is a directory: name another file with --out"),
        (file.join("inside/jwks.json"), "not a directory: name another file with --out"),
        (file.join(".."), "is a directory: name another file with --out"),
    ] {
        let outcome = bake_into(&out, &[&publisher.url]).await;
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(1), ""));
        assert_eq!(outcome.stderr, format!("{}: cannot be written: {said}\n", out.display()));
        assert_eq!(neighbours(&file), ["jwks.json"]);
        assert_eq!(fs::read_to_string(file.join("inside")).unwrap(), "a file");
    }
}

#[tokio::test]
async fn arguments_that_cannot_be_meant_end_in_2_with_the_usage() {
    let usage =
        "usage: cargo bake-keys (POOL_ID | https://HOST/PATH [--algorithms ES256,RS256]) [--out FILE]\n";
    let address = "https://keys.invalid/jwks.json";
    let (pool, url) = ("POOL_ID must be user pool ids such as", "the address is not an https url");
    for (arguments, said) in [
        (&[][..], ""),
        (&["--out", "file"], ""),
        (&[POOL_ID, POOL_ID], ""),
        (&[POOL_ID, "--out"], ""),
        (&[POOL_ID, "--out", "one", "--out", "two"], ""),
        (&[POOL_ID, "--algorithms", "RS256"], ""),
        (&[address, "--algorithms"], ""),
        (&[address, "--verbose"], ""),
        (&["--help"], ""),
        (&["nonsense"], pool),
        (&[""], "POOL_ID must be a string that is not empty"),
        (&["eu-west-1_A,eu-west-1_B"], pool),
        (&["keys.invalid/jwks.json"], pool),
        (&["http://keys.invalid/jwks.json"], url),
        (&["https://jane:canary@keys.invalid/jwks.json"], url),
        (&["file:///etc/passwd"], url),
        (&[address, "--algorithms", "HS256"], "--algorithms must be some of RS256, "),
        (&[address, "--algorithms", "none,RS256"], "--algorithms must be some of RS256, "),
        (&[address, "--algorithms", "RS256,RS256"], "--algorithms names an entry twice"),
        (&[address, "--algorithms", ""], "--algorithms has an empty entry"),
    ] {
        let outcome = bake(arguments).await;
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(outcome.stderr.starts_with(said) && outcome.stderr.ends_with(usage), "{}", outcome.stderr);
        assert_eq!(outcome.stderr.lines().count(), if said.is_empty() { 1 } else { 2 }, "{arguments:?}");
        assert!(!outcome.stderr.contains("canary"), "{}", outcome.stderr);
    }
}

#[test]
fn keys_go_where_the_layer_has_them_unless_another_file_is_named() {
    let read = |words: &[&str]| Arguments::read(words.iter().map(OsString::from)).unwrap().out;
    assert_eq!(read(&[POOL_ID]), Path::new("layer/keys/jwks.json"));
    assert_eq!(read(&[POOL_ID, "--out", "layer/keys/blue.json"]), Path::new("layer/keys/blue.json"));
    assert_eq!(read(&["--out", "blue.json", POOL_ID]), Path::new("blue.json"));
}

// A pool's addresses are Cognito's own: these are asked in memory.

#[tokio::test]
async fn a_pool_s_second_address_is_asked_only_if_the_first_says_for_certain_that_it_has_no_keys() {
    let newer = format!("https://issuer-cognito-idp.eu-west-1.amazonaws.com/{POOL_ID}/.well-known/jwks.json");
    let sources = Sources::of(&Provider::Pool(POOL_ID.to_owned())).unwrap();
    let set = jwks(&[&FIRST, &CURVE]).to_string().into_bytes();
    let keys = Reply::Body(set.clone());
    let status = |code| Reply::Fail(FetchError::Status(code));
    // What the older form's address says, what the newer's does, and which of them has the last word.
    for (older_says, newer_says, is_newer, is_good) in [
        (keys.clone(), status(403), false, true),
        (keys.clone(), keys.clone(), false, true),
        (status(403), keys.clone(), true, true),
        (status(404), keys.clone(), true, true),
        (status(403), status(403), true, false),
        (status(403), status(500), true, false),
        (status(400), keys.clone(), false, false),
        (status(500), keys.clone(), false, false),
        (Reply::Fail(FetchError::Unreachable), keys.clone(), false, false),
        (Reply::Body(b"{}".to_vec()), keys.clone(), false, false),
    ] {
        let row = format!("{older_says:?}, {newer_says:?}");
        let provider = Scripted::default();
        provider.reply(JWKS_URL, older_says);
        provider.reply(&newer, newer_says);
        let fetched = sources.fetch(&provider).await;
        let asked = if is_newer { vec![JWKS_URL, &newer] } else { vec![JWKS_URL] };
        assert_eq!(provider.requests(), asked, "{row}");
        assert_eq!(fetched.is_ok(), is_good, "{row}");
        let last = asked.last().unwrap();
        match fetched {
            Ok(fetched) => {
                assert_eq!((fetched.source.url.as_str(), &fetched.document), (*last, &set), "{row}");
                assert_eq!(
                    (fetched.keys.len(), fetched.keys.skipped()),
                    (1, 1),
                    "Cognito signs with RS256 alone"
                );
            }
            Err(no_keys) => assert!(no_keys.to_string().starts_with(&format!("{last}: ")), "{no_keys}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_hangs_is_given_up_after_ten_seconds() {
    let sources = Sources::of(&Provider::Pool(POOL_ID.to_owned())).unwrap();
    let provider = Scripted::default();
    provider.reply(JWKS_URL, Reply::Hang);
    let stopwatch = Stopwatch::start();
    let no_keys = sources.fetch(&provider).await.unwrap_err();
    assert_eq!(stopwatch.elapsed(), Duration::from_secs(10));
    assert_eq!(no_keys.to_string(), format!("{JWKS_URL}: no complete answer in time: try again later"));
}
