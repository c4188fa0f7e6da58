//! For tests and examples only: an issuer that mints tokens, a key server in memory, an IAM evaluator, and
//! the events that API Gateway sends.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops"
)]

mod events;
mod iam;
mod issuer;
mod provider;
mod routing;
mod settings;
mod verified;

pub use events::{API, NOW, ROUTE_ARN, event, event_on};
pub use iam::{Verdict, evaluate};
pub use issuer::{CLIENT_ID, ISSUER, POOL_ID, SigningKey, access_claims, compact, id_claims, jwks};
pub use provider::{Provider, Reply};
pub use routing::serving_route;
pub use settings::{JWKS_URL, key_source, settings, verifier_settings};
pub use verified::{merged, verified};
