//! Verified claims as API Gateway's authorizer context: what the backend is handed.

use std::cmp::Reverse;

use serde_json::{Map, Value};

use super::event::Shape;
use crate::token::Claims;

/// Which claims the backend is handed.
#[derive(Clone, Debug)]
pub enum ContextClaims {
    /// Every claim.
    All,
    /// Those with these names.
    Listed(Vec<String>),
}

impl ContextClaims {
    fn includes(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Listed(names) => names.iter().any(|listed| listed == name),
        }
    }
}

/// The context for one kind of API. `null` is left out, and so is a claim that would stand where API Gateway
/// puts its own `principalId`.
pub(super) fn build(claims: &Claims, wanted: &ContextClaims, shape: Shape) -> Map<String, Value> {
    claims
        .iter()
        .filter(|(name, value)| !value.is_null() && *name != "principalId" && wanted.includes(name))
        .map(|(name, value)| (name.to_owned(), encode(value, shape)))
        .collect()
}

/// Only payload 2.0 takes lists and objects; elsewhere a nested value makes API Gateway answer 500.
fn encode(value: &Value, shape: Shape) -> Value {
    match value {
        Value::Array(_) | Value::Object(_) if shape == Shape::HttpV2 => value.clone(),
        Value::Array(list) => Value::String(join_words(list).unwrap_or_else(|| value.to_string())),
        Value::Object(_) => Value::String(value.to_string()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// Strings without white space joined by spaces, as `scope` is. Names of groups may hold commas, and never
/// white space.
fn join_words(list: &[Value]) -> Option<String> {
    let is_word = |text: &&str| !text.is_empty() && !text.contains(char::is_whitespace);
    let words: Option<Vec<&str>> = list.iter().map(|item| item.as_str().filter(is_word)).collect();
    Some(words?.join(" "))
}

/// Leaves claims out of a context whose answer is `length` bytes long, until the answer is shorter than
/// `limit`: the largest first, those in [`KEPT_LONGEST`] last, equals by name. Gives the names that went.
pub(super) fn shrink(context: &mut Map<String, Value>, mut length: usize, limit: usize) -> Vec<String> {
    let mut claims: Vec<_> = context
        .iter()
        .map(|(name, value)| {
            // As the answer has it: a name in quotes, a colon, the value, and a comma.
            let size = Value::from(name.as_str()).to_string().len() + value.to_string().len() + 2;
            (KEPT_LONGEST.contains(&name.as_str()), Reverse(size), name.clone())
        })
        .collect();
    claims.sort();
    let mut left_out = Vec::new();
    for (_, Reverse(size), name) in claims {
        if length < limit {
            break;
        }
        context.remove(&name);
        length = length.saturating_sub(size);
        left_out.push(name);
    }
    left_out
}

/// What a backend can hardly do without.
const KEPT_LONGEST: [&str; 7] =
    ["sub", "client_id", "username", "cognito:username", "token_use", "scope", "cognito:groups"];
