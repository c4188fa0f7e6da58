//! Variables, one at a time, and what is wrong with them.

use std::{collections::BTreeSet, ffi::OsString, time::Duration};

use serde_json::Value;

use super::{Problem, Problems};
use crate::token::parse_value;

/// Reads variables and collects problems.
pub(super) struct Reader<'e> {
    lookup: &'e dyn Fn(&str) -> Option<OsString>,
    problems: Vec<Problem>,
}

impl<'e> Reader<'e> {
    pub(super) fn new(lookup: &'e dyn Fn(&str) -> Option<OsString>) -> Self {
        Self { lookup, problems: Vec::new() }
    }

    /// Notes what is wrong with a variable.
    pub(super) fn problem(&mut self, variable: impl Into<String>, text: impl Into<String>) {
        let problem = Problem { variable: variable.into(), text: text.into() };
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// `value`, if nothing is wrong.
    pub(super) fn finish<T>(self, value: T) -> Result<T, Problems> {
        if self.problems.is_empty() { Ok(value) } else { Err(Problems(self.problems)) }
    }

    /// A variable's text, trimmed. One that is set and empty cannot be meant.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        let text = self.text_or_empty(name)?;
        if text.is_empty() {
            self.problem(name, "is empty: unset it or give it a value");
            return None;
        }
        Some(text)
    }

    /// A variable's text, trimmed, where an empty one has a meaning.
    pub(super) fn text_or_empty(&mut self, name: &str) -> Option<String> {
        let Ok(text) = (self.lookup)(name)?.into_string() else {
            self.problem(name, "is not valid UTF-8");
            return None;
        };
        Some(text.trim().to_owned())
    }

    /// One word: a claim's name.
    pub(super) fn word(&mut self, name: &str) -> Option<String> {
        let word = self.text(name)?;
        if word.contains(|letter: char| letter.is_whitespace() || letter == ',') {
            self.problem(name, "must be one name");
            return None;
        }
        Some(word)
    }

    /// A comma-separated list, of which no entry may be empty or stand twice.
    pub(super) fn list(&mut self, name: &str) -> Option<Vec<String>> {
        let text = self.text(name)?;
        let entries = text.split(',').map(|entry| entry.trim().to_owned()).collect();
        self.check_list(name, entries)
    }

    /// A list that must be there; `reason` says why.
    pub(super) fn required_list(&mut self, name: &str, reason: &str) -> Vec<String> {
        if (self.lookup)(name).is_none() {
            self.problem(name, reason);
        }
        self.list(name).unwrap_or_default()
    }

    /// A list separated by white space or commas; or, for names that hold commas, a JSON list of strings.
    pub(super) fn names(&mut self, name: &str) -> Option<Vec<String>> {
        let text = self.text(name)?;
        let entries = if text.starts_with('[') {
            let Some(entries) = parse_value(text.as_bytes()).ok().and_then(|list| strings(&list)) else {
                self.problem(name, "begins with [ and is not a json list of strings");
                return None;
            };
            entries
        } else {
            text.split(|letter: char| letter.is_whitespace() || letter == ',')
                .filter(|entry| !entry.is_empty())
                .map(str::to_owned)
                .collect()
        };
        if entries.iter().any(|entry| entry.contains(char::is_whitespace)) {
            self.problem(name, "has an entry with white space in it, which no scope or group has");
            return None;
        }
        self.check_list(name, entries)
    }

    /// What holds for every list of names. `None`, and a problem, where it does not.
    pub(super) fn check_list(&mut self, name: &str, entries: Vec<String>) -> Option<Vec<String>> {
        let distinct: BTreeSet<&String> = entries.iter().collect();
        let problem = if entries.is_empty() {
            "is an empty list: unset it or name at least one"
        } else if entries.iter().any(|entry| entry.trim().is_empty()) {
            "has an empty entry"
        } else if distinct.len() < entries.len() {
            "names an entry twice"
        } else {
            return Some(entries);
        };
        self.problem(name, problem);
        None
    }

    /// A whole number within bounds.
    pub(super) fn number(&mut self, name: &str, default: u64, least: u64, most: u64) -> u64 {
        let Some(text) = self.text(name) else { return default };
        match text.parse() {
            Ok(number) if (least..=most).contains(&number) => number,
            _ => {
                self.problem(name, format!("must be a whole number from {least} to {most}"));
                default
            }
        }
    }

    /// Seconds within bounds.
    pub(super) fn seconds(&mut self, name: &str, default: u64, least: u64, most: u64) -> Duration {
        Duration::from_secs(self.number(name, default, least, most))
    }

    /// How many of something, from none to `most`.
    pub(super) fn size(&mut self, name: &str, default: u16, most: u16) -> usize {
        let size = self.number(name, default.into(), 0, most.into());
        usize::try_from(size).unwrap_or_default()
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&mut self, name: &str, default: T, choices: &[(&str, T)]) -> T {
        let Some(text) = self.text(name) else { return default };
        if let Some((_, choice)) = choices.iter().find(|(word, _)| *word == text) {
            return *choice;
        }
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        self.problem(name, format!("must be one of {}", words.join(", ")));
        default
    }
}

/// A list that holds nothing but strings.
pub(super) fn strings(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
}
