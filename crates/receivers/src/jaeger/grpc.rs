//! `jaeger.api_v2.CollectorService/PostSpans` over gRPC.

use std::net::SocketAddr;
use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use spandrel_config::blocks::GrpcServer;
use spandrel_jaeger::post_spans;
use spandrel_proto::jaeger::PostSpansResponse;
use spandrel_telemetry::Source;
use spandrel_translate::Room;

use crate::server::intake::{Intake, Weight};
use crate::server::listen::Handler;
use crate::server::reply::Reply;
use crate::server::sender::sender_of;
use crate::server::settings::grpc_bytes_max;
use crate::server::status::Failure;
use crate::server::translate::translate;
use crate::server::unary::{answer, is_call, read_call, wrong_protocol};

const POST_SPANS_PATH: &str = "/jaeger.api_v2.CollectorService/PostSpans";
const WRONG_PROTOCOL: &str =
    "this port takes Jaeger's api_v2 over gRPC (HTTP/2, application/grpc)\n";

/// Answers the requests of the gRPC port.
pub(crate) struct GrpcService {
    recv_bytes_max: usize,
    include_metadata: bool,
    intake: Arc<Intake>,
}

impl Handler for GrpcService {
    async fn handle(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Reply> {
        if !is_call(&request) {
            return wrong_protocol(WRONG_PROTOCOL.to_owned());
        }
        let arrived = self.intake.clock.monotonic();
        let mut weight = Weight::default();
        let outcome = self.post_spans(request, peer, &mut weight).await;
        let (response, code) = answer(outcome);
        self.intake.count_request(Source::JAEGER_GRPC, code, weight, arrived);
        response
    }
}

impl GrpcService {
    pub(crate) fn new(server: &GrpcServer, intake: Arc<Intake>) -> Self {
        let include_metadata = server.include_metadata;
        Self { recv_bytes_max: grpc_bytes_max(server), include_metadata, intake }
    }

    async fn post_spans(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        weight: &mut Weight,
    ) -> Result<PostSpansResponse, Failure> {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path();
        if path != POST_SPANS_PATH {
            return Err(Failure::unimplemented(format!("unknown method {path}")));
        }
        let sender = sender_of(Source::JAEGER_GRPC, peer, &parts, self.include_metadata)?;
        let read = read_call(&self.intake, &parts.headers, body, self.recv_bytes_max, weight);
        let (message, held) = read.await?;
        let n_bytes = message.len();
        let work = move |room: &mut Room<'_>| post_spans(&message, room);
        let (translated, held) = translate(&self.intake, n_bytes, held, work).await?;
        self.intake.deliver(sender, translated.otlp, held).await?;
        Ok(PostSpansResponse {})
    }
}
