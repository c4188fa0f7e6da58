//! The classes of attack that RFC 8725 names and that verifiers have fallen to, each with tokens that try it.
#![allow(clippy::too_many_lines, reason = "tables")]

#[path = "catalogue/claims.rs"]
mod claims;
#[path = "catalogue/keys.rs"]
mod keys;
#[path = "catalogue/spelling.rs"]
mod spelling;

use std::pin::Pin;

use cognito_authorizer::{authorizer::AuthorizerSettings, testing::settings};
use serde_json::Value;

use crate::{
    forgeries::{keys_with, of_a_stranger, under_a_known_kid},
    scenes,
};

/// One class of attack.
pub(crate) struct Row {
    pub(crate) class: &'static str,
    /// Where it is described, or who fell to it.
    pub(crate) source: &'static str,
    pub(crate) defence: &'static str,
    pub(crate) attack: Attack,
}

/// Tokens, each with the code of the reason for which it must be refused.
type Tokens = Vec<(&'static str, String)>;

/// How it is tried.
pub(crate) enum Attack {
    /// On the usual settings.
    Tokens(Tokens),
    /// On other settings, or where other keys are published beside the pool's.
    Under(Box<AuthorizerSettings>, Value, Tokens),
    /// In more than one step, with assertions of its own.
    Scene(Pin<Box<dyn Future<Output = ()>>>),
}

pub(crate) fn rows() -> Vec<Row> {
    let parts = [
        keys::signatures(),
        keys::keys(),
        keys::key_ids_and_addresses(),
        claims::issuers_and_audiences(),
        claims::claims(),
        spelling::spelling(),
    ];
    parts.into_iter().flatten().chain(caches_and_answers()).collect()
}

fn row(class: &'static str, source: &'static str, defence: &'static str, attack: Attack) -> Row {
    Row { class, source, defence, attack }
}

fn refused(reason: &'static str, tokens: impl IntoIterator<Item = String>) -> Attack {
    Attack::Tokens(each(reason, tokens))
}

fn refused_with_key(odd: Value, reason: &'static str, tokens: impl IntoIterator<Item = String>) -> Attack {
    Attack::Under(Box::new(settings()), keys_with(odd), each(reason, tokens))
}

fn each(reason: &'static str, tokens: impl IntoIterator<Item = String>) -> Tokens {
    tokens.into_iter().map(|token| (reason, token)).collect()
}

fn both(one: Tokens, other: Tokens) -> Attack {
    Attack::Tokens([one, other].concat())
}

fn scene(scene: impl Future<Output = ()> + 'static) -> Attack {
    Attack::Scene(Box::pin(scene))
}

fn caches_and_answers() -> Vec<Row> {
    vec![
        row(
            "an error that ends the process, or is taken for the caller's fault",
            "CVE-2025-64527, CVE-2024-45809",
            "a provider's failure is a 500 for those who need its keys, and the next event is served",
            scene(scenes::a_provider_that_fails()),
        ),
        row(
            "a good key set replaced by a bad answer",
            "aws-jwt-verify, jose, val#590",
            "a set is replaced only by one that holds a usable key",
            scene(scenes::a_bad_refresh()),
        ),
        row(
            "something else riding on a token that is remembered",
            "CVE-2021-32701, GHSA-rp9m-7r4c-75qg, lua-resty-openidc#399",
            "remembered by SHA-256 of the whole token; times and keys are checked and rules applied on every use",
            scene(scenes::a_ride_on_a_remembered_token()),
        ),
        row(
            "a caller's text in the resource of an answer",
            "FOQUS#934, chalice#1775, CVE-2026-33186",
            "resources are printed from the ARN's own parts and the configured routes",
            scene(scenes::text_in_the_path()),
        ),
        row(
            "several tokens in one request",
            "RFC 6750 §2",
            "refused, unless they are the same",
            scene(scenes::several_tokens()),
        ),
        row(
            "a secret that comes back in an error",
            "auth0's sample, aws-jwt-verify's sample",
            "errors hold codes; what is printed is tested with marked values",
            scene(scenes::what_errors_say()),
        ),
        row(
            "learning which key ids exist",
            "RFC 8725 §2.9",
            "a refusal is one word, whatever the reason, unless `REFUSAL=deny` asks for the reason",
            Attack::Tokens(vec![("unknown_key", of_a_stranger()), ("bad_signature", under_a_known_kid())]),
        ),
    ]
}
