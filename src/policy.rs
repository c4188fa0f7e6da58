//! Decisions: what the bearer of verified claims may do.
//!
//! What decides sees claims and never the request, so an answer that API Gateway keeps for a token is right
//! for every route it is applied to.

mod decision;
mod requirements;
mod route;
mod route_table;

pub use decision::{Decision, DenyReason};
pub use requirements::Requirements;
pub use route::{InvalidRoute, Route};
pub use route_table::{Patterns, RouteTable, RouteTableError};
