//! Ids of components and pipelines: `otlp`, `otlp/second`, `traces/front`.

use std::fmt;
use std::sync::{Arc, LazyLock};

use regex::Regex;

use crate::setting::Setting;
use crate::suggest::nearest;
use crate::value::Value;

const TYPE_CHARS_MAX: usize = 63;
const NAME_CHARS_MAX: usize = 1024;

/// White space, control characters and symbols, of which a name has none.
static FORBIDDEN: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[\pZ\pC\pS]").expect("three classes of characters"));

/// `type` or `type/name`. Unique within a kind of components.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ComponentId {
    type_name: Arc<str>,
    name: Arc<str>,
}

impl ComponentId {
    /// Reads an id; white space around its parts has no meaning.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (type_name, name) = match text.split_once('/') {
            Some((type_name, name)) => (type_name.trim(), Some(name.trim())),
            None => (text.trim(), None),
        };
        check_type(text, type_name)?;
        if let Some(name) = name {
            check_name(text, name)?;
        }
        Ok(Self { type_name: type_name.into(), name: name.unwrap_or_default().into() })
    }

    /// What kind of thing it is: `otlp` of `otlp/second`, as it is written.
    pub fn type_name(&self) -> &str {
        &self.type_name
    }

    /// Which of that type: `second` of `otlp/second`; empty without one.
    pub fn name(&self) -> &str {
        &self.name
    }
}

fn check_type(id: &str, type_name: &str) -> Result<(), String> {
    if type_name.is_empty() {
        return Err(format!("`{id}` is no id: the type is missing"));
    }
    let mut chars = type_name.chars();
    let first = chars.next().is_some_and(|c| c.is_ascii_alphabetic());
    if !first || !chars.all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(format!(
            "`{id}` is no id: a type begins with a letter and has only letters, digits and `_`"
        ));
    }
    if type_name.chars().count() > TYPE_CHARS_MAX {
        return Err(format!("`{id}` is no id: a type has at most {TYPE_CHARS_MAX} characters"));
    }
    Ok(())
}

fn check_name(id: &str, name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err(format!("`{id}` is no id: the name after `/` is missing"));
    }
    if name.chars().count() > NAME_CHARS_MAX {
        return Err(format!("an id's name has at most {NAME_CHARS_MAX} characters"));
    }
    match FORBIDDEN.find(name) {
        Some(wrong) => {
            let wrong = wrong.as_str().escape_debug();
            Err(format!("`{id}` is no id: its name must not have `{wrong}`"))
        }
        None => Ok(()),
    }
}

impl fmt::Display for ComponentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.type_name)?;
        if self.name.is_empty() { Ok(()) } else { write!(f, "/{}", self.name) }
    }
}

impl Setting for ComponentId {
    fn from_value(value: &Value) -> Result<Self, String> {
        let text = String::from_value(value)?;
        Self::parse(&text).map_err(|message| match &value.raw {
            Some(_) => format!("must be the id of a component, not {}", value.describe()),
            None => message,
        })
    }
}

/// What a pipeline carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Signal {
    /// Spans.
    Traces,
    /// Metrics.
    Metrics,
    /// Log records.
    Logs,
    /// Profiles.
    Profiles,
}

const SIGNALS: [(&str, Signal); 4] = [
    ("traces", Signal::Traces),
    ("metrics", Signal::Metrics),
    ("logs", Signal::Logs),
    ("profiles", Signal::Profiles),
];

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = SIGNALS.iter().find(|(_, signal)| signal == self).map(|(name, _)| *name);
        f.write_str(name.unwrap_or_default())
    }
}

/// `signal` or `signal/name`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PipelineId {
    signal: Signal,
    name: Arc<str>,
}

impl PipelineId {
    /// Reads an id; white space around its parts has no meaning.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (signal, name) = match text.split_once('/') {
            Some((signal, name)) => (signal.trim(), Some(name.trim())),
            None => (text.trim(), None),
        };
        let Some((_, found)) = SIGNALS.iter().find(|(word, _)| *word == signal) else {
            let meant = nearest(signal, SIGNALS.map(|(word, _)| word));
            let meant = meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
            return Err(format!(
                "`{text}` is no pipeline: it must begin with traces, metrics, logs or profiles{meant}"
            ));
        };
        if let Some(name) = name {
            check_name(text, name)?;
        }
        Ok(Self { signal: *found, name: name.unwrap_or_default().into() })
    }

    /// What it carries.
    pub fn signal(&self) -> Signal {
        self.signal
    }

    /// Which of that signal; empty without a name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for PipelineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.signal)?;
        if self.name.is_empty() { Ok(()) } else { write!(f, "/{}", self.name) }
    }
}

impl Setting for PipelineId {
    fn from_value(value: &Value) -> Result<Self, String> {
        Self::parse(&String::from_value(value)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_components() {
        for (text, printed) in [
            ("otlp", "otlp"),
            ("otlp/a/b", "otlp/a/b"),
            (" otlp / second ", "otlp/second"),
            ("a_1/2.x-y(z)", "a_1/2.x-y(z)"),
            ("otlp/gr\u{fc}n", "otlp/gr\u{fc}n"),
            ("otlp/a\u{2013}b\u{301}", "otlp/a\u{2013}b\u{301}"),
        ] {
            assert_eq!(ComponentId::parse(text).unwrap().to_string(), printed);
        }
        let long = format!("otlp/{}", "x".repeat(1025));
        for (text, part) in [
            ("", "the type is missing"),
            ("/x", "the type is missing"),
            ("otlp/", "the name after `/` is missing"),
            ("1otlp", "begins with a letter"),
            ("otlp-http", "only letters, digits and `_`"),
            ("otlp/a b", "must not have ` `"),
            ("otlp/a+b", "must not have `+`"),
            ("otlp/a\u{200b}b", "must not have"),
            ("otlp/a\u{20ac}b", "must not have"),
            (&long, "at most 1024 characters"),
        ] {
            let message = ComponentId::parse(text).unwrap_err();
            assert!(message.contains(part), "{text}: {message}");
        }
    }

    #[test]
    fn ids_of_pipelines() {
        assert_eq!(PipelineId::parse("traces/front").unwrap().name(), "front");
        assert_eq!(PipelineId::parse("logs").unwrap().signal(), Signal::Logs);
        let message = PipelineId::parse("trace").unwrap_err();
        assert_eq!(
            message,
            "`trace` is no pipeline: it must begin with traces, metrics, logs or profiles; did you mean `traces`?"
        );
        assert!(PipelineId::parse("traces/").is_err());
    }
}
