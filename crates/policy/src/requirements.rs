//! What every route asks of a token: one of these scopes, and one of these groups.

use super::decision::DenyReason;
use cognito_authorizer_token::Claims;

/// Scopes and groups of which a token needs at least one of each list. An empty list asks nothing.
#[derive(Clone, Debug, Default)]
pub struct Requirements {
    /// Compared with the parts of `scope`.
    pub scopes: Vec<String>,
    /// Compared with the members of `cognito:groups`.
    pub groups: Vec<String>,
}

impl Requirements {
    /// Checks for every route at once. Names are compared byte by byte.
    pub fn check(&self, claims: &Claims) -> Result<(), DenyReason> {
        if !meets(&self.scopes, claims.scopes()) {
            Err(DenyReason::InsufficientScope)
        } else if !meets(&self.groups, claims.groups()) {
            Err(DenyReason::NotInGroup)
        } else {
            Ok(())
        }
    }
}

fn meets<'c>(required: &[String], mut held: impl Iterator<Item = &'c str>) -> bool {
    required.is_empty() || held.any(|held| required.iter().any(|required| required == held))
}
