//! What the gateway's page and other programs can ask and change: README.md beside this file says how.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use axum::{
    body::Bytes,
    http::{
        HeaderMap, HeaderValue, Method, Response, StatusCode,
        header::{AUTHORIZATION, CACHE_CONTROL, HOST, USER_AGENT},
        request::Parts,
        uri::PathAndQuery,
    },
};
use clap::ValueEnum;
use cognito_authorizer::testing::{ISSUER, Verdict};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    api::{Api, Form},
    backend::Upstream,
    context::hand_on,
    exchange::{Authorization, Exchange, Gateway},
    guard::{Complaint, check_host, check_origin},
    page,
    people::Name,
    pool::Pool,
    reply::json_reply,
    request::ClientRequest,
    routes::Route,
    runtime_api::Outcome,
};

/// Everything that `serve` started.
pub(crate) struct Local {
    pub(crate) api: Api,
    pub(crate) url: String,
    pub(crate) gateway: Gateway,
    pub(crate) pool: Arc<Pool>,
}

impl Local {
    /// The page gives way to a route of the API.
    pub(crate) fn leads_to_page(&self) -> bool {
        self.api == Api::WebSocket || self.gateway.routes.find(self.api, "GET", "/").is_none()
    }
}

/// The body of a call.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    #[serde(default)]
    token: Option<String>,
    method: String,
    path: String,
    #[serde(default)]
    api: Option<String>,
}

/// The body of a withdrawal.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Withdrawal {
    #[serde(default)]
    kid: Option<String>,
}

/// What stands in front of every path here.
pub(crate) const PREFIX: &str = "/_local/";

/// Answers a request under [`PREFIX`].
pub(crate) async fn answer(local: &Local, parts: &Parts, body: &Bytes) -> Response<Bytes> {
    try_to_answer(local, parts, body).await.unwrap_or_else(|complaint| complaint.reply())
}

async fn try_to_answer(local: &Local, parts: &Parts, body: &Bytes) -> Result<Response<Bytes>, Complaint> {
    check_host(&parts.headers)?;
    let name = parts.uri.path().strip_prefix(PREFIX).unwrap_or_default();
    match (&parts.method, name) {
        (&Method::GET | &Method::HEAD, "state") => Ok(reply(&state(local))),
        (&Method::GET | &Method::HEAD, name) => page::read(name),
        (&Method::POST, name) => {
            check_origin(&parts.headers)?;
            Ok(reply(&change(local, name, read_body(body)?).await?))
        }
        _ => Err(Complaint::new(StatusCode::METHOD_NOT_ALLOWED, "use GET or POST")),
    }
}

/// No body stands for an empty object.
fn read_body(body: &Bytes) -> Result<Value, Complaint> {
    match serde_json::from_slice(body) {
        _ if body.is_empty() => Ok(json!({})),
        Ok(body @ Value::Object(_)) => Ok(body),
        _ => Err(misread("the body must be a json object")),
    }
}

async fn change(local: &Local, name: &str, body: Value) -> Result<Value, Complaint> {
    match name {
        "token" => {
            return Ok(json!({ "token": local.pool.sign_in(body).map_err(|problem| misread(&problem))? }));
        }
        "call" => return call(local, read_as(body)?).await,
        _ if name != "keys/withdraw" && body != json!({}) => {
            return Err(misread("this takes no body, or an empty object"));
        }
        "keys/rotate" => local.pool.keys.lock().unwrap().rotate(),
        "keys/withdraw" => {
            let Withdrawal { kid } = read_as(body)?;
            let is_there = local.pool.keys.lock().unwrap().withdraw(kid.as_deref());
            is_there.then_some(()).ok_or(misread("kid: there is no such key: the state lists them"))?;
        }
        "issuer/down" | "issuer/up" => local.pool.is_up.store(name == "issuer/up", Ordering::Relaxed),
        "cache/clear" => local.gateway.clear_caches(),
        "function/restart" => local.gateway.functions.end().await,
        _ => {
            return Err(Complaint::new(
                StatusCode::NOT_FOUND,
                "there is no such switch: README.md lists them",
            ));
        }
    }
    Ok(state(local))
}

fn read_as<T: DeserializeOwned>(body: Value) -> Result<T, Complaint> {
    serde_json::from_value(body).map_err(|error| misread(&error.to_string()))
}

async fn call(local: &Local, call: Call) -> Result<Value, Complaint> {
    let api = match call.api.as_deref() {
        None => local.api,
        Some(name) => {
            Api::from_str(name, false).map_err(|_| misread("api: must be a name in the state's apis"))?
        }
    };
    let request = call.request().ok_or(misread(
        "method, path or token: write a word, a path as it stands in a request, such as /orders?page=2, and a token that \
         fits a header",
    ))?;
    let exchange = local.gateway.exchange(api, &request).await;
    Ok(describe(api, &call, exchange).await)
}

fn misread(message: &str) -> Complaint {
    Complaint::new(StatusCode::BAD_REQUEST, message)
}

fn reply(content: &Value) -> Response<Bytes> {
    let no_store = HeaderMap::from_iter([(CACHE_CONTROL, HeaderValue::from_static("no-store"))]);
    json_reply(StatusCode::OK, no_store, content)
}

