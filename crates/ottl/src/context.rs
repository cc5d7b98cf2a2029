//! The contexts of traces, and the enums that are known in them.

use std::fmt;

/// What a statement or condition is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Context {
    /// A resource.
    Resource,
    /// An instrumentation scope.
    Scope,
    /// A span.
    Span,
    /// An event of a span.
    SpanEvent,
}

impl Context {
    /// From the widest to the narrowest.
    pub const ALL: [Self; 4] = [Self::Resource, Self::Scope, Self::Span, Self::SpanEvent];

    /// The context that is called `name` in paths and configuration.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "resource" => Some(Self::Resource),
            "scope" | "instrumentation_scope" => Some(Self::Scope),
            "span" => Some(Self::Span),
            "spanevent" => Some(Self::SpanEvent),
            _ => None,
        }
    }

    /// Its name in paths and configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Resource => "resource",
            Self::Scope => "scope",
            Self::Span => "span",
            Self::SpanEvent => "spanevent",
        }
    }
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// First segments of paths that name contexts of other signals.
pub(crate) const OTHER_SIGNALS: [&str; 7] =
    ["log", "metric", "datapoint", "exemplar", "profile", "profilesample", "sample"];

/// The number behind an enum, in span and spanevent.
pub(crate) const ENUMS: [(&str, i64); 9] = [
    ("SPAN_KIND_UNSPECIFIED", 0),
    ("SPAN_KIND_INTERNAL", 1),
    ("SPAN_KIND_SERVER", 2),
    ("SPAN_KIND_CLIENT", 3),
    ("SPAN_KIND_PRODUCER", 4),
    ("SPAN_KIND_CONSUMER", 5),
    ("STATUS_CODE_UNSET", 0),
    ("STATUS_CODE_OK", 1),
    ("STATUS_CODE_ERROR", 2),
];

/// The number that `name` stands for in `context`.
pub(crate) fn enum_value(name: &str, context: Context) -> Option<i64> {
    let found = ENUMS.iter().find(|(known, _)| *known == name);
    found.filter(|_| context >= Context::Span).map(|(_, value)| *value)
}
