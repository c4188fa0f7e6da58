//! Every known way to attack a verifier of tokens, tried on the whole pipeline, and every small change to a
//! good token.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot go on stops, and says how much it tried"
)]

#[path = "attacks/catalogue.rs"]
mod catalogue;
#[path = "attacks/forgeries.rs"]
mod forgeries;
#[path = "attacks/scenes.rs"]
mod scenes;
#[path = "attacks/variations.rs"]
mod variations;

use std::{collections::BTreeSet, fs::read_to_string};

use cognito_authorizer::{
    authorizer::{Authorizer, AuthorizerSettings, Error, Record},
    gateway::{Response, Shape},
    testing::{JWKS_URL, NOW, Provider, access_claims, event, settings},
    time::UnixTime,
};
use serde_json::Value;

use crate::{
    catalogue::{Attack, Row, rows},
    forgeries::{KEY, current_keys},
};

/// A function that trusts one pool, and the provider of the pool's keys.
struct World {
    authorizer: Authorizer<Provider>,
    provider: Provider,
}

impl World {
    fn new(settings: AuthorizerSettings, keys: &Value) -> Self {
        let provider = Provider::with(JWKS_URL, keys);
        Self { authorizer: Authorizer::new(settings, provider.clone(), UnixTime::from_secs(NOW)), provider }
    }

    fn usual() -> Self {
        Self::new(settings(), &current_keys())
    }

    async fn ask_at(&self, token: &str, at: u64) -> Result<Response, Error> {
        let event = event(Shape::HttpV2, &format!("Bearer {token}")).to_string();
        self.authorizer.authorize(&event, UnixTime::from_secs(at), &mut Record::default()).await
    }

    async fn ask(&self, token: &str) -> Result<Response, Error> {
        self.ask_at(token, NOW).await
    }

    /// The reason for which a token is refused with a 401, or what happened instead.
    async fn refusal(&self, token: &str) -> Result<&'static str, String> {
        match self.ask(token).await {
            Err(Error::Unauthorized(reason)) => Ok(reason.code()),
            Err(fault @ Error::Internal(_)) => Err(format!("a 500: {fault}")),
            Ok(_) => Err("an answer".to_owned()),
        }
    }

    async fn allows_good_tokens(&self) -> bool {
        is_allow(&self.ask(&KEY.token(&access_claims(NOW))).await)
    }
}

fn is_allow(answer: &Result<Response, Error>) -> bool {
    answer.as_ref().is_ok_and(|answer| {
        let document = serde_json::to_value(answer).unwrap();
        let statements = document["policyDocument"]["Statement"].as_array().unwrap();
        statements.len() == 1 && statements[0]["Effect"] == "Allow"
    })
}

#[tokio::test(start_paused = true)]
async fn every_known_attack_is_refused_for_its_own_reason_and_harms_nobody_else() {
    for Row { class, attack, .. } in rows() {
        let (world, tokens) = match attack {
            Attack::Tokens(tokens) => (World::usual(), tokens),
            Attack::Under(settings, keys, tokens) => (World::new(*settings, &keys), tokens),
            Attack::Scene(scene) => {
                scene.await;
                continue;
            }
        };
        assert!(!tokens.is_empty(), "{class}");
        for (number, (reason, token)) in tokens.iter().enumerate() {
            assert_eq!(world.refusal(token).await.as_deref(), Ok(*reason), "{class}, token {number}");
        }
        let asked = world.provider.requests();
        assert!(asked.len() <= 1 && asked.iter().all(|url| url == JWKS_URL), "{class}: {asked:?}");
        assert!(world.allows_good_tokens().await, "{class}");
    }
}

#[test]
fn every_row_of_the_catalogue_is_told_in_security_md() {
    let told: Vec<String> = rows()
        .iter()
        .map(|Row { class, source, defence, .. }| format!("| {class} | {source} | {defence} |"))
        .collect();
    let classes: BTreeSet<_> = rows().iter().map(|row| row.class).collect();
    assert_eq!(classes.len(), told.len(), "a class stands twice");
    let page = read_to_string("SECURITY.md").unwrap();
    let section = page.lines().skip_while(|line| *line != "## Catalogue of attacks");
    let section = section.skip(1).take_while(|line| !line.starts_with("## "));
    let rows: Vec<_> = section.filter(|line| line.starts_with("| ")).skip(1).collect();
    assert_eq!(rows, told, "the catalogue in SECURITY.md should be:\n{}", told.join("\n"));
}

#[tokio::test]
async fn no_small_change_to_a_good_token_passes() {
    let world = World::usual();
    let mut tried = BTreeSet::new();
    for (change, token) in variations::all() {
        let verdict = world.refusal(&token).await;
        assert!(verdict.is_ok(), "{change}: {verdict:?}");
        tried.insert(token);
    }
    // Fewer would mean that the lists have shrunk, or that variations repeat each other.
    assert!(tried.len() > 6_000, "{} tokens", tried.len());
    println!("{} different tokens were refused", tried.len());
    assert_eq!(world.provider.requests(), [JWKS_URL]);
    assert!(world.allows_good_tokens().await);
}

/// What a caller can tell from a refusal is that it is one.
#[tokio::test]
async fn a_refusal_does_not_say_which_check_failed() {
    let tokens = [
        forgeries::with_claim("iss", &Value::from("https://evil.example.com")),
        forgeries::of_a_stranger(),
        forgeries::under_a_known_kid(),
        forgeries::with_claim("exp", &Value::from(NOW)),
        forgeries::with_claim("client_id", &Value::from("another")),
        "nonsense".to_owned(),
    ];
    let (world, mut reasons, mut told) = (World::usual(), BTreeSet::new(), BTreeSet::new());
    for token in &tokens {
        reasons.insert(world.refusal(token).await.unwrap());
        told.insert(world.ask(token).await.unwrap_err().to_string());
    }
    assert_eq!(reasons.len(), tokens.len(), "{reasons:?}");
    assert_eq!(told, BTreeSet::from(["Unauthorized".to_owned()]));
}
