//! Policies and their schema as files of one folder.

use std::{fs, io, path::Path};

use super::{
    Policies,
    problem::{PolicyError, PolicyProblem, PolicyProblems, Source},
};

/// A file's name and text.
struct File {
    name: String,
    text: String,
}

impl Policies {
    /// Reads every `*.cedar` file of a folder, and its one schema: `*.cedarschema`, or `*.json` in Cedar's JSON
    /// form. Other files are left alone; a folder within is refused, since a policy in it would count for
    /// nothing.
    pub fn load(folder: &Path) -> Result<Self, PolicyProblems> {
        let files = Files::read(folder)?;
        let folder = folder.to_string_lossy();
        let problem =
            |error| PolicyProblems::from(PolicyProblem { file: folder.into_owned(), line: None, error });
        let [schema] = files.schemas.as_slice() else {
            let names: Vec<&str> = files.schemas.iter().map(|file| file.name.as_str()).collect();
            return Err(problem(PolicyError::NotOneSchema(names.join(", "))));
        };
        if files.policies.is_empty() {
            return Err(problem(PolicyError::NoPolicies));
        }
        let policies: Vec<Source<'_>> = files.policies.iter().map(File::source).collect();
        Self::parse(schema.source(), &policies)
    }
}

#[derive(Default)]
struct Files {
    schemas: Vec<File>,
    policies: Vec<File>,
}

impl Files {
    /// By name, so that messages and ids do not depend on the file system's order.
    fn read(folder: &Path) -> Result<Self, PolicyProblems> {
        let problem = |path: &Path, error| {
            let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
            PolicyProblems::from(PolicyProblem { file, line: None, error })
        };
        let unreadable =
            |path: &Path, error: &io::Error| problem(path, PolicyError::Unreadable(error.kind()));
        let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let entries = entries.map_err(|error| unreadable(folder, &error))?;
        let mut paths: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
        paths.sort();
        let mut files = Self::default();
        for path in paths {
            if path.is_dir() {
                return Err(problem(&path, PolicyError::Subfolder));
            }
            let extension =
                path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
            let kind = match extension.as_deref() {
                Some("cedar") => &mut files.policies,
                Some("cedarschema" | "json") => &mut files.schemas,
                _ => continue,
            };
            let text = fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
            kind.push(File {
                name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                text,
            });
        }
        Ok(files)
    }
}

impl File {
    fn source(&self) -> Source<'_> {
        Source { file: &self.name, text: &self.text }
    }
}
