//! What does the function cost, beside an empty one and beside others' functions?
//!
//! `cargo bench --bench function` builds ours and the floor, runs each under a Runtime API of its own and prints a
//! table with what may be reached at most. `--function NAME=BOOTSTRAP` measures any other function beside them: it
//! is started with `USER_POOL_ID`, `CLIENT_ID` and `JWKS_FILE`, and answers HTTP API events (payload 2.0) with policies.
//! `--only GROUP` measures part of it. `--short` shows that it works, with too few rounds to mean anything.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark that cannot go on stops"
)]

mod circumstances;
mod concurrent;
mod events;
mod groups;
mod in_process;
mod measure;
mod process;
mod provider;
mod report;
mod settings;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use cognito_authorizer::{
    testing::{SigningKey, jwks},
    token::Algorithm,
};
use flate2::{Compression, write::DeflateEncoder};
use process::Bootstrap;
use report::Row;
use settings::{Arguments, Group, build};

fn main() -> ExitCode {
    let arguments = match Arguments::read() {
        Ok(arguments) => arguments,
        Err(usage) => {
            eprintln!("{usage}");
            return ExitCode::from(2);
        }
    };
    let bench = Bench::prepare(&arguments);
    let mut rows = bench.run();
    if arguments.is_short {
        // So few rounds pass or fail nothing.
        for row in &mut rows {
            row.limit = None;
        }
    }
    println!("{}", report::table(&rows));
    if let Some(folder) = &arguments.out {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("function.md"), report::table(&rows)).unwrap();
        fs::write(folder.join("function.svg"), report::chart(&bars(&rows))).unwrap();
    }
    if rows.iter().all(Row::passes) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// How much is measured.
struct Extent {
    starts: usize,
    rounds: usize,
    events: usize,
    memory_tokens: usize,
    throughput: Duration,
}

const FULL: Extent = Extent {
    starts: 61,
    rounds: 41,
    events: 300,
    memory_tokens: 100_000,
    throughput: Duration::from_secs(4),
};

const SHORT: Extent =
    Extent { starts: 2, rounds: 2, events: 80, memory_tokens: 100, throughput: Duration::from_millis(200) };

struct Bench {
    extent: Extent,
    groups: Vec<Group>,
    key: SigningKey,
    floor: Bootstrap,
    ours: Bootstrap,
    others: Vec<Bootstrap>,
    /// The zipped size in bytes without rules per route, where it was built.
    without_cedar: Option<usize>,
    folder: PathBuf,
    document: String,
}

impl Bench {
    fn prepare(arguments: &Arguments) -> Self {
        // Apart, or cargo would build both with what either asks for.
        let is_short = arguments.is_short;
        let release = build(is_short, &[], "bench", &["--bin", "cognito-authorizer"]);
        build(is_short, &[], "bench", &["--package", "floor"]);
        let without_cedar = (!is_short && arguments.groups.contains(&Group::Sizes)).then(|| {
            let plain = ["--no-default-features"];
            let release = build(is_short, &plain, "bench-plain", &["--bin", "cognito-authorizer"]);
            zipped(&release.join("cognito-authorizer"))
        });
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("function-bench");
        fs::create_dir_all(&folder).unwrap();
        let key = SigningKey::generate("current", Algorithm::RS256);
        let document = jwks(&[&key]).to_string();
        fs::write(folder.join("jwks.json"), &document).unwrap();
        let named = |name: &str, path: PathBuf| Bootstrap { name: name.to_owned(), path };
        Self {
            extent: if is_short { SHORT } else { FULL },
            groups: arguments.groups.clone(),
            key,
            floor: named("floor", release.join("floor")),
            ours: named("cognito-authorizer", release.join("cognito-authorizer")),
            others: arguments.others.clone(),
            without_cedar,
            folder,
            document,
        }
    }

    fn run(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for group in &self.groups {
            rows.extend(match group {
                Group::Starts => self.starts(),
                Group::Answers => self.answers(),
                Group::InProcess => self.in_process().into(),
                Group::Memory => self.memory(),
                Group::Sizes => self.sizes(),
                Group::Throughput => self.throughput(),
            });
        }
        rows
    }
}

/// What the chart shows: starts and answers.
fn bars(rows: &[Row]) -> Vec<(String, f64)> {
    let shown = rows.iter().filter(|row| row.unit == "× floor");
    shown.map(|row| (row.work.clone(), row.measured)).collect()
}

/// A file's size in a zip archive, but for some hundred bytes of its directory.
fn zipped(file: &Path) -> usize {
    use std::io::Write;
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&fs::read(file).unwrap()).unwrap();
    encoder.finish().unwrap().len()
}
