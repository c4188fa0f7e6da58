//! What the gateway's page and other programs can ask and change: README.md beside this file says how.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use axum::{
    body::Bytes,
    http::{
        HeaderMap, HeaderValue, Method, Response, StatusCode,
        header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, USER_AGENT},
    },
};
use clap::ValueEnum;
use cognito_authorizer::testing::{ISSUER, Verdict};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    api::{Api, Form},
    exchange::{Authorization, Exchange, Gateway, Invocation},
    guard::{check_host, check_origin, refuse},
    people::Name,
    pool::Pool,
    reply::json_reply,
    request::ClientRequest,
    runtime_api::Outcome,
};

/// Everything that `serve` started.
pub(crate) struct Local {
    pub(crate) api: Api,
    pub(crate) url: String,
    pub(crate) gateway: Gateway,
    pub(crate) pool: Arc<Pool>,
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

/// What stands in front of every path here.
pub(crate) const PREFIX: &str = "/_local/";

/// Answers a request under [`PREFIX`].
pub(crate) async fn answer(
    local: &Local,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    body: &Bytes,
) -> Response<Bytes> {
    if let Err(refusal) = check_host(headers) {
        return refusal;
    }
    let name = path.strip_prefix(PREFIX).unwrap_or_default();
    match (method, name) {
        (&Method::GET | &Method::HEAD, "state") => state(local),
        (&Method::GET | &Method::HEAD, name) => page_file(name),
        (&Method::POST, name) => match check_origin(headers).and_then(|()| read_body(body)) {
            Ok(body) => change(local, name, body).await,
            Err(refusal) => refusal,
        },
        _ => refuse(StatusCode::METHOD_NOT_ALLOWED, "use GET or POST"),
    }
}

async fn change(local: &Local, name: &str, body: Value) -> Response<Bytes> {
    match name {
        "token" => match local.pool.sign_in(body) {
            Ok(token) => json_reply(StatusCode::OK, no_store(), &json!({ "token": token })),
            Err(problem) => refuse(StatusCode::BAD_REQUEST, &problem),
        },
        "call" => call(local, body).await,
        "keys/rotate" => {
            local.pool.keys.lock().unwrap().rotate();
            state(local)
        }
        "keys/withdraw" => {
            let is_there = local.pool.keys.lock().unwrap().withdraw(body["kid"].as_str());
            if is_there {
                state(local)
            } else {
                refuse(StatusCode::BAD_REQUEST, "there is no key of that kid")
            }
        }
        "issuer/down" | "issuer/up" => {
            local.pool.is_up.store(name == "issuer/up", Ordering::Relaxed);
            state(local)
        }
        "cache/clear" => {
            let caches = local.gateway.authorizers.iter().map(|authorizer| &authorizer.cache);
            caches.for_each(|cache| cache.lock().unwrap().clear());
            state(local)
        }
        "function/restart" => {
            local.gateway.functions.end().await;
            state(local)
        }
        _ => refuse(StatusCode::NOT_FOUND, "there is no such switch: README.md lists them"),
    }
}

/// No body stands for an empty object.
fn read_body(body: &Bytes) -> Result<Value, Response<Bytes>> {
    match serde_json::from_slice(body) {
        _ if body.is_empty() => Ok(json!({})),
        Ok(body @ Value::Object(_)) => Ok(body),
        _ => Err(refuse(StatusCode::BAD_REQUEST, "the body must be a json object")),
    }
}

async fn call(local: &Local, body: Value) -> Response<Bytes> {
    let call: Call = match serde_json::from_value(body) {
        Ok(call) => call,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let api = match call.api.as_deref().map(|name| Api::from_str(name, false)) {
        None => local.api,
        Some(Ok(api)) => api,
        Some(Err(_)) => {
            return refuse(StatusCode::BAD_REQUEST, "api: must be one of the names in the state's apis");
        }
    };
    let Some(request) = call.request() else {
        return refuse(
            StatusCode::BAD_REQUEST,
            "the method or token cannot be sent, or the path does not begin with /",
        );
    };
    let exchange = local.gateway.exchange(api, &request).await;
    json_reply(StatusCode::OK, no_store(), &describe(api, &call, exchange).await)
}

impl Call {
    fn request(&self) -> Option<ClientRequest> {
        Method::from_bytes(self.method.as_bytes()).ok()?;
        let mut request = ClientRequest::new(&self.method, &self.path);
        request.path.starts_with('/').then_some(())?;
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
        Some(invocation) => find_log_line(invocation).await,
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
        },
        "timings_us": {
            "total": micros(exchange.took),
            "function": invocation.map(|invocation| micros(invocation.took)),
            "measured_by_function": log["duration_us"],
        },
        "authorizer": authorization.as_ref().map(|authorization| describe_authorization(api, authorization, log)),
        "decided": exchange.decided,
    })
}

fn describe_authorization(api: Api, authorization: &Authorization, log: Value) -> Value {
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
        "answer": outcome.and_then(|outcome| outcome.as_ref().ok()),
        "error": outcome.and_then(|outcome: &Outcome| outcome.as_ref().err()),
        "log": log,
        "verdict": verdict,
    })
}

/// A function that is told to log less prints none.
async fn find_log_line(invocation: &Invocation) -> Value {
    let line = invocation.function.log_line(&invocation.request_id);
    timeout(LOG_PATIENCE, line).await.ok().flatten().unwrap_or_default()
}

fn state(local: &Local) -> Response<Bytes> {
    let (gateway, pool) = (&local.gateway, &local.pool);
    let state = json!({
        "gateway": {
            "url": local.url,
            "api": local.api.name(),
            "upstream": gateway.upstream.as_ref().map(|upstream| upstream.url()),
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
    });
    json_reply(StatusCode::OK, no_store(), &state)
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
    let describe = |route: &crate::routes::Route| {
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

/// A file of the page, as it is now.
fn page_file(name: &str) -> Response<Bytes> {
    let name = if name.is_empty() { "index.html" } else { name };
    let kind = match Path::new(name).extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => return refuse(StatusCode::NOT_FOUND, "there is no such file"),
    };
    // No folder, and so nothing outside of this one.
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    match std::fs::read(PathBuf::from(PAGE).join(name)) {
        Ok(content) if is_plain => {
            let mut response = Response::new(Bytes::from(content));
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        _ => refuse(StatusCode::NOT_FOUND, "there is no such file"),
    }
}

fn no_store() -> HeaderMap {
    HeaderMap::from_iter([(CACHE_CONTROL, HeaderValue::from_static("no-store"))])
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/local/page");

/// Nothing from elsewhere, nothing inline, in nobody's frame.
const POLICY: &str = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Standard output is read a moment after the answer.
const LOG_PATIENCE: Duration = Duration::from_secs(1);
