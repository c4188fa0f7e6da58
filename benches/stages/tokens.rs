//! A token: read, verified, refused.

use std::hint::black_box;

use cognito_authorizer::{
    testing::{SigningKey, access_claims, compact, jwks},
    token::{Algorithm, Trace, UnverifiedToken, VerifyError, parse_object},
};
use criterion::Criterion;
use serde_json::{Value, json};
use tokio::runtime::Builder;

use crate::{
    KEY,
    support::{AT, Signed, decode, key_set, ready, sha256, verify},
    token, verifier,
};

pub(crate) fn tokens(bench: &mut Criterion) {
    let token = token(0);
    let parts: Vec<&str> = token.split('.').collect();
    let claims = decode(parts[1]);
    let value = |json: &[u8]| serde_json::from_slice::<Value>(json).unwrap();
    let mut group = bench.benchmark_group("token");
    group.bench_function("limit: base64url and serde_json", |bench| {
        let least = |parts: &[&str]| (value(&decode(parts[0])), value(&decode(parts[1])), decode(parts[2]));
        bench.iter(|| least(black_box(&parts)));
    });
    group.bench_function("shape and header", |bench| {
        bench.iter(|| UnverifiedToken::parse(black_box(&token)).unwrap().key_id().len());
    });
    group.bench_function("limit: serde_json of the claims", |bench| bench.iter(|| value(black_box(&claims))));
    group.bench_function("claims, read strictly", |bench| {
        bench.iter(|| parse_object(black_box(&claims)).unwrap());
    });
    group.finish();
}

pub(crate) fn verifications(bench: &mut Criterion) {
    let both = [token(0), token(1)];
    let [token, _] = &both;
    let signed = Signed::new(&KEY, token);
    let mut group = bench.benchmark_group("verify");
    group.bench_function("limit: one RS256 check", |bench| bench.iter(|| black_box(&signed).check()));
    group.bench_function("limit: one SHA-256", |bench| bench.iter(|| sha256(black_box(token))));
    group.bench_function("check by our key", |bench| {
        let (keys, token) = (key_set(&jwks(&[&KEY])), UnverifiedToken::parse(token).unwrap());
        let key = keys.key(token.key_id()).unwrap();
        bench.iter(|| key.verify(black_box(&token)).is_ok());
    });
    group.bench_function("never seen, none remembered", |bench| {
        let verifier = verifier(0);
        bench.iter(|| verify(&verifier, black_box(token)));
    });
    // Each takes the other's place.
    group.bench_function("never seen, then remembered", |bench| {
        let (verifier, mut tokens) = (verifier(1), both.iter().cycle());
        bench.iter(|| verify(&verifier, tokens.next().unwrap()));
    });
    group.bench_function("remembered", |bench| {
        let verifier = verifier(1);
        verify(&verifier, token);
        bench.iter(|| verify(&verifier, black_box(token)));
    });
    group.finish();
}

/// Bad tokens, by the check that each fails, in the order of the checks.
fn refused() -> [(&'static str, String); 6] {
    let other = SigningKey::generate("current", Algorithm::RS256);
    let with = |name: &str, value: Value| {
        let mut claims = access_claims(AT.as_secs());
        claims[name] = value;
        claims
    };
    let good = with("version", json!(2));
    let unknown = compact(r#"{"alg":"RS256","kid":"unknown"}"#, good.to_string(), &other);
    let wrong_algorithm = compact(r#"{"alg":"RS384","kid":"current"}"#, good.to_string(), &other);
    [
        ("unknown_issuer", KEY.token(&with("iss", json!("https://login.example.com/eu-west-1_AbCdEf123")))),
        ("unknown_key", unknown),
        ("wrong_algorithm", wrong_algorithm),
        ("bad_signature", other.token(&good)),
        ("token_expired", KEY.token(&with("exp", json!(1)))),
        ("wrong_client", KEY.token(&with("client_id", json!("another")))),
    ]
}

pub(crate) fn refusals(bench: &mut Criterion) {
    let signed = Signed::new(&KEY, &token(0));
    let waiting = Builder::new_current_thread().enable_time().build().unwrap();
    let mut group = bench.benchmark_group("refuse");
    group.bench_function("limit: one RS256 check", |bench| bench.iter(|| black_box(&signed).check()));
    for (reason, token) in refused() {
        let verifier = verifier(1);
        // The first asks a provider for a key that is not there: what is measured comes within the cooldown.
        let error = waiting.block_on(verifier.verify(&token, AT, &mut Trace::default())).unwrap_err();
        assert!(matches!(error, VerifyError::Token(error) if error.code() == reason), "{reason}: {error}");
        group.bench_function(reason, |bench| {
            bench.iter(|| ready(verifier.verify(black_box(&token), AT, &mut Trace::default())).unwrap_err());
        });
    }
    group.finish();
}
