//! Decisions: what the bearer of verified claims may do.
//!
//! What decides sees claims and never the request, so an answer that API Gateway keeps for a token is right
//! for every route it is applied to.

#[cfg(feature = "cedar")]
mod cedar;
mod decision;
#[cfg(not(feature = "cedar"))]
mod no_cedar;
mod overlap;
mod requirements;
mod route;
mod route_table;
mod rules;
mod rulings;
mod spelling;

#[cfg(feature = "cedar")]
pub use cedar::{InvalidClaimType, Policies, PolicyError, PolicyProblem, PolicyProblems, Source};
pub use decision::{Decision, DenyReason};
#[cfg(not(feature = "cedar"))]
pub use no_cedar::Policies;
pub use requirements::Requirements;
pub use route::{InvalidRoute, Route};
pub use route_table::{Patterns, RouteTable, RouteTableError};
pub use rules::Rules;
pub use rulings::{Failure, FailureReason, Ruling, Rulings};
