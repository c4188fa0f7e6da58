//! The function as Lambda runs it: a process of its own, which asks a Runtime API for events and posts its
//! answers there.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::{
    collections::HashMap,
    io,
    net::Ipv4Addr,
    path::Path,
    process::ExitStatus,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path as UrlPath, State},
    http::StatusCode,
    routing::{get, post},
};
use cognito_authorizer::time::UnixTime;
use serde_json::{Value, json};
use thiserror::Error;
use tokio::{
    net::TcpListener,
    process::{Child, Command},
    sync::{Notify, mpsc, oneshot},
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::function_log::FunctionLog;

/// A running function. Dropping it kills the process.
pub(crate) struct Function {
    api: Arc<RuntimeApi>,
    pub(crate) log: FunctionLog,
    process: Mutex<Child>,
    _tasks: JoinSet<()>,
}

/// What the function made of one event.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Lambda's id of the invocation.
    pub(crate) request_id: String,
    /// What it posted as its response, or as its error.
    pub(crate) outcome: Outcome,
}

/// A response, or an error with `errorType` and `errorMessage`.
pub(crate) type Outcome = Result<Value, Value>;

/// Why there is no running function.
#[derive(Debug, Error)]
pub(crate) enum StartError {
    /// The system would not.
    #[error("the function cannot be run: {0}")]
    System(#[from] io::Error),
    /// It ended before it asked for an event.
    #[error("the function ended ({status}), reported {init_error:?} and printed {log:#?}")]
    Ended { status: ExitStatus, init_error: Option<Value>, log: Vec<String> },
    /// It runs, and asks for nothing.
    #[error("the function asked for no event within {} s: is it one for Lambda?", PATIENCE.as_secs())]
    Silent,
}

impl Function {
    /// Runs `binary` with Lambda's variables and these, and no others, until it asks for its first event. From then on
    /// `on_notice` hears each line that it has printed, or prints, about no invocation.
    pub(crate) async fn start(
        binary: &Path,
        variables: &[(&str, &str)],
        on_notice: fn(&str),
    ) -> Result<Self, StartError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let (mut process, log) = spawn(binary, &listener.local_addr()?.to_string(), variables)?;
        let api = Arc::new(RuntimeApi::default());
        let mut tasks = JoinSet::new();
        let server = axum::serve(listener, routes(Arc::clone(&api))).into_future();
        tasks.spawn(async { server.await.unwrap() });
        tokio::select! {
            // In this order: an end counts as one only if no event was asked for before.
            biased;
            () = api.asked.notified() => {
                tasks.spawn(log.clone().tell_lines_without(REQUEST_IDS, on_notice));
                Ok(Self { api, log, process: process.into(), _tasks: tasks })
            }
            status = process.wait() => Err(api.explain_end(status?, log).await),
            () = sleep(PATIENCE) => Err(StartError::Silent),
        }
    }

    /// Sends one event. A function that dies or takes too long gets the error that Lambda gives for it; one that takes too
    /// long is killed, as Lambda resets what it runs in.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>
    pub(crate) async fn invoke(&self, event: impl Into<Vec<u8>>) -> Answer {
        let (request_id, answered) = self.api.enqueue(event.into());
        let error = |kind: &str, message: &str| Err(json!({ "errorType": kind, "errorMessage": message }));
        let outcome = tokio::select! {
            // In this order: an answer counts even from a function that ended after it.
            biased;
            answered = timeout(PATIENCE, answered) => {
                if let Ok(Ok(outcome)) = answered {
                    outcome
                } else {
                    // It fails for a process that has just ended by itself.
                    let _ = self.process.lock().unwrap().start_kill();
                    self.log.clone().ended().await;
                    error("Sandbox.Timedout", "Task timed out")
                }
            }
            () = self.log.clone().ended() => error("Runtime.ExitError", "Runtime exited"),
        };
        Answer { request_id, outcome }
    }

    /// Whether it can be asked.
    #[allow(dead_code, reason = "tests/function.rs, which includes this file, asks functions that run")]
    pub(crate) fn is_running(&self) -> bool {
        self.log.is_open()
    }

    /// The log line of one invocation, as soon as it is printed.
    pub(crate) async fn log_line(&self, request_id: &str) -> Option<Value> {
        timeout(PATIENCE, self.log.clone().find(request_id)).await.ok()?
    }

    /// The most memory that the process has held so far, where the system tells (`VmHWM` on Linux).
    pub(crate) fn peak_memory_kib(&self) -> Option<u64> {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.process.lock().unwrap().id()?)).ok()?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        peak.trim().trim_end_matches(" kB").parse().ok()
    }
}

