//! Decisions: what the bearer of verified claims may do.
//!
//! What decides sees claims and never the request, so an answer that API Gateway keeps for a token is right
//! for every route it is applied to.

#[cfg(feature = "cedar")]
mod cedar;
#[cfg(feature = "cedar")]
mod claim_type;
mod decision;
mod requirements;
mod route;
mod route_class;
mod route_table;

#[cfg(feature = "cedar")]
pub use cedar::{Policies, PolicyError, Ruling};
#[cfg(feature = "cedar")]
pub use claim_type::InvalidClaimType;
pub use decision::{Decision, DenyReason};
pub use requirements::Requirements;
pub use route::{InvalidRoute, Route};
pub use route_table::{Patterns, RouteTable, RouteTableError};
