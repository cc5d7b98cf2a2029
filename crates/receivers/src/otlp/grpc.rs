//! OTLP over gRPC: `opentelemetry.proto.collector.trace.v1.TraceService/Export`, on HTTP/2 directly.

use std::net::SocketAddr;
use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use spandrel_pipeline::Accepted;
use spandrel_telemetry::Source;

use super::config::GrpcOptions;
use crate::server::intake::{Intake, Weight};
use crate::server::listen::Handler;
use crate::server::reply::Reply;
use crate::server::sender::sender_of;
use crate::server::status::{Failure, export_response};
use crate::server::unary::{answer, is_call, read_call, wrong_protocol};

const EXPORT_PATH: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const COLLECTOR_PACKAGE: &str = "/opentelemetry.proto.collector.";

/// Answers the requests of the gRPC port.
pub(crate) struct GrpcService {
    recv_bytes_max: usize,
    include_metadata: bool,
    /// For the answer to senders of OTLP over HTTP that have come to the wrong port.
    http_addr: Option<SocketAddr>,
    intake: Arc<Intake>,
}

impl Handler for GrpcService {
    async fn handle(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Reply> {
        if !is_call(&request) {
            let mut text = "this port takes OTLP over gRPC (HTTP/2, application/grpc)".to_owned();
            if let Some(http) = self.http_addr {
                text.push_str(&format!("; OTLP over HTTP is on port {}", http.port()));
            }
            text.push('\n');
            return wrong_protocol(text);
        }
        let arrived = self.intake.clock.monotonic();
        let mut weight = Weight::default();
        let outcome = self.export(request, peer, &mut weight).await;
        let (response, code) = answer(outcome.map(export_response));
        self.intake.count_request(Source::OTLP_GRPC, code, weight, arrived);
        response
    }
}

impl GrpcService {
    pub(crate) fn new(
        options: &GrpcOptions,
        http_addr: Option<SocketAddr>,
        intake: Arc<Intake>,
    ) -> Self {
        Self {
            recv_bytes_max: options.recv_bytes_max,
            include_metadata: options.transport.include_metadata,
            http_addr,
            intake,
        }
    }

    async fn export(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        weight: &mut Weight,
    ) -> Result<Accepted, Failure> {
        let (parts, body) = request.into_parts();
        check_path(parts.uri.path())?;
        let sender = sender_of(Source::OTLP_GRPC, peer, &parts, self.include_metadata)?;
        let read = read_call(&self.intake, &parts.headers, body, self.recv_bytes_max, weight);
        let (otlp, held) = read.await?;
        self.intake.deliver(sender, otlp, held).await
    }
}

fn check_path(path: &str) -> Result<(), Failure> {
    if path == EXPORT_PATH {
        return Ok(());
    }
    let message = match path.starts_with(COLLECTOR_PACKAGE) {
        true => format!("only traces are taken here, not {path}"),
        false => format!("unknown method {path}"),
    };
    Err(Failure::unimplemented(message))
}
