//! What every crate of the workspace has in common.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on stops")]

use std::{fs::read_to_string, path::PathBuf, process::Command};

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
