//! One authorizer event, for whoever asks the function with cargo-lambda or the Lambda console.

use axum::http::{HeaderValue, header::AUTHORIZATION};
use cognito_authorizer::time::UnixTime;
use serde_json::Value;

use crate::{
    arguments::EventArguments,
    events::{Occasion, add_identity, describe},
    people::Name,
    request::ClientRequest,
    routes::RouteTable,
};

/// The event, with a token that events/settings.env makes the function trust.
pub(crate) fn write(arguments: &EventArguments) -> Result<Value, String> {
    let (method, target) =
        arguments.route.split_once(' ').ok_or("--route: write a verb and a path: 'GET /orders/42'")?;
    let api = arguments.kind;
    let mut request = ClientRequest::new(method, target);
    let served = RouteTable::usual().find(api, method, &request.path);
    let served = served.ok_or("--route: no route of the example policies serves it: try 'GET /orders/42'")?;
    let authorization = format!("Bearer {}", token(arguments.user)?);
    request
        .headers
        .insert(AUTHORIZATION, HeaderValue::from_str(&authorization).map_err(|error| error.to_string())?);
    let mut event = describe(api, &request, &served, Occasion { at: UnixTime::now(), number: 0 });
    add_identity(api, &mut event, &[authorization]);
    Ok(event)
}

/// The private key is gone: these were signed with it when it was there.
fn token(name: Name) -> Result<&'static str, String> {
    let mut lines = include_str!("../../events/tokens.txt").lines();
    let token = lines.find_map(|line| line.strip_prefix(name.word())?.strip_prefix(' '));
    token.ok_or("events/tokens.txt lacks the token: run `cargo run --example sample_events`".to_owned())
}
