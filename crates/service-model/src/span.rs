//! What the service model looks at of a span.

use spandrel_model::SpanKind;

use crate::Weight;

/// The caller of a root span of kind server.
pub const USER: &str = "user";

/// The facts of one span. Codes are those of the [`crate::Names`] and [`crate::Peers`] that it was made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanFacts {
    /// The span id as a number.
    pub span_id: u64,
    /// The parent's id; 0 for roots.
    pub parent_id: u64,
    /// Unix nanoseconds.
    pub start_unix_nanos: i64,
    /// 0 when the span ended before it began.
    pub duration_nanos: u64,
    /// Code of the service; 0 when the resource names none.
    pub service: u32,
    /// Code of the span name.
    pub name: u32,
    /// Number of the peer that its attributes name.
    pub peer: u32,
    /// The kind.
    pub kind: SpanKind,
    /// Whether its status is error.
    pub failed: bool,
    /// What it stands for.
    pub weight: Weight,
}

impl SpanFacts {
    /// Whether it is the calling side of a call.
    pub fn is_caller(&self) -> bool {
        matches!(self.kind, SpanKind::Client | SpanKind::Producer)
    }

    /// Whether two spans of the same id may be copies of each other: what is in them beyond this decides.
    pub(crate) fn may_be_copy_of(&self, other: &Self) -> bool {
        (self.span_id, self.parent_id, self.kind, self.name, self.service, self.failed)
            == (other.span_id, other.parent_id, other.kind, other.name, other.service, other.failed)
            && (self.start_unix_nanos, self.duration_nanos)
                == (other.start_unix_nanos, other.duration_nanos)
    }
}

/// The number of the time bucket of this width in which a time lies.
pub fn bucket_at(unix_nanos: i64, bucket_nanos: i64) -> i64 {
    unix_nanos.div_euclid(bucket_nanos.max(1))
}
