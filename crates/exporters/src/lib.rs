//! The Collector's trace exporters, with the queue and the retries that they share, and the extensions that they
//! use: client authentication, and storage of queues.
//!
//! Each exporter is built from its settings, which it reads from a section of the configuration, and is a
//! component: started, given spans, shut down. One that sends over a network is a [`Transport`] inside
//! [`Sending`]; what travels there is OTLP bytes, which nothing decodes on the way.

pub mod auth;
mod debug;
mod extensions;
mod file;
mod load_balancing;
mod net;
mod nop;
mod otlp_grpc;
mod otlp_http;
mod otlp_json;
mod sending;
mod wire;
mod zipkin;

pub use debug::{DebugExporter, DebugSettings, Verbosity};
pub use extensions::{Extensions, FileStorage, FileStorageSettings};
pub use file::{FileExporter, FileSettings};
pub use load_balancing::{LoadBalancingExporter, LoadBalancingSettings};
pub use net::{Getter, Poster};
pub use nop::{NopExporter, NopSettings};
pub use otlp_grpc::{OtlpGrpcExporter, OtlpGrpcSettings};
pub use otlp_http::{Encoding, OtlpHttpExporter, OtlpHttpSettings, check_unsupported, retry_after};
pub use otlp_json::{plain_json, to_json as otlp_to_json};
pub use sending::{
    Exported, Payload, QueueLogError, SendError, Sending, SendingSettings, Transport,
};
pub use zipkin::{ZipkinExporter, ZipkinSettings};
