//! Policies and their schema as files of one folder.

use std::{fs, io, path::Path};

use super::{
    Policies,
    checked::Checked,
    problem::{PolicyError, PolicyProblem, PolicyProblems, Source},
};

/// A file's name and text.
struct File {
    name: String,
    text: String,
}

impl Policies {
    /// Reads a folder as the function does: its `checked.json`, if there is one, and else as [`Self::read`].
    pub fn load(folder: &Path) -> Result<Self, PolicyProblems> {
        let files = Files::read(folder)?;
        match &files.checked {
            None => files.read_unchecked(folder),
            Some(checked) => {
                let opened = Checked::open(&checked.text, &files.sources(folder)?);
                opened.and_then(Checked::ready).map_err(|error| problem(CHECKED, error))
            }
        }
    }

    /// Reads and checks every `*.cedar` file of a folder and its one schema: `*.cedarschema`, or `*.json` in
    /// Cedar's JSON form. Other files are left alone; a folder within is refused, since a policy in it would
    /// count for nothing.
    pub fn read(folder: &Path) -> Result<Self, PolicyProblems> {
        Files::read(folder)?.check(folder)?.ready().map_err(|error| problem(&folder.to_string_lossy(), error))
    }

    /// Reads and checks a folder as [`Self::read`] does; gives the content of its `checked.json` too.
    pub fn check(folder: &Path) -> Result<(Self, String), PolicyProblems> {
        let files = Files::read(folder)?;
        let checked = files.check(folder)?;
        let sealed = checked.seal(&files.sources(folder)?);
        let sealed = sealed.ok_or_else(|| problem(CHECKED, PolicyError::Unsealed))?;
        let policies = checked.ready().map_err(|error| problem(&folder.to_string_lossy(), error))?;
        Ok((policies, sealed))
    }
}

fn problem(file: &str, error: PolicyError) -> PolicyProblems {
    PolicyProblem { file: file.to_owned(), line: None, error }.into()
}

#[derive(Default)]
struct Files {
    checked: Option<File>,
    schemas: Vec<File>,
    policies: Vec<File>,
}

impl Files {
    /// By name, so that messages and ids do not depend on the file system's order.
    fn read(folder: &Path) -> Result<Self, PolicyProblems> {
        let name = |path: &Path| path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let unreadable =
            |path: &Path, error: &io::Error| problem(&name(path), PolicyError::Unreadable(error.kind()));
        let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let entries = entries.map_err(|error| unreadable(folder, &error))?;
        let mut paths: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
        paths.sort();
        let mut files = Self::default();
        for path in paths {
            // Such as macOS leaves beside every file that it copies.
            if name(&path).starts_with('.') {
                continue;
            }
            if path.is_dir() {
                return Err(problem(&name(&path), PolicyError::Subfolder));
            }
            let extension =
                path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
            let is_wanted = matches!(extension.as_deref(), Some("cedar" | "cedarschema" | "json"));
            if !is_wanted {
                continue;
            }
            let text = fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
            let file = File { name: name(&path), text };
            match extension.as_deref() {
                _ if file.name == CHECKED => files.checked = Some(file),
                Some("cedar") => files.policies.push(file),
                _ => files.schemas.push(file),
            }
        }
        Ok(files)
    }

    /// The schema, and then the policies.
    fn sources(&self, folder: &Path) -> Result<Vec<Source<'_>>, PolicyProblems> {
        let folder = folder.to_string_lossy();
        let [schema] = self.schemas.as_slice() else {
            let names: Vec<&str> = self.schemas.iter().map(|file| file.name.as_str()).collect();
            return Err(problem(&folder, PolicyError::NotOneSchema(names.join(", "))));
        };
        if self.policies.is_empty() {
            return Err(problem(&folder, PolicyError::NoPolicies));
        }
        Ok([schema].into_iter().chain(&self.policies).map(File::source).collect())
    }

    fn check(&self, folder: &Path) -> Result<Checked, PolicyProblems> {
        match self.sources(folder)?.as_slice() {
            [schema, policies @ ..] => Checked::of(*schema, policies),
            [] => Err(problem(&folder.to_string_lossy(), PolicyError::NoPolicies)),
        }
    }

    #[cfg(feature = "cedar-text")]
    fn read_unchecked(&self, folder: &Path) -> Result<Policies, PolicyProblems> {
        self.check(folder)?.ready().map_err(|error| problem(&folder.to_string_lossy(), error))
    }

    #[cfg(not(feature = "cedar-text"))]
    fn read_unchecked(&self, folder: &Path) -> Result<Policies, PolicyProblems> {
        self.sources(folder)?;
        Err(problem(CHECKED, PolicyError::Unchecked))
    }
}

impl File {
    fn source(&self) -> Source<'_> {
        Source { file: &self.name, text: &self.text }
    }
}

/// The name of the file that checking a folder gives.
const CHECKED: &str = "checked.json";
