//! Values of a configuration, each with the place where it was written.

use std::fmt;
use std::sync::Arc;

/// Where something was written. `Display` is `file.yaml:12:3`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Path of the file as it was given, or the source's kind, such as `--set`.
    pub file: Arc<str>,
    /// From 1.
    pub line: u32,
    /// In characters, from 1.
    pub column: u32,
}

impl Position {
    /// The beginning of a file.
    pub fn start(file: &str) -> Self {
        Self { file: file.into(), line: 1, column: 1 }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// What it is.
    pub kind: ValueKind,
    /// Where it begins; where the `${...}` stands that it came out of.
    pub position: Position,
    /// The text behind a value that came out of `${...}`, wholly or in part: what a text setting takes, so that
    /// `0123` stays `0123`. Its contents may be secret, and stand in no message.
    pub raw: Option<Arc<str>>,
}

/// The types of the Collector's YAML.
#[derive(Debug, Clone, PartialEq)]
pub enum ValueKind {
    /// `null`, `~` or nothing at all.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction or exponent, or a whole one that is too large.
    Float(f64),
    /// Text.
    String(String),
    /// A sequence.
    List(Vec<Value>),
    /// A mapping, in the order of the file, without duplicates.
    Map(Vec<(Key, Value)>),
}

/// The name of a value in a map, and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The name.
    pub text: Arc<str>,
    /// Where it begins.
    pub position: Position,
}

impl Value {
    /// A value that did not come out of `${...}`.
    pub fn new(kind: ValueKind, position: Position) -> Self {
        Self { kind, position, raw: None }
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self.kind, ValueKind::Null)
    }

    /// The text of a text, or what a value came out of `${...}` as.
    pub fn as_text(&self) -> Option<&str> {
        match (&self.raw, &self.kind) {
            (Some(raw), _) => Some(raw),
            (None, ValueKind::String(text)) => Some(text),
            (None, _) => None,
        }
    }

    /// The entries of a map.
    pub fn entries(&self) -> Option<&[(Key, Value)]> {
        match &self.kind {
            ValueKind::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value of a map's key.
    pub fn member(&self, key: &str) -> Option<&Value> {
        self.entries()?.iter().find(|(found, _)| &*found.text == key).map(|(_, value)| value)
    }

    /// What it is, for messages: the type, with the contents when they are short and not possibly secret.
    pub fn describe(&self) -> String {
        const SHOWN_MAX: usize = 60;
        if self.raw.is_some() {
            return format!("{} out of ${{...}}", self.kind.type_name());
        }
        match &self.kind {
            ValueKind::Bool(value) => format!("`{value}`"),
            ValueKind::Int(value) => format!("the number {value}"),
            ValueKind::Float(value) => format!("the number {value}"),
            ValueKind::String(text) if text.chars().count() <= SHOWN_MAX => format!("`{text}`"),
            kind => kind.type_name().to_owned(),
        }
    }
}

impl ValueKind {
    /// The type with its article, for messages.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "true or false",
            Self::Int(_) | Self::Float(_) => "a number",
            Self::String(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}
