//! Receivers: where spans enter the process.
//!
//! A receiver speaks one protocol, bounds what a sender may cost it, and hands undecoded OTLP bytes to a
//! [`TraceConsumer`](spandrel_pipeline::TraceConsumer). It answers success only after the consumer did.
//! [`OtlpReceiver`] takes OTLP over gRPC and HTTP.

mod otlp;

pub use otlp::config::{GrpcOptions, HttpOptions, OtlpOptions};
pub use otlp::{OtlpReceiver, ReceiverError};
