//! The function on this machine: a demonstration, or a local API Gateway around it.
//!
//! `cargo run --example local` shows every kind of event once; `-- serve` keeps a gateway and an issuer up. README.md
//! beside this file says more. Everything stays on loopback.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for people to run: it prints, and ends where it cannot go on"
)]

mod api;
mod arguments;
mod backend;
mod binary;
mod cache;
mod client_credentials;
mod context;
mod control;
mod demonstrate;
mod events;
mod exchange;
mod function_log;
mod functions;
mod gateway;
mod guard;
mod identity;
mod introduction;
mod issuer;
mod keys;
mod output;
mod page;
mod people;
mod pool;
mod reply;
mod request;
mod routes;
mod runtime_api;
mod sample_event;
mod serve;
mod sign_in;
mod table;
mod tokens;
mod websocket;

use std::process::ExitCode;

use clap::Parser;

use crate::{
    arguments::{Arguments, Command},
    serve::ServeError,
};

/// The function is built as this program is.
const PROFILE: &str = if cfg!(debug_assertions) { "dev" } else { "release" };

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(help) if !help.use_stderr() => {
            print!("{help}");
            return ExitCode::SUCCESS;
        }
        Err(error) => return complain(&arguments::explain(&error), WRONG_USAGE),
    };
    match arguments.command {
        None => demonstrate::demonstrate().await,
        Some(Command::Serve(arguments)) => match serve::serve(arguments).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error @ ServeError::Usage(_)) => complain(&error.to_string(), WRONG_USAGE),
            Err(error) => complain(&error.to_string(), 1),
        },
        Some(Command::Event(arguments)) => match sample_event::write(&arguments) {
            Ok(event) => {
                println!("{event:#}");
                ExitCode::SUCCESS
            }
            Err(problem) => complain(&problem, WRONG_USAGE),
        },
    }
}

fn complain(message: &str, code: u8) -> ExitCode {
    eprintln!("{message}");
    ExitCode::from(code)
}

/// As shells have it.
const WRONG_USAGE: u8 = 2;
