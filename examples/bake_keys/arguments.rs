//! What was asked for.

use std::{ffi::OsString, path::PathBuf};

use thiserror::Error;

/// The command line, read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) provider: Provider,
    pub(crate) out: PathBuf,
}

/// Whose keys. Nothing is checked here: the function's own configuration does that.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Provider {
    /// A user pool's id.
    Pool(String),
    /// The address of another provider's key set, and the algorithms that its keys may be for, if they were said.
    Address { url: String, algorithms: Option<Vec<String>> },
}

/// What is wrong with the command line.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum WrongArguments {
    #[error("{USAGE}")]
    Form,
    /// A value that the function's configuration would refuse; the text says what would be right.
    #[error("{0}\n{USAGE}")]
    Value(String),
}

const USAGE: &str =
    "usage: cargo bake-keys (POOL_ID | https://HOST/PATH [--algorithms ES256,RS256]) [--out FILE]";

/// What becomes `/opt/keys/jwks.json`, since the content of `layer/` is the content of `/opt`.
pub(crate) const DEFAULT_OUT: &str = "layer/keys/jwks.json";

impl Arguments {
    pub(crate) fn read(words: impl Iterator<Item = OsString>) -> Result<Self, WrongArguments> {
        Self::parse(words).ok_or(WrongArguments::Form)
    }

    fn parse(mut words: impl Iterator<Item = OsString>) -> Option<Self> {
        let (mut subject, mut out, mut algorithms) = (None, None, None);
        while let Some(word) = words.next() {
            let earlier = match word.to_str() {
                Some("--out") => out.replace(words.next()?),
                Some("--algorithms") => algorithms.replace(words.next()?),
                Some(word) if word.starts_with('-') => return None,
                _ => subject.replace(word),
            };
            // Nothing may be said twice.
            if earlier.is_some() {
                return None;
            }
        }
        let algorithms = match algorithms {
            Some(list) => Some(list.to_str()?.split(',').map(str::to_owned).collect()),
            None => None,
        };
        let out = out.map_or_else(|| DEFAULT_OUT.into(), PathBuf::from);
        Some(Self { provider: Provider::parse(subject?.into_string().ok()?, algorithms)?, out })
    }
}

impl Provider {
    fn parse(subject: String, algorithms: Option<Vec<String>>) -> Option<Self> {
        match (subject.contains("://"), algorithms) {
            (true, algorithms) => Some(Self::Address { url: subject, algorithms }),
            (false, None) => Some(Self::Pool(subject)),
            // Cognito's algorithm is not the user's to choose.
            (false, Some(_)) => None,
        }
    }
}
