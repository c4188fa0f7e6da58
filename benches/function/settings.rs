//! What is measured, as the command line says.

use std::{env, path::PathBuf, process::Command};

use crate::process::Bootstrap;

/// Rows that are measured together.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    Starts,
    Answers,
    InProcess,
    Memory,
    Sizes,
    Throughput,
}

impl Group {
    const ALL: [(&str, Self); 6] = [
        ("starts", Self::Starts),
        ("answers", Self::Answers),
        ("in-process", Self::InProcess),
        ("memory", Self::Memory),
        ("sizes", Self::Sizes),
        ("throughput", Self::Throughput),
    ];

    fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(name, _)| *name == word).map(|(_, group)| group)
    }
}

/// The command line.
pub(crate) struct Arguments {
    /// Others' functions, to be measured beside ours.
    pub(crate) others: Vec<Bootstrap>,
    /// Few rounds, which show that all of it works and no more.
    pub(crate) is_short: bool,
    /// What is measured.
    pub(crate) groups: Vec<Group>,
    /// Where to write the table and the chart.
    pub(crate) out: Option<PathBuf>,
}

impl Arguments {
    pub(crate) fn read() -> Result<Self, String> {
        let mut arguments = Self { others: Vec::new(), is_short: false, groups: Vec::new(), out: None };
        let mut words = env::args().skip(1);
        while let Some(word) = words.next() {
            match word.as_str() {
                // What `cargo bench` and `cargo test --benches` add.
                "--bench" => {}
                "--test" | "--short" => arguments.is_short = true,
                "--only" => {
                    let group = words.next().and_then(|word| Group::named(&word)).ok_or(USAGE)?;
                    arguments.groups.push(group);
                }
                "--out" => arguments.out = Some(words.next().ok_or(USAGE)?.into()),
                "--function" => {
                    let (name, path) = words.next().and_then(|word| split(&word)).ok_or(USAGE)?;
                    arguments.others.push(Bootstrap { name, path });
                }
                _ => return Err(USAGE.to_owned()),
            }
        }
        if arguments.groups.is_empty() {
            arguments.groups = Group::ALL.map(|(_, group)| group).into();
        }
        Ok(arguments)
    }
}

fn split(word: &str) -> Option<(String, PathBuf)> {
    let (name, path) = word.split_once('=')?;
    Some((name.to_owned(), PathBuf::from(path).canonicalize().ok()?))
}

const USAGE: &str =
    "usage: cargo bench --bench function -- [--short] [--only GROUP]... [--function NAME=BOOTSTRAP]... [--out FOLDER]
groups: starts, answers, in-process, memory, sizes, throughput";

/// Builds `targets` with the release profile, into a folder of their own for each set of features; for a short run,
/// which says nothing about time, as tests are built and where.
pub(crate) fn build(is_short: bool, features: &[&str], folder: &str, targets: &[&str]) -> PathBuf {
    let target = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target");
    let (profile, folder, built) =
        if is_short { ("dev", target, "debug") } else { ("release", target.join(folder), "release") };
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--profile", profile, "--target-dir"])
        .arg(&folder)
        .args(features)
        .args(targets)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .unwrap();
    assert!(status.success(), "the build failed");
    folder.join(built)
}
