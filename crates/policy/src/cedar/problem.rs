//! What is wrong with policies or their schema, and where.

use std::{fmt, io};

use miette::Diagnostic;
use thiserror::Error;

use super::claim_type::InvalidClaimType;
use crate::route_table::RouteTableError;

/// A file's name, for messages, and its text.
#[derive(Clone, Copy, Debug)]
pub struct Source<'s> {
    /// The name, without folders.
    pub file: &'s str,
    /// The whole text.
    pub text: &'s str,
}

/// Everything that is wrong; at least one problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyProblems(pub Vec<PolicyProblem>);

/// Something that is wrong, and where. Displays as `orders.cedar:12: …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyProblem {
    /// The file's name.
    pub file: String,
    /// The line, from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong.
    pub error: PolicyError,
}

/// Why policies cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PolicyError {
    /// The folder or a file in it cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(io::ErrorKind),
    /// A folder within the folder.
    #[error("is a folder: put policies beside the schema, and other files elsewhere")]
    Subfolder,
    /// No schema, or several.
    #[error(
        "must hold one schema, *.cedarschema or *.json, and holds {}", if .0.is_empty() { "none" } else { .0 }
    )]
    NotOneSchema(String),
    /// No policies: every route would be denied.
    #[error("holds no policy in a *.cedar file: without policies every route is denied")]
    NoPolicies,
    /// A schema without actions.
    #[error("the schema declares no action: its actions are the api's routes")]
    NoRoutes,
    /// `checked.json` is not of the files beside it.
    #[error(
        "was not made from the files beside it by this version: \
         run `cargo run --example check -- DIR` for the folder again, or delete it"
    )]
    Unsealed,
    /// This build reads checked policies alone, and these are not.
    #[error("is missing, and this build cannot check policies: run `cargo run --example check -- DIR` first")]
    Unchecked,
    /// The schema does not parse.
    #[error("the schema is not valid: {0}")]
    Schema(String),
    /// Not one namespace, or not the entity types of the quick start.
    #[error("the schema must have one namespace, with the entity types User, UserGroup and Application")]
    Namespace,
    /// An action that is not for the quick start's principals and resource.
    #[error("action {0} must apply to principals of type User and resources of type Application")]
    AppliesTo(String),
    /// The schema's actions are no usable routes.
    #[error("the schema's actions must be the api's routes: {0}")]
    Routes(#[from] RouteTableError),
    /// A declared claim has a type that no claim can have.
    #[error("claim {0}")]
    ClaimType(#[from] InvalidClaimType),
    /// A policy does not parse.
    #[error("not a policy: {0}")]
    Syntax(String),
    /// A template.
    #[error("a template decides nothing by itself: write it out as a policy")]
    Template,
    /// Two policies with one id.
    #[error("policy {0} has the same @id as another: give each its own")]
    DuplicateId(String),
    /// A policy does not fit the schema.
    #[error("does not fit the schema: {0}")]
    Invalid(String),
    /// A policy about a user, a group or an application that no token names.
    #[error(
        "policy {policy} names {entity}, which is nobody: write users and groups as \"{{pool}}|{{name}}\", and the \
         application as the schema's namespace"
    )]
    NamesNobody {
        /// The policy's id.
        policy: String,
        /// The entity, as Cedar writes it.
        entity: String,
    },
    /// A policy that no request can meet. Were it a `forbid` with a claim's name misspelt, it would forbid
    /// nothing.
    #[error("policy {0} can never apply: look for a claim or a route that the schema does not have")]
    NeverApplies(String),
    /// A policy that reads more of the context than `token`.
    #[error(
        "policy {0} reads more of the context than context.token: path and query parameters differ from \
         request to request while one answer is kept for all, so decide on the route and the claims alone"
    )]
    ReadsRequest(String),
}

impl fmt::Display for PolicyProblem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(out, ":{line}")?;
        }
        write!(out, ": {}", self.error)
    }
}

impl fmt::Display for PolicyProblems {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problems: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        out.write_str(&problems.join("\n"))
    }
}

impl std::error::Error for PolicyProblems {}

impl From<PolicyProblem> for PolicyProblems {
    fn from(problem: PolicyProblem) -> Self {
        Self(vec![problem])
    }
}

impl Source<'_> {
    /// A problem at a place that Cedar points to.
    pub(super) fn problem_at(&self, place: &dyn Diagnostic, error: PolicyError) -> PolicyProblem {
        let label = place.labels().and_then(|mut labels| labels.next());
        self.problem(label.map(|label| label.offset()), error)
    }

    /// A problem at a byte of the text.
    pub(super) fn problem(&self, offset: Option<usize>, error: PolicyError) -> PolicyProblem {
        let line = offset.and_then(|offset| self.line(offset));
        PolicyProblem { file: self.file.to_owned(), line, error }
    }

    /// What a policy at a byte is called that has no name: its file and line, and its column where it does not
    /// begin its line.
    pub(super) fn place(&self, offset: Option<usize>) -> String {
        let line = offset.and_then(|offset| self.line(offset)).unwrap_or(1);
        let before = offset.and_then(|offset| self.text.get(..offset)).unwrap_or_default();
        let before = before.rsplit('\n').next().unwrap_or_default();
        match before.trim() {
            "" => format!("{}:{line}", self.file),
            _ => format!("{}:{line}:{}", self.file, before.len() + 1),
        }
    }

    /// The line of a byte, from 1.
    pub(super) fn line(&self, offset: usize) -> Option<usize> {
        let before = self.text.as_bytes().get(..offset)?;
        Some(before.split(|byte| *byte == b'\n').count())
    }
}
