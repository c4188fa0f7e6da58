//! A WebSocket API's handshake, which is where its authorizer is asked, and the echo behind it.

use axum::{
    body::Body,
    extract::{
        FromRequestParts, Request,
        ws::{Message, WebSocket, WebSocketUpgrade},
    },
    http::{Response, StatusCode, request::Parts},
    response::IntoResponse,
};
use cognito_authorizer::time::UnixTime;
use serde_json::Value;

use crate::{
    api::Api,
    context::hand_on,
    events::{Occasion, message_event, request_context},
    exchange::{Authorization, Exchange, Gateway},
    request::ClientRequest,
};

/// Upgrades whoever the authorizer lets in.
pub(crate) async fn connect(
    gateway: &Gateway,
    request: &ClientRequest,
    mut parts: Parts,
) -> (String, Response<Body>) {
    let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade.max_message_size(MOST_MESSAGE_BYTES).max_frame_size(MOST_FRAME_BYTES),
        Err(rejection) => return ("it is no handshake".to_owned(), rejection.into_response()),
    };
    let exchange = gateway.exchange(Api::WebSocket, request).await;
    let explanation = exchange.explain().await;
    let response = match exchange.response.status() {
        StatusCode::SWITCHING_PROTOCOLS => {
            let connection = describe_connection(gateway, request, &exchange);
            upgrade.on_upgrade(move |socket| echo(socket, connection))
        }
        _ => exchange.response.map(Into::into),
    };
    (explanation, response)
}

/// Whether a client asks for a WebSocket.
pub(crate) fn is_handshake(request: &Request) -> bool {
    request.headers().contains_key("sec-websocket-key")
}

/// What integrations are told of a connection as long as it is open.
fn describe_connection(gateway: &Gateway, request: &ClientRequest, exchange: &Exchange) -> Value {
    let served = gateway.routes.find(Api::WebSocket, &request.method, &request.path).unwrap();
    let mut connection = request_context(Api::WebSocket, request, &served, exchange.occasion);
    let answer = exchange.authorization.as_ref().and_then(Authorization::answer);
    connection["authorizer"] = answer.map(|answer| hand_on(Api::WebSocket, answer)).into();
    connection
}

/// Says back what the integration of messages gets.
async fn echo(mut socket: WebSocket, connection: Value) {
    let mut number = 0;
    // Pings are answered, and a close is, by the library.
    while let Some(Ok(message)) = socket.recv().await {
        if let Message::Text(_) | Message::Binary(_) = message {
            number += 1;
            let event =
                message_event(&connection, &message.into_data(), Occasion { at: UnixTime::now(), number });
            if socket.send(Message::text(event.to_string())).await.is_err() {
                return;
            }
        }
    }
}

/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html>
const MOST_MESSAGE_BYTES: usize = 128 * 1024;
const MOST_FRAME_BYTES: usize = 32 * 1024;
