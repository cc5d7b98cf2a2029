//! What an expression reads from a span: intrinsics and scoped attributes, and how they are written.
//!
//! `Display` is canonical: it parses back to the same attribute. Names that hold a character which
//! would end an attribute name, or that would be read as something else, are quoted.

use std::fmt;

use crate::token::is_attribute_char;
use crate::value::StaticType;

/// One thing a field expression, `by()` or `select()` reads.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Attribute {
    /// A field that every span has by its nature, such as `duration`.
    Intrinsic(Intrinsic),
    /// A named attribute, such as `.http.method` or `resource.service.name`.
    Scoped {
        /// Where the attribute is looked up.
        scope: Scope,
        /// True for `parent.x`: the attribute that the span's parent has, nil when the parent is
        /// not known. Scopes other than the unscoped one, span and resource do not nest.
        parent: bool,
        /// The name without scope and quotes, never empty.
        name: String,
    },
}

impl Attribute {
    /// The attribute `scope.name` of the span itself.
    #[must_use]
    pub fn scoped(scope: Scope, name: impl Into<String>) -> Self {
        Self::Scoped { scope, parent: false, name: name.into() }
    }

    /// The attribute `.name`.
    #[must_use]
    pub fn unscoped(name: impl Into<String>) -> Self {
        Self::scoped(Scope::None, name)
    }

    /// The type its values have, [`StaticType::Dynamic`] when only the data can tell.
    #[must_use]
    pub fn static_type(&self) -> StaticType {
        match self {
            Self::Intrinsic(intrinsic) => intrinsic.static_type(),
            Self::Scoped { .. } => StaticType::Dynamic,
        }
    }

    /// True when a span has one value of it per event or per link.
    #[must_use]
    pub fn is_several(&self) -> bool {
        match self {
            Self::Intrinsic(intrinsic) => matches!(
                intrinsic,
                Intrinsic::EventName
                    | Intrinsic::EventTimeSinceStart
                    | Intrinsic::LinkTraceId
                    | Intrinsic::LinkSpanId
            ),
            Self::Scoped { scope, .. } => matches!(scope, Scope::Event | Scope::Link),
        }
    }

    /// True for anything of the parent span.
    #[must_use]
    pub fn is_parent(&self) -> bool {
        match self {
            Self::Intrinsic(intrinsic) => *intrinsic == Intrinsic::Parent,
            Self::Scoped { parent, .. } => *parent,
        }
    }
}

impl From<Intrinsic> for Attribute {
    fn from(intrinsic: Intrinsic) -> Self {
        Self::Intrinsic(intrinsic)
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Intrinsic(intrinsic) => f.write_str(intrinsic.as_str()),
            Self::Scoped { scope, parent, name } => {
                if *parent {
                    f.write_str("parent.")?;
                }
                if !(*parent && *scope == Scope::None) {
                    f.write_str(scope.prefix())?;
                }
                if needs_quotes(*scope, *parent, name) {
                    write_quoted(f, name)
                } else {
                    f.write_str(name)
                }
            }
        }
    }
}

/// Whether a bare `name` would be cut short or read as something else behind its prefix.
fn needs_quotes(scope: Scope, parent: bool, name: &str) -> bool {
    let special = |c: char| !is_attribute_char(c) || c == '"';
    let reads_as_number =
        scope == Scope::None && !parent && name.starts_with(|c: char| c.is_ascii_digit());
    let reads_as_scope = scope == Scope::None && parent && Scope::nested(name).is_some();
    name.is_empty() || name.contains(special) || reads_as_number || reads_as_scope
}

fn write_quoted(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    use fmt::Write;
    f.write_char('"')?;
    for c in name.chars() {
        if c == '"' || c == '\\' {
            f.write_char('\\')?;
        }
        f.write_char(c)?;
    }
    f.write_char('"')
}

/// Where a named attribute lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// `.x`: the span's attribute, else the resource's.
    None,
    /// `span.x`.
    Span,
    /// `resource.x`.
    Resource,
    /// `event.x`, one value per event of the span.
    Event,
    /// `link.x`, one value per link of the span.
    Link,
    /// `instrumentation.x`: an attribute of the instrumentation scope.
    Instrumentation,
}

impl Scope {
    /// What is written before the name, with its dot.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::None => ".",
            Self::Span => "span.",
            Self::Resource => "resource.",
            Self::Event => "event.",
            Self::Link => "link.",
            Self::Instrumentation => "instrumentation.",
        }
    }

    /// The scope that `text` begins with behind `parent.`; only span and resource nest.
    pub(crate) fn nested(text: &str) -> Option<Self> {
        [Self::Span, Self::Resource].into_iter().find(|scope| text.starts_with(scope.prefix()))
    }
}

