//! Lines `NAME=value` as an environment: is a configuration that keeps every bound, or a list of problems that names
//! variables, quotes no value and hides none; and what is broken in one more place is never a configuration.
#![no_main]

use std::{collections::BTreeMap, ffi::OsString, os::unix::ffi::OsStrExt};

use cognito_authorizer::{
    config::{Config, Problem},
    token::{AllowedClients, TokenRules},
};
use cognito_authorizer_fuzz::mutate;
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use serde_json::Value;

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::setting(data, size, max_size, seed)
});

type Environment = BTreeMap<String, Vec<u8>>;

fuzz_target!(|input: &[u8]| {
    let environment = read_lines(input);
    if names_other_files(&environment) {
        return;
    }
    match read(&environment) {
        Ok(config) => {
            check_bounds(&config);
            check_is_honoured(&config, &environment);
            check_breaks(&environment);
        }
        Err(problems) => check_problems(&problems, &environment),
    }
});

fn read(environment: &Environment) -> Result<Config, Vec<Problem>> {
    let lookup = |name: &str| {
        environment.get(name).map(|value| std::ffi::OsStr::from_bytes(value).to_owned()) as Option<OsString>
    };
    Config::read(&lookup).map_err(|problems| problems.0)
}

fn read_lines(input: &[u8]) -> Environment {
    let lines = input.split(|byte| *byte == b'\n').filter_map(|line| {
        let end = line.iter().position(|byte| *byte == b'=')?;
        let name = str::from_utf8(&line[..end]).ok()?;
        Some((name.to_owned(), put_in_files(&line[end + 1..])))
    });
    lines.collect()
}

/// Inputs have words for the two files that there are.
fn put_in_files(value: &[u8]) -> Vec<u8> {
    let Ok(text) = str::from_utf8(value) else { return value.to_vec() };
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let text = text.replace("KEY_FILE", &format!("{root}/events/jwks.json"));
    text.replace("POLICY_FOLDER", &format!("{root}/layer/policies")).into_bytes()
}

/// Whether a file is named that is not there for the purpose: some, such as devices, have no end.
fn names_other_files(environment: &Environment) -> bool {
    let is_other = |path: &str| path.contains('/') && !path.starts_with(env!("CARGO_MANIFEST_DIR"));
    let text = |name: &str| environment.get(name).map(|value| String::from_utf8_lossy(value).into_owned());
    let paths = ["JWKS_FILE", "JWKS_CA_FILE", "POLICIES"].into_iter().filter_map(text);
    let issuers: Value = serde_json::from_str(&text("ISSUERS").unwrap_or_default()).unwrap_or_default();
    let entries = issuers.as_array().into_iter().flatten();
    let of_entries = entries.filter_map(|entry| entry["jwks_file"].as_str().map(str::to_owned));
    paths.chain(of_entries).any(|path| is_other(path.trim()))
}

/// What the README promises of every configuration.
fn check_bounds(config: &Config) {
    let verifier = &config.authorizer.verifier;
    let cache = &verifier.key_cache;
    assert!(
        cache.ttl.as_secs() >= 1 && cache.ttl <= cache.max_stale && cache.max_stale.as_secs() <= 31_536_000
    );
    assert!(cache.cooldown.as_secs() >= 1 && cache.cooldown < cache.max_stale);
    assert!((10..=8_000).contains(&verifier.fetch_timeout.as_millis()));
    assert!(verifier.clock_skew_seconds <= 300 && verifier.token_cache_size <= 10_000);
    assert!(!verifier.issuers.is_empty() && !config.authorizer.token_sources.is_empty());
    for (position, issuer) in verifier.issuers.iter().enumerate() {
        let is_trusted = |url: &str| {
            url.starts_with("https://")
                || ["127.", "localhost", "[::1]"]
                    .iter()
                    .any(|host| url.starts_with(&format!("http://{host}")))
        };
        assert!(is_trusted(&issuer.issuer) && is_trusted(issuer.keys.url.as_str()), "{issuer:?}");
        assert!(verifier.issuers.iter().skip(position + 1).all(|other| other.issuer != issuer.issuer));
        assert!(!issuer.keys.algorithms.is_empty());
        let names = match &issuer.rules {
            TokenRules::OpenIdConnect { audiences } => audiences.clone(),
            TokenRules::UserPool { clients: AllowedClients::Listed(clients), .. } => clients.clone(),
            TokenRules::UserPool { clients: AllowedClients::Any, .. } => continue,
        };
        assert!(
            !names.is_empty() && names.iter().all(|name| !name.trim().is_empty() && name != "*"),
            "{issuer:?}"
        );
    }
}

