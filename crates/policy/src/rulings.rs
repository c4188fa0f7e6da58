//! Every route of an API, decided by policies.

use std::{collections::HashSet, sync::Arc};

use super::{
    route::Route,
    route_table::{Patterns, RouteTable},
};

/// What policies say about every route, for one token.
#[derive(Debug)]
pub struct Rulings {
    table: Arc<RouteTable>,
    /// In the order of the table's routes.
    each: Vec<Ruling>,
    patterns: Patterns,
    failures: Vec<Failure>,
}

/// One route, decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ruling {
    /// Ids of the policies that permit it.
    pub permitted_by: Vec<Arc<str>>,
    /// Ids of the policies that forbid it.
    pub forbidden_by: Vec<Arc<str>>,
    /// Policies that failed to evaluate. Cedar would skip them; here each denies its routes.
    pub failed: Vec<Failure>,
}

/// A policy that could not be evaluated, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The policy's id.
    pub policy: Arc<str>,
    /// Why.
    pub reason: FailureReason,
}

/// Why a policy could not be evaluated. Cedar's own words may quote a claim's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureReason {
    /// It reads a claim that the token does not have, or has with another type than the schema's.
    ClaimAbsent,
    /// A sum, difference or product beyond 64 bits.
    Overflow,
    /// An extension's function did not take its argument.
    Extension,
    /// Anything else.
    Other,
}

impl FailureReason {
    /// The fixed word for logs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::ClaimAbsent => "claim_absent",
            Self::Overflow => "integer_overflow",
            Self::Extension => "extension_failed",
            Self::Other => "not_evaluable",
        }
    }
}

impl Ruling {
    /// Whether some policy permits it, none forbids it, and none failed.
    pub fn is_allowed(&self) -> bool {
        !self.permitted_by.is_empty() && self.forbidden_by.is_empty() && self.failed.is_empty()
    }

    /// Ids of the policies that decided it: those that forbid it, else those that failed, else those that
    /// permit it. Empty where none applies, which is a denial.
    pub fn determined_by(&self) -> Vec<&str> {
        if !self.forbidden_by.is_empty() {
            self.forbidden_by.iter().map(AsRef::as_ref).collect()
        } else if !self.failed.is_empty() {
            self.failed.iter().map(|failure| failure.policy.as_ref()).collect()
        } else {
            self.permitted_by.iter().map(AsRef::as_ref).collect()
        }
    }
}

impl Rulings {
    /// The rulings on a table's routes, in its order. A route without one is denied.
    pub fn new(table: Arc<RouteTable>, rulings: Vec<Ruling>) -> Self {
        let patterns = table.patterns(|position| rulings.get(position).is_some_and(Ruling::is_allowed));
        let mut seen = HashSet::new();
        let failed = rulings.iter().flat_map(|ruling| &ruling.failed);
        let failures = failed.filter(|failure| seen.insert(Arc::clone(&failure.policy))).cloned().collect();
        Self { table, each: rulings, patterns, failures }
    }

    /// Each route with its ruling.
    pub fn iter(&self) -> impl Iterator<Item = (&Route, &Ruling)> {
        self.table.routes().iter().zip(&self.each)
    }

    /// The routes.
    pub fn table(&self) -> &RouteTable {
        &self.table
    }

    /// What IAM is told; nothing is allowed where `allow` is empty.
    pub fn patterns(&self) -> &Patterns {
        &self.patterns
    }

    /// Each policy that failed, once.
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }

    /// The route at a position and its ruling.
    pub fn at(&self, position: usize) -> Option<(&Route, &Ruling)> {
        Some((self.table.routes().get(position)?, self.each.get(position)?))
    }
}
