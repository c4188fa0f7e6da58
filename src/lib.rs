//! An AWS Lambda authorizer for API Gateway that checks Cognito-issued JSON Web Tokens.
//!
//! *An event becomes a request; its token becomes claims; claims become a decision about every route; the
//! decision becomes an answer.*
//!
//! # Invariants
//!
//! Each has a test; its name stands in brackets.
//!
//! 1. A [`Claims`](token::Claims) value exists only after signature, issuer, times, token use and client all
//!    passed; nothing else can make one. [the `compile_fail` example on [`token::Claims`], and
//!    `tests/tokens.rs`: `a_token_with_one_thing_wrong_is_refused_for_that_thing`]
//! 2. The answer for a token does not depend on which route was asked for: what decides cannot see the
//!    request. [`tests/authorizer.rs`: `the_answer_is_the_same_whichever_route_was_asked_for`;
//!    `tests/per_route.rs`: `one_document_is_right_for_every_route_whichever_was_asked`] Only the simple
//!    response of an HTTP API has no room for more than the route that was asked.
//! 3. Nothing a caller sends can cause a 500, or a request to a host that the configuration does not name.
//!    [`tests/authorizer.rs`: `no_credential_whatever_it_is_ends_in_a_500_or_an_allow`,
//!    `no_made_up_token_ends_in_a_500_while_the_provider_is_well`; `tests/jwks.rs`: `only_configured_addresses_are_ever_asked`]
//! 4. Unknown means no: issuer, algorithm, key, token use, route, event shape.
//!    [`tests/tokens.rs`: `what_is_not_known_is_refused`; `tests/events.rs`:
//!    `a_broken_event_is_told_by_the_field_that_is_wrong_and_without_its_text`]
//! 5. Token text and claim values never reach logs, metrics or errors; errors carry codes and numbers.
//!    [`tests/telemetry.rs`: `no_path_prints_any_piece_of_a_token_a_header_or_a_claim`]
//! 6. The clock is read once per invocation and handed down as `now`. [`tests/authorizer.rs`:
//!    `only_time_rs_reads_the_clock`]
//! 7. Start-up is all or nothing: configuration, policies, schema and key files are parsed before the first
//!    event. [`tests/function.rs`: `a_broken_configuration_is_reported_whole_and_nothing_is_served`;
//!    `tests/policy_files.rs`: `every_problem_of_every_file_is_reported_at_once`]
//!
//! # Map
//!
//! Imports run one way: `main → config → authorizer → gateway → policy → token → time`; policy and token, with
//! time, are crates of their own, so that the compiler sees to it there. [`telemetry`] reads what [`authorizer`]
//! records. Settings stand beside what they configure; [`config`] only fills them.
//!
//! # Glossary
//!
//! *Policy* alone is a rule about routes, IAM's is a policy document; *context* alone is what rules see, API
//! Gateway's is the authorizer context; *principal* is the bearer of a token, API Gateway's is `principalId`.

pub mod authorizer;
pub mod config;
pub mod gateway;
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;

pub use cognito_authorizer_policy as policy;
pub use cognito_authorizer_token::{self as token, time};
