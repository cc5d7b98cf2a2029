//! Batches in Thrift's binary protocol: `POST /api/traces`.
//!
//! # Answers
//! 202 without a body, or the reason in plain text: 400 for what cannot be read, including a wrong content
//! type, as Jaeger does it. Where Jaeger answers 500 because the pipeline took nothing, it is here the status
//! that says whether to come again.

use std::net::SocketAddr;
use std::sync::Arc;

use http::header::{ACCEPT_ENCODING, ALLOW, RETRY_AFTER};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use spandrel_config::blocks::HttpServer;
use spandrel_jaeger::thrift_batch;
use spandrel_telemetry::Source;
use spandrel_translate::Room;
use spandrel_translate::thrift::Protocol;

use crate::server::body::BodyReader;
use crate::server::compression::{Encoding, UnknownEncoding};
use crate::server::intake::{Intake, Weight};
use crate::server::listen::Handler;
use crate::server::plain::{
    BodyLimits, discards_rest, empty, encoding_of, media_type, read_body, text, with_header,
};
use crate::server::reply::Reply;
use crate::server::sender::sender_of;
use crate::server::settings::body_limits;
use crate::server::status::Failure;
use crate::server::translate::translate;

const TRACES_PATH: &str = "/api/traces";
const MEDIA_TYPES: [&str; 2] = ["application/x-thrift", "application/vnd.apache.thrift.binary"];

/// Answers the requests of the port.
pub(crate) struct ThriftHttpService {
    limits: BodyLimits,
    include_metadata: bool,
    intake: Arc<Intake>,
}

impl Handler for ThriftHttpService {
    async fn handle(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Reply> {
        let arrived = self.intake.clock.monotonic();
        let (parts, body) = request.into_parts();
        let mut weight = Weight::default();
        let mut reader = BodyReader::new(&self.intake, body);
        let response = self.answer(&parts, peer, &mut reader, &mut weight).await;
        if discards_rest(&parts, response.status()) {
            reader.discard().await;
        }
        let code = response.status().as_u16();
        self.intake.count_request(Source::JAEGER_HTTP, code, weight, arrived);
        response
    }
}

impl ThriftHttpService {
    pub(crate) fn new(server: &HttpServer, intake: Arc<Intake>) -> Self {
        let include_metadata = server.include_metadata;
        Self { limits: body_limits(server), include_metadata, intake }
    }

    async fn answer(
        &self,
        parts: &Parts,
        peer: SocketAddr,
        reader: &mut BodyReader<'_>,
        weight: &mut Weight,
    ) -> Response<Reply> {
        if parts.uri.path() != TRACES_PATH {
            return text(StatusCode::NOT_FOUND, "404 page not found\n");
        }
        if parts.method != Method::POST {
            return with_header(empty(StatusCode::METHOD_NOT_ALLOWED), ALLOW, "POST");
        }
        let media_type = media_type(&parts.headers);
        if !MEDIA_TYPES.contains(&media_type.as_str()) {
            let message = match media_type.as_str() {
                "" => "Cannot parse content type: mime: no media type\n".to_owned(),
                other => format!("Unsupported content type: {}\n", escaped(other)),
            };
            return text(StatusCode::BAD_REQUEST, message);
        }
        let Ok(encoding) = encoding_of(&parts.headers) else {
            let message = format!("Content-Encoding: {UnknownEncoding}\n");
            let response = text(StatusCode::UNSUPPORTED_MEDIA_TYPE, message);
            return with_header(response, ACCEPT_ENCODING, Encoding::ACCEPTED);
        };
        match self.take(parts, peer, encoding, reader, weight).await {
            Ok(()) => empty(StatusCode::ACCEPTED),
            Err(failure) => refusal(&failure),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one request")]
    async fn take(
        &self,
        parts: &Parts,
        peer: SocketAddr,
        encoding: Option<Encoding>,
        reader: &mut BodyReader<'_>,
        weight: &mut Weight,
    ) -> Result<(), Failure> {
        let sender = sender_of(Source::JAEGER_HTTP, peer, parts, self.include_metadata)?;
        let read = read_body(&self.intake, reader, encoding, self.limits, weight);
        let (body, held) = read.await?;
        let n_bytes = body.len();
        let work = move |room: &mut Room<'_>| thrift_batch(&body, Protocol::Binary, room);
        let (translated, held) = translate(&self.intake, n_bytes, held, work).await?;
        self.intake.deliver(sender, translated.otlp, held).await?;
        Ok(())
    }
}

/// The answer to a batch that is not taken.
fn refusal(failure: &Failure) -> Response<Reply> {
    let status = failure.http_status();
    tracing::debug!(status = status.as_u16(), message = failure.message, "batch not taken");
    let what = match status {
        StatusCode::BAD_REQUEST => "Unable to process request body",
        _ => "Cannot submit Jaeger batch",
    };
    let mut response = text(status, format!("{what}: {}\n", escaped(&failure.message)));
    if let Some(seconds) = failure.retry_after_seconds() {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

/// Senders show answers in consoles made of HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&#34;")
}
