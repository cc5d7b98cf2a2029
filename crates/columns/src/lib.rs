//! Spans in columns: the in-memory form that decoding fills, queries scan and blocks are written from.
//!
//! One request's spans are pushed field by field into a [`SpanColumns`] (no tree in between); a *run* is
//! a `SpanColumns` that is no longer written to. Strings are dictionary codes, attributes are sparse
//! columns by key and type, resources and scopes are decoded once and shared. Runs are merged by
//! [`SpanColumns::append`], which translates codes, never strings per span.
//!
//! [`arrange`] computes the row order of a block and everything that follows from a trace's shape.
//!
//! # Invariants
//! - A run holds under 2^32 rows and under 4 GiB of text; whoever fills it cuts it long before.
//! - Rows of every sparse column ascend strictly; a row has at most one value under a key.
//! - All strings are valid UTF-8 from the moment at which they are interned.

pub mod arrange;
mod attributes;
mod dictionary;
mod events;
mod interned;
mod retain;
mod spans;
mod sparse;

pub use attributes::{AttributeColumns, KeyColumns, RawValue};
pub use dictionary::Dictionary;
pub use events::{ByteLists, DroppedCounts, EventColumns, LinkColumns, RawEvent, RawLink};
pub use interned::Interned;
pub use spans::{RawSpan, SpanColumns};
pub use sparse::{BytesColumn, Sparse, StringColumn};

/// Longer attribute texts stay out of the typed columns: they are kept as they came ([`RawValue::Other`])
/// and are oversized in every block, so that one careless sender does not slow down every scan of a key.
pub const TEXT_BYTES_MAX: usize = 16 * 1024;
