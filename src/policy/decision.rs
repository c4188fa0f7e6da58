//! What was decided. Denying is a value here, not an error.

/// The answer for every route of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Every route is permitted.
    Allow,
    /// No route is permitted.
    Deny(DenyReason),
}

/// Why a valid token may not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DenyReason {
    /// The token has none of `REQUIRED_SCOPES`.
    InsufficientScope,
    /// The token has none of `REQUIRED_GROUPS`.
    NotInGroup,
}

impl DenyReason {
    /// The fixed word for logs, metrics and `context.reason`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::InsufficientScope => "insufficient_scope",
            Self::NotInGroup => "not_in_group",
        }
    }
}
