//! What was decided. Denying is a value here, not an error.

use std::sync::Arc;

use super::rulings::Rulings;

/// The answer for every route of the API.
#[derive(Clone, Debug)]
pub enum Decision {
    /// Every route is permitted.
    Allow,
    /// No route is permitted.
    Deny(DenyReason),
    /// Each route on its own.
    PerRoute(Arc<Rulings>),
}

impl Decision {
    /// What a 403 by this decision means, if some route gets one.
    pub fn denial(&self) -> Option<DenyReason> {
        match self {
            Self::Allow => None,
            Self::Deny(reason) => Some(*reason),
            Self::PerRoute(rulings) => {
                let is_denied = rulings.iter().any(|(_, ruling)| !ruling.is_allowed());
                is_denied.then_some(DenyReason::NotPermitted)
            }
        }
    }

    /// The verdict on the route at a position of the table; `None` is a route that the table does not have.
    pub fn on(&self, route: Option<usize>) -> Result<(), DenyReason> {
        match self {
            Self::Allow => Ok(()),
            Self::Deny(reason) => Err(*reason),
            Self::PerRoute(rulings) => {
                let ruling = route.and_then(|position| rulings.at(position));
                let is_allowed = ruling.is_some_and(|(_, ruling)| ruling.is_allowed());
                if is_allowed { Ok(()) } else { Err(DenyReason::NotPermitted) }
            }
        }
    }
}

/// Why a valid token may not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DenyReason {
    /// The token has none of `REQUIRED_SCOPES`.
    InsufficientScope,
    /// The token has none of `REQUIRED_GROUPS`.
    NotInGroup,
    /// No policy permits the route, or some policy forbids it or failed to evaluate.
    NotPermitted,
    /// The document about every route is larger than API Gateway takes.
    AnswerTooLarge,
}

impl DenyReason {
    /// The fixed word for logs, metrics and `context.reason`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::InsufficientScope => "insufficient_scope",
            Self::NotInGroup => "not_in_group",
            Self::NotPermitted => "not_permitted",
            Self::AnswerTooLarge => "answer_too_large",
        }
    }
}
