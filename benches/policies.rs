//! What do rules per route cost, beside one check of a signature?
//!
//! `cargo bench --bench policies` measures deciding 10, 20, 50 and 200 routes for one token, and reading 10, 100
//! and 1,000 policies. The first group holds what to compare with, measured in the same run.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark that cannot go on stops")]

use std::{
    fmt::Write,
    fs,
    hint::black_box,
    path::{Path, PathBuf},
    process,
    sync::Arc,
};

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cognito_authorizer::{
    policy::Policies,
    testing::{JWKS_URL, NOW, POOL_ID, Provider, SigningKey, access_claims, jwks, verifier_settings},
    time::UnixTime,
    token::{Algorithm, Trace, VerifiedToken, Verifier},
};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use serde_json::json;

const RESOURCES: [&str; 10] =
    ["orders", "users", "items", "carts", "bills", "stock", "sites", "teams", "notes", "files"];

/// Four routes for each resource, then deeper ones.
fn routes(count: usize) -> Vec<String> {
    let shapes = ["get /R", "post /R", "get /R/{id}", "delete /R/{id}"];
    let of_depth = |depth: usize| {
        RESOURCES.iter().flat_map(move |resource| {
            let prefix = (0..depth).fold(String::new(), |path, level| format!("{path}v{level}/"));
            shapes.map(|shape| shape.replace('R', &format!("{prefix}{resource}")))
        })
    };
    (0..).flat_map(of_depth).take(count).collect()
}

fn schema(routes: &[String]) -> String {
    let actions: Vec<String> = routes.iter().map(|route| format!("{route:?}")).collect();
    format!(
        "namespace Shop {{
           entity User in [UserGroup];
           entity UserGroup;
           entity Application;
           type Claims = {{ scope?: Set<String>, admin?: Bool, suspended?: Bool }};
           action {} appliesTo {{
             principal: [User], resource: [Application], context: {{ token?: Claims }} }};
         }}",
        actions.join(", ")
    )
}

/// Each policy with a group and a scope, on three routes; every fifth on all of them, one of these a forbid.
fn policies(count: usize, routes: &[String]) -> String {
    let mut text = String::new();
    for number in 0..count {
        let action = |more: usize| format!("Shop::Action::{:?}", routes[(3 * number + more) % routes.len()]);
        let scope = match number % 5 {
            0 => "action".to_owned(),
            _ => format!("action in [{}, {}, {}]", action(0), action(1), action(2)),
        };
        let group = if number == 0 { "readers".to_owned() } else { format!("group-{number}") };
        let (effect, condition) = match number {
            5 => ("forbid", "context.token has suspended && context.token.suspended".to_owned()),
            _ => (
                "permit",
                format!("context.token has scope && context.token.scope.contains(\"scope-{number}\")"),
            ),
        };
        writeln!(
            text,
            "{effect} (principal in Shop::UserGroup::\"{POOL_ID}|{group}\", {scope}, resource)\n\
             when {{ context has token && {condition} }};"
        )
        .unwrap();
    }
    text
}

/// A folder of policies and their schema; removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn with(policy_count: usize, route_count: usize) -> Self {
        let name = format!("{}-{policy_count}-{route_count}", process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let routes = routes(route_count);
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("shop.cedarschema"), schema(&routes)).unwrap();
        fs::write(path.join("shop.cedar"), policies(policy_count, &routes)).unwrap();
        Self(path)
    }

    fn load(&self) -> Policies {
        Policies::load(&self.0).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Runs a verification, which waits for nothing where keys are held.
fn verify(verifier: &Verifier<Provider>, token: &str) -> Arc<VerifiedToken> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(verifier.verify(token, UnixTime::from_secs(NOW), &mut Trace::default())).unwrap()
}

fn reader() -> (SigningKey, String) {
    let key = SigningKey::generate("key", Algorithm::RS256);
    let mut claims = access_claims(NOW);
    claims["cognito:groups"] = json!(["readers", "group-3"]);
    claims["scope"] = json!("openid scope-0 scope-3");
    let token = key.token(&claims);
    (key, token)
}

fn one_signature(bench: &mut Criterion) {
    let (key, token) = reader();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let (signature, jwk) = (decode(signature), key.jwk());
    let [n, e] = ["n", "e"].map(|part| decode(jwk[part].as_str().unwrap()));
    let public = RsaPublicKeyComponents { n, e }.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).unwrap();
    bench.bench_function("signature/one RS256 check", |bench| {
        bench.iter(|| public.verify_sig(black_box(message.as_bytes()), &signature).unwrap());
    });
}

fn decide(bench: &mut Criterion) {
    let (key, token) = reader();
    let provider = Provider::with(JWKS_URL, &jwks(&[&key]));
    let verified = verify(&Verifier::new(verifier_settings(), provider, UnixTime::from_secs(NOW)), &token);
    let mut group = bench.benchmark_group("decide");
    for (route_count, policy_count) in [(10, 10), (20, 10), (50, 10), (200, 10), (20, 100), (20, 1_000)] {
        let policies = Folder::with(policy_count, route_count).load();
        group.bench_function(format!("{route_count} routes, {policy_count} policies"), |bench| {
            bench.iter(|| policies.decide(black_box(verified.claims())));
        });
    }
    // No token before met the same policies: patterns are made as well.
    group.sample_size(10);
    for route_count in [20, 200] {
        let folder = Folder::with(10, route_count);
        group.bench_function(format!("{route_count} routes, 10 policies, first of its kind"), |bench| {
            let decide = |policies: Policies| policies.decide(black_box(verified.claims()));
            bench.iter_batched(|| folder.load(), decide, BatchSize::PerIteration);
        });
    }
    group.finish();
}

fn start(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("start");
    group.sample_size(10);
    for (policy_count, route_count) in [(10, 20), (100, 20), (1_000, 20), (10, 200)] {
        let folder = Folder::with(policy_count, route_count);
        let name = format!("{policy_count} policies, {route_count} routes");
        group.bench_function(format!("{name}, unchecked"), |bench| bench.iter(|| folder.load()));
        fs::write(folder.0.join("checked.json"), Policies::check(&folder.0).unwrap().1).unwrap();
        group.bench_function(format!("{name}, checked"), |bench| bench.iter(|| folder.load()));
    }
    group.finish();
}

criterion_group!(benches, one_signature, decide, start);
criterion_main!(benches);
