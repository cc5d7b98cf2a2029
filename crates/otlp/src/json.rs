//! OTLP in JSON: requests into protobuf bytes, traces into either of the two dialects in use.

mod read;
mod schema;
mod write;

pub use read::{JsonError, json_to_protobuf};
pub use write::{Dialect, write_resource_spans, write_trace};

/// Names of the span kinds, by number.
const SPAN_KINDS: [&str; 6] = [
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
];

/// Names of the status codes, by number.
const STATUS_CODES: [&str; 3] = ["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"];

#[cfg(test)]
mod tests;
