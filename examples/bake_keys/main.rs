//! Bakes a provider's keys into the package before a build, so that a cold start needs no network.
//!
//! `cargo bake-keys POOL_ID`, or the address of another provider's key set, fetches the keys as the function
//! does and refuses what the function would refuse. It writes the document as it came to `layer/keys/jwks.json`,
//! which is `/opt/keys/jwks.json` to the deployed function. `docs/keys.md` says what becomes of such a file as
//! it ages.

#![allow(clippy::print_stderr, reason = "a program for people to run")]

mod arguments;
mod key_file;
mod report;
mod sources;

use std::{
    io::{self, Write, stdout},
    path::{Path, PathBuf},
    process::ExitCode,
};

use cognito_authorizer::token::HttpsFetch;
use thiserror::Error;

use crate::{
    arguments::{Arguments, WrongArguments},
    sources::{NoKeys, Sources},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let (sources, out) = match understand() {
        Ok(understood) => understood,
        Err(wrong) => {
            eprintln!("{wrong}");
            return ExitCode::from(2);
        }
    };
    match bake(&sources, &out).await {
        Ok(report) => {
            // Whoever reads only the head of it closes the pipe.
            let _ = stdout().write_all(report.as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn understand() -> Result<(Sources, PathBuf), WrongArguments> {
    let arguments = Arguments::read(std::env::args_os().skip(1))?;
    Ok((Sources::of(&arguments.provider)?, arguments.out))
}

/// Why nothing was written.
#[derive(Debug, Error)]
enum BakeError {
    #[error(transparent)]
    NoKeys(#[from] NoKeys),
    #[error("{}: cannot be written: {}: name another file with --out", file.display(), error.kind())]
    Write { file: PathBuf, error: io::Error },
}

/// Fetches, writes, and returns what to say of it.
async fn bake(sources: &Sources, out: &Path) -> Result<String, BakeError> {
    let fetched = sources.fetch(&HttpsFetch::default()).await?;
    let before =
        key_file::write(out, &fetched).map_err(|error| BakeError::Write { file: out.to_owned(), error })?;
    Ok(report::of(&fetched, &before, out))
}
