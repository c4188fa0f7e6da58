//! What policies make of a token's claims, with no AWS and no token.
//!
//! `cargo run --example explain -- --policies DIR --claims FILE` reads a folder of policies as the function
//! does, and the claims of a token as JSON. It prints allow or deny for every route, the policies behind it, and
//! the IAM document. What the file does not say of a token is filled in as a pool would; times are always now.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a program for people to run: it prints, and ends where it cannot go on"
)]

mod claims;

use std::{
    error::Error,
    fmt::Write as _,
    io::{Write, stdout},
    path::PathBuf,
    process::ExitCode,
};

use cognito_authorizer::{
    gateway::{Event, Shape},
    policy::{Decision, Policies, Ruling, Rulings},
    testing::{event, settings},
};

const USAGE: &str = "usage: cargo run --example explain -- --policies DIR --claims FILE";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Some(arguments) = Arguments::read(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match explain(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

struct Arguments {
    policies: PathBuf,
    claims: PathBuf,
}

impl Arguments {
    fn read(mut words: impl Iterator<Item = String>) -> Option<Self> {
        let (mut policies, mut claims) = (None, None);
        while let Some(word) = words.next() {
            match word.as_str() {
                "--policies" => policies = Some(words.next()?.into()),
                "--claims" => claims = Some(words.next()?.into()),
                _ => return None,
            }
        }
        Some(Self { policies: policies?, claims: claims? })
    }
}

async fn explain(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let policies = Policies::read(&arguments.policies)?;
    let verified = claims::verify(&arguments.claims).await?;
    let rulings = policies.decide(verified.claims());

    let mut text = format!("{}\n\n{}", policies.principal(verified.claims()), table(&rulings));

    let event = event(Shape::RestRequest, "").to_string();
    let event = Event::parse(&event)?;
    let (request, decision) = (event.request()?, Decision::PerRoute(rulings));
    let answer = settings().answerer.respond(&request, &request.arn()?, verified.claims(), &decision, None);
    let answer = serde_json::to_value(&answer.response)?;
    writeln!(text, "\n{:#}", answer["policyDocument"])?;
    // Whoever reads only the head of it closes the pipe.
    let _ = stdout().write_all(text.as_bytes());
    Ok(())
}

fn table(rulings: &Rulings) -> String {
    let width = rulings.iter().map(|(route, _)| route.name().len()).max().unwrap_or_default();
    let rows = rulings.iter().map(|(route, ruling)| {
        let verdict = if ruling.is_allowed() { "allow" } else { "deny" };
        format!("  {:<width$}  {verdict:<5}  {}\n", route.name(), why(ruling))
    });
    rows.collect()
}

fn why(ruling: &Ruling) -> String {
    let policies = ruling.determined_by().join(", ");
    if !ruling.forbidden_by.is_empty() {
        format!("forbidden by {policies}")
    } else if !ruling.failed.is_empty() {
        let failed =
            ruling.failed.iter().map(|failure| format!("{} ({})", failure.policy, failure.reason.code()));
        format!("failed: {}", failed.collect::<Vec<_>>().join(", "))
    } else if !policies.is_empty() {
        format!("permitted by {policies}")
    } else {
        "no policy permits it".to_owned()
    }
}
