//! The issuer that `serve` starts: a user pool's addresses on loopback, and a sign-in for shells.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    body::Body,
    extract::{Path, RawQuery, Request, State},
    http::{HeaderMap, HeaderValue, Response, StatusCode, header::CACHE_CONTROL},
    middleware::{self, Next},
    response::IntoResponse,
    routing::{get, post},
    serve::Listener,
};
use cognito_authorizer::{
    testing::{ISSUER, POOL_ID},
    time::UnixTime,
};
use serde_json::{Map, Value, json};
use tokio::net::{TcpListener, TcpStream};

use crate::{client_credentials, guard, keys::Keys, reply::json_reply, sign_in::SignIn};

/// The issuer's state, which the gateway's page can change.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) url: String,
    pub(crate) keys: Mutex<Keys>,
    pub(crate) is_up: AtomicBool,
    pub(crate) key_requests: AtomicUsize,
}

impl Pool {
    pub(crate) fn new(url: String) -> Self {
        let (is_up, key_requests) = (AtomicBool::new(true), AtomicUsize::new(0));
        Self { url, keys: Keys::generate().into(), is_up, key_requests }
    }

    pub(crate) fn jwks_url(&self) -> String {
        format!("{}/{POOL_ID}/.well-known/jwks.json", self.url)
    }

    /// Signs somebody in.
    pub(crate) fn sign_in(&self, sign_in: Value) -> Result<String, String> {
        let sign_in: SignIn = serde_json::from_value(sign_in).map_err(|error| error.to_string())?;
        sign_in.token(&self.keys.lock().unwrap(), UnixTime::now()).map_err(str::to_owned)
    }
}

/// Serves the pool until the future is dropped.
pub(crate) async fn serve(listener: TcpListener, pool: Arc<Pool>) -> std::io::Result<()> {
    let router = Router::new()
        .route("/{pool}/.well-known/jwks.json", get(publish_keys))
        .route("/{pool}/.well-known/openid-configuration", get(describe))
        .route("/token", get(sign_in))
        .route("/oauth2/token", post(client_credentials::grant))
        .fallback(async || not_found())
        .layer(middleware::from_fn(leave_loopback_alone))
        .with_state(Arc::clone(&pool));
    axum::serve(Doorkeeper { listener, pool }, router).await
}

/// Hangs up on everybody while the issuer is down.
struct Doorkeeper {
    listener: TcpListener,
    pool: Arc<Pool>,
}

impl Listener for Doorkeeper {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            let accepted = Listener::accept(&mut self.listener).await;
            if self.pool.is_up.load(Ordering::Relaxed) {
                return accepted;
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Answers nobody who came by another name, and keeps no connection open, so that being down is noticed.
async fn leave_loopback_alone(request: Request, next: Next) -> Response<Body> {
    if let Err(complaint) = guard::check_host(request.headers()) {
        return complaint.reply().map(Into::into);
    }
    let mut response = next.run(request).await;
    response.headers_mut().insert("connection", HeaderValue::from_static("close"));
    response
}

async fn publish_keys(State(pool): State<Arc<Pool>>, Path(id): Path<String>) -> Response<Body> {
    if id != POOL_ID {
        return not_found();
    }
    pool.key_requests.fetch_add(1, Ordering::Relaxed);
    json_reply(StatusCode::OK, HeaderMap::new(), &pool.keys.lock().unwrap().set()).map(Into::into)
}

/// <https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata>
async fn describe(State(pool): State<Arc<Pool>>, Path(id): Path<String>) -> Response<Body> {
    if id != POOL_ID {
        return not_found();
    }
    let configuration = json!({
        "issuer": ISSUER,
        "jwks_uri": pool.jwks_url(),
        "token_endpoint": format!("{}/oauth2/token", pool.url),
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "token"],
        "subject_types_supported": ["public"],
        "scopes_supported": ["openid", "email", "phone", "profile"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
    });
    json_reply(StatusCode::OK, HeaderMap::new(), &configuration).map(Into::into)
}

/// A token as text.
async fn sign_in(State(pool): State<Arc<Pool>>, RawQuery(query): RawQuery) -> impl IntoResponse {
    let query = query.unwrap_or_default();
    let pairs = form_urlencoded::parse(query.as_bytes()).into_owned();
    let sign_in = pairs.map(|(name, value)| (name, value.into())).collect::<Map<String, Value>>();
    let headers = [(CACHE_CONTROL, "no-store")];
    match pool.sign_in(sign_in.into()) {
        Ok(token) => (StatusCode::OK, headers, token),
        Err(problem) => (StatusCode::BAD_REQUEST, headers, format!("{problem}\n")),
    }
}

fn not_found() -> Response<Body> {
    json_reply(StatusCode::NOT_FOUND, HeaderMap::new(), &json!({ "message": "not found" })).map(Into::into)
}
