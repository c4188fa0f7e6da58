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
    policy::Policies,
    testing::{SigningKey, jwks},
    token::Algorithm,
};
use flate2::{Compression, write::DeflateEncoder};
use measure::{Cache, Case, Timing};
use process::{Bootstrap, Variables, variables};
use provider::Certificate;
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

    fn with_key_file(&self) -> Variables {
        variables([("JWKS_FILE", self.folder.join("jwks.json").display().to_string())])
    }

    /// The floor, ours with each of `settings`, then the others.
    fn cases(&self, settings: &[Variables]) -> Vec<Case> {
        let case = |bootstrap: &Bootstrap, variables: &Variables| Case {
            bootstrap: bootstrap.clone(),
            variables: variables.clone(),
        };
        let ours = settings.iter().map(|variables| case(&self.ours, variables));
        let others = self.others.iter().map(|other| case(other, &self.with_key_file()));
        [case(&self.floor, &self.with_key_file())].into_iter().chain(ours).chain(others).collect()
    }

    fn event(&self) -> Vec<u8> {
        events::carrying(&events::tokens(&self.key, 0..1)[0])
    }

    fn starts(&self) -> Vec<Row> {
        let authority = self.folder.join("authority.pem");
        let plain = provider::serve(&self.document, |stream| stream);
        let tls = provider::serve_tls(&self.document, Certificate::Good, &authority);
        let settings = [
            self.with_key_file(),
            variables([("JWKS_URI", format!("http://127.0.0.1:{plain}/jwks.json"))]),
            variables([
                ("JWKS_URI", format!("https://127.0.0.1:{tls}/jwks.json")),
                ("JWKS_CA_FILE", authority.display().to_string()),
            ]),
            self.with_policies(),
        ];
        let cases = self.cases(&settings);
        let found = measure::start(&cases, &self.event(), Cache::Warm, self.extent.starts);
        let evicted = measure::start(
            &self.cases(&settings[..1]),
            &self.event(),
            Cache::Evicted,
            self.extent.starts / 2,
        );
        let of = |work: &str, timing: Timing, limit: f64| times(work, timing, Some(limit));
        let mut rows = vec![
            of("start to first answer, keys from a file", found[1], 1.5),
            of("the same, keys fetched over HTTP", found[2], 2.0),
            Row {
                work: "the same over HTTPS, beyond HTTP".to_owned(),
                measured: milliseconds(found[3].median) - milliseconds(found[2].median),
                unit: "ms",
                limit: Some(12.0),
                detail: format!("{:.2} ms", milliseconds(found[3].median)),
            },
            of("the same with policies: 10, checked, on 20 routes", found[4], 2.2),
            of("start with the file out of the page cache", evicted[1], 2.2),
        ];
        rows.extend(self.of_others("start to first answer", &found));
        rows
    }

    /// Ten policies on twenty routes, checked.
    fn with_policies(&self) -> Variables {
        let folder = self.folder.join("policies");
        fs::create_dir_all(&folder).unwrap();
        for name in ["shop.cedar", "shop.cedarschema"] {
            let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/function/policies").join(name);
            fs::copy(source, folder.join(name)).unwrap();
        }
        fs::write(folder.join("checked.json"), Policies::check(&folder).unwrap().1).unwrap();
        let mut variables = self.with_key_file();
        variables.insert("POLICIES".to_owned(), folder.display().to_string());
        variables
    }

    fn answers(&self) -> Vec<Row> {
        let cases = self.cases(&[self.with_key_file()]);
        let fresh: Vec<Vec<u8>> = events::tokens(&self.key, 0..self.extent.events)
            .iter()
            .map(|token| events::carrying(token))
            .collect();
        let seen = vec![self.event(); self.extent.events];
        let seen = measure::warm(&cases, &seen, self.extent.rounds);
        let fresh = measure::warm(&cases, &fresh, self.extent.rounds);
        let mut rows = vec![
            times("answer, token seen before", seen[1], Some(1.3)),
            times("answer, token never seen", fresh[1], Some(2.0)),
        ];
        rows.extend(self.of_others("answer, token seen before", &seen));
        rows.extend(self.of_others("answer, token never seen", &fresh));
        rows
    }

    fn of_others(&self, work: &str, found: &[Timing]) -> Vec<Row> {
        let timings = &found[found.len() - self.others.len()..];
        let named = self.others.iter().zip(timings);
        named.map(|(other, timing)| times(&format!("{}: {work}", other.name), *timing, None)).collect()
    }

    fn in_process(&self) -> [Row; 2] {
        let found = in_process::measure(&self.key, self.extent.rounds);
        let row = |work: &str, measured, limit| Row {
            work: work.to_owned(),
            measured,
            unit: "checks",
            limit: Some(limit),
            detail: format!("one bare RS256 check: {:.1} µs", microseconds(found.check)),
        };
        [
            row("verify in process, token never seen", found.fresh, 1.35),
            row("verify in process, token seen before", found.remembered, 0.12),
        ]
    }

    fn memory(&self) -> Vec<Row> {
        let count = self.extent.memory_tokens;
        let cases = self.cases(&[self.with_key_file()]);
        let row = |case: &Case| {
            let [half, whole] = measure::memory(case, &self.key, count).map(mebibytes);
            let name = &case.bootstrap.name;
            let is_ours = *name == self.ours.name;
            let peak = Row {
                work: format!("{name}: peak memory, {count} different tokens"),
                measured: whole,
                unit: "MiB",
                limit: is_ours.then_some(10.0),
                detail: format!("after half of them {half:.2} MiB"),
            };
            let growth = Row {
                work: "of which the second half".to_owned(),
                measured: whole - half,
                unit: "MiB",
                limit: Some(0.1),
                detail: String::new(),
            };
            if is_ours { vec![peak, growth] } else { vec![peak] }
        };
        cases.iter().flat_map(row).collect()
    }

    fn sizes(&self) -> Vec<Row> {
        let row = |work: &str, bytes: usize, limit| Row {
            work: work.to_owned(),
            measured: megabytes(bytes),
            unit: "MB",
            limit: Some(limit),
            detail: format!("{bytes} bytes"),
        };
        let mut rows = vec![row("zipped, all features", zipped(&self.ours.path), 3.5)];
        rows.extend(self.without_cedar.map(|bytes| row("zipped, without rules per route", bytes, 1.8)));
        rows
    }

    fn throughput(&self) -> Vec<Row> {
        let case = &self.cases(&[self.with_key_file()])[1];
        let events: Vec<Vec<u8>> =
            events::tokens(&self.key, 0..64).iter().map(|token| events::carrying(token)).collect();
        let row = |in_flight: usize| Row {
            work: format!("answers a second, {in_flight} in flight"),
            measured: measure::throughput(case, &events, in_flight, self.extent.throughput),
            unit: "/s",
            limit: None,
            detail: "this process and the Runtime API share the processors".to_owned(),
        };
        [1, 8, 64].map(row).into()
    }
}

/// What the chart shows: starts and answers.
fn bars(rows: &[Row]) -> Vec<(String, f64)> {
    let shown = rows.iter().filter(|row| row.unit == "× floor");
    shown.map(|row| (row.work.clone(), row.measured)).collect()
}

fn times(work: &str, timing: Timing, limit: Option<f64>) -> Row {
    Row {
        work: work.to_owned(),
        measured: timing.ratio,
        unit: "× floor",
        limit,
        detail: format!("{:.1} µs", microseconds(timing.median)),
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

#[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "megabytes for people to read")]
fn megabytes(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}

#[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "mebibytes for people to read")]
fn mebibytes(kibibytes: u64) -> f64 {
    kibibytes as f64 / 1024.0
}

/// A file's size in a zip archive, but for some hundred bytes of its directory.
fn zipped(file: &Path) -> usize {
    use std::io::Write;
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&fs::read(file).unwrap()).unwrap();
    encoder.finish().unwrap().len()
}
