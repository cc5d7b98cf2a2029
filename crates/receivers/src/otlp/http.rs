//! OTLP over HTTP: `POST /v1/traces` with protobuf or JSON.
//!
//! # Answers
//! In the encoding of the request, errors included, as OTLP asks; only where that encoding is not known or
//! does not matter (404, 405, and 415 for a media type) they are plain text.
//!
//! # Choices
//! - An unknown `Content-Encoding` is 415 with `Accept-Encoding`, as RFC 9110 says; the OpenTelemetry
//!   Collector answers 400. Senders give up on either.
//! - `deflate` is the zlib format, as RFC 9110 defines it, and not a bare deflate stream.
//! - A body that is refused early over HTTP/1.1 is still read up to a limit, so that the sender sees
//!   the answer.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, ALLOW, CONTENT_TYPE, HeaderName, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use prost::Message;
use serde_json::json;
use spandrel_base::cpu;
use spandrel_base::memory::Reservation;
use spandrel_otlp::{DecodeLimits, json_to_protobuf};
use spandrel_pipeline::Accepted;
use spandrel_telemetry::Source;

use super::config::HttpOptions;
use crate::server::body::BodyReader;
use crate::server::compression::{Encoding, UnknownEncoding};
use crate::server::cors::Cors;
use crate::server::intake::{Intake, Weight};
use crate::server::listen::Handler;
use crate::server::plain::{
    BodyLimits, discards_rest, empty, encoding_of, is_grpc, media_type, read_body, text,
    with_header,
};
use crate::server::reply::Reply;
use crate::server::sender::sender_of;
use crate::server::status::{Failure, export_response};

const OTHER_SIGNALS: [&str; 3] = ["/v1/metrics", "/v1/logs", "/v1development/profiles"];
/// JSON up to this size is converted on the thread that serves connections, in about 200 microseconds.
const INLINE_JSON_BYTES_MAX: usize = 32 << 10;

/// How the message of a request, and of its answer, is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MediaType {
    Protobuf,
    Json,
}

/// How a body is written, by its headers, and who sends it.
#[derive(Debug, Clone, Copy)]
struct Form {
    media_type: MediaType,
    encoding: Option<Encoding>,
    peer: SocketAddr,
}

/// Answers the requests of the HTTP port.
pub(crate) struct HttpService {
    limits: BodyLimits,
    cors: Cors,
    traces_path: String,
    response_headers: HeaderMap,
    include_metadata: bool,
    /// For the answer to senders of OTLP over gRPC that have come to the wrong port.
    grpc_addr: Option<SocketAddr>,
    intake: Arc<Intake>,
}

impl Handler for HttpService {
    async fn handle(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Reply> {
        let arrived = self.intake.clock.monotonic();
        let (parts, body) = request.into_parts();
        let mut weight = Weight::default();
        let mut reader = BodyReader::new(&self.intake, body);
        let mut response = self.answer(&parts, peer, &mut reader, &mut weight).await;
        if discards_rest(&parts, response.status()) {
            reader.discard().await;
        }
        response.headers_mut().extend(self.cors.answer_headers(&parts.headers));
        response.headers_mut().extend(self.response_headers.clone());
        let code = response.status().as_u16();
        self.intake.count_request(Source::OTLP_HTTP, code, weight, arrived);
        response
    }
}

impl HttpService {
    pub(crate) fn new(
        options: &HttpOptions,
        grpc_addr: Option<SocketAddr>,
        intake: Arc<Intake>,
    ) -> Self {
        Self {
            limits: BodyLimits {
                body_bytes_max: options.body_bytes_max,
                decompressed_bytes_max: options.decompressed_bytes_max,
            },
            cors: Cors::new(&options.cors_allowed_origins, &options.cors),
            traces_path: options.traces_path.clone(),
            response_headers: headers_of(&options.response_headers),
            include_metadata: options.transport.include_metadata,
            grpc_addr,
            intake,
        }
    }