/// Starts the process; gives its log, which for Lambda is standard output and standard error together.
fn spawn(binary: &Path, runtime_api: &str, variables: &[(&str, &str)]) -> io::Result<(Child, FunctionLog)> {
    let (output, input) = io::pipe()?;
    let process = Command::new(binary)
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", runtime_api)
        .env("AWS_LAMBDA_FUNCTION_NAME", "authorizer")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        .envs(variables.iter().copied())
        .stdout(input.try_clone()?)
        .stderr(input)
        .kill_on_drop(true)
        .spawn()?;
    Ok((process, FunctionLog::follow(output)))
}

/// Events on their way to the function, and those who wait for its answers.
struct RuntimeApi {
    queue: mpsc::UnboundedSender<Event>,
    events: tokio::sync::Mutex<mpsc::UnboundedReceiver<Event>>,
    waiting: Mutex<HashMap<String, oneshot::Sender<Outcome>>>,
    invocations: AtomicUsize,
    /// Told when the function asks for an event.
    asked: Notify,
    init_error: Mutex<Option<Value>>,
}

struct Event {
    request_id: String,
    body: Vec<u8>,
}

impl Default for RuntimeApi {
    fn default() -> Self {
        let (queue, events) = mpsc::unbounded_channel();
        Self {
            queue,
            events: events.into(),
            waiting: Mutex::default(),
            invocations: AtomicUsize::default(),
            asked: Notify::default(),
            init_error: Mutex::default(),
        }
    }
}

impl RuntimeApi {
    fn enqueue(&self, body: Vec<u8>) -> (String, oneshot::Receiver<Outcome>) {
        let number = self.invocations.fetch_add(1, Ordering::Relaxed);
        let request_id = format!("{REQUEST_IDS}{number:012}");
        let (answer, answered) = oneshot::channel();
        self.waiting.lock().unwrap().insert(request_id.clone(), answer);
        self.queue.send(Event { request_id: request_id.clone(), body }).unwrap();
        (request_id, answered)
    }

    fn settle(&self, request_id: &str, outcome: Outcome) -> StatusCode {
        // Whoever asked may have lost patience.
        let asker = self.waiting.lock().unwrap().remove(request_id);
        let _ = asker.map(|asker| asker.send(outcome));
        StatusCode::ACCEPTED
    }

    async fn explain_end(&self, status: ExitStatus, log: FunctionLog) -> StartError {
        log.clone().ended().await;
        let init_error = self.init_error.lock().unwrap().take();
        StartError::Ended { status, init_error, log: log.lines() }
    }
}

fn routes(api: Arc<RuntimeApi>) -> Router {
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(hand_out))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(take_response))
        .route("/2018-06-01/runtime/invocation/{id}/error", post(take_error))
        .route("/2018-06-01/runtime/init/error", post(take_init_error))
        .with_state(api)
}

type Api = State<Arc<RuntimeApi>>;

/// Waits for the next event, for as long as it takes.
async fn hand_out(State(api): Api) -> ([(&'static str, String); 4], Vec<u8>) {
    api.asked.notify_one();
    let Event { request_id, body } = api.events.lock().await.recv().await.unwrap();
    let deadline = UnixTime::now().plus(PATIENCE).as_secs() * 1_000;
    let headers = [
        ("Lambda-Runtime-Aws-Request-Id", request_id),
        ("Lambda-Runtime-Deadline-Ms", deadline.to_string()),
        ("Lambda-Runtime-Invoked-Function-Arn", FUNCTION_ARN.to_owned()),
        ("Lambda-Runtime-Trace-Id", TRACE_HEADER.to_owned()),
    ];
    (headers, body)
}

async fn take_response(State(api): Api, UrlPath(request_id): UrlPath<String>, body: Bytes) -> StatusCode {
    api.settle(&request_id, Ok(read(&body)))
}

async fn take_error(State(api): Api, UrlPath(request_id): UrlPath<String>, body: Bytes) -> StatusCode {
    api.settle(&request_id, Err(read(&body)))
}

async fn take_init_error(State(api): Api, body: Bytes) -> StatusCode {
    *api.init_error.lock().unwrap() = Some(read(&body));
    StatusCode::ACCEPTED
}

/// A body as JSON; one that is none, as text, so that it shows.
fn read(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into())
}

/// What every invocation's id begins with.
const REQUEST_IDS: &str = "8476a536-e9f4-11e8-9739-";

/// API Gateway's own: an authorizer has 10 s. Lambda's for a start is the same.
const PATIENCE: Duration = Duration::from_secs(10);

const FUNCTION_ARN: &str = "arn:aws:lambda:eu-west-1:123456789012:function:authorizer";

const TRACE_HEADER: &str =
    "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a:1|b:2";
