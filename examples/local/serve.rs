//! `serve`: everything started, told about, and stopped.

use std::{
    io,
    net::Ipv4Addr,
    path::PathBuf,
    sync::{Arc, Mutex, atomic::AtomicUsize},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderValue, Method, Response, StatusCode, header::LOCATION},
};
use cognito_authorizer::testing::POOL_ID;
use thiserror::Error;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

use crate::{
    api::{Api, Family},
    arguments::ServeArguments,
    binary::{self, BuildError},
    cache::Cache,
    control::{self, Local, PREFIX},
    exchange::{Authorizer, Gateway},
    functions::Functions,
    introduction::introduce,
    output,
    people::client_ids,
    pool::{self, Pool},
    reply::Refusal,
    request::ClientRequest,
    routes::{DEFAULT, InvalidTable, RouteTable},
    runtime_api::StartError,
    websocket,
};

/// Why nothing is served.
#[derive(Debug, Error)]
pub(crate) enum ServeError {
    #[error("{0}")]
    Usage(String),
    #[error("port {0} of 127.0.0.1 cannot be listened on ({1}): stop what does, or name another with {2}")]
    Port(u16, io::Error, &'static str),
    #[error("--routes {0}: {1}: name a file with one route a line")]
    RoutesFile(PathBuf, io::Error),
    #[error("--routes {0}: {1}")]
    Routes(PathBuf, InvalidTable),
    #[error("--routes {0}: there is no route in it: write one a line, such as `GET /orders/{{id}}`")]
    NoRoutes(PathBuf),
    #[error("--routes {0}: a REST API has no $default: write `ANY /{{proxy+}}`, or another --api")]
    DefaultRoute(PathBuf),
    #[error(
        "--binary {0}: there is no such file: build the function with `cargo build`, or leave --binary out"
    )]
    NoBinary(PathBuf),
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error("{}", explain_start(.0))]
    Start(#[from] StartError),
    #[error(transparent)]
    System(#[from] io::Error),
}

/// Serves until it is told to stop. Dropping what was started ends it.
pub(crate) async fn serve(arguments: ServeArguments) -> Result<(), ServeError> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        ended = start(&arguments) => ended,
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
    }
}

async fn start(arguments: &ServeArguments) -> Result<(), ServeError> {
    arguments.check().map_err(ServeError::Usage)?;
    let routes = read_routes(arguments)?;
    let listener = listen(arguments.port, "--port").await?;
    let pool_listener = listen(arguments.issuer_port(), "--issuer-port").await?;
    let local = Arc::new(set_up(arguments, routes, &listener, &pool_listener).await?);
    tokio::select! {
        // Beside the gateway from the beginning: the function fetches keys before it asks for an event.
        ended = pool::serve(pool_listener, Arc::clone(&local.pool)) => Ok(ended?),
        ended = serve_gateway(listener, &local, arguments.trusts_another_issuer()) => ended,
    }
}

async fn serve_gateway(
    listener: TcpListener,
    local: &Arc<Local>,
    trusts_another_issuer: bool,
) -> Result<(), ServeError> {
    // A wrong setting is told now, not to the first client.
    local.gateway.functions.running(local.api.form()).await?;
    output::say(introduce(local, trusts_another_issuer));
    let router = Router::new().fallback(answer).with_state(Arc::clone(local));
    Ok(axum::serve(listener, router).await?)
}

async fn listen(port: u16, option: &'static str) -> Result<TcpListener, ServeError> {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    bound.map_err(|error| ServeError::Port(port, error, option))
}

fn read_routes(arguments: &ServeArguments) -> Result<RouteTable, ServeError> {
    let Some(path) = &arguments.routes else { return Ok(RouteTable::usual()) };
    let text = std::fs::read_to_string(path).map_err(|error| ServeError::RoutesFile(path.clone(), error))?;
    let routes = RouteTable::parse(&text).map_err(|error| ServeError::Routes(path.clone(), error))?;
    let has_default = routes.routes().iter().any(|route| route.key == DEFAULT);
    match arguments.api.family() {
        _ if routes.routes().is_empty() => Err(ServeError::NoRoutes(path.clone())),
        Family::Rest if has_default => Err(ServeError::DefaultRoute(path.clone())),
        _ => Ok(routes),
    }
}

