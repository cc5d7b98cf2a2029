//! Receivers: where spans enter the process.
//!
//! A receiver speaks one protocol, bounds what a sender may cost it, and hands OTLP bytes to a
//! [`TraceConsumer`](spandrel_pipeline::TraceConsumer). It answers success only after the consumer did.
//! [`OtlpReceiver`] takes OTLP over gRPC and HTTP; the other protocols are translated into OTLP first.
//! Each is a component of the Collector with its settings: [`OtlpComponent`], [`JaegerReceiver`],
//! [`ZipkinReceiver`], [`DatadogReceiver`], [`AwsXrayReceiver`], [`OtlpJsonFileReceiver`].

mod awsxray;
mod datadog;
mod jaeger;
mod otlp;
mod otlpjsonfile;
mod server;
mod zipkin;

pub use awsxray::AwsXrayReceiver;
pub use awsxray::settings::AwsXraySettings;
pub use datadog::DatadogReceiver;
pub use datadog::settings::DatadogSettings;
pub use jaeger::settings::{JaegerSettings, UdpServer};
pub use jaeger::{JaegerAddresses, JaegerReceiver};
pub use otlp::component::OtlpComponent;
pub use otlp::config::{GrpcOptions, HttpOptions, OtlpOptions, TransportOptions};
pub use otlp::settings::{OtlpHttp, OtlpSettings};
pub use otlp::{OtlpReceiver, ReceiverError};
pub use otlpjsonfile::OtlpJsonFileReceiver;
pub use otlpjsonfile::settings::{OtlpJsonFileSettings, StartAt};
pub use server::cors::CorsOptions;
pub use server::tls::Tls;
pub use zipkin::ZipkinReceiver;
pub use zipkin::reads::Reads as ZipkinReads;
pub use zipkin::settings::ZipkinSettings;
