//! Values of the language: literals in a query and what a span's fields evaluate to.
//!
//! `PartialEq`, `Eq` and `Hash` are structural, floats by their bits with all NaN alike, so that
//! values can be group keys and syntax trees can be compared. The `=` of the language is in `eval`, where numbers of
//! different types are equal and nil equals nothing.

use std::fmt;
use std::hash::{Hash, Hasher};

mod number;

pub(crate) use number::{display_float, display_number, write_duration};

/// A value.
#[derive(Clone, Debug)]
pub enum Static {
    /// Absent.
    Nil,
    /// A whole number.
    Int(i64),
    /// A float.
    Float(f64),
    /// A text.
    String(String),
    /// A truth value.
    Bool(bool),
    /// A duration in nanoseconds.
    Duration(i64),
    /// A span's status.
    Status(Status),
    /// A span's kind.
    Kind(Kind),
    /// An array attribute of whole numbers.
    IntArray(Vec<i64>),
    /// An array attribute of floats.
    FloatArray(Vec<f64>),
    /// An array attribute of texts.
    StringArray(Vec<String>),
    /// An array attribute of truth values.
    BoolArray(Vec<bool>),
    /// One value per event or link of a span, `Nil` for one that lacks the attribute, empty when
    /// the span has none. A condition holds when it holds for one of them, whatever the operator.
    /// Never part of a syntax tree.
    Several(Vec<Static>),
}

impl Static {
    /// The type of the value.
    #[must_use]
    pub fn static_type(&self) -> StaticType {
        match self {
            Self::Nil => StaticType::Nil,
            Self::Int(_) => StaticType::Int,
            Self::Float(_) => StaticType::Float,
            Self::String(_) => StaticType::String,
            Self::Bool(_) => StaticType::Bool,
            Self::Duration(_) => StaticType::Duration,
            Self::Status(_) => StaticType::Status,
            Self::Kind(_) => StaticType::Kind,
            Self::IntArray(_) => StaticType::IntArray,
            Self::FloatArray(_) => StaticType::FloatArray,
            Self::StringArray(_) => StaticType::StringArray,
            Self::BoolArray(_) => StaticType::BoolArray,
            Self::Several(_) => StaticType::Dynamic,
        }
    }

    /// True for `Nil`.
    #[must_use]
    pub fn is_nil(&self) -> bool {
        matches!(self, Self::Nil)
    }

    /// The number as a float, durations in nanoseconds; none when the value is not a number.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "the language computes in floats here")]
    pub fn as_float(&self) -> Option<f64> {
        match self {
            Self::Int(n) | Self::Duration(n) => Some(*n as f64),
            Self::Float(x) => Some(*x),
            _ => None,
        }
    }

    /// True for the array types; several values are not an array.
    #[must_use]
    pub fn is_array(&self) -> bool {
        matches!(
            self,
            Self::IntArray(_) | Self::FloatArray(_) | Self::StringArray(_) | Self::BoolArray(_)
        )
    }

    /// The elements of an array or of several values; nothing for the others.
    #[must_use]
    pub fn elements(&self) -> Vec<Self> {
        match self {
            Self::IntArray(ns) => ns.iter().copied().map(Self::Int).collect(),
            Self::FloatArray(xs) => xs.iter().copied().map(Self::Float).collect(),
            Self::StringArray(ss) => ss.iter().cloned().map(Self::String).collect(),
            Self::BoolArray(bs) => bs.iter().copied().map(Self::Bool).collect(),
            Self::Several(values) => values.clone(),
            _ => Vec::new(),
        }
    }

    fn float_bits(&self) -> Option<Vec<u64>> {
        match self {
            Self::Float(x) => Some(vec![bits(*x)]),
            Self::FloatArray(xs) => Some(xs.iter().map(|x| bits(*x)).collect()),
            _ => None,
        }
    }
}

/// The bits of a float, the same ones for every NaN.
fn bits(x: f64) -> u64 {
    if x.is_nan() { f64::NAN.to_bits() } else { x.to_bits() }
}

