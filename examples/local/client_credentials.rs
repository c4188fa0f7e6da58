//! The client credentials grant (RFC 6749 §4.4), as a user pool's token endpoint gives it.
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/token-endpoint.html>

use std::{collections::HashMap, sync::Arc};

use axum::{
    body::Body,
    extract::State,
    http::{
        HeaderMap, HeaderValue, Response, StatusCode,
        header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE},
    },
};
use base64::{Engine, engine::general_purpose::STANDARD};
use cognito_authorizer::{time::UnixTime, token::TokenUse};
use serde_json::json;

use crate::{
    people::{MACHINE_ID, MACHINE_SCOPES, MACHINE_SECRET, machine_claims},
    pool::Pool,
    reply::json_reply,
};

/// RFC 6749 §5.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    InvalidRequest,
    /// And whether the client said who it is by HTTP Basic.
    InvalidClient {
        by_basic: bool,
    },
    UnsupportedGrantType,
    InvalidScope,
}

pub(crate) async fn grant(State(pool): State<Arc<Pool>>, headers: HeaderMap, body: String) -> Response<Body> {
    let no_store = HeaderMap::from_iter([(CACHE_CONTROL, HeaderValue::from_static("no-store"))]);
    let response = match read_scope(&headers, &body) {
        Ok(scope) => {
            let claims = machine_claims(&scope, UnixTime::now().as_secs());
            let token = pool.keys.lock().unwrap().signing(TokenUse::Access).token(&claims);
            let body = json!({ "access_token": token, "expires_in": 3600, "token_type": "Bearer" });
            json_reply(StatusCode::OK, no_store, &body)
        }
        Err(refused) => {
            let mut headers = no_store;
            if refused == (Refused::InvalidClient { by_basic: true }) {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic"));
            }
            json_reply(refused.status(), headers, &json!({ "error": refused.code() }))
        }
    };
    response.map(Into::into)
}

/// The scope to grant, if the client is the machine and may have it.
fn read_scope(headers: &HeaderMap, body: &str) -> Result<String, Refused> {
    let form = read_form(headers, body)?;
    let field = |name: &str| form.get(name).map(String::as_str);
    let by_form = field("client_secret").map(|secret| (field("client_id").unwrap_or_default(), secret));
    let by_basic = headers.get(AUTHORIZATION).map(|value| read_basic(value).unwrap_or_default());
    let is_basic = by_basic.is_some();
    let (id, secret) = match (&by_basic, by_form) {
        (Some((id, secret)), None) => (id.as_str(), secret.as_str()),
        (None, Some(client)) => client,
        // One way at a time (RFC 6749 §2.3).
        (Some(_), Some(_)) => return Err(Refused::InvalidRequest),
        (None, None) => return Err(Refused::InvalidClient { by_basic: false }),
    };
    if (id, secret) != (MACHINE_ID, MACHINE_SECRET) {
        return Err(Refused::InvalidClient { by_basic: is_basic });
    }
    match field("grant_type") {
        Some("client_credentials") => choose_scope(field("scope")),
        Some(_) => Err(Refused::UnsupportedGrantType),
        None => Err(Refused::InvalidRequest),
    }
}

/// A form's fields, none of which may stand twice (RFC 6749 §3.2).
fn read_form(headers: &HeaderMap, body: &str) -> Result<HashMap<String, String>, Refused> {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().map(str::trim) != Some("application/x-www-form-urlencoded") {
        return Err(Refused::InvalidRequest);
    }
    let mut form = HashMap::new();
    for (name, value) in form_urlencoded::parse(body.as_bytes()).into_owned() {
        if form.insert(name, value).is_some() {
            return Err(Refused::InvalidRequest);
        }
    }
    Ok(form)
}

/// Id and secret, each form-encoded before both were base64-encoded (RFC 6749 §2.3.1).
fn read_basic(value: &HeaderValue) -> Option<(String, String)> {
    let (scheme, credentials) = value.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decode = |text: &str| {
        let pair = form_urlencoded::parse(text.as_bytes()).into_owned().next();
        pair.map(|(text, _)| text).unwrap_or_default()
    };
    Some((decode(id), decode(secret)))
}

/// All that the machine may have, where it asks for nothing in particular.
fn choose_scope(asked: Option<&str>) -> Result<String, Refused> {
    let asked = asked.filter(|scope| !scope.trim().is_empty()).unwrap_or("orders/read orders/write");
    let scopes: Vec<&str> = asked.split_whitespace().collect();
    if scopes.iter().all(|scope| MACHINE_SCOPES.contains(scope)) {
        Ok(scopes.join(" "))
    } else {
        Err(Refused::InvalidScope)
    }
}

impl Refused {
    const fn code(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient { .. } => "invalid_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::InvalidClient { by_basic: true } => StatusCode::UNAUTHORIZED,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(basic: Option<&str>, body: &str) -> Result<String, Refused> {
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, form)]);
        if let Some(credentials) = basic {
            let value = format!("Basic {}", STANDARD.encode(credentials));
            headers.insert(AUTHORIZATION, HeaderValue::from_str(&value).unwrap());
        }
        read_scope(&headers, body)
    }

    #[test]
    fn the_machine_gets_what_it_asks_for_or_all_that_it_may_have() {
        let (basic, posted) = (
            format!("{MACHINE_ID}:{MACHINE_SECRET}"),
            format!("client_id={MACHINE_ID}&client_secret={MACHINE_SECRET}&"),
        );
        for (asked, granted) in [
            ("grant_type=client_credentials", "orders/read orders/write"),
            ("grant_type=client_credentials&scope=", "orders/read orders/write"),
            ("grant_type=client_credentials&scope=orders%2Fread", "orders/read"),
            ("grant_type=client_credentials&scope=orders/write+orders/read", "orders/write orders/read"),
        ] {
            assert_eq!(scope(Some(&basic), asked).as_deref(), Ok(granted), "{asked}");
            assert_eq!(scope(None, &format!("{posted}{asked}")).as_deref(), Ok(granted), "{asked}");
        }
    }

    #[test]
    fn whoever_is_not_the_machine_or_asks_for_something_else_is_told_by_the_standard_s_word() {
        let good = format!("{MACHINE_ID}:{MACHINE_SECRET}");
        let wrong = format!("{MACHINE_ID}:guess");
        let posted = format!("client_id={MACHINE_ID}&client_secret={MACHINE_SECRET}");
        let grant = "grant_type=client_credentials";
        for (basic, body, expected) in [
            (Some(&wrong), grant, Refused::InvalidClient { by_basic: true }),
            (None, grant, Refused::InvalidClient { by_basic: false }),
            (None, "client_id=x&client_secret=y", Refused::InvalidClient { by_basic: false }),
            (Some(&good), &posted, Refused::InvalidRequest),
            (Some(&good), "scope=orders/read", Refused::InvalidRequest),
            (Some(&good), "grant_type=client_credentials&grant_type=x", Refused::InvalidRequest),
            (Some(&good), "grant_type=password", Refused::UnsupportedGrantType),
            (Some(&good), "grant_type=client_credentials&scope=openid", Refused::InvalidScope),
        ] {
            assert_eq!(scope(basic.map(String::as_str), body), Err(expected), "{body}");
        }
        assert_eq!(read_scope(&HeaderMap::new(), grant), Err(Refused::InvalidRequest));
    }
}
