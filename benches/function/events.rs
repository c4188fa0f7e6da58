//! Tokens, and the events that carry them.

use std::thread;

use cognito_authorizer::{
    gateway::Shape,
    testing::{SigningKey, access_claims, event},
    time::UnixTime,
};
use serde_json::json;

/// The event that carries a token: an HTTP API's, payload 2.0, the largest of the usual ones.
pub(crate) fn carrying(token: &str) -> Vec<u8> {
    event(Shape::HttpV2, &format!("Bearer {token}")).to_string().into_bytes()
}

/// Tokens that differ, signed on every processor.
pub(crate) fn tokens(key: &SigningKey, numbers: std::ops::Range<usize>) -> Vec<String> {
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let share = numbers.len().div_ceil(workers).max(1);
    let numbers: Vec<usize> = numbers.collect();
    thread::scope(|scope| {
        let workers = numbers.chunks(share).map(|numbers| {
            scope.spawn(move || numbers.iter().map(|number| token(key, *number)).collect::<Vec<_>>())
        });
        let workers: Vec<_> = workers.collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    })
}

fn token(key: &SigningKey, number: usize) -> String {
    let mut claims = access_claims(UnixTime::now().as_secs());
    claims["jti"] = json!(format!("a1b2c3d4-0000-4000-8000-{number:012}"));
    key.token(&claims)
}
