//! What every route asks of a token: one of these scopes, and one of these groups.

use super::decision::{Decision, DenyReason};
use crate::token::Claims;

/// Scopes and groups of which a token needs at least one of each list. An empty list asks nothing.
#[derive(Clone, Debug, Default)]
pub struct Requirements {
    /// Compared with the parts of `scope`.
    pub scopes: Vec<String>,
    /// Compared with the members of `cognito:groups`.
    pub groups: Vec<String>,
}

impl Requirements {
    /// Decides for every route at once. Names are compared byte by byte.
    pub fn decide(&self, claims: &Claims) -> Decision {
        if !meets(&self.scopes, claims.scopes()) {
            Decision::Deny(DenyReason::InsufficientScope)
        } else if !meets(&self.groups, claims.groups()) {
            Decision::Deny(DenyReason::NotInGroup)
        } else {
            Decision::Allow
        }
    }
}

fn meets<'c>(required: &[String], mut held: impl Iterator<Item = &'c str>) -> bool {
    required.is_empty() || held.any(|held| required.iter().any(|required| required == held))
}
