//! A server on free ports, and the spans that are sent to it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use bytes::Bytes;
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::common::{AnyValue, KeyValue, any_value};
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span};
use spandrel_server::{JaegerAddresses, ListenAddresses, Server, ServerError, ServerOptions};
use tokio::sync::oneshot;

/// The trace that [`request`] holds, as the query APIs name it.
pub(crate) const TRACE_ID: &str = "0102030405060708090a0b0c0d0e0f10";

/// Options for `dir` with a free port for everything.
pub(crate) fn options(dir: &Path) -> ServerOptions {
    let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listen = ListenAddresses {
        otlp_grpc: free,
        otlp_http: free,
        http: free,
        jaeger_http: free,
        jaeger_grpc: Some(free),
        jaeger_receiver: JaegerAddresses {
            grpc: Some(free),
            thrift_http: Some(free),
            thrift_compact: Some(free),
            thrift_binary: Some(free),
        },
        zipkin: Some(free),
        sampling_http: Some(free),
        sampling_grpc: Some(free),
        health: free,
        telemetry: free,
    };
    ServerOptions { listen, ..ServerOptions::new(dir) }
}

/// A server that runs beside the test.
pub(crate) struct Running {
    pub(crate) addresses: ListenAddresses,
    stop: oneshot::Sender<()>,
    ended: tokio::task::JoinHandle<Result<(), ServerError>>,
}

impl Running {
    pub(crate) async fn start(dir: &Path) -> anyhow::Result<Self> {
        Self::start_with(options(dir)).await
    }

    pub(crate) async fn start_with(options: ServerOptions) -> anyhow::Result<Self> {
        let server = Server::start(options).await?;
        let addresses = server.addresses();
        let (stop, stopped) = oneshot::channel();
        #[expect(clippy::disallowed_methods, reason = "`Running::stop` joins it")]
        let ended = tokio::spawn(server.run_until(async move { drop(stopped.await) }));
        Ok(Self { addresses, stop, ended })
    }

    /// Asks it to stop and waits until it has.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        drop(self.stop);
        Ok(self.ended.await??)
    }
}

/// One trace of one span of the service `shop`.
pub(crate) fn request() -> ExportTraceServiceRequest {
    let text = |key: &str, value: &str| KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(any_value::Value::StringValue(value.to_owned())) }),
    };
    let span = Span {
        trace_id: Bytes::from_static(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]),
        span_id: Bytes::from_static(&[1, 2, 3, 4, 5, 6, 7, 8]),
        name: "GET /basket".to_owned(),
        start_time_unix_nano: 1_767_225_600_000_000_000,
        end_time_unix_nano: 1_767_225_600_250_000_000,
        attributes: vec![text("customer", "c-17")],
        ..Span::default()
    };
    let resource =
        Resource { attributes: vec![text("service.name", "shop")], ..Resource::default() };
    let scope_spans = vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }];
    let resource_spans =
        vec![ResourceSpans { resource: Some(resource), scope_spans, ..ResourceSpans::default() }];
    ExportTraceServiceRequest { resource_spans }
}
