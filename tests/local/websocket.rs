//! A WebSocket API: who is let in, and what its integration is told.

use axum::http::header::AUTHORIZATION;
use serde_json::{Value, json};
use tungstenite::{Message, client::IntoClientRequest};

use crate::served::Local;

#[tokio::test]
async fn a_websocket_is_opened_for_whoever_may() {
    let local = Local::serve(&["--api", "websocket"]).await;
    for (query, expected) in [
        ("user=reader", 101),
        ("user=administrator", 101),
        ("user=stranger", 403),
        ("user=reader&flaw=expired", 401),
    ] {
        let token = local.token(query).await;
        assert_eq!(shake_hands(&local, "", &token, None).0, expected, "{query}");
        let call = local.call("websocket", "GET /", Some(&token)).await;
        assert_eq!(call["response"]["status"], expected, "{query}");
    }
    assert_eq!(shake_hands(&local, "", "", None).0, 401);
    let token = local.token("user=reader").await;
    local.switch("issuer/down", &json!({})).await;
    local.switch("function/restart", &json!({})).await;
    assert_eq!(shake_hands(&local, "", &token, None).0, 500);
}

#[tokio::test]
async fn the_integration_of_its_messages_gets_the_context_as_text() {
    let query = "route.request.querystring.token";
    let settings = ["--identity-source", query, "--env", "TOKEN_SOURCE=query:token"];
    let local = Local::serve(&[&["--api", "websocket"], &settings[..]].concat()).await;
    let token = local.token("user=reader").await;
    for (message, body, is_base64) in
        [(Message::text("hello"), "hello", false), (Message::binary([0xff, 0xfe].to_vec()), "//4=", true)]
    {
        let (status, event) = shake_hands(&local, &format!("?token={token}"), "", Some(message));
        assert_eq!((status, &event["body"]), (101, &json!(body)));
        assert_eq!(event["isBase64Encoded"], is_base64);
        let context = &event["requestContext"];
        assert_eq!((&context["routeKey"], &context["eventType"]), (&json!("$default"), &json!("MESSAGE")));
        let authorizer = &context["authorizer"];
        assert_eq!(
            (&authorizer["username"], &authorizer["cognito:groups"]),
            (&json!("bob"), &json!("readers"))
        );
        assert!(authorizer["exp"].is_string() && authorizer["principalId"].is_string(), "{authorizer}");
    }
}

#[tokio::test]
async fn a_message_over_the_limit_ends_the_connection() {
    let local = Local::serve(&["--api", "websocket"]).await;
    let token = local.token("user=reader").await;
    for (length, is_answered) in [(32 * 1024, true), (32 * 1024 + 1, false)] {
        let mut request =
            format!("{}/", local.gateway.replacen("http", "ws", 1)).into_client_request().unwrap();
        request.headers_mut().insert(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        let (mut socket, _) = tungstenite::connect(request).unwrap();
        socket.send(Message::text("x".repeat(length))).unwrap();
        assert_eq!(socket.read().is_ok_and(|message| message.is_text()), is_answered, "{length}");
    }
}

/// The status of the handshake, and what a message of whoever is let in is answered with.
fn shake_hands(local: &Local, query: &str, token: &str, message: Option<Message>) -> (u16, Value) {
    let address = format!("{}/{query}", local.gateway.replacen("http", "ws", 1));
    let mut request = address.into_client_request().unwrap();
    if !token.is_empty() {
        request.headers_mut().insert(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    }
    match tungstenite::connect(request) {
        Ok((mut socket, response)) => {
            let answer = message.map(|message| {
                socket.send(message).unwrap();
                serde_json::from_str(socket.read().unwrap().to_text().unwrap()).unwrap()
            });
            (response.status().as_u16(), answer.unwrap_or_default())
        }
        Err(tungstenite::Error::Http(response)) => (response.status().as_u16(), Value::Null),
        Err(error) => panic!("{error}"),
    }
}