    async fn answer(
        &self,
        parts: &Parts,
        peer: SocketAddr,
        reader: &mut BodyReader<'_>,
        weight: &mut Weight,
    ) -> Response<Reply> {
        if is_grpc(&parts.headers) {
            return self.wrong_protocol();
        }
        let path = parts.uri.path();
        if path != self.traces_path {
            let why = match OTHER_SIGNALS.contains(&path) {
                true => "only traces are taken here, at",
                false => "not found, traces are taken at",
            };
            return text(StatusCode::NOT_FOUND, format!("{why} {}\n", self.traces_path));
        }
        if self.cors.is_preflight(&parts.method, &parts.headers) {
            let mut response = empty(StatusCode::NO_CONTENT);
            *response.headers_mut() = self.cors.preflight_headers(&parts.headers);
            return response;
        }
        if parts.method != Method::POST {
            let message = "method not allowed, traces are taken by POST\n";
            let response = text(StatusCode::METHOD_NOT_ALLOWED, message);
            return with_header(response, ALLOW, "POST");
        }
        let Some(media_type) = MediaType::of(&parts.headers) else {
            let message =
                "unsupported media type, use application/x-protobuf or application/json\n";
            return text(StatusCode::UNSUPPORTED_MEDIA_TYPE, message);
        };
        let Ok(encoding) = encoding_of(&parts.headers) else {
            let failure = Failure::unimplemented(format!("Content-Encoding: {UnknownEncoding}"));
            let response = media_type.failure(StatusCode::UNSUPPORTED_MEDIA_TYPE, &failure);
            return with_header(response, ACCEPT_ENCODING, Encoding::ACCEPTED);
        };
        let form = Form { media_type, encoding, peer };
        match self.export(parts, form, reader, weight).await {
            Ok(accepted) => media_type.success(accepted),
            Err(failure) => media_type.failure(failure.http_status(), &failure),
        }
    }

    async fn export(
        &self,
        parts: &Parts,
        form: Form,
        reader: &mut BodyReader<'_>,
        weight: &mut Weight,
    ) -> Result<Accepted, Failure> {
        let sender = sender_of(Source::OTLP_HTTP, form.peer, parts, self.include_metadata)?;
        let read = read_body(&self.intake, reader, form.encoding, self.limits, weight);
        let mut plain = read.await?;
        if form.media_type == MediaType::Json {
            plain = self.to_protobuf(plain).await?;
        }
        let (otlp, held) = plain;
        self.intake.deliver(sender, otlp, held).await
    }

    /// The answer to gRPC, in its own form.
    fn wrong_protocol(&self) -> Response<Reply> {
        let mut message = "this port takes OTLP over HTTP".to_owned();
        if let Some(grpc) = self.grpc_addr {
            message.push_str(&format!("; OTLP over gRPC is on port {}", grpc.port()));
        }
        Failure::unimplemented(message).to_tonic().into_http()
    }

    /// Converts JSON; while it does, both forms are held.
    async fn to_protobuf(
        &self,
        (json, mut held): (Bytes, Reservation),
    ) -> Result<(Bytes, Reservation), Failure> {
        // The protobuf form is about as long as the JSON form at most.
        if held.try_grow(json.len()).is_err() {
            return Err(self.intake.no_room());
        }
        let limits = DecodeLimits::default();
        let converted = if json.len() <= INLINE_JSON_BYTES_MAX {
            json_to_protobuf(&json, &limits)
        } else {
            let converted = cpu::run(move || json_to_protobuf(&json, &limits)).await;
            converted.map_err(|error| self.intake.no_cpu(&error))?
        };
        let otlp = converted.map_err(|error| Failure::invalid(error.to_string()))?;
        held.shrink_to(otlp.len());
        Ok((otlp.into(), held))
    }
}

impl MediaType {
    fn of(headers: &HeaderMap) -> Option<Self> {
        let media_type = media_type(headers);
        [Self::Protobuf, Self::Json].into_iter().find(|known| known.header() == media_type)
    }

    fn header(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }

    fn success(self, accepted: Accepted) -> Response<Reply> {
        let response = export_response(accepted);
        let body: Bytes = match self {
            Self::Protobuf => response.encode_to_vec().into(),
            Self::Json => match response.partial_success {
                None => Bytes::from_static(b"{}"),
                // 64-bit integers are strings in protobuf's JSON.
                Some(partial) => json!({ "partialSuccess": {
                    "rejectedSpans": partial.rejected_spans.to_string(),
                    "errorMessage": partial.error_message,
                }})
                .to_string()
                .into(),
            },
        };
        with_header(Response::new(Reply::new(body)), CONTENT_TYPE, self.header())
    }

    fn failure(self, status: StatusCode, failure: &Failure) -> Response<Reply> {
        tracing::debug!(
            status = status.as_u16(),
            message = failure.message,
            "otlp request not taken"
        );
        let body: Bytes = match self {
            Self::Protobuf => failure.to_status().encode_to_vec().into(),
            Self::Json => failure.to_json().into(),
        };
        let mut response =
            with_header(Response::new(Reply::new(body)), CONTENT_TYPE, self.header());
        *response.status_mut() = status;
        if let Some(seconds) = failure.retry_after_seconds() {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

fn headers_of(pairs: &[(String, String)]) -> HeaderMap {
    let header = |(name, value): &(String, String)| {
        Some((name.parse::<HeaderName>().ok()?, HeaderValue::from_str(value).ok()?))
    };
    pairs.iter().filter_map(header).collect()
}
