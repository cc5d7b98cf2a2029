//! A whole trace as the language sees it: the value of every attribute of every span, the relations between
//! spans, and what a search pipeline finds among them.
//!
//! This is the reference: what a query means on a complete trace is decided here by whoever asks: a search
//! that decides its candidates, or a policy that decides what is kept. Nothing takes more than `O(n log n)`
//! in the number of spans, whatever the shape of the trace.

mod arrange_spans;
mod filter;
mod forest;
mod pipeline;
mod scalar;
mod shape;
mod trace_tree;
mod trace_values;
mod value;

pub use arrange_spans::arrange_spans;
pub use forest::{Forest, NO_PARENT, inverse};
pub use pipeline::Spanset;
pub use shape::{Shape, needs_shape};
pub use trace_values::{SpanOfTrace, TraceValues, extent};
pub use value::{find_attribute, kind_word, static_of, status_word};

#[cfg(test)]
mod tests;
