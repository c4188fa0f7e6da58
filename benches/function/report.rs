//! The table, and a chart of it.

use std::{fmt::Write, fs, process::Command};

use cognito_authorizer::time::UnixTime;

/// One line: what was measured, the figure beside its unit, and what it may be at most.
pub(crate) struct Row {
    pub(crate) work: String,
    pub(crate) measured: f64,
    pub(crate) unit: &'static str,
    pub(crate) limit: Option<f64>,
    /// The same in absolute terms, for the curious.
    pub(crate) detail: String,
}

impl Row {
    pub(crate) fn passes(&self) -> bool {
        self.limit.is_none_or(|limit| self.measured <= limit)
    }
}

/// Markdown, with where and when it was measured.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut text =
        format!("{}\n\n| work | measured | at most | | |\n|---|---|---|---|---|\n", circumstances());
    for row in rows {
        let limit = row.limit.map_or_else(|| "–".to_owned(), |limit| format!("{limit} {}", row.unit));
        let verdict = match row.limit {
            None => "",
            Some(_) if row.passes() => "pass",
            Some(_) => "FAIL",
        };
        writeln!(
            text,
            "| {} | {:.2} {} | {limit} | {verdict} | {} |",
            row.work, row.measured, row.unit, row.detail
        )
        .unwrap();
    }
    text
}

/// Date, machine and versions.
fn circumstances() -> String {
    let now = humantime::format_rfc3339_seconds(
        std::time::UNIX_EPOCH + std::time::Duration::from_secs(UnixTime::now().as_secs()),
    );
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        processors.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown processor");
    let count = processors.matches("\nprocessor").count() + 1;
    let date = now.to_string();
    format!(
        "{}, {count} × {}, {}, {}, commit {}",
        date.split('T').next().unwrap_or_default(),
        model.trim_start_matches(['\t', ' ', ':']),
        output("rustc", &["--version"]).split(" (").next().unwrap_or_default(),
        ["lambda_runtime", "aws-lc-rs", "cedar-policy"].map(locked).join(", "),
        output("git", &["rev-parse", "--short", "HEAD"]),
    )
}

/// A dependency with its version.
fn locked(name: &str) -> String {
    let lock = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock")).unwrap();
    let version = lock.split_once(&format!("name = \"{name}\"\nversion = \"")).unwrap().1;
    format!("{name} {}", version.split('"').next().unwrap())
}

fn output(command: &str, words: &[&str]) -> String {
    let output = Command::new(command).args(words).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

/// Bars of each function's start and answers, as multiples of the floor.
pub(crate) fn chart(bars: &[(String, f64)]) -> String {
    let widest = bars.iter().map(|(_, value)| *value).fold(1.0, f64::max);
    let height = bars.len() * BAR + 48;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 860 {height}\" font-family=\"sans-serif\" \
         font-size=\"13\" role=\"img\">\n<title>Multiples of an empty function</title>\n\
         <rect width=\"860\" height=\"{height}\" fill=\"#fff\"/>\n"
    );
    for (position, (name, value)) in bars.iter().enumerate() {
        let top = position * BAR + 8;
        writeln!(
            svg,
            "<text x=\"352\" y=\"{}\" text-anchor=\"end\">{name}</text>\
             <rect x=\"360\" y=\"{top}\" width=\"{:.1}\" height=\"16\" fill=\"#2a6f97\"/>\
             <text x=\"{:.1}\" y=\"{}\">{value:.1} ×</text>",
            top + 13,
            value / widest * 420.0,
            value / widest * 420.0 + 366.0,
            top + 13,
        )
        .unwrap();
    }
    writeln!(
        svg,
        "<text x=\"8\" y=\"{}\" font-size=\"11\" fill=\"#555\">{}</text>\n</svg>",
        height - 12,
        circumstances()
    )
    .unwrap();
    svg
}

const BAR: usize = 24;