/// What is set is what is used.
fn check_is_honoured(config: &Config, environment: &Environment) {
    let text = |name: &str| environment.get(name).map(|value| str::from_utf8(value).unwrap().trim());
    let verifier = &config.authorizer.verifier;
    let number = |name: &str, default: u64| text(name).map_or(default, |text| text.parse().unwrap());
    assert_eq!(verifier.clock_skew_seconds, number("CLOCK_SKEW_SECONDS", 0));
    assert_eq!(verifier.key_cache.ttl.as_secs(), number("JWKS_TTL_SECONDS", 3_600));
    assert_eq!(verifier.key_cache.max_stale.as_secs(), number("JWKS_MAX_STALE_SECONDS", 86_400));
    assert_eq!(verifier.key_cache.cooldown.as_secs(), number("JWKS_COOLDOWN_SECONDS", 10));
    assert_eq!(u64::try_from(verifier.token_cache_size).unwrap(), number("TOKEN_CACHE_SIZE", 512));
    let requirements = &config.authorizer.rules.requirements;
    assert_eq!(requirements.scopes.is_empty(), text("REQUIRED_SCOPES").is_none());
    assert_eq!(requirements.groups.is_empty(), text("REQUIRED_GROUPS").is_none());
    assert_eq!(config.authorizer.rules.policies.is_some(), text("POLICIES").is_some());
    let any_client =
        |rules: &TokenRules| matches!(rules, TokenRules::UserPool { clients: AllowedClients::Any, .. });
    if verifier.issuers.iter().any(|issuer| any_client(&issuer.rules)) {
        let is_said = text("CLIENT_ID") == Some("*")
            || text("ISSUERS").is_some_and(|issuers| issuers.contains(['*', '\\']));
        assert!(is_said, "any client is accepted, and nobody said so");
    }
}

/// One thing more that is wrong, or one thing less that is needed.
fn check_breaks(environment: &Environment) {
    for (name, value) in [
        ("CLOCK_SKEW_SECONDS", "301"),
        ("TOKEN_SOURCE", "header:"),
        ("REFUSAL", "allow"),
        ("REQUIRED_GROUPS", " , "),
        ("REQUIRED_SCOPES", ""),
        ("JWKS_URI", "http://keys.example.com/"),
        ("JWKS_FILE", "no-such-file"),
        ("POLICIES", "no-such-folder"),
        ("RESPONSE_FORMAT", "json"),
    ] {
        let mut broken = environment.clone();
        broken.insert(name.to_owned(), value.into());
        let problems = read(&broken).expect_err(name);
        assert!(problems.iter().any(|problem| problem.variable == name), "{name}: {problems:?}");
    }
    let needed = if environment.contains_key("ISSUERS") { "ISSUERS" } else { "CLIENT_ID" };
    let mut broken = environment.clone();
    broken.remove(needed);
    assert!(read(&broken).is_err(), "{needed} is not needed");
}

fn check_problems(problems: &[Problem], environment: &Environment) {
    assert!(!problems.is_empty());
    for Problem { variable, text } in problems {
        let name = variable.split(['[', '.']).next().unwrap();
        assert!(
            name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_') && !name.is_empty(),
            "{variable}"
        );
        assert!(!text.is_empty());
        // Of policies, files' names and lines are told.
        assert!(name == "POLICIES" || !text.contains(CANARY), "{variable} is quoted: {text}");
    }
    // What is a problem on its own is one among others.
    for (name, value) in environment.iter().filter(|(name, _)| ON_THEIR_OWN.contains(&name.as_str())) {
        let pool = [("USER_POOL_ID", "eu-west-1_AbCdEf123"), ("CLIENT_ID", "client1")];
        let mut alone: Environment = pool.map(|(name, value)| (name.to_owned(), value.into())).into();
        alone.insert(name.clone(), value.clone());
        for problem in read(&alone).err().unwrap_or_default() {
            assert!(problems.contains(&problem), "{problem} is hidden by {problems:?}");
        }
    }
}

/// Variables that mean the same whatever the others are.
const ON_THEIR_OWN: &[&str] = &[
    "TOKEN_SOURCE",
    "REQUIRED_SCOPES",
    "REQUIRED_GROUPS",
    "CONTEXT_CLAIMS",
    "PRINCIPAL_ID_CLAIM",
    "USAGE_IDENTIFIER_KEY_CLAIM",
    "RESPONSE_FORMAT",
    "REFUSAL",
    "CLOCK_SKEW_SECONDS",
    "JWKS_TIMEOUT_MS",
    "TOKEN_CACHE_SIZE",
    "METRICS_NAMESPACE",
    "POLICIES",
];

/// What a value might hold that is nobody's business.
const CANARY: &str = "c4n4ry";
