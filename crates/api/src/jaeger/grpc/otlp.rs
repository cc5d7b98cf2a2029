//! `TraceService/Export`: what an existing Jaeger writes to its remote storage.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request as HttpRequest, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response as HttpResponse;
use axum::routing::{MethodFilter, MethodRouter, on_service};
use prost::Message;
use spandrel_base::cpu;
use spandrel_pipeline::{ConsumeError, TraceBatch, TraceConsumer};
use spandrel_proto::otlp::collector_trace::trace_service_server::{
    TraceService, TraceServiceServer,
};
use spandrel_proto::otlp::collector_trace::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use spandrel_telemetry::{Metrics, RejectReason, Source};
use tokio::sync::Semaphore;
use tonic::{Request, Response, Status};

use super::accept;
use crate::ApiState;
use crate::error::ApiError;
use crate::grpc_status::status_of;

/// The path below which the methods are.
pub(super) const PATH: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/{method}";

/// Bytes of a request, and requests at a time, which together bound what they hold. Nobody waits: who finds no
/// room tries again later.
const REQUEST_BYTES_MAX: usize = 16 << 20;
const REQUESTS_MAX: usize = 16;

/// The service.
pub(super) fn methods(state: ApiState, consumer: Arc<dyn TraceConsumer>) -> MethodRouter<ApiState> {
    let writer = Writer { consumer, metrics: state.metrics };
    let service = TraceServiceServer::new(writer).max_decoding_message_size(REQUEST_BYTES_MAX);
    let room = Arc::new(Semaphore::new(REQUESTS_MAX));
    on_service(MethodFilter::POST, service).layer(from_fn_with_state(room, with_room))
}

async fn with_room(
    State(room): State<Arc<Semaphore>>,
    request: HttpRequest,
    next: Next,
) -> HttpResponse {
    match room.try_acquire() {
        Ok(_permit) => next.run(request).await,
        Err(_full) => {
            Status::unavailable("too many requests at a time, try again").into_http::<Body>()
        }
    }
}

struct Writer {
    consumer: Arc<dyn TraceConsumer>,
    metrics: Metrics,
}

#[tonic::async_trait]
impl TraceService for Writer {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let (tenant, request) = accept(request)?;
        let n_spans = count(&request);
        if n_spans == 0 {
            return Ok(Response::new(ExportTraceServiceResponse::default()));
        }
        let otlp = cpu::run(move || request.encode_to_vec()).await;
        let otlp = otlp.map_err(|error| status_of(&ApiError::from(error)))?;
        let consumed = self.consumer.consume(TraceBatch::otlp(tenant, otlp)).await;
        self.count(n_spans, &consumed);
        let accepted = consumed.map_err(|error| refusal(&error))?;
        let partial_success = (accepted.rejected_spans > 0).then(|| ExportTracePartialSuccess {
            rejected_spans: i64::try_from(accepted.rejected_spans).unwrap_or(i64::MAX),
            error_message: accepted.message,
        });
        Ok(Response::new(ExportTraceServiceResponse { partial_success }))
    }
}

impl Writer {
    /// Accounts for every span, as receivers do.
    fn count(&self, n_spans: u64, consumed: &Result<spandrel_pipeline::Accepted, ConsumeError>) {
        let accepted = match consumed {
            Ok(accepted) => accepted.accepted_spans,
            // Not an OTLP request, so nobody knows what is in it.
            Err(ConsumeError::Malformed(_)) => return,
            Err(ConsumeError::TooLarge(_)) => {
                self.metrics.spans().rejected.add(&RejectReason::TooLarge, n_spans);
                0
            }
            Err(_) => 0,
        };
        let source = Source::OTLP_GRPC;
        self.metrics.spans().received.add(&source, n_spans);
        self.metrics.receiver().record_accepted_spans(source, accepted);
        self.metrics.receiver().record_refused_spans(source, n_spans.saturating_sub(accepted));
    }
}

fn count(request: &ExportTraceServiceRequest) -> u64 {
    let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
    scopes.map(|scope| scope.spans.len() as u64).sum()
}

fn refusal(error: &ConsumeError) -> Status {
    let text = error.to_string();
    match error {
        ConsumeError::Malformed(_) => Status::invalid_argument(text),
        ConsumeError::TooLarge(_) | ConsumeError::OverLimit { .. } => {
            Status::resource_exhausted(text)
        }
        ConsumeError::Unavailable { .. } => Status::unavailable(text),
        ConsumeError::Permanent { .. } => Status::internal(text),
    }
}
