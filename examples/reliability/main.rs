//! Does the function stay right when everything around it goes wrong?
//!
//! `cargo run --example reliability` builds the function as it is deployed and puts its process under trial: over
//! real sockets, with a provider of its own that misbehaves, and a judge who works out what each answer may be. It
//! prints a table, and fails where an answer was wrong, a fetch too many, or memory not enough.
//! `docs/reliability.md` says what each row means.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for people to run: it prints, and ends where it cannot go on"
)]

#[path = "../local/binary.rs"]
mod binary;
#[path = "../../benches/function/circumstances.rs"]
mod circumstances;
mod clock;
mod faults;
mod freeze;
#[path = "../local/gateway.rs"]
mod gateway;
mod growth;
mod judge;
mod load;
#[path = "../../benches/function/process.rs"]
mod process;
mod provider;
mod report;
mod schedule;
#[path = "../../benches/function/provider.rs"]
mod server;
mod soak;
mod tally;
mod tokens;
mod trial;

use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::ExitCode,
};

use process::Bootstrap;
use report::Row;
use schedule::{Extent, FULL, SHORT};
use tokens::Mint;
use trial::{Envelopes, Stage};

fn main() -> ExitCode {
    let arguments = match Arguments::read(env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(usage) => {
            eprintln!("{usage}");
            return ExitCode::from(2);
        }
    };
    let extent = if arguments.is_short { SHORT } else { FULL };
    let building = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let function = match building.block_on(binary::build(extent.profile)) {
        Ok(function) => function,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let folder = function.parent().unwrap().join("reliability");
    let rows = schedule::run(set_up(&function, &folder, &extent), &extent, &folder, &arguments.only);
    let table = report::table(&rows, extent.description);
    println!("\n{table}");
    let written = arguments.page.map_or(Ok(()), |page| report::write_into(&page, &table));
    if let Err(error) = &written {
        eprintln!("{error}");
    }
    if written.is_ok() && rows.iter().all(Row::passes) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn set_up(function: &Path, folder: &Path, extent: &Extent) -> Stage {
    fs::create_dir_all(folder).unwrap();
    let run = format!("exec '{}'", function.display());
    Stage {
        bootstrap: Bootstrap { name: "cognito-authorizer".to_owned(), path: function.to_owned() },
        logging: write_script(folder, "logging", &format!("{run} >\"$LOG\" 2>&1")),
        capped: write_script(folder, "capped", &format!("ulimit -v {MEMORY_KIB}\n{run}")),
        mint: Mint::open(KEYS, extent.tokens),
        envelopes: Envelopes::new(),
    }
}

/// A script that becomes the function.
fn write_script(folder: &Path, name: &str, commands: &str) -> Bootstrap {
    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\n{commands}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    Bootstrap { name: name.to_owned(), path }
}

/// The command line.
#[derive(Default)]
struct Arguments {
    is_short: bool,
    /// Rows whose names begin so; all, if there is none.
    only: Vec<String>,
    page: Option<PathBuf>,
}

impl Arguments {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Self, &'static str> {
        let mut arguments = Self::default();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--short" => arguments.is_short = true,
                "--only" => arguments.only.push(words.next().ok_or(USAGE)?),
                "--page" => arguments.page = Some(words.next().ok_or(USAGE)?.into()),
                _ => return Err(USAGE),
            }
        }
        Ok(arguments)
    }
}

const USAGE: &str = "usage: cargo run --example reliability -- [--short] [--only ROW]... [--page FILE]";

/// Signing keys that the pool has, one after the other.
const KEYS: usize = 4;

/// Of addresses, which are more than memory: what the smallest Lambda function has.
const MEMORY_KIB: u64 = 128 * 1024;
