//! Providers that are down, in every way: before the function has keys, and once it has some.

use std::{path::Path, time::Duration};

use crate::{
    provider::{Conduct, Provider},
    server::Certificate,
    tally::Tally,
    trial::{Settings, Stage, Trial},
};

/// How long the function is asked in each state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) without_keys: Duration,
    /// Longer than the keys stay fresh.
    pub(crate) with_keys: Duration,
}

/// What a provider over plain HTTP may do wrong.
pub(crate) fn faults() -> Vec<(&'static str, Conduct)> {
    let says = |text: &str| Conduct::Says(text.to_owned());
    let promising = |length: usize| {
        let set = r#"{"keys":[]}"#;
        says(&format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{set}"))
    };
    vec![
        ("provider says nothing", says("")),
        ("provider slow, byte by byte", Conduct::SlowByByte),
        ("provider resets the connection", Conduct::Resets),
        ("provider resets it halfway", Conduct::ResetsHalfway),
        ("provider closes its half halfway", Conduct::HalfCloses),
        ("content-length too long", promising(1_000)),
        ("content-length too short", promising(5)),
        ("body without end", Conduct::Endless { start: "HTTP/1.1 200 OK\r\n\r\n", more: " " }),
        ("headers without end", Conduct::Endless { start: "HTTP/1.1 200 OK\r\n", more: "x-more: more\r\n" }),
        ("status 403", says("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")),
        ("status 404", says("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")),
        ("status 503", says("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n")),
        ("a page instead of keys", says("HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n<!doctype html>")),
        ("a set without keys", promising(11)),
    ]
}

/// What it may show of itself over TLS.
pub(crate) const CERTIFICATES: [(&str, Certificate); 3] = [
    ("certificate of another host", Certificate::WrongName),
    ("expired certificate", Certificate::Expired),
    ("self-signed certificate", Certificate::SelfSigned),
];

pub(crate) fn misbehave(stage: &Stage, times: Times, conduct: &Conduct) -> Tally {
    let provider = Provider::start(&[&stage.mint.keys[0]], &stage.mint.impostor);
    meet(stage, times, &provider, &Settings::quick(), conduct)
}

pub(crate) fn show(stage: &Stage, times: Times, certificate: Certificate, authority: &Path) -> Tally {
    let provider = Provider::start_tls(&[&stage.mint.keys[0]], &stage.mint.impostor, authority);
    let settings = Settings::quick().with("JWKS_CA_FILE", authority.display().to_string());
    meet(stage, times, &provider, &settings, &Conduct::Shows(certificate))
}

/// Somebody sends the function to a host that would give it keys of somebody else.
pub(crate) fn redirect(stage: &Stage, times: Times) -> Tally {
    let elsewhere = Provider::start(&[&stage.mint.impostor], &stage.mint.impostor);
    let location = elsewhere.url();
    let response = format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
    let mut tally = misbehave(stage, times, &Conduct::Says(response));
    if elsewhere.was_asked() {
        tally.failures.push("a host was asked that the configuration does not name".to_owned());
    }
    tally
}

/// The fault from the start; health; the fault with keys held; health.
fn meet(stage: &Stage, times: Times, provider: &Provider, settings: &Settings, fault: &Conduct) -> Tally {
    provider.conduct(fault.clone());
    let mut trial = Trial::start(stage, Some(provider), settings);
    trial.ask_for(times.without_keys);
    trial.heal();
    provider.conduct(fault.clone());
    trial.ask_for(times.with_keys);
    trial.heal();
    trial.ask_for(settings.limits.cooldown * 3 / 2);
    trial.finish()
}

/// A name that no resolver knows (RFC 6761 §6.4), without keys and with keys from a file. No provider sees the
/// attempts: they are counted in the function's log, which `logging` writes to the file that `LOG` names.
pub(crate) fn lose_the_name(stage: &Stage, times: Times, folder: &Path) -> Tally {
    let settings = Settings::quick().with("JWKS_URI", "https://keys.example.invalid/jwks.json");
    let keys = folder.join("jwks.json");
    let key = &stage.mint.keys[0];
    std::fs::write(&keys, cognito_authorizer::testing::jwks(&[key]).to_string()).unwrap();
    let mut tally = Tally::default();
    for (name, has_keys) in [("without-keys.log", false), ("with-keys.log", true)] {
        let log = folder.join(name);
        let mut settings = settings.clone().with("LOG", log.display().to_string());
        if has_keys {
            settings = settings.with("JWKS_FILE", keys.display().to_string());
        }
        let mut trial = Trial::start_as(stage, &stage.logging, None, &settings);
        if has_keys {
            trial.hold(vec![key.id.clone()]);
        }
        trial.ask_for(if has_keys { times.with_keys } else { times.without_keys });
        let mut found = trial.finish();
        let text = std::fs::read_to_string(log).unwrap();
        found.fetches =
            text.lines().filter(|line| line.contains("\"key_fetch\"") || line.contains(AT_START)).count();
        tally.add(found);
    }
    tally.notes.push("fetches as the function's log has them".to_owned());
    tally
}

/// How the log has the fetch before the first event.
const AT_START: &str = "no keys fetched at start";
