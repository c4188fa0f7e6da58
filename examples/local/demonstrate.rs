//! The function from a good token to an identity provider that is down.
//!
//! Starts an issuer of its own, runs the real function under a Runtime API of its own, sends it every shape of event
//! with good and bad tokens, and prints what API Gateway's clients would see.

use std::{error::Error, path::PathBuf, process::ExitCode, time::Duration};

use cognito_authorizer::{
    gateway::Shape,
    testing::{CLIENT_ID, POOL_ID, SigningKey, event, event_on},
    token::Algorithm,
};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    binary,
    gateway::client_status,
    issuer::Issuer,
    runtime_api::{Answer, Function, StartError},
    table::Table,
    tokens::{self, Token},
};

/// Whether everything came out as it should is the exit code.
pub(crate) async fn demonstrate() -> ExitCode {
    match show_everything().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn show_everything() -> Result<bool, Box<dyn Error>> {
    let mut local = Local::set_up().await?;
    let function = local.start(&[]).await?;
    let answer = local.show_shapes(&function).await;
    local.show_scopes().await?;
    local.show_routes().await?;
    local.show_rotation(&function).await;
    local.show_outage(&function).await?;
    println!("\nThe answer to the first rest-request, in full:\n\n{answer:#}");
    if let Some(peak) = function.peak_memory_kib() {
        println!("\nThe first function held {peak} KiB of memory at most.");
    }
    Ok(local.table.finish())
}

struct Local {
    binary: PathBuf,
    key: SigningKey,
    next_key: SigningKey,
    issuer: Issuer,
    table: Table,
}

impl Local {
    async fn set_up() -> Result<Self, Box<dyn Error>> {
        let binary = binary::build(crate::PROFILE).await?;
        let key = SigningKey::generate("key-1", Algorithm::RS256);
        let next_key = SigningKey::generate("key-2", Algorithm::RS256);
        let issuer = Issuer::start(&[&key]).await?;
        println!("function  {}", binary.display());
        println!("keys      {}", issuer.jwks_url());
        Ok(Self { binary, key, next_key, issuer, table: Table::default() })
    }

    /// Starts a function for the issuer's pool, with a few settings more.
    async fn start(&self, more: &[(&str, &str)]) -> Result<Function, StartError> {
        let url = self.issuer.jwks_url();
        let pool = [
            ("USER_POOL_ID", POOL_ID),
            ("CLIENT_ID", CLIENT_ID),
            ("JWKS_URI", &url),
            ("JWKS_COOLDOWN_SECONDS", "1"),
        ];
        Function::start(&self.binary, &[&pool, more].concat(), |_| ()).await
    }

    /// Every shape with every token. Gives the first answer to a REST API's `REQUEST`.
    async fn show_shapes(&mut self, function: &Function) -> Value {
        Table::begin_part("Five shapes of event, one function.");
        let tokens = tokens::all(&self.key, &self.next_key);
        let mut policy = None;
        for shape in Shape::ALL {
            for token in &tokens {
                let answer = self.ask(function, shape, token).await;
                if shape == Shape::RestRequest {
                    policy = policy.or(answer.outcome.ok());
                }
            }
        }
        let nothing = Token::new("none", String::new(), 500, "broken_event");
        self.send(function, "from S3", &json!({ "Records": [] }), &nothing).await;
        policy.unwrap_or_default()
    }

    async fn show_scopes(&mut self) -> Result<(), StartError> {
        Table::begin_part("REQUIRED_SCOPES=orders/write and RESPONSE_FORMAT=simple.");
        let settings = [("REQUIRED_SCOPES", "orders/write"), ("RESPONSE_FORMAT", "simple")];
        let function = self.start(&settings).await?;
        let reader = tokens::scoped(&self.key, "orders/read", 403, "insufficient_scope");
        let writer = tokens::scoped(&self.key, "orders/write", 200, "");
        for shape in Shape::ALL {
            self.ask(&function, shape, &reader).await;
            self.ask(&function, shape, &writer).await;
        }
        Ok(())
    }

    /// Every person on every route, each answered by the function. A person's documents must be one: API
    /// Gateway would have kept the first for all routes.
    async fn show_routes(&mut self) -> Result<(), StartError> {
        Table::begin_part(
            "POLICIES=layer/policies: three people on every route, one document for each person.",
        );
        let function =
            self.start(&[("POLICIES", concat!(env!("CARGO_MANIFEST_DIR"), "/layer/policies"))]).await?;
        for person in tokens::people(&self.key) {
            let mut documents = Vec::new();
            for ((key, verb, path), status) in tokens::ROUTES.into_iter().zip(person.statuses) {
                let reason = if status == 200 { "" } else { "not_permitted" };
                let token = Token::new(person.name, person.text.clone(), status, reason);
                let event = event_on(Shape::RestRequest, &format!("Bearer {}", token.text), key, verb, path);
                let answer = self.send(&function, key, &event, &token).await;
                documents.push(answer.outcome.unwrap_or_default().to_string());
            }
            documents.dedup();
            self.table.require(documents.len() == 1, "a person's answers are the same on every route");
            if person.name == "reader" {
                println!("\n  the reader's document, on every route: {}\n", documents[0]);
            }
        }
        Ok(())
    }

    async fn show_rotation(&mut self, function: &Function) {
        Table::begin_part("The pool withdraws its key and publishes another.");
        self.issuer.publish(&[&self.next_key]);
        sleep(COOLDOWN).await;
        let new = Token::access("of the new key", &self.next_key, 200, "");
        let old = Token::access("of the withdrawn key", &self.key, 401, "unknown_key");
        self.ask(function, Shape::HttpV2, &new).await;
        self.ask(function, Shape::HttpV2, &old).await;
    }

    async fn show_outage(&mut self, function: &Function) -> Result<(), StartError> {
        Table::begin_part("The pool cannot be reached: the token is not to blame, so no client sees a 401.");
        self.issuer.take_down();
        let newcomer = self.start(&[]).await?;
        let refused = Token::access("good, no keys held", &self.next_key, 500, "keys_unavailable");
        let served = Token::access("good, keys held", &self.next_key, 200, "");
        self.ask(&newcomer, Shape::HttpV2, &refused).await;
        self.ask(function, Shape::HttpV2, &served).await;

        Table::begin_part("The pool is back.");
        self.issuer.publish(&[&self.next_key]);
        sleep(COOLDOWN).await;
        let healed = Token::access("good, keys fetched", &self.next_key, 200, "");
        self.ask(&newcomer, Shape::HttpV2, &healed).await;
        println!("\nThe pool handed out its keys {} times.", self.issuer.requests());
        Ok(())
    }

    async fn ask(&mut self, function: &Function, shape: Shape, token: &Token) -> Answer {
        let event = event(shape, &format!("Bearer {}", token.text));
        self.send(function, shape.name(), &event, token).await
    }

    /// Sends one event, and adds the row of what came of it.
    async fn send(&mut self, function: &Function, name: &str, event: &Value, token: &Token) -> Answer {
        let answer = function.invoke(event.to_string()).await;
        let line = function.log_line(&answer.request_id).await.unwrap_or_default();
        self.table.add(name, token, client_status(event, &answer.outcome), &line);
        answer
    }
}

/// A little more than the `JWKS_COOLDOWN_SECONDS` that functions here are started with.
const COOLDOWN: Duration = Duration::from_millis(1_100);