/// A field every span has by its nature, with the trace-wide ones of the trace it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Intrinsic {
    /// `duration`: end minus start of the span.
    Duration,
    /// `name`: the span's name.
    Name,
    /// `status`: the span's status code.
    Status,
    /// `statusMessage`: the text beside the status.
    StatusMessage,
    /// `kind`: the span's kind.
    Kind,
    /// `span:id`: 16 lower-case hex digits.
    SpanId,
    /// `span:parentID`: 16 lower-case hex digits.
    SpanParentId,
    /// `span:childCount`: number of direct children.
    ChildCount,
    /// `rootName`: the name of the trace's root span.
    RootName,
    /// `rootServiceName`: the service of the trace's root span.
    RootServiceName,
    /// `traceDuration`: latest end minus earliest start in the trace.
    TraceDuration,
    /// `trace:id`: lower-case hex digits without leading zeros; literals compared with it are
    /// brought to that form when the expression is built.
    TraceId,
    /// `nestedSetLeft`: the span's left number in the trace's nested set.
    NestedSetLeft,
    /// `nestedSetRight`: the right number.
    NestedSetRight,
    /// `nestedSetParent`: the left number of the parent, -1 for a root.
    NestedSetParent,
    /// `event:name`, one per event.
    EventName,
    /// `event:timeSinceStart`, one per event: event time minus span start.
    EventTimeSinceStart,
    /// `link:traceID`, one per link, lower-case hex.
    LinkTraceId,
    /// `link:spanID`, one per link, lower-case hex.
    LinkSpanId,
    /// `instrumentation:name`: the name of the instrumentation scope.
    InstrumentationName,
    /// `instrumentation:version`.
    InstrumentationVersion,
    /// `parent`: parses, then validation refuses it.
    Parent,
}

impl Intrinsic {
    /// Every intrinsic, in the order of declaration.
    pub const ALL: [Self; 22] = [
        Self::Duration,
        Self::Name,
        Self::Status,
        Self::StatusMessage,
        Self::Kind,
        Self::SpanId,
        Self::SpanParentId,
        Self::ChildCount,
        Self::RootName,
        Self::RootServiceName,
        Self::TraceDuration,
        Self::TraceId,
        Self::NestedSetLeft,
        Self::NestedSetRight,
        Self::NestedSetParent,
        Self::EventName,
        Self::EventTimeSinceStart,
        Self::LinkTraceId,
        Self::LinkSpanId,
        Self::InstrumentationName,
        Self::InstrumentationVersion,
        Self::Parent,
    ];

    /// The canonical spelling.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Duration => "duration",
            Self::Name => "name",
            Self::Status => "status",
            Self::StatusMessage => "statusMessage",
            Self::Kind => "kind",
            Self::SpanId => "span:id",
            Self::SpanParentId => "span:parentID",
            Self::ChildCount => "span:childCount",
            Self::RootName => "rootName",
            Self::RootServiceName => "rootServiceName",
            Self::TraceDuration => "traceDuration",
            Self::TraceId => "trace:id",
            Self::NestedSetLeft => "nestedSetLeft",
            Self::NestedSetRight => "nestedSetRight",
            Self::NestedSetParent => "nestedSetParent",
            Self::EventName => "event:name",
            Self::EventTimeSinceStart => "event:timeSinceStart",
            Self::LinkTraceId => "link:traceID",
            Self::LinkSpanId => "link:spanID",
            Self::InstrumentationName => "instrumentation:name",
            Self::InstrumentationVersion => "instrumentation:version",
            Self::Parent => "parent",
        }
    }

    /// The type of its values. The instrumentation scope's fields stay unchecked, as Tempo has it.
    #[must_use]
    pub fn static_type(self) -> StaticType {
        match self {
            Self::Duration | Self::TraceDuration | Self::EventTimeSinceStart => {
                StaticType::Duration
            }
            Self::Status => StaticType::Status,
            Self::Kind => StaticType::Kind,
            Self::ChildCount
            | Self::NestedSetLeft
            | Self::NestedSetRight
            | Self::NestedSetParent => StaticType::Int,
            Self::InstrumentationName | Self::InstrumentationVersion | Self::Parent => {
                StaticType::Dynamic
            }
            Self::Name
            | Self::StatusMessage
            | Self::SpanId
            | Self::SpanParentId
            | Self::RootName
            | Self::RootServiceName
            | Self::TraceId
            | Self::EventName
            | Self::LinkTraceId
            | Self::LinkSpanId => StaticType::String,
        }
    }
}

impl fmt::Display for Intrinsic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
