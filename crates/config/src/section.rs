//! Reading one map of settings: every key that is asked for is known, and the others are reported.
//!
//! Reading goes on after a problem, so that all of them are found at once. What a reader returns after a problem
//! has no meaning; whoever started it looks at the [`Findings`] first.

mod moved;
mod read;

use std::collections::BTreeSet;

use crate::problem::{Problem, Problems};
use crate::setting::Setting;
use crate::suggest::nearest;
use crate::value::{Key, Position, Value};
use crate::yaml;

pub use read::read_component;

/// With more known keys than this, an unknown one is reported without the list of them.
const LISTED_KEYS_MAX: usize = 12;

/// What reading settings found.
#[derive(Debug, Default)]
pub struct Findings {
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// What deserves a warning.
    pub warnings: Vec<Problem>,
    /// Paths of the settings that were read as secrets.
    pub secrets: BTreeSet<String>,
}

/// One map of settings being read.
#[derive(Debug)]
pub struct Section<'a> {
    entries: &'a [(Key, Value)],
    position: &'a Position,
    path: String,
    known: Vec<&'static str>,
    findings: &'a mut Findings,
}

impl Section<'_> {
    /// The value of a key; `None` when it is absent or null, and, with a problem, when it is none of the type.
    pub fn get<T: Setting>(&mut self, key: &'static str) -> Option<T> {
        let value = self.find(key)?;
        self.convert(key, value)
    }

    /// The value of a key, or `default`.
    pub fn or<T: Setting>(&mut self, key: &'static str, default: T) -> T {
        self.get(key).unwrap_or(default)
    }

    /// The value of a key; a problem when it is absent or null.
    pub fn required<T: Setting>(&mut self, key: &'static str) -> Option<T> {
        match self.find(key) {
            Some(value) => self.convert(key, value),
            None => {
                self.problem(Some(key), "is required");
                None
            }
        }
    }

    /// One of some words, whatever their case; `None` like [`Section::get`].
    pub fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        choices: &[(&'static str, T)],
    ) -> Option<T> {
        let value = self.find(key)?;
        let text = value.as_text().unwrap_or_default();
        let found = choices.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
        if let (Some((_, choice)), Some(_)) = (found, value.as_text()) {
            return Some(*choice);
        }
        let words = || choices.iter().map(|(word, _)| *word).filter(|word| !word.is_empty());
        let list = words().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        let message = format!("must be one of {list}, not {}", value.describe());
        let problem = Problem::at(&value.position, self.path_of(key), message);
        let meant = if value.raw.is_some() { None } else { nearest(text, words()) };
        self.findings.problems.push(problem.suggest(meant));
        None
    }

    /// The value of a key as it is, null included.
    pub fn value(&mut self, key: &'static str) -> Option<Value> {
        self.entry(key).cloned()
    }

    /// Keys that are accepted and have no effect, with a warning for each that is there.
    pub fn ignore(&mut self, keys: &[&'static str], why: &str) {
        for key in keys {
            if self.entry(key).is_some() {
                self.warn(Some(key), format!("has no effect: {why}"));
            }
        }
    }

    /// An error at the place of a key, or of the section when it is absent.
    pub fn problem(&mut self, key: Option<&str>, message: impl Into<String>) {
        let problem = self.finding(key, message.into());
        self.findings.problems.push(problem);
    }

    /// A warning at the place of a key, or of the section when it is absent.
    pub fn warn(&mut self, key: Option<&str>, message: impl Into<String>) {
        let problem = self.finding(key, message.into());
        self.findings.warnings.push(problem);
    }

    /// Whether a key is there, even with null.
    pub fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|(found, _)| &*found.text == key)
    }

    /// The section's name with those of its parents: `processors::batch`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Where the section begins.
    pub fn position(&self) -> &Position {
        self.position
    }

    fn path_of(&self, key: &str) -> String {
        join(&self.path, key)
    }

    fn finding(&self, key: Option<&str>, message: String) -> Problem {
        let Some(key) = key else {
            return Problem::at(self.position, self.path.clone(), message);
        };
        let entry = self.entries.iter().find(|(found, _)| &*found.text == key);
        let position = entry.map_or(self.position, |(_, value)| &value.position);
        Problem::at(position, self.path_of(key), message)
    }

    fn convert<T: Setting>(&mut self, key: &str, value: &Value) -> Option<T> {
        if T::SECRET {
            let path = self.path_of(key);
            self.findings.secrets.insert(path);
        }
        if let Some(warning) = T::warning(value) {
            self.warn(Some(key), warning);
        }
        T::from_value(value).map_err(|message| self.problem(Some(key), message)).ok()
    }
}

impl<'a> Section<'a> {
    /// The value of a key that is known from now on.
    fn entry(&mut self, key: &'static str) -> Option<&'a Value> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        let entries: &'a [(Key, Value)] = self.entries;
        entries.iter().find(|(found, _)| &*found.text == key).map(|(_, value)| value)
    }

    /// The same without null.
    fn find(&mut self, key: &'static str) -> Option<&'a Value> {
        self.entry(key).filter(|value| !value.is_null())
    }

    /// Reports the keys that nobody asked for.
    fn finish(self) {
        for (key, _) in self.entries {
            if self.known.contains(&&*key.text) {
                continue;
            }
            let problem = Problem::at(&key.position, join(&self.path, &key.text), "unknown key");
            let meant = nearest(&key.text, self.known.iter().copied());
            let problem = match moved::moved(&key.text, &self.known).or(meant) {
                Some(meant) => problem.suggest(Some(meant)),
                None if self.known.is_empty() => problem.advise("there are no settings here"),
                None if self.known.len() <= LISTED_KEYS_MAX => {
                    problem.advise(format!("keys here: {}", self.known.join(", ")))
                }
                None => problem,
            };
            self.findings.problems.push(problem);
        }
    }
}

/// A key below a path.
pub(crate) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}::{key}") }
}

/// Reads one component's settings from YAML text, as tests do: all problems, or the settings and the warnings.
///
/// # Errors
/// When the text is no YAML, or anything in it is wrong.
pub fn read_settings<T>(
    yaml: &str,
    read: impl FnOnce(&mut Section<'_>) -> T,
) -> Result<(T, Vec<Problem>), Problems> {
    let value = yaml::parse(yaml, "settings.yaml")?;
    let mut findings = Findings::default();
    let settings = read_component(&value, "", &mut findings, read);
    match settings {
        Some(settings) if findings.problems.is_empty() => Ok((settings, findings.warnings)),
        _ => Err(Problems::new(findings.problems)),
    }
}
