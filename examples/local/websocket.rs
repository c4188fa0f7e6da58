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

use crate::{api::Api, exchange::Gateway, request::ClientRequest};

/// Upgrades whoever the authorizer lets in.
pub(crate) async fn connect(
    gateway: &Gateway,
    request: &ClientRequest,
    mut parts: Parts,
) -> (String, Response<Body>) {
    let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade,
        Err(rejection) => return ("it is no handshake".to_owned(), rejection.into_response()),
    };
    let exchange = gateway.exchange(Api::WebSocket, request).await;
    let response = match exchange.response.status() {
        StatusCode::SWITCHING_PROTOCOLS => upgrade.on_upgrade(echo),
        _ => exchange.response.map(Into::into),
    };
    (exchange.decided, response)
}

/// Whether a client asks for a WebSocket.
pub(crate) fn is_handshake(request: &Request) -> bool {
    request.headers().contains_key("sec-websocket-key")
}

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        // Pings are answered, and a close is, by the library.
        let is_content = matches!(message, Message::Text(_) | Message::Binary(_));
        if is_content && socket.send(message).await.is_err() {
            return;
        }
    }
}
