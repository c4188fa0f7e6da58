//! The file that the keys are baked into.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use cognito_authorizer::token::KeySet;

use crate::sources::Fetched;

/// What was there before, beside what was fetched.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Before {
    Nothing,
    /// The same document, byte by byte.
    Same,
    /// Another document, and how its usable keys differ by their `kid`s.
    Other {
        new: Vec<String>,
        gone: Vec<String>,
    },
}

impl Before {
    fn of(file: &Path, fetched: &Fetched) -> io::Result<Self> {
        let old = match fs::read(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::Nothing),
            Ok(old) if old == fetched.document => return Ok(Self::Same),
            old => old?,
        };
        let old = KeySet::parse(&old, &fetched.source.algorithms);
        let (old, new) = (old.map(|keys| key_ids(&keys)).unwrap_or_default(), key_ids(&fetched.keys));
        let without = |ids: &BTreeSet<String>, others| ids.difference(others).cloned().collect();
        Ok(Self::Other { new: without(&new, &old), gone: without(&old, &new) })
    }
}

fn key_ids(keys: &KeySet) -> BTreeSet<String> {
    keys.keys().map(|key| key.id().to_string()).collect()
}

/// Makes a file hold what was fetched, and says what it held before.
pub(crate) fn write(file: &Path, fetched: &Fetched) -> io::Result<Before> {
    let before = Before::of(file, fetched)?;
    if before != Before::Same {
        replace(file, &fetched.document)?;
    }
    Ok(before)
}

/// Puts a document in a file's place at once: whoever reads it meets the old one or the new one, whole.
fn replace(file: &Path, document: &[u8]) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let temporary = beside(file)?;
    let replaced = create(&temporary, document).and_then(|()| fs::rename(&temporary, file));
    if replaced.is_err() {
        // It would travel with the layer.
        let _ = fs::remove_file(&temporary);
    }
    replaced
}

/// In the same folder, and so on the same file system, where a file can be renamed at once.
fn beside(file: &Path) -> io::Result<PathBuf> {
    let name = file.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    let mut temporary = OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}", std::process::id()));
    Ok(file.with_file_name(temporary))
}

fn create(file: &Path, document: &[u8]) -> io::Result<()> {
    let mut file = File::create(file)?;
    file.write_all(document)?;
    // Else a crash could leave the new name with nothing behind it.
    file.sync_all()
}
