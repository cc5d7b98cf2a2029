//! OTLP at the edge: request bytes into columns in one pass, JSON requests into protobuf bytes, and
//! traces back into protobuf and JSON.
//!
//! Everything that arrives here was written by a stranger. Decoding checks every length before it
//! uses it, bounds nesting, never panics, and takes memory in proportion to the request at most. A request is
//! accepted or rejected as a whole, except that single spans that no trace could hold are counted and
//! left out.
//!
//! # Invariants
//! - What [`decode_request`] accepts can always be read back: nested values are checked on the way in,
//!   so [`span_at`] does not fail on columns that the decoder filled.
//! - Text need not be UTF-8: invalid bytes become U+FFFD (see [`spandrel_columns::Dictionary`]).

mod count;
mod decode;
mod encode;
mod error;
pub mod json;
#[cfg(test)]
mod oracle;
mod row;
mod screen;
mod value;
mod view;
pub mod wire;

pub use count::{check_frames, count_spans};
pub use decode::{DecodeLimits, DecodeSummary, Rejected, decode_request, push_key_value_list};
pub use encode::{encode_trace, encode_traces};
pub use error::DecodeError;
pub use json::{JsonError, json_to_protobuf};
pub use row::{bare_span_at, span_at};
pub use screen::{SpanFacts, screen_request};
pub use value::{
    NESTING_MAX, decode_any_value, decode_key_value_list, encode_any_value, encode_key_value,
    encode_key_value_list,
};
pub use view::{
    ATTRIBUTES_MAX, AttributeView, AttributesView, ProducerView, SpanView, SpanVisitor, ValueView,
    has_another_key, visit_spans,
};
