//! A function as Lambda runs it: a process that asks a Runtime API for events.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>
//!
//! The API is the thinnest that will do. For one event at a time the measuring thread itself reads and writes the
//! function's connection, so that no other thread has to wake up between an event and its answer.

#![allow(dead_code, reason = "each of its users asks for some of it")]

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use cognito_authorizer::{
    testing::{CLIENT_ID, POOL_ID},
    time::Stopwatch,
};

/// A function's executable, or a script that becomes one.
#[derive(Clone, Debug)]
pub(crate) struct Bootstrap {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

/// A function's environment, besides what Lambda sets.
pub(crate) type Variables = BTreeMap<String, String>;

/// The settings that all runs share, and `more`.
pub(crate) fn variables<const N: usize>(more: [(&str, String); N]) -> Variables {
    let shared = [("USER_POOL_ID", POOL_ID.to_owned()), ("CLIENT_ID", CLIENT_ID.to_owned())];
    shared.into_iter().chain(more).map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A running function with its one connection. Dropping it kills the process.
pub(crate) struct Function {
    process: Process,
    listener: TcpListener,
    connection: BufReader<TcpStream>,
}

/// Kills on drop.
pub(crate) struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    #[expect(clippy::disallowed_methods, reason = "scripts find their interpreter by PATH")]
    pub(crate) fn spawn(bootstrap: &Bootstrap, variables: &Variables, port: u16) -> Self {
        let mut command = Command::new(&bootstrap.path);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("AWS_LAMBDA_RUNTIME_API", format!("127.0.0.1:{port}"))
            .env("AWS_LAMBDA_FUNCTION_NAME", "authorizer")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .envs(variables)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Self(command.spawn().unwrap_or_else(|error| panic!("{}: {error}", bootstrap.path.display())))
    }

    /// The system's number for it.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// The most memory held so far, in KiB. A shell that only starts the function is not asked.
    pub(crate) fn peak_memory_kib(&self) -> u64 {
        self.status("VmHWM:")
    }

    /// The memory held now, in KiB.
    pub(crate) fn memory_kib(&self) -> u64 {
        self.status("VmRSS:")
    }

    fn status(&self, field: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let value = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
        value.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

/// A body, and whether it was posted as an error.
pub(crate) struct Answer {
    pub(crate) body: Vec<u8>,
    pub(crate) is_error: bool,
}

impl Answer {
    /// Whether a caller would be let through: an Allow, or whatever the floor says.
    pub(crate) fn is_allowed(&self) -> bool {
        let text = String::from_utf8_lossy(&self.body);
        !self.is_error && (text.contains("\"Allow\"") || text.contains("\"isAuthorized\":true"))
    }
}

impl Function {
    /// Starts a function and has it ask for its first event.
    pub(crate) fn start(bootstrap: &Bootstrap, variables: &Variables) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let process = Process::spawn(bootstrap, variables, listener.local_addr().unwrap().port());
        let connection = accept(&listener);
        let mut function = Self { process, listener, connection };
        function.await_request();
        function
    }

    /// Sends one event and waits for its answer and for the next request; gives the time to the answer.
    pub(crate) fn invoke(&mut self, event: &[u8]) -> (Answer, Duration) {
        let started = Stopwatch::start();
        send_event(self.connection.get_mut(), event);
        let request = self.await_request();
        let elapsed = started.elapsed();
        let answer = Answer { is_error: request.path.ends_with("/error"), body: request.body };
        self.connection.get_mut().write_all(ACCEPTED).unwrap();
        self.await_request();
        (answer, elapsed)
    }

    /// The next request, on whichever connection: a client may open another one.
    fn await_request(&mut self) -> Request {
        loop {
            if let Some(request) = Request::read(&mut self.connection) {
                return request;
            }
            self.connection = self.reaccept();
        }
    }

    /// The next connection of a function that gave up its last one. One that has died, or is silent, opens none.
    fn reaccept(&mut self) -> BufReader<TcpStream> {
        self.listener.set_nonblocking(true).unwrap();
        let waited = Stopwatch::start();
        loop {
            if let Ok((stream, _)) = self.listener.accept() {
                return prepare(stream);
            }
            let ended = self.process.0.try_wait().unwrap();
            assert!(ended.is_none(), "the function ended: {ended:?}");
            assert!(waited.elapsed() < TO_RECONNECT, "the function neither answers nor asks");
            thread::sleep(Duration::from_millis(1));
        }
    }

    pub(crate) fn process(&self) -> &Process {
        &self.process
    }
}

fn accept(listener: &TcpListener) -> BufReader<TcpStream> {
    prepare(listener.accept().unwrap().0)
}

fn prepare(stream: TcpStream) -> BufReader<TcpStream> {
    stream.set_nonblocking(false).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    BufReader::new(stream)
}

pub(crate) fn send_event(to: &mut impl Write, event: &[u8]) {
    let mut message = format!(
        "HTTP/1.1 200 OK\r\nlambda-runtime-aws-request-id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n\
         lambda-runtime-deadline-ms: 9999999999999\r\n\
         lambda-runtime-invoked-function-arn: arn:aws:lambda:eu-west-1:123456789012:function:f\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        event.len()
    )
    .into_bytes();
    message.extend_from_slice(event);
    to.write_all(&message).unwrap();
}

pub(crate) const ACCEPTED: &[u8] = b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n";

pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// `None` once the connection is closed.
    pub(crate) fn read(from: &mut impl BufRead) -> Option<Self> {
        let path = read_line(from)?.split(' ').nth(1).unwrap_or_default().to_owned();
        let (mut length, mut is_chunked) = (0, false);
        loop {
            let line = read_line(from)?.to_ascii_lowercase();
            match line.split_once(": ") {
                None => break,
                Some(("content-length", value)) => length = value.parse().unwrap(),
                Some(("transfer-encoding", _)) => is_chunked = true,
                Some(_) => {}
            }
        }
        let body = if is_chunked { read_chunks(from)? } else { read_bytes(from, length)? };
        Some(Self { path, body })
    }
}

fn read_line(from: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    from.read_line(&mut line).ok().filter(|read| *read > 0)?;
    Some(line.trim_end().to_owned())
}

fn read_bytes(from: &mut impl Read, length: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; length];
    from.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

/// RFC 9112 §7.1.
fn read_chunks(from: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let length = usize::from_str_radix(&read_line(from)?, 16).ok()?;
        body.extend(read_bytes(from, length)?);
        read_line(from)?;
        if length == 0 {
            return Some(body);
        }
    }
}

/// A function that has not answered by then is broken, even one that was frozen for a minute meanwhile.
const PATIENCE: Duration = Duration::from_secs(90);

/// A client that opens another connection does so at once.
const TO_RECONNECT: Duration = Duration::from_secs(5);
