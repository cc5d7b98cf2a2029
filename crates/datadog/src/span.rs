//! A span as tracers send it. Its texts stay where they came.

use std::borrow::Cow;

/// A text of the request.
pub(crate) type Text<'a> = Cow<'a, str>;

/// A span as tracers send it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Span<'a> {
    pub(crate) service: Text<'a>,
    /// Of the operation.
    pub(crate) name: Text<'a>,
    /// What the operation is about.
    pub(crate) resource: Text<'a>,
    /// Such as `web`, `http`, `sql`.
    pub(crate) kind: Text<'a>,
    pub(crate) trace_id: u64,
    pub(crate) span_id: u64,
    pub(crate) parent_id: u64,
    pub(crate) start_unix_nanos: u64,
    pub(crate) duration_nanos: u64,
    pub(crate) is_error: bool,
    pub(crate) meta: Vec<(Text<'a>, Text<'a>)>,
    pub(crate) metrics: Vec<(Text<'a>, f64)>,
    pub(crate) links: Vec<Link<'a>>,
    pub(crate) events: Vec<Event<'a>>,
}

/// Another span that this one is related to.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Link<'a> {
    pub(crate) trace_id: u128,
    pub(crate) span_id: u64,
    pub(crate) trace_state: Text<'a>,
    pub(crate) attributes: Vec<(Text<'a>, Text<'a>)>,
}

/// Something that happened during the span.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Event<'a> {
    pub(crate) time_unix_nanos: u64,
    pub(crate) name: Text<'a>,
    pub(crate) attributes: Vec<(Text<'a>, EventValue<'a>)>,
}

/// A value of an event; lists are left out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum EventValue<'a> {
    Text(Text<'a>),
    Bool(bool),
    Int(i64),
    Double(f64),
}

impl Span<'_> {
    /// The text of this name.
    pub(crate) fn meta(&self, name: &str) -> Option<&str> {
        self.meta.iter().find(|(key, _)| key == name).map(|(_, value)| &**value)
    }

    /// The upper 64 bits of the trace's id, if this is the span that has them.
    pub(crate) fn upper_trace_id(&self) -> Option<u64> {
        u64::from_str_radix(self.meta("_dd.p.tid")?, 16).ok()
    }
}