async fn set_up(
    arguments: &ServeArguments,
    routes: RouteTable,
    listener: &TcpListener,
    pool_listener: &TcpListener,
) -> Result<Local, ServeError> {
    let binary = match &arguments.binary {
        Some(path) if path.is_file() => path.canonicalize()?,
        Some(path) => return Err(ServeError::NoBinary(path.clone())),
        None => binary::build(crate::PROFILE).await?,
    };
    let pool = Arc::new(Pool::new(format!("http://{}", pool_listener.local_addr()?)));
    let gateway = Gateway {
        routes,
        authorizers: Api::ALL.map(|api| authorizer(arguments, api)).into_iter().collect::<Result<_, _>>()?,
        functions: Functions::new(binary, variables(arguments, &pool)),
        upstream: arguments.upstream.clone(),
        requests: AtomicUsize::new(0),
    };
    Ok(Local { api: arguments.api, url: format!("http://{}", listener.local_addr()?), gateway, pool })
}

fn authorizer(arguments: &ServeArguments, api: Api) -> Result<Authorizer, ServeError> {
    let sources = arguments.identity_sources(api).map_err(ServeError::Usage)?;
    let ttl = Duration::from_secs(arguments.ttl_seconds(api).into());
    Ok(Authorizer { api, sources, cache: Mutex::new(Cache::new(ttl)) })
}

/// The function's variables; the user's come last, and win.
fn variables(arguments: &ServeArguments, pool: &Pool) -> Vec<(String, String)> {
    let mut variables = Vec::new();
    let mut set = |name: &str, value: &str| variables.push((name.to_owned(), value.to_owned()));
    if !arguments.trusts_another_issuer() {
        set("USER_POOL_ID", POOL_ID);
        set("CLIENT_ID", &client_ids());
        set("JWKS_URI", &pool.jwks_url());
        set("JWKS_COOLDOWN_SECONDS", COOLDOWN_SECONDS);
        set("JWKS_TTL_SECONDS", TTL_SECONDS);
    }
    if let Some(folder) = arguments.policies() {
        set("POLICIES", folder);
    }
    variables.extend(arguments.variables.iter().cloned());
    variables
}

/// One request to the gateway's port.
async fn answer(State(local): State<Arc<Local>>, request: Request) -> Response<Body> {
    let is_handshake = local.api == Api::WebSocket && websocket::is_handshake(&request);
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MOST_BODY_BYTES).await else {
        return Refusal::BodyTooLong.reply(local.api).map(Into::into);
    };
    let path = parts.uri.path();
    if path.starts_with(PREFIX) {
        return control::answer(&local, &parts, &body).await.map(Into::into);
    }
    if path == "/" && parts.method == Method::GET && !is_handshake && local.leads_to_page() {
        return redirect_to_page();
    }
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let mut request = ClientRequest::new(parts.method.as_str(), target);
    (request.headers, request.body) = (parts.headers.clone(), body);
    let (decided, response) = match local.api {
        Api::WebSocket => websocket::connect(&local.gateway, &request, parts).await,
        api => {
            let exchange = local.gateway.exchange(api, &request).await;
            (exchange.explain().await, exchange.response.map(Body::from))
        }
    };
    // Not the query: a token may stand in it.
    output::say(format!("{} {} {}: {decided}\n", response.status().as_u16(), request.method, request.path));
    response
}

fn redirect_to_page() -> Response<Body> {
    let mut response = Response::new(Body::from(Bytes::new()));
    *response.status_mut() = StatusCode::FOUND;
    response.headers_mut().insert(LOCATION, HeaderValue::from_static(PREFIX));
    response
}

/// A function that reported what is wrong is quoted alone, in one line.
fn explain_start(error: &StartError) -> String {
    match error {
        StartError::Ended { init_error: Some(report), .. } => {
            let lines = report["errorMessage"].as_str().unwrap_or_default().lines();
            format!("the function does not start: {}", lines.map(str::trim).collect::<Vec<&str>>().join("; "))
        }
        StartError::Ended { status, log, .. } => {
            let last = log.last().map(|line| format!(", with {line}")).unwrap_or_default();
            format!("the function ended ({status}) before it asked for an event{last}: is it one for Lambda?")
        }
        StartError::System(error) => {
            format!("the function cannot be run ({error}): build it with `cargo build`")
        }
        StartError::Silent => error.to_string(),
    }
}

/// The least that the function takes, so that a rotated key is found at once.
const COOLDOWN_SECONDS: &str = "1";

/// Short, so that a withdrawn key is felt while one watches.
const TTL_SECONDS: &str = "5";

/// API Gateway's own.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html>
const MOST_BODY_BYTES: usize = 10 * 1024 * 1024;
