//! Trace and span ids, and the names of kinds.

use spandrel_proto::otlp::trace::span::SpanKind;

/// An id of that length; zeros stand for one that is absent or of another length.
pub(crate) fn fixed<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().unwrap_or([0; N])
}

const KINDS: [(SpanKind, &str); 6] = [
    (SpanKind::Unspecified, "Unspecified"),
    (SpanKind::Internal, "Internal"),
    (SpanKind::Server, "Server"),
    (SpanKind::Client, "Client"),
    (SpanKind::Producer, "Producer"),
    (SpanKind::Consumer, "Consumer"),
];

/// The short name of a kind; empty for a number that no kind has.
pub(crate) fn kind_name(kind: i32) -> &'static str {
    let found = KINDS.iter().find(|(known, _)| i32::from(*known) == kind);
    found.map_or("", |(_, name)| name)
}

/// The name of a kind in the protocol; empty for a number that no kind has.
pub(crate) fn kind_deprecated_name(kind: i32) -> &'static str {
    SpanKind::try_from(kind).map_or("", |kind| kind.as_str_name())
}

pub(crate) fn kind_of_name(name: &str) -> Option<i32> {
    KINDS.iter().find(|(_, known)| *known == name).map(|(kind, _)| i32::from(*kind))
}

pub(crate) fn kind_of_deprecated_name(name: &str) -> Option<i32> {
    SpanKind::from_str_name(name).map(i32::from)
}
