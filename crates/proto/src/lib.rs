//! Protocol messages and gRPC services, generated from the vendored definitions in `proto/`.
//!
//! Nothing here is written by hand except the module tree: `cargo xtask codegen` rewrites the rest, and a
//! test there holds the committed files to the definitions. Every `bytes` field is a [`bytes::Bytes`], so a
//! message decoded from one shares its buffer instead of copying; maps are `BTreeMap`, so that encoding is
//! deterministic. Services come with their server and their client.
//!
//! [`bytes::Bytes`]: prost::bytes::Bytes

mod generated;
#[cfg(test)]
mod tests;

/// OpenTelemetry Protocol: the traces signal, and the metrics that are made from spans.
pub mod otlp {
    pub use crate::generated::opentelemetry::proto::collector::metrics::v1 as collector_metrics;
    pub use crate::generated::opentelemetry::proto::collector::trace::v1 as collector_trace;
    pub use crate::generated::opentelemetry::proto::common::v1 as common;
    pub use crate::generated::opentelemetry::proto::metrics::v1 as metrics;
    pub use crate::generated::opentelemetry::proto::resource::v1 as resource;
    pub use crate::generated::opentelemetry::proto::trace::v1 as trace;
}

/// The health checking protocol of gRPC.
pub use generated::grpc::health::v1 as grpc_health;

/// Jaeger's model, collector service, older query service and sampling manager, `api_v2`.
pub use generated::jaeger::api_v2 as jaeger;

/// Jaeger's query service, `api_v3`.
pub use generated::jaeger::api_v3 as jaeger_v3;

/// Jaeger's structured filters of searches.
pub use generated::jaeger::expression::v1 as jaeger_expression;

/// What Jaeger asks of a store of traces elsewhere, `storage.v2`.
pub use generated::jaeger::storage::v2 as jaeger_storage;

/// The rich gRPC error model: `Status` and the details it may carry.
pub use generated::google::rpc;

/// Tempo's query API: messages and the `StreamingQuerier` service.
pub use generated::tempopb as tempo;

/// Zipkin's list of spans.
pub use generated::zipkin::proto3 as zipkin;

/// Google's well-known types, such as the `Any` and `Duration` that [`rpc`] uses.
pub use prost_types as well_known;
