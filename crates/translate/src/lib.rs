//! What translators of foreign span formats into OTLP share: reading Thrift, measuring protobuf before it is
//! decoded, asking for memory before it is taken, attribute lists without duplicates, and building requests.
//!
//! # Memory
//! Formats of strangers grow when they are decoded: two bytes of protobuf can be a span of 300. So a translator
//! works on one span at a time, and whatever it keeps is taken from a [`Room`] first.

mod attributes;
mod fields;
mod request;
mod room;
pub mod thrift;

pub use attributes::{Attributes, string};
pub use fields::{Fields, FieldsError, Shape, count_messages};
pub use request::{RequestBuilder, ScopeId, Translated, span_id, trace_id};
pub use room::{NoRoom, Room};
