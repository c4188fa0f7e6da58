//! The table that is printed: a line per request, and what did not come out as it should.

use serde_json::Value;

use crate::tokens::Token;

/// Prints as it goes, and remembers what went wrong.
#[derive(Default)]
pub(crate) struct Table {
    rows: usize,
    right: usize,
    wrong: Vec<String>,
}

impl Table {
    /// Begins a part, with the column titles.
    pub(crate) fn begin_part(title: &str) {
        println!("\n{title}\n");
        print_row(["event", "token", "client sees", "reason", "µs"]);
    }

    /// Adds a request: the status that the client saw, and the function's own log line.
    pub(crate) fn add(&mut self, event: &str, token: &Token, status: u16, line: &Value) {
        let reason = if line.is_null() { "no log line" } else { line["reason"].as_str().unwrap_or_default() };
        print_row([event, token.name, &status.to_string(), reason, &line["duration_us"].to_string()]);
        self.rows += 1;
        self.right += usize::from((status, reason) == (token.status, token.reason));
        if (status, reason) != (token.status, token.reason) {
            self.wrong.push(format!(
                "{event}, {}: is {status} {reason}, should be {} {}",
                token.name, token.status, token.reason
            ));
        }
    }

    /// Something that must hold beside the rows.
    pub(crate) fn require(&mut self, holds: bool, what: &str) {
        if !holds {
            self.wrong.push(format!("not so: {what}"));
        }
    }

    /// Sums up. Whether every row came out as it should.
    pub(crate) fn finish(&self) -> bool {
        println!("\n{} of {} requests came out as they should.", self.right, self.rows);
        for wrong in &self.wrong {
            println!("  {wrong}");
        }
        self.wrong.is_empty()
    }
}

fn print_row([event, token, status, reason, duration]: [&str; 5]) {
    println!("  {event:<23} {token:<22} {status:<12} {reason:<19} {duration:>6}");
}
