//! The table, on paper and in the page.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use crate::{circumstances::circumstances, tally::Tally};

/// One trial's line.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) tally: Tally,
}

impl Row {
    pub(crate) fn passes(&self) -> bool {
        self.tally.problems().is_empty()
    }

    fn verdict(&self) -> String {
        if self.passes() { "pass".to_owned() } else { format!("FAIL: {}", self.tally.problems().join("; ")) }
    }

    fn line(&self) -> String {
        let tally = &self.tally;
        let memory = match tally.peak_memory_kib {
            0 => "–".to_owned(),
            kib => format!("{:.1}", f64::from(u32::try_from(kib).unwrap()) / 1024.0),
        };
        let healed = tally.healed_after.map_or("–".to_owned(), |time| format!("{:.2}", time.as_secs_f64()));
        format!(
            "| {} | {} | {} | {} | {} | {} | {} of {} | {memory} | {:.2} | {healed} | {} | {} |",
            self.name,
            tally.asked,
            tally.allowed,
            tally.unauthorized,
            tally.unavailable,
            tally.wrong_answers(),
            tally.fetches,
            tally.fetches_at_most,
            tally.slowest.as_secs_f64(),
            self.verdict(),
            tally.notes.join("; "),
        )
    }
}

/// Markdown, with when and on what it was made. `extent` says how much was done.
pub(crate) fn table(rows: &[Row], extent: &str) -> String {
    let mut text = format!("{}; {extent}\n\n{HEAD}\n", circumstances());
    for row in rows {
        writeln!(text, "{}", row.line()).unwrap();
    }
    text
}

const HEAD: &str =
    "| trial | asked | Allow | 401 | 500 | wrong | fetches | peak MiB | slowest s | healed s | | |
|---|---|---|---|---|---|---|---|---|---|---|---|";

/// Puts the table into a page, between its markers.
pub(crate) fn write_into(page: &Path, table: &str) -> Result<(), String> {
    let text = fs::read_to_string(page).map_err(|error| format!("{}: {error}", page.display()))?;
    let (before, rest) = text.split_once(BEGIN).ok_or_else(|| lacks(page, BEGIN))?;
    let (_, after) = rest.split_once(END).ok_or_else(|| lacks(page, END))?;
    let text = format!("{before}{BEGIN}\n\n{table}\n{END}{after}");
    fs::write(page, text).map_err(|error| format!("{}: {error}", page.display()))
}

fn lacks(page: &Path, marker: &str) -> String {
    format!("{} lacks the line {marker}", PathBuf::from(page).display())
}

const BEGIN: &str = "<!-- the table: scripts/reliability writes it -->";
const END: &str = "<!-- the end of the table -->";
