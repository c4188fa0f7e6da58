//! An issuer on loopback that publishes its keys where a user pool does, and misbehaves on demand.
//!
//! It writes its responses by hand, so that it can also say what no HTTP library would.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use cognito_authorizer::testing::{POOL_ID, SigningKey, jwks};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy, sink},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// Serves one key set until it is dropped.
pub(crate) struct Issuer {
    address: SocketAddr,
    state: Arc<State>,
    _server: JoinSet<()>,
}

#[derive(Default)]
struct State {
    /// A whole HTTP response; nothing while the issuer is down.
    response: Mutex<Option<Vec<u8>>>,
    requests: AtomicUsize,
}

impl Issuer {
    /// Starts with these keys published.
    pub(crate) async fn start(keys: &[&SigningKey]) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let (address, state) = (listener.local_addr()?, Arc::<State>::default());
        let mut server = JoinSet::new();
        server.spawn(accept(listener, Arc::clone(&state)));
        let issuer = Self { address, state, _server: server };
        issuer.publish(keys);
        Ok(issuer)
    }

    /// Where its keys are.
    pub(crate) fn jwks_url(&self) -> String {
        format!("http://{}{}", self.address, jwks_path())
    }

    /// Publishes these keys, and no others, from now on.
    pub(crate) fn publish(&self, keys: &[&SigningKey]) {
        let set = jwks(keys).to_string();
        let length = set.len();
        self.respond(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{set}"));
    }

    /// Answers with exactly these bytes from now on, and then waits for the client to hang up: a body
    /// shorter than its `Content-Length` hangs, and so does an empty response.
    pub(crate) fn respond(&self, response: impl Into<Vec<u8>>) {
        *self.state.response.lock().unwrap() = Some(response.into());
    }

    /// Hangs up on everybody from now on. The port stays taken, so that nobody else can answer on it.
    pub(crate) fn take_down(&self) {
        *self.state.response.lock().unwrap() = None;
    }

    /// How often it was asked for its keys while it was up.
    pub(crate) fn requests(&self) -> usize {
        self.state.requests.load(Ordering::Relaxed)
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let response = state.response.lock().unwrap().clone();
        if let Some(response) = response {
            connections.spawn(answer(stream, Arc::clone(&state), response));
        }
    }
}

async fn answer(stream: TcpStream, state: Arc<State>, response: Vec<u8>) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    if read_path(&mut stream).await? == jwks_path() {
        state.requests.fetch_add(1, Ordering::Relaxed);
        stream.write_all(&response).await?;
    } else {
        stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await?;
    }
    copy(&mut stream, &mut sink()).await.map(drop)
}

/// Reads a request's head; gives its path.
async fn read_path(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut request_line = String::new();
    stream.read_line(&mut request_line).await?;
    let mut header = String::new();
    while stream.read_line(&mut header).await? > 2 {
        header.clear();
    }
    Ok(request_line.split(' ').nth(1).unwrap_or_default().to_owned())
}

fn jwks_path() -> String {
    format!("/{POOL_ID}/.well-known/jwks.json")
}