impl PartialEq for Static {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Nil, Self::Nil) => true,
            (Self::Int(a), Self::Int(b)) | (Self::Duration(a), Self::Duration(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => bits(*a) == bits(*b),
            (Self::String(a), Self::String(b)) => a == b,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Status(a), Self::Status(b)) => a == b,
            (Self::Kind(a), Self::Kind(b)) => a == b,
            (Self::IntArray(a), Self::IntArray(b)) => a == b,
            (Self::FloatArray(_), Self::FloatArray(_)) => self.float_bits() == other.float_bits(),
            (Self::StringArray(a), Self::StringArray(b)) => a == b,
            (Self::BoolArray(a), Self::BoolArray(b)) => a == b,
            (Self::Several(a), Self::Several(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Static {}

impl Hash for Static {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        match self {
            Self::Nil => {}
            Self::Int(n) | Self::Duration(n) => n.hash(state),
            Self::Float(_) | Self::FloatArray(_) => self.float_bits().hash(state),
            Self::String(s) => s.hash(state),
            Self::Bool(b) => b.hash(state),
            Self::Status(s) => s.hash(state),
            Self::Kind(k) => k.hash(state),
            Self::IntArray(ns) => ns.hash(state),
            Self::StringArray(ss) => ss.hash(state),
            Self::BoolArray(bs) => bs.hash(state),
            Self::Several(values) => values.hash(state),
        }
    }
}

impl fmt::Display for Static {
    /// The canonical spelling of a literal; arrays, which have no literal, as a bracketed list.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nil => f.write_str("nil"),
            Self::Int(n) => write!(f, "{n}"),
            Self::Float(x) => f.write_str(&display_float(*x)),
            Self::String(s) => write_string(f, s),
            Self::Bool(b) => write!(f, "{b}"),
            Self::Duration(ns) => write_duration(f, *ns),
            Self::Status(status) => f.write_str(status.as_str()),
            Self::Kind(kind) => f.write_str(kind.as_str()),
            Self::IntArray(_)
            | Self::FloatArray(_)
            | Self::StringArray(_)
            | Self::BoolArray(_)
            | Self::Several(_) => write_list(f, &self.elements()),
        }
    }
}

fn write_list(f: &mut fmt::Formatter<'_>, items: &[Static]) -> fmt::Result {
    f.write_str("[")?;
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            f.write_str(", ")?;
        }
        write!(f, "{item}")?;
    }
    f.write_str("]")
}

/// Writes a string in backticks, or in double quotes when backticks cannot hold it.
pub(crate) fn write_string(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    if !text.contains(['`', '\r']) {
        return write!(f, "`{text}`");
    }
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            c => write!(f, "{c}")?,
        }
    }
    f.write_str("\"")
}

/// A span's status, numbered in the language's order, which is not OTLP's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Status {
    /// `error`.
    Error = 0,
    /// `ok`.
    Ok = 1,
    /// `unset`.
    Unset = 2,
}

impl Status {
    /// The keyword.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Ok => "ok",
            Self::Unset => "unset",
        }
    }
}

/// A span's kind, numbered as in OTLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// `unspecified`.
    Unspecified = 0,
    /// `internal`.
    Internal = 1,
    /// `server`.
    Server = 2,
    /// `client`.
    Client = 3,
    /// `producer`.
    Producer = 4,
    /// `consumer`.
    Consumer = 5,
}

impl Kind {
    /// The keyword.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Internal => "internal",
            Self::Server => "server",
            Self::Client => "client",
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        }
    }
}

/// The type of a value, as far as validation can know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StaticType {
    /// The type of `nil`.
    Nil,
    /// Known only from the data.
    Dynamic,
    /// Whole number.
    Int,
    /// Float.
    Float,
    /// Text.
    String,
    /// Truth value.
    Bool,
    /// Duration.
    Duration,
    /// Span status.
    Status,
    /// Span kind.
    Kind,
    /// Array of whole numbers.
    IntArray,
    /// Array of floats.
    FloatArray,
    /// Array of texts.
    StringArray,
    /// Array of truth values.
    BoolArray,
}

impl StaticType {
    /// True for whole numbers, floats and durations, which compare and compute with each other.
    #[must_use]
    pub fn is_numeric(self) -> bool {
        matches!(self, Self::Int | Self::Float | Self::Duration)
    }

    /// The word for messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Dynamic => "attribute",
            Self::Int => "int",
            Self::Float => "float",
            Self::String => "string",
            Self::Bool => "bool",
            Self::Duration => "duration",
            Self::Status => "status",
            Self::Kind => "kind",
            Self::IntArray => "int array",
            Self::FloatArray => "float array",
            Self::StringArray => "string array",
            Self::BoolArray => "bool array",
        }
    }
}

impl fmt::Display for StaticType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
