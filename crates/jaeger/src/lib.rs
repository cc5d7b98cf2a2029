//! Jaeger's spans into OTLP, by the rules of the OpenTelemetry Collector's translator.
//!
//! Thrift comes as a bare batch ([`thrift_batch`], over HTTP) or as a call of Jaeger's agent
//! ([`agent_call`], in a datagram); protobuf is the model of `api_v2` ([`post_spans`]). No I/O.
//!
//! # Rules
//! - The process is the resource. Tags become attributes; of equal keys the last one stays.
//! - `span.kind`, `error`, `otel.status_code`, `otel.status_description` become kind and status; without them
//!   an `http.status_code` decides on the status. A log is an event, named by its field `event`.
//! - The parent is the first CHILD_OF of the same trace, else the first FOLLOWS_FROM of it. References other
//!   than that CHILD_OF become links with `opentracing.ref_type`.
//! - Only protobuf has `otel.scope.name` and `w3c.tracestate` translated, as in the Collector.
//!
//! # Differences from the Collector
//! - A trace id of 8 bytes in protobuf is taken, with zeros before it.
//! - Times before 1970 become 1970, and a span ends in 2554 at the latest, where the Collector wraps around.
//! - A process without spans is not passed on.

mod agent;
mod error;
mod process;
mod protobuf;
mod span;
mod status;
mod thrift;

pub use agent::agent_call;
pub use error::JaegerError;
pub use protobuf::post_spans;
pub use thrift::thrift_batch;
