//! What every crate of the workspace has in common.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on stops")]

use std::{collections::BTreeSet, fs::read_to_string, path::PathBuf, process::Command};

use serde_json::Value;

/// The manifest of each crate that cargo itself counts among the workspace's.
fn manifests() -> Vec<PathBuf> {
    let mut cargo = Command::new(env!("CARGO"));
    let metadata =
        cargo.args(["metadata", "--offline", "--locked", "--no-deps", "--format-version", "1"]).output();
    let metadata: Value = serde_json::from_slice(&metadata.unwrap().stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages.map(|package| PathBuf::from(package["manifest_path"].as_str().unwrap())).collect()
}

/// The lines of a manifest's table.
fn table<'a>(manifest: &'a str, heading: &str) -> Vec<&'a str> {
    let lines = manifest.lines().skip_while(|line| *line != heading).skip(1);
    lines.take_while(|line| !line.starts_with('[')).collect()
}

#[test]
fn every_crate_forbids_unsafe_code_and_takes_the_other_lints_of_the_workspace() {
    let root = read_to_string("Cargo.toml").unwrap();
    assert!(table(&root, "[workspace.lints.rust]").contains(&r#"unsafe_code = "forbid""#));
    let manifests = manifests();
    assert!(manifests.len() > 1, "a workspace of one: {manifests:?}");
    for path in manifests {
        let manifest = read_to_string(&path).unwrap();
        assert!(
            table(&manifest, "[lints]").contains(&"workspace = true"),
            "{} has lints of its own",
            path.display()
        );
    }
}

/// Names and versions in a lock file.
fn locked(path: &str) -> BTreeSet<(String, String)> {
    let text = read_to_string(path).unwrap();
    let value = |package: &str, name: &str| {
        let line = package.lines().find_map(|line| line.strip_prefix(&format!("{name} = ")));
        line.unwrap().trim_matches('"').to_owned()
    };
    let packages = text.split("[[package]]").skip(1);
    packages.map(|package| (value(package, "name"), value(package, "version"))).collect()
}

#[test]
fn what_is_fuzzed_is_what_is_shipped_and_the_fuzzer_brings_only_these() {
    let (function, fuzzed) = (locked("Cargo.lock"), locked("fuzz/Cargo.lock"));
    let more: Vec<&str> = fuzzed.difference(&function).map(|(name, _)| name.as_str()).collect();
    let own = ["arbitrary", "cognito-authorizer-fuzz", "derive_arbitrary", "fastrand", "libfuzzer-sys"];
    assert_eq!(more, own, "cargo update --manifest-path fuzz/Cargo.toml -p NAME --precise VERSION");
}
