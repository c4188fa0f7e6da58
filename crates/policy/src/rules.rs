//! What decides about a token: requirements that hold for every route, then policies for each.

use super::{Policies, decision::Decision, requirements::Requirements};
use cognito_authorizer_token::Claims;

/// Everything that decides.
#[derive(Debug, Default)]
pub struct Rules {
    /// What every route asks of a token.
    pub requirements: Requirements,
    /// Rules per route; without them, requirements alone decide.
    pub policies: Option<Policies>,
}

impl Rules {
    /// Decides for every route at once. Sees claims and no request.
    pub fn decide(&self, claims: &Claims) -> Decision {
        match (self.requirements.check(claims), &self.policies) {
            (Err(reason), _) => Decision::Deny(reason),
            (Ok(()), None) => Decision::Allow,
            (Ok(()), Some(policies)) => Decision::PerRoute(policies.decide(claims)),
        }
    }
}
