//! A span and what hangs on it.

use std::sync::Arc;

use crate::{Attribute, AttributeValue, SpanId, TraceId};

/// All spans that carry one trace id, in depth-first order where the parents are known.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// The id that all spans share.
    pub trace_id: TraceId,
    /// Never empty.
    pub spans: Vec<Span>,
}

/// One operation of one service. Times are Unix nanoseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// The trace that the span belongs to.
    pub trace_id: TraceId,
    /// The span's own id; two spans of a trace may share one (Zipkin's client and server halves).
    pub span_id: SpanId,
    /// The parent's id; `None` for a root.
    pub parent_span_id: Option<SpanId>,
    /// W3C tracestate, unchanged.
    pub trace_state: String,
    /// OTLP span flags, unchanged: bits 0-7 W3C trace flags, bits 8-9 "parent is remote".
    pub flags: u32,
    /// The operation.
    pub name: String,
    /// The span's role.
    pub kind: SpanKind,
    /// When the operation began.
    pub start_unix_nanos: u64,
    /// When it ended. May lie before the start: a broken clock is reported, not repaired.
    pub end_unix_nanos: u64,
    /// Attributes of the span.
    pub attributes: Vec<Attribute>,
    /// How many attributes the sender dropped.
    pub dropped_attributes_count: u32,
    /// Events in the order in which they came.
    pub events: Vec<Event>,
    /// How many events the sender dropped.
    pub dropped_events_count: u32,
    /// Links in the order in which they came.
    pub links: Vec<Link>,
    /// How many links the sender dropped.
    pub dropped_links_count: u32,
    /// Outcome of the operation.
    pub status_code: StatusCode,
    /// Explanation of an error; empty when there is none.
    pub status_message: String,
    /// What produced the span; spans of one producer share it.
    pub resource: Arc<Resource>,
    /// What instrumented the span; spans of one library share it.
    pub scope: Arc<Scope>,
}

impl Span {
    /// End minus start; negative when the end lies before the start.
    pub fn duration_nanos(&self) -> i64 {
        self.end_unix_nanos.wrapping_sub(self.start_unix_nanos).cast_signed()
    }
}

/// The producer of spans: service, process, host.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Resource {
    /// Attributes of the resource.
    pub attributes: Vec<Attribute>,
    /// How many attributes the sender dropped.
    pub dropped_attributes_count: u32,
    /// The schema that the resource's attributes follow; empty when not given.
    pub schema_url: String,
}

impl Resource {
    /// The value of `service.name` when it is a string.
    pub fn service_name(&self) -> Option<&str> {
        self.attributes.iter().find_map(|attribute| match &attribute.value {
            AttributeValue::String(name) if attribute.key == "service.name" => Some(name.as_str()),
            _ => None,
        })
    }
}

/// The instrumentation library.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scope {
    /// Name of the library; empty when not given.
    pub name: String,
    /// Version of the library; empty when not given.
    pub version: String,
    /// Attributes of the scope.
    pub attributes: Vec<Attribute>,
    /// How many attributes the sender dropped.
    pub dropped_attributes_count: u32,
    /// The schema that the spans' attributes follow; empty when not given.
    pub schema_url: String,
}

/// Something that happened at one moment within a span.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// When.
    pub time_unix_nanos: u64,
    /// What.
    pub name: String,
    /// Attributes of the event.
    pub attributes: Vec<Attribute>,
    /// How many attributes the sender dropped.
    pub dropped_attributes_count: u32,
}

/// A pointer from a span to another span, often in another trace.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// Trace of the other span.
    pub trace_id: TraceId,
    /// Id of the other span.
    pub span_id: SpanId,
    /// W3C tracestate of the other span.
    pub trace_state: String,
    /// OTLP link flags.
    pub flags: u32,
    /// Attributes of the link.
    pub attributes: Vec<Attribute>,
    /// How many attributes the sender dropped.
    pub dropped_attributes_count: u32,
}

/// The span's role. The numbers are OTLP's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[repr(u8)]
pub enum SpanKind {
    /// Not given.
    #[default]
    Unspecified = 0,
    /// Within one process.
    Internal = 1,
    /// Serves a remote call.
    Server = 2,
    /// Makes a remote call.
    Client = 3,
    /// Sends a message.
    Producer = 4,
    /// Processes a message.
    Consumer = 5,
}

impl SpanKind {
    /// All kinds, by number.
    pub const ALL: [Self; 6] = [
        Self::Unspecified,
        Self::Internal,
        Self::Server,
        Self::Client,
        Self::Producer,
        Self::Consumer,
    ];

    /// The kind with this OTLP number; unknown numbers are unspecified.
    pub fn from_number(number: u8) -> Self {
        Self::ALL.get(usize::from(number)).copied().unwrap_or_default()
    }

    /// The lower-case word, for example `server`.
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

/// Outcome of a span. The numbers are OTLP's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[repr(u8)]
pub enum StatusCode {
    /// Not given.
    #[default]
    Unset = 0,
    /// The operation succeeded, as the application says.
    Ok = 1,
    /// The operation failed.
    Error = 2,
}

impl StatusCode {
    /// All codes, by number.
    pub const ALL: [Self; 3] = [Self::Unset, Self::Ok, Self::Error];

    /// The code with this OTLP number; unknown numbers are unset.
    pub fn from_number(number: u8) -> Self {
        Self::ALL.get(usize::from(number)).copied().unwrap_or_default()
    }

    /// The lower-case word, for example `error`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unset => "unset",
            Self::Ok => "ok",
            Self::Error => "error",
        }
    }
}
