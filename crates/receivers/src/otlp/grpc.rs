//! OTLP over gRPC: `opentelemetry.proto.collector.trace.v1.TraceService/Export`, on HTTP/2 directly.
//!
//! A unary call is one HTTP/2 request whose body is one message behind a prefix of five bytes, and whose
//! status comes in the trailers of the answer. Doing that here rather than in a gRPC library gives the
//! message to the consumer undecoded, in the buffer in which it arrived, and puts a limit on every byte.
//!
//! # Choices
//! - A damaged compressed message is `INVALID_ARGUMENT`, where the gRPC documents say `INTERNAL`: the
//!   fault is the sender's, and nobody here should be woken for it.
//! - `grpc-timeout` is not looked at. The sender enforces it by hanging up, and a batch that the consumer
//!   has is stored all the same.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use prost::Message;
use spandrel_base::outcome::OutcomeCode;
use spandrel_pipeline::Accepted;
use spandrel_telemetry::Source;
use tokio::time::timeout;

use super::body::{BodyReader, inflate};
use super::compression::Encoding;
use super::config::GrpcOptions;
use super::intake::{Intake, Weight, tenant_of};
use super::listen::Handler;
use super::reply::Reply;
use super::status::{Failure, export_response};

const EXPORT_PATH: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const COLLECTOR_PACKAGE: &str = "/opentelemetry.proto.collector.";
const GRPC_ENCODING: &str = "grpc-encoding";
const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");
const GRPC_CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/grpc");
/// One byte that tells whether the message is compressed, four with its length in big-endian order.
const PREFIX_BYTES: usize = 5;

/// Answers the requests of the gRPC port.
pub(crate) struct GrpcService {
    recv_bytes_max: usize,
    /// For the answer to senders of OTLP over HTTP that have come to the wrong port.
    http_addr: Option<SocketAddr>,
    intake: Arc<Intake>,
}

impl Handler for GrpcService {
    async fn handle(&self, request: Request<Incoming>) -> Response<Reply> {
        if !is_grpc(&request) {
            return self.wrong_protocol();
        }
        let arrived = self.intake.clock.monotonic();
        let mut weight = Weight::default();
        let outcome = self.export(request, &mut weight).await;
        let code = outcome.as_ref().map_or_else(|failure| failure.code, |_| OutcomeCode::Ok);
        let code = u16::try_from(code.grpc_code()).expect("gRPC codes are from 0 to 16");
        self.intake.count_request(Source::OTLP_GRPC, code, weight, arrived);
        let mut response = match outcome {
            Ok(accepted) => success(accepted),
            Err(failure) => {
                tracing::debug!(code, message = failure.message, "otlp request not taken");
                failure.to_tonic().into_http()
            }
        };
        let accepted = HeaderValue::from_static(Encoding::ACCEPTED);
        response.headers_mut().insert(GRPC_ACCEPT_ENCODING, accepted);
        response
    }
}

impl GrpcService {
    pub(crate) fn new(
        options: &GrpcOptions,
        http_addr: Option<SocketAddr>,
        intake: Arc<Intake>,
    ) -> Self {
        Self { recv_bytes_max: options.recv_bytes_max, http_addr, intake }
    }

    async fn export(
        &self,
        request: Request<Incoming>,
        weight: &mut Weight,
    ) -> Result<Accepted, Failure> {
        let (parts, body) = request.into_parts();
        check_path(parts.uri.path())?;
        let encoding = encoding_of(&parts.headers)?;
        let tenant = tenant_of(&parts.headers)?;
        let mut reader = BodyReader::new(&self.intake, body);
        let read = timeout(self.intake.body_read_timeout, self.read_message(&mut reader)).await;
        weight.wire_bytes = reader.n_received();
        let (is_compressed, message) = read.unwrap_or_else(|_elapsed| Err(Failure::too_slow()))?;
        let held = reader.take_held();
        let (otlp, held) = match (is_compressed, encoding) {
            (false, _) => (message, held),
            (true, Some(encoding)) => {
                inflate(&self.intake, encoding, message, self.recv_bytes_max, held).await?
            }
            (true, None) => {
                return Err(Failure::internal("compressed message without grpc-encoding"));
            }
        };
        weight.decompressed_bytes = otlp.len();
        self.intake.deliver(Source::OTLP_GRPC, tenant, otlp, held).await
    }

    /// Reads the one message of a unary call; `true` says that it is compressed.
    async fn read_message(&self, reader: &mut BodyReader<'_>) -> Result<(bool, Bytes), Failure> {
        if !reader.fill(PREFIX_BYTES).await? {
            return Err(match reader.n_received() {
                // The documented code for a call with the wrong number of messages.
                0 => Failure::unimplemented("the call has no request message"),
                _ => broken_off(),
            });
        }
        let mut received = reader.take();
        let (flag, n_bytes) = (received.get_u8(), received.get_u32() as usize);
        if flag > 1 {
            return Err(Failure::internal(format!("message with unknown flag {flag}")));
        }
        if n_bytes > self.recv_bytes_max {
            let max = self.recv_bytes_max;
            let message = format!("message of {n_bytes} bytes exceeds the limit of {max}");
            return Err(Failure::too_large(message));
        }
        self.intake.check_room(n_bytes)?;
        reader.expect(n_bytes);
        reader.put_back(received);
        if !reader.fill(n_bytes).await? {
            return Err(broken_off());
        }
        let mut received = reader.take();
        let message = received.split_to(n_bytes);
        if !received.is_empty() || reader.fill(1).await? {
            return Err(Failure::unimplemented("the call has more than one request message"));
        }
        Ok((flag == 1, message))
    }

    /// The answer to what is not gRPC; 415 is what the gRPC documents ask for.
    fn wrong_protocol(&self) -> Response<Reply> {
        let mut text = "this port takes OTLP over gRPC (HTTP/2, application/grpc)".to_owned();
        if let Some(http) = self.http_addr {
            text.push_str(&format!("; OTLP over HTTP is on port {}", http.port()));
        }
        text.push('\n');
        let mut response = Response::new(Reply::new(text.into()));
        *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        response
    }
}

fn is_grpc(request: &Request<Incoming>) -> bool {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = content_type.and_then(|value| value.split(';').next()).unwrap_or_default();
    let is_known = matches!(media_type.trim_end(), "application/grpc" | "application/grpc+proto");
    is_known && request.version() == Version::HTTP_2 && request.method() == Method::POST
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

fn encoding_of(headers: &HeaderMap) -> Result<Option<Encoding>, Failure> {
    let Some(value) = headers.get(GRPC_ENCODING) else { return Ok(None) };
    // A value that is not text is no known name either.
    let name = value.to_str().unwrap_or("?");
    Encoding::from_name(name)
        .map_err(|error| Failure::unimplemented(format!("grpc-encoding: {error}")))
}

fn broken_off() -> Failure {
    Failure::internal("the request ended inside its message")
}

fn success(accepted: Accepted) -> Response<Reply> {
    let message = export_response(accepted);
    let n_bytes = u32::try_from(message.encoded_len()).expect("the message is short");
    let mut data = BytesMut::with_capacity(PREFIX_BYTES + message.encoded_len());
    data.put_u8(0);
    data.put_u32(n_bytes);
    message.encode(&mut data).expect("the buffer grows as needed");
    let mut trailers = HeaderMap::new();
    tonic::Status::ok("").add_header(&mut trailers).expect("an empty message is a valid header");
    let mut response = Response::new(Reply::with_trailers(data.freeze(), trailers));
    response.headers_mut().insert(CONTENT_TYPE, GRPC_CONTENT_TYPE);
    response
}
