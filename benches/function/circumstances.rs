//! When, on what and with which versions something was measured.

use std::{fs, process::Command};

use cognito_authorizer::time::UnixTime;

/// Date, machine and versions.
pub(crate) fn circumstances() -> String {
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