impl Call {
    fn request(&self) -> Option<ClientRequest> {
        Method::from_bytes(self.method.as_bytes()).ok()?;
        let target: PathAndQuery = self.path.parse().ok()?;
        // Nothing is left out or read otherwise, such as what is behind a #.
        (self.path.is_ascii() && self.path.starts_with('/') && target.as_str() == self.path).then_some(())?;
        let mut request = ClientRequest::new(&self.method, &self.path);
        request.headers.insert(HOST, HeaderValue::from_static("127.0.0.1"));
        request.headers.insert(USER_AGENT, HeaderValue::from_static("local"));
        if let Some(token) = &self.token {
            request.headers.insert(AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {token}")).ok()?);
        }
        Some(request)
    }
}

async fn describe(api: Api, call: &Call, exchange: Exchange) -> Value {
    let (response, authorization) = (&exchange.response, &exchange.authorization);
    let invocation = authorization.as_ref().and_then(|authorization| authorization.invocation.as_ref());
    let log = match invocation {
        Some(invocation) => invocation.log_line(LOG_PATIENCE).await,
        None => Value::Null,
    };
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers: Vec<(&str, String)> =
        response.headers().iter().map(|(name, value)| (name.as_str(), text(value))).collect();
    json!({
        "api": api.name(),
        "request": { "method": call.method, "path": call.path, "route": exchange.route },
        "response": {
            "status": response.status().as_u16(),
            "headers": headers,
            "body": String::from_utf8_lossy(response.body()),
            "from_backend": exchange.is_from_backend,
        },
        "timings_us": {
            "total": micros(exchange.took),
            "function": invocation.map(|invocation| micros(invocation.took)),
            "measured_by_function": log["duration_us"],
        },
        "authorizer": authorization.as_ref().map(|it| describe_authorization(api, it, exchange.is_from_backend, &log)),
        "decided": exchange.decided,
    })
}

fn describe_authorization(
    api: Api,
    authorization: &Authorization,
    is_backend_reached: bool,
    log: &Value,
) -> Value {
    let outcome = authorization.outcome.as_ref();
    let verdict = authorization.verdict.map(|verdict| match verdict {
        Verdict::Allow => "allow",
        _ if api.form() == Form::Simple => "deny",
        Verdict::ExplicitDeny => "explicit-deny",
        Verdict::ImplicitDeny => "implicit-deny",
    });
    json!({
        "asked": authorization.invocation.is_some(),
        "kept": authorization.is_kept,
        "event": authorization.invocation.as_ref().map(|invocation| &invocation.event),
        "answer": authorization.answer(),
        "handed_on": authorization.answer().filter(|_| is_backend_reached).map(|answer| hand_on(api, answer)),
        "error": outcome.and_then(|outcome: &Outcome| outcome.as_ref().err()),
        "log": log,
        "verdict": verdict,
    })
}

fn state(local: &Local) -> Value {
    let (gateway, pool) = (&local.gateway, &local.pool);
    json!({
        "gateway": {
            "url": local.url,
            "api": local.api.name(),
            "upstream": gateway.upstream.as_ref().map(Upstream::url),
        },
        "apis": Api::ALL.map(|api| describe_api(gateway, api)),
        "routes": describe_routes(gateway),
        "people": Name::ALL.map(describe_person),
        "issuer": {
            "url": pool.url,
            "name": ISSUER,
            "up": pool.is_up.load(Ordering::Relaxed),
            "key_requests": pool.key_requests.load(Ordering::Relaxed),
            "keys": pool.keys.lock().unwrap().describe(),
        },
        "function": {
            "binary": gateway.functions.binary(),
            "starts": gateway.functions.starts(),
            "settings": gateway.functions.variables(local.api.form()),
        },
    })
}

fn describe_api(gateway: &Gateway, api: Api) -> Value {
    let authorizer = gateway.authorizer(api);
    let cache = authorizer.cache.lock().unwrap();
    json!({
        "name": api.name(),
        "title": api.title(),
        "ttl_seconds": cache.ttl().as_secs(),
        "identity_sources": authorizer.sources.iter().map(ToString::to_string).collect::<Vec<String>>(),
        "kept_answers": cache.len(),
    })
}

fn describe_routes(gateway: &Gateway) -> Value {
    let describe = |route: &Route| {
        let (method, path) = route.example();
        json!({ "key": route.key, "public": route.is_public, "example": { "method": method, "path": path } })
    };
    gateway.routes.routes().iter().map(describe).collect()
}

fn describe_person(name: Name) -> Value {
    let profile = name.profile();
    let groups = profile.get("cognito:groups").cloned().unwrap_or_else(|| json!([]));
    let scopes: Vec<&str> = profile["scope"].as_str().unwrap_or_default().split(' ').collect();
    let kind = if name == Name::Machine { "machine" } else { "person" };
    json!({ "name": name.word(), "kind": kind, "about": name.about(), "groups": groups, "scopes": scopes })
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Standard output is read a moment after the answer.
const LOG_PATIENCE: Duration = Duration::from_secs(1);
