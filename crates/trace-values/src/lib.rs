//! A whole trace as the language sees it: the value of every attribute of every span.
//!
//! This is the reference: what a filter means on a complete trace is decided here, span by span, by whoever
//! asks: a search that decides its candidates, or a policy that decides what is kept.

mod arrange_spans;
mod shape;
mod trace_values;
mod value;

pub use arrange_spans::arrange_spans;
pub use shape::{Shape, needs_shape};
pub use trace_values::{SpanOfTrace, TraceValues, extent};
pub use value::{find_attribute, kind_word, static_of, status_word};
