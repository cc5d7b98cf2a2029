//! The contract between receivers and whatever consumes spans.
//!
//! What travels is OTLP protobuf bytes (`ExportTraceServiceRequest`), not a tree: a component that only
//! routes never decodes them. A receiver of another protocol turns its input into OTLP bytes first.

mod consume;

pub use consume::{Accepted, ConsumeError, TraceBatch, TraceConsumer};
