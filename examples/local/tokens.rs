//! Good and bad tokens, each with what should come of it.

use cognito_authorizer::{
    testing::{SigningKey, access_claims, id_claims},
    time::UnixTime,
    token::Algorithm,
};
use serde_json::{Value, json};

/// A token's text, and what the client should see for it.
pub(crate) struct Token {
    pub(crate) name: &'static str,
    pub(crate) text: String,
    pub(crate) status: u16,
    /// The reason that the function logs.
    pub(crate) reason: &'static str,
}

impl Token {
    pub(crate) fn new(name: &'static str, text: String, status: u16, reason: &'static str) -> Self {
        Self { name, text, status, reason }
    }

    /// An access token that anyone may trust who trusts `key`.
    pub(crate) fn access(name: &'static str, key: &SigningKey, status: u16, reason: &'static str) -> Self {
        Self::new(name, key.token(&access_claims(now())), status, reason)
    }
}

/// One good token and everything that is commonly wrong with one.
pub(crate) fn all(key: &SigningKey, unpublished: &SigningKey) -> Vec<Token> {
    let access = |name, value: Value| key.token(&with(access_claims(now()), name, value));
    let forger = SigningKey::generate(&key.id, Algorithm::RS256);
    vec![
        Token::access("access token", key, 200, ""),
        Token::new("none", String::new(), 401, "token_missing"),
        Token::new("expired", access("exp", json!(now() - 1)), 401, "token_expired"),
        Token::access("forged signature", &forger, 401, "bad_signature"),
        Token::new("other app client", access("client_id", json!("another")), 401, "wrong_client"),
        Token::new("id token", key.token(&id_claims(now())), 401, "wrong_token_use"),
        Token::access("unknown key", unpublished, 401, "unknown_key"),
    ]
}

/// An access token with one scope beside `openid`, named after it.
pub(crate) fn scoped(key: &SigningKey, scope: &'static str, status: u16, reason: &'static str) -> Token {
    let claims = with(access_claims(now()), "scope", format!("openid {scope}").into());
    Token::new(scope, key.token(&claims), status, reason)
}

/// Somebody, by name and token, and what each of [`ROUTES`] should answer.
pub(crate) struct Person {
    pub(crate) name: &'static str,
    pub(crate) text: String,
    pub(crate) statuses: [u16; 5],
}

/// The people of the example policies.
pub(crate) fn people(key: &SigningKey) -> [Person; 3] {
    let person = |name, group: Option<&str>, statuses| {
        let groups: Vec<&str> = group.into_iter().collect();
        let claims = with(access_claims(now()), "scope", json!("openid"));
        Person { name, text: key.token(&with(claims, "cognito:groups", json!(groups))), statuses }
    };
    [
        person("administrator", Some("admins"), [200; 5]),
        person("reader", Some("readers"), [200, 403, 200, 403, 403]),
        person("stranger", None, [403; 5]),
    ]
}

/// The routes of the example policies, each with a request: key, verb and path.
pub(crate) const ROUTES: [(&str, &str, &str); 5] = [
    ("GET /orders", "GET", "/orders"),
    ("POST /orders", "POST", "/orders"),
    ("GET /orders/{id}", "GET", "/orders/42"),
    ("DELETE /orders/{id}", "DELETE", "/orders/42"),
    ("GET /orders/{id}/items", "GET", "/orders/42/items"),
];

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

fn now() -> u64 {
    UnixTime::now().as_secs()
}
