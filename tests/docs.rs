//! What the documents name is there, and what is there is named.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use std::{
    collections::BTreeSet,
    fs::{read_dir, read_to_string},
    path::{Path, PathBuf},
};

use cognito_authorizer::{
    authorizer::Fault,
    gateway::EventError,
    policy::DenyReason,
    testing::{JWKS_URL, NOW, Provider, SigningKey, access_claims, jwks, key_source, verifier_settings},
    time::UnixTime,
    token::{Algorithm, ClaimName, TokenError, Trace, Verifier, VerifyError},
};

/// The Rust files of a folder and those below it.
fn sources(folder: &str) -> Vec<PathBuf> {
    let (folders, files): (Vec<_>, Vec<_>) =
        read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).partition(|path| path.is_dir());
    let below = folders.iter().flat_map(|folder| sources(folder.to_str().unwrap()));
    files.into_iter().filter(|path| path.extension() == Some("rs".as_ref())).chain(below).collect()
}

fn read_all(paths: impl IntoIterator<Item = impl AsRef<Path>>) -> String {
    paths.into_iter().map(|path| read_to_string(path).unwrap()).collect()
}

/// What stands between backticks.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// What stands between backticks in the first cells of a section's tables.
fn first_cells(document: &str, heading: &str) -> BTreeSet<String> {
    let section = document.lines().skip_while(|line| *line != heading).skip(1);
    let rows = section.take_while(|line| !line.starts_with("## ")).filter(|line| line.starts_with("| `"));
    rows.flat_map(|row| quoted(row.split(" | ").next().unwrap())).map(str::to_owned).collect()
}

/// A sentence: names of crates, features and functions are shorter.
fn is_test_name(word: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    word.bytes().all(letters) && word.matches('_').count() >= 3
}

/// What begins with a folder of the repository, but for what a build or a run makes and for names that stand for any.
fn paths(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|letter: char| !letter.is_alphanumeric() && !"_-./*…".contains(letter));
    let is_made = |path: &str| {
        ["target/", "fuzz/target", "fuzz/artifacts", "layer/keys"].iter().any(|it| path.starts_with(it))
    };
    let is_any = |path: &str| ["NAME", "TARGET", "*", "…"].iter().any(|it| path.contains(it));
    let is_path = |word: &str| word.split_once('/').is_some_and(|(top, _)| Path::new(top).is_dir());
    words
        .map(|word| word.trim_end_matches('.'))
        .filter(move |word| is_path(word) && !is_made(word) && !is_any(word))
}

#[test]
fn every_test_and_every_file_that_the_documents_name_exists() {
    let code = read_all(["src", "crates", "tests"].into_iter().flat_map(sources));
    for (document, names_tests) in [
        ("SECURITY.md", true),
        ("docs/checklist.md", true),
        ("docs/fuzzing.md", true),
        ("docs/keys.md", true),
        ("docs/mutants.md", false),
        ("docs/performance.md", true),
        ("docs/reliability.md", false),
        ("docs/supply-chain.md", false),
        ("src/lib.rs", true),
    ] {
        let text = read_to_string(document).unwrap();
        let names: BTreeSet<&str> = text.lines().flat_map(quoted).filter(|word| is_test_name(word)).collect();
        assert_eq!(
            !names.is_empty(),
            names_tests,
            "{document} names no test, or it is not said here that it does"
        );
        let missing: Vec<_> = names.iter().filter(|name| !code.contains(&format!("fn {name}("))).collect();
        assert!(missing.is_empty(), "{document} names what is not there: {missing:#?}");
        let missing: BTreeSet<_> = paths(&text).filter(|path| !Path::new(path).exists()).collect();
        assert!(missing.is_empty(), "{document} names what is not there: {missing:#?}");
    }
}

/// The codes of a type's variants. One that is not listed does not compile.
macro_rules! codes {
    ($type:ident: $($variant:ident $(($field:expr))?),* $(,)?) => {{
        let _: fn($type) = |value| match value { $($type::$variant { .. })|* => () };
        [$($type::$variant $(($field))?.code()),*]
    }};
}

/// A claim's name, which only the check of a token can give.
async fn claim_name() -> ClaimName {
    let key = SigningKey::generate("k", Algorithm::EdDSA);
    let mut claims = access_claims(NOW);
    claims.as_object_mut().unwrap().remove("sub");
    let mut settings = verifier_settings();
    for issuer in &mut settings.issuers {
        issuer.keys = key_source(JWKS_URL, &[Algorithm::EdDSA]);
    }
    let now = UnixTime::from_secs(NOW);
    let verifier: Verifier<_> = Verifier::new(settings, Provider::with(JWKS_URL, &jwks(&[&key])), now);
    match verifier.verify(&key.token(&claims), now, &mut Trace::default()).await {
        Err(VerifyError::Token(TokenError::ClaimMissing(name))) => name,
        verdict => panic!("{verdict:?}"),
    }
}

#[tokio::test]
async fn every_reason_code_is_in_the_readme_and_in_the_runbook() {
    let name = claim_name().await;
    let refusals = codes!(TokenError:
        Missing, Ambiguous, WrongScheme, TooLong, NotThreeParts, NotBase64Url, HeaderNotObject,
        HeaderDuplicateName, InvalidAlgorithm, InvalidKeyId, CriticalExtension, PayloadNotObject,
        InvalidIssuer, UnknownIssuer, UnknownKey, WrongAlgorithm, BadSignature, DuplicateClaim,
        ClaimMissing(name), ClaimIllTyped(name), Expired, NotYetValid, IssuedInFuture, WrongTokenUse,
        WrongClient, WrongAudience,
    );
    let denials = codes!(DenyReason: InsufficientScope, NotInGroup, NotPermitted, AnswerTooLarge);
    let faults = codes!(Fault: Event(EventError::NotObject), KeysUnavailable(None), Panic);
    let codes: BTreeSet<_> = refusals.into_iter().chain(denials).chain(faults).map(str::to_owned).collect();
    for document in ["README.md", "docs/runbook.md"] {
        assert_eq!(first_cells(&read_to_string(document).unwrap(), "## Reasons"), codes, "{document}");
    }
}

/// What stands in capitals in the configuration's code and is no setting: what Lambda sets for every runtime,
/// and words that settings have for values.
fn is_no_setting(word: &str) -> bool {
    const VALUES: [&str; 7] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "JSON"];
    let lambda = ["AWS_LAMBDA_RUNTIME_API", "AWS_LAMBDA_MAX_CONCURRENCY"];
    VALUES.contains(&word) || lambda.contains(&word) || word.starts_with("AWS_LAMBDA_FUNCTION_")
}

#[test]
fn every_variable_that_is_read_is_in_the_readme() {
    let is_variable = |word: &&str| {
        let letters = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
        !word.is_empty() && word.bytes().all(letters) && !is_no_setting(word)
    };
    let code = read_all(sources("src/config").into_iter().chain([PathBuf::from("src/config.rs")]));
    let read: BTreeSet<String> = code.split('"').filter(is_variable).map(str::to_owned).collect();
    assert_eq!(first_cells(&read_to_string("README.md").unwrap(), "## Configuration"), read);
}
