//! Sections below sections.

use crate::problem::Problem;
use crate::section::{Findings, Section, join};
use crate::value::{Value, ValueKind};

/// Reads the settings of a component; null is an empty map.
///
/// `None`, with a problem, when they are no map.
pub fn read_component<T>(
    body: &Value,
    path: &str,
    findings: &mut Findings,
    read: impl FnOnce(&mut Section<'_>) -> T,
) -> Option<T> {
    let entries = match &body.kind {
        ValueKind::Null => &[][..],
        ValueKind::Map(entries) => entries,
        _ => {
            let message = format!("must be a map of settings, not {}", body.describe());
            findings.problems.push(Problem::at(&body.position, path, message));
            return None;
        }
    };
    let position = &body.position;
    let path = path.to_owned();
    let mut section = Section { entries, position, path, known: Vec::new(), findings };
    let settings = read(&mut section);
    section.finish();
    Some(settings)
}

impl Section<'_> {
    /// A section below; `key:` (null) is an empty one, and an absent one `None`.
    pub fn section<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Section<'_>) -> T,
    ) -> Option<T> {
        let value = self.entry(key)?;
        read_component(value, &join(&self.path, key), self.findings, read)
    }

    /// A section that can be off: like [`Section::section`], and `None` with `enabled: false` inside.
    pub fn optional<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Section<'_>) -> T,
    ) -> Option<T> {
        let value = self.entry(key)?;
        let path = join(&self.path, key);
        if !is_off(value) {
            return read_component(value, &path, self.findings, |section| {
                section.get::<bool>("enabled");
                read(section)
            });
        }
        // What is off need not be complete.
        let mut unheeded = Findings::default();
        read_component(value, &path, &mut unheeded, read);
        self.findings.secrets.append(&mut unheeded.secrets);
        None
    }

    /// A section that is on unless it says `enabled: false`: `default` when it is absent.
    pub fn optional_or<T>(
        &mut self,
        key: &'static str,
        default: T,
        read: impl FnOnce(&mut Section<'_>) -> T,
    ) -> Option<T> {
        if self.has(key) { self.optional(key, read) } else { self.absent(key, default) }
    }

    /// A list of maps; one map counts as a list of one, and null as an empty list.
    pub fn sections<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(&mut Section<'_>) -> T,
    ) -> Vec<T> {
        let Some(value) = self.find(key) else {
            return Vec::new();
        };
        let path = join(&self.path, key);
        match &value.kind {
            ValueKind::List(values) => {
                let mut settings = Vec::new();
                for (i, value) in values.iter().enumerate() {
                    let path = format!("{path}[{i}]");
                    settings.extend(read_component(value, &path, self.findings, &mut read));
                }
                settings
            }
            ValueKind::Map(_) => {
                read_component(value, &path, self.findings, read).into_iter().collect()
            }
            _ => {
                self.problem(
                    Some(key),
                    format!("must be a list of maps, not {}", value.describe()),
                );
                Vec::new()
            }
        }
    }

    /// A map of maps with keys of the user's choice, in the order of the file.
    pub fn named_sections<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(&str, &mut Section<'_>) -> T,
    ) -> Vec<(String, T)> {
        let Some(value) = self.find(key) else {
            return Vec::new();
        };
        let Some(entries) = value.entries() else {
            self.problem(Some(key), format!("must be a map of maps, not {}", value.describe()));
            return Vec::new();
        };
        let path = join(&self.path, key);
        let mut settings = Vec::new();
        for (name, value) in entries {
            let path = join(&path, &name.text);
            let one =
                read_component(value, &path, self.findings, |section| read(&name.text, section));
            settings.extend(one.map(|one| (name.text.to_string(), one)));
        }
        settings
    }

    fn absent<T>(&mut self, key: &'static str, default: T) -> Option<T> {
        self.entry(key);
        Some(default)
    }
}

fn is_off(value: &Value) -> bool {
    value.member("enabled").is_some_and(|enabled| enabled.kind == ValueKind::Bool(false))
}
