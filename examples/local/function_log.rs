//! What a function prints: kept for whoever asks about an invocation, and told as far as it is about none.

use std::{
    io::{BufRead, BufReader, PipeReader},
    thread,
};

use serde_json::Value;
use tokio::sync::watch;

/// The lines printed so far, or the last of them if these are many.
#[derive(Clone)]
pub(crate) struct FunctionLog(watch::Receiver<Lines>);

#[derive(Default)]
struct Lines {
    dropped: usize,
    kept: Vec<String>,
}

impl FunctionLog {
    /// Reads to the end, on a thread of its own: the pipe blocks.
    pub(crate) fn follow(output: PipeReader) -> Self {
        let (lines, log) = watch::channel(Lines::default());
        thread::spawn(move || {
            for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                lines.send_modify(|lines| lines.push(String::from_utf8_lossy(&line).into_owned()));
            }
        });
        Self(log)
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.borrow().kept.clone()
    }

    /// The JSON line of one invocation, as soon as it is printed.
    pub(crate) async fn find(mut self, request_id: &str) -> Option<Value> {
        let lines = self.0.wait_for(|lines| lines.find(request_id).is_some()).await.ok()?;
        lines.find(request_id)
    }

    /// Says every line in which `word` does not stand, those printed so far among them.
    pub(crate) async fn tell_lines_without(mut self, word: &str, tell: fn(&str)) {
        let mut told = 0;
        loop {
            {
                let lines = self.0.borrow_and_update();
                let others = lines.after(told).iter().filter(|line| !line.contains(word));
                others.for_each(|line| tell(line));
                told = lines.count();
            }
            if self.0.changed().await.is_err() {
                return;
            }
        }
    }

    /// Whether more may come: the process runs.
    pub(crate) fn is_open(&self) -> bool {
        self.0.has_changed().is_ok()
    }

    /// Waits until the process has ended and its last line is in.
    pub(crate) async fn ended(mut self) {
        while self.0.changed().await.is_ok() {}
    }
}

impl Lines {
    fn push(&mut self, line: String) {
        if self.kept.len() >= MOST_LINES {
            self.dropped += self.kept.drain(..MOST_LINES / 2).len();
        }
        self.kept.push(line);
    }

    /// From the end, where it most likely is, and without reading what does not name it.
    fn find(&self, request_id: &str) -> Option<Value> {
        let lines = self.kept.iter().rev().filter(|line| line.contains(request_id));
        lines
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .find(|line| line["request_id"] == request_id)
    }

    /// Those after the first `count` that were printed, as far as they are kept.
    fn after(&self, count: usize) -> &[String] {
        self.kept.get(count.saturating_sub(self.dropped)..).unwrap_or_default()
    }

    fn count(&self) -> usize {
        self.dropped + self.kept.len()
    }
}

/// Some megabytes.
const MOST_LINES: usize = 10_000;
