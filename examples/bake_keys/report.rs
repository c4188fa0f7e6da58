//! What to say of keys that were baked.

use std::path::{Component, Path};

use crate::{arguments::DEFAULT_OUT, key_file::Before, sources::Fetched};

/// The whole of it.
pub(crate) fn of(fetched: &Fetched, before: &Before, file: &Path) -> String {
    let (keys, outcome) = (keys(fetched), outcome(file, before));
    format!("{keys}{outcome}\n\nnext: {}, then sam build && sam deploy\n{AGE}", next(file))
}

fn keys(fetched: &Fetched) -> String {
    let (url, usable, skipped) = (fetched.source.url.as_str(), fetched.keys.len(), fetched.keys.skipped());
    let mut lines: Vec<String> = fetched
        .keys
        .keys()
        .map(|key| format!("  {:<5}  {}\n", key.algorithm().name(), key.id().escape_debug()))
        .collect();
    lines.sort();
    format!("{url}: usable keys: {usable}, skipped: {skipped}\n{}", lines.concat())
}

fn outcome(file: &Path, before: &Before) -> String {
    let file = file.display();
    match before {
        Before::Nothing => format!("{file}: written, where there was none"),
        Before::Same => format!("{file}: unchanged"),
        Before::Other { new, gone } if new.is_empty() && gone.is_empty() => {
            format!("{file}: written, changed, with the same key ids as before")
        }
        Before::Other { new, gone } => {
            format!("{file}: written, changed; new keys: {}; keys gone: {}", listed(new), listed(gone))
        }
    }
}

fn listed(key_ids: &[String]) -> String {
    if key_ids.is_empty() {
        return "none".to_owned();
    }
    key_ids.iter().map(|id| id.escape_debug().to_string()).collect::<Vec<_>>().join(", ")
}

/// How the function is told of the file.
fn next(file: &Path) -> String {
    let Some(deployed) = deployed(file) else {
        return "put the file into the package or the layer, and name it there in JWKS_FILE".to_owned();
    };
    if file == Path::new(DEFAULT_OUT) {
        format!("set the template's parameter BakedKeys to true (it sets JWKS_FILE={deployed})")
    } else {
        format!("set JWKS_FILE={deployed}, or jwks_file of its entry in ISSUERS")
    }
}

/// Where a file of the layer's folder is in the deployed function.
fn deployed(file: &Path) -> Option<String> {
    let inner = file.strip_prefix("layer").ok()?;
    let is_plain = inner.components().all(|part| matches!(part, Component::Normal(_)));
    is_plain.then(|| format!("/opt/{}", inner.display()))
}

const AGE: &str = "\
rotation: a new key is fetched when a token names it, where the provider can be reached; bake again each week
withdrawal: each new process takes a withdrawn key from the file until it has fetched the set (JWKS_TTL_SECONDS); \
bake and deploy at once
";
