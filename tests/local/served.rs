//! The example, served on free ports as its users serve it.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use axum::http::HeaderMap;
use cognito_authorizer::token::HttpsFetch;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::{sleep, timeout},
};

/// A gateway on free ports.
pub(crate) struct Local {
    pub(crate) process: Child,
    /// Held open: what it prints must not fail.
    pub(crate) output: Lines<BufReader<ChildStdout>>,
    pub(crate) gateway: String,
    pub(crate) issuer: String,
    pub(crate) page: String,
    pub(crate) command: String,
    pub(crate) client: reqwest::Client,
}

/// What a client got.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

pub(crate) const KINDS: [&str; 5] = ["rest-token", "rest-request", "http-v1", "http-v2", "http-v2-simple"];

/// Runs the example as its users do.
pub(crate) fn local(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.args(["run", "--locked", "--quiet", "--example", "local", "--"]).args(arguments);
    command.current_dir(env!("CARGO_MANIFEST_DIR")).kill_on_drop(true).stdout(Stdio::piped());
    command
}

impl Local {
    pub(crate) async fn serve(arguments: &[&str]) -> Self {
        Self::serve_with(arguments, Stdio::inherit()).await
    }

    /// With its standard error there.
    pub(crate) async fn serve_with(arguments: &[&str], errors: Stdio) -> Self {
        let usual = ["serve", "--port", "0", "--binary", env!("CARGO_BIN_EXE_cognito-authorizer")];
        let mut process = local(&[&usual, arguments].concat()).stderr(errors).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut said = Vec::new();
        while said.len() < 6 {
            said.push(lines.next_line().await.unwrap().expect("an introduction"));
        }
        let address = |name: &str| {
            let line = said.iter().find_map(|line| line.strip_prefix(name)).unwrap();
            line.split_whitespace().next().unwrap().to_owned()
        };
        Self {
            gateway: address("gateway"),
            issuer: address("issuer"),
            page: address("page"),
            command: said[5].trim().to_owned(),
            client: HttpsFetch::default().client().unwrap().clone(),
            process,
            output: lines,
        }
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Got {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.unwrap();
        let text = || String::from_utf8_lossy(&body).into_owned().into();
        Got { status, headers, body: serde_json::from_slice(&body).unwrap_or_else(|_| text()) }
    }

    pub(crate) async fn token(&self, query: &str) -> String {
        let got = self.send(self.client.get(format!("{}/token?{query}", self.issuer))).await;
        assert_eq!(got.status, 200, "{query}");
        got.body.as_str().unwrap().to_owned()
    }

    /// `GET /orders` and its like, with a token unless that is empty.
    pub(crate) async fn ask(&self, route: &str, token: &str) -> Got {
        let (method, path) = route.split_once(' ').unwrap();
        let request = self.client.request(method.parse().unwrap(), format!("{}{path}", self.gateway));
        let request = if token.is_empty() { request } else { request.bearer_auth(token) };
        self.send(request).await
    }

    pub(crate) async fn status(&self, route: &str, token: &str) -> u16 {
        self.ask(route, token).await.status
    }

    pub(crate) async fn switch(&self, name: &str, body: &Value) -> Value {
        let url = format!("{}/_local/{name}", self.gateway);
        let got = self.send(self.client.post(url).header("x-local", "1").body(body.to_string())).await;
        assert_eq!(got.status, 200, "{name}: {}", got.body);
        got.body
    }

    pub(crate) async fn call(&self, api: &str, route: &str, token: Option<&str>) -> Value {
        let (method, path) = route.split_once(' ').unwrap();
        self.switch("call", &json!({ "api": api, "method": method, "path": path, "token": token })).await
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id().unwrap()
    }

    /// The functions that it runs.
    pub(crate) fn functions(&self) -> Vec<u32> {
        children(self.pid())
    }

    pub(crate) async fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.pid().to_string()]).status().await.unwrap();
        assert!(status.success());
    }
}

/// The processes that a process started.
pub(crate) fn children(pid: u32) -> Vec<u32> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    children.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

/// A file with these routes, for whoever asks to remove.
pub(crate) fn routes_file(name: &str, routes: &str) -> PathBuf {
    let file = format!("{name}-{}", std::process::id());
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(file);
    std::fs::write(&path, routes).unwrap();
    path
}

/// Whether a process runs: one that has ended and that nobody has asked about is a zombie.
pub(crate) fn runs(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with('Z'))
}

pub(crate) async fn wait_until_gone(pids: &[u32]) {
    let gone = async {
        while pids.iter().any(|pid| runs(*pid)) {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, gone).await.expect("they end");
}

/// A little more than the function's `JWKS_COOLDOWN_SECONDS` here.
pub(crate) const COOLDOWN: Duration = Duration::from_millis(1_100);

/// Far more than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
