//! A function that is given several events at once.

use std::{
    io::{BufReader, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use cognito_authorizer::time::Stopwatch;

use crate::process::{ACCEPTED, Answer, Bootstrap, Process, Request, Variables, send_event};

/// A function that may be given several events at once: each of its connections is served by a thread.
pub(crate) struct ConcurrentFunction {
    _process: Process,
    answered: Arc<AtomicUsize>,
    stopped: Arc<AtomicBool>,
}

impl Drop for ConcurrentFunction {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
    }
}

impl ConcurrentFunction {
    /// Starts a function that is told of `limit` events at once, and gives it each of `events` in turn, for ever.
    pub(crate) fn start(
        bootstrap: &Bootstrap,
        variables: &Variables,
        limit: usize,
        events: Vec<Vec<u8>>,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut variables = variables.clone();
        variables.insert("AWS_LAMBDA_MAX_CONCURRENCY".to_owned(), limit.to_string());
        let process = Process::spawn(bootstrap, &variables, port);
        let (answered, stopped) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let shared = (Arc::clone(&answered), Arc::clone(&stopped), Arc::new(events));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (answered, stopped, events) = shared.clone();
                thread::spawn(move || serve(stream, &answered, &stopped, &events));
            }
        });
        Self { _process: process, answered, stopped }
    }

    /// How many events are answered in a second, measured for `time`.
    pub(crate) fn throughput(&self, time: Duration) -> f64 {
        let before = self.answered.load(Ordering::Relaxed);
        let started = Stopwatch::start();
        thread::sleep(time);
        let answered = self.answered.load(Ordering::Relaxed) - before;
        #[expect(
            clippy::cast_precision_loss,
            clippy::as_conversions,
            reason = "a count of events in seconds"
        )]
        let answered = answered as f64;
        answered / started.elapsed().as_secs_f64()
    }
}

fn serve(stream: TcpStream, answered: &AtomicUsize, stopped: &AtomicBool, events: &[Vec<u8>]) {
    let _ = stream.set_nodelay(true);
    let mut connection = BufReader::new(stream);
    while let Some(request) = Request::read(&mut connection) {
        if stopped.load(Ordering::Relaxed) {
            return;
        }
        if request.path.ends_with("/next") {
            let number = answered.load(Ordering::Relaxed) % events.len();
            send_event(connection.get_mut(), &events[number]);
        } else {
            assert!(Answer { is_error: request.path.ends_with("/error"), body: request.body }.is_allowed());
            answered.fetch_add(1, Ordering::Relaxed);
            if connection.get_mut().write_all(ACCEPTED).is_err() {
                return;
            }
        }
    }
}
