//! Zipkin over HTTP: `POST /api/v1/spans` (JSON, Thrift) and everything else (version 2 in JSON, protobuf).
//!
//! # Answers
//! 202 without a body, or the reason in plain text: 400 for what cannot be read. Where the Collector answers
//! 500 because the pipeline took nothing, it is here the status that says whether to come again.

use std::net::SocketAddr;
use std::sync::Arc;

use http::header::{ACCEPT_ENCODING, ALLOW, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use spandrel_telemetry::{Source, Transport};
use spandrel_translate::Room;
use spandrel_zipkin::{Options, v1_json, v1_thrift, v2_json, v2_protobuf};

use super::reads::Reads;
use super::settings::ZipkinSettings;
use crate::server::body::BodyReader;
use crate::server::compression::{Encoding, UnknownEncoding};
use crate::server::cors::{Cors, CorsOptions};
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

const V1_PATH: &str = "api/v1/spans";

/// How spans are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    V1Json,
    V1Thrift,
    V2Json,
    V2Protobuf,
}

/// Answers the requests of the port.
pub(crate) struct ZipkinService {
    limits: BodyLimits,
    include_metadata: bool,
    options: Options,
    cors: Cors,
    reads: Option<Reads>,
    intake: Arc<Intake>,
}

impl Handler for ZipkinService {
    async fn handle(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Reply> {
        if let Some(reads) = self.reads.as_ref().filter(|_| is_question(request.method())) {
            let asked = request.headers().clone();
            let mut response = reads.answer(request).await.map(Reply::new);
            response.headers_mut().extend(self.cors.answer_headers(&asked));
            return response;
        }
        let arrived = self.intake.clock.monotonic();
        let (parts, body) = request.into_parts();
        let format = Format::of(parts.uri.path(), &parts.headers);
        let mut weight = Weight::default();
        let mut reader = BodyReader::new(&self.intake, body);
        let mut response = self.answer(&parts, (format, peer), &mut reader, &mut weight).await;
        if discards_rest(&parts, response.status()) {
            reader.discard().await;
        }
        response.headers_mut().extend(self.cors.answer_headers(&parts.headers));
        let code = response.status().as_u16();
        self.intake.count_request(format.source(), code, weight, arrived);
        response
    }
}

impl ZipkinService {
    pub(crate) fn new(
        settings: &ZipkinSettings,
        reads: Option<Reads>,
        intake: Arc<Intake>,
    ) -> Self {
        let parse_string_tags = settings.parse_string_tags;
        let cors = settings.server.cors.as_ref();
        let origins = cors.map_or(&[][..], |cors| &cors.allowed_origins);
        let cors_options = cors.map(CorsOptions::of).unwrap_or_default();
        Self {
            limits: body_limits(&settings.server),
            include_metadata: settings.server.include_metadata,
            options: Options { parse_string_tags, ..Options::default() },
            cors: Cors::new(origins, &cors_options),
            reads,
            intake,
        }
    }

    async fn answer(
        &self,
        parts: &Parts,
        from: (Format, SocketAddr),
        reader: &mut BodyReader<'_>,
        weight: &mut Weight,
    ) -> Response<Reply> {
        if self.cors.is_preflight(&parts.method, &parts.headers) {
            let mut response = empty(StatusCode::NO_CONTENT);
            *response.headers_mut() = self.cors.preflight_headers(&parts.headers);
            return response;
        }
        if parts.method != Method::POST {
            let message = "method not allowed, spans are taken by POST\n";
            return with_header(text(StatusCode::METHOD_NOT_ALLOWED, message), ALLOW, "POST");
        }
        let Ok(encoding) = encoding_of(&parts.headers) else {
            let message = format!("Content-Encoding: {UnknownEncoding}\n");
            let response = text(StatusCode::UNSUPPORTED_MEDIA_TYPE, message);
            return with_header(response, ACCEPT_ENCODING, Encoding::ACCEPTED);
        };
        match self.take(parts, from, encoding, reader, weight).await {
            Ok(()) => empty(StatusCode::ACCEPTED),
            Err(failure) => refusal(&failure),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one request")]
    async fn take(
        &self,
        parts: &Parts,
        (format, peer): (Format, SocketAddr),
        encoding: Option<Encoding>,
        reader: &mut BodyReader<'_>,
        weight: &mut Weight,
    ) -> Result<(), Failure> {
        let sender = sender_of(format.source(), peer, parts, self.include_metadata)?;
        let read = read_body(&self.intake, reader, encoding, self.limits, weight);
        let (body, held) = read.await?;
        let (n_bytes, options) = (body.len(), self.options);
        let now = self.intake.clock.now_unix_nanos();
        let work = move |room: &mut Room<'_>| match format {
            Format::V1Json => v1_json(&body, options, now, room),
            Format::V1Thrift => v1_thrift(&body, options, room),
            Format::V2Json => v2_json(&body, options, room),
            Format::V2Protobuf => v2_protobuf(&body, options, room),
        };
        let (translated, held) = translate(&self.intake, n_bytes, held, work).await?;
        self.intake.deliver(sender, translated.otlp, held).await?;
        Ok(())
    }
}

fn is_question(method: &Method) -> bool {
    *method == Method::GET || *method == Method::HEAD
}

impl Format {
    /// JSON is what is not said to be something else, as in the Collector.
    fn of(path: &str, headers: &HeaderMap) -> Self {
        let media_type = media_type(headers);
        match (path.contains(V1_PATH), media_type.as_str()) {
            (true, "application/x-thrift") => Self::V1Thrift,
            (true, _) => Self::V1Json,
            (false, "application/x-protobuf") => Self::V2Protobuf,
            (false, _) => Self::V2Json,
        }
    }

    fn source(self) -> Source {
        let transport = match self {
            Self::V1Json => Transport::HttpV1Json,
            Self::V1Thrift => Transport::HttpV1Thrift,
            Self::V2Json => Transport::HttpV2Json,
            Self::V2Protobuf => Transport::HttpV2Proto,
        };
        Source::zipkin(transport)
    }
}

/// The answer to spans that are not taken.
fn refusal(failure: &Failure) -> Response<Reply> {
    let status = failure.http_status();
    tracing::debug!(status = status.as_u16(), message = failure.message, "spans not taken");
    let mut response = text(status, format!("{}\n", failure.message));
    if let Some(seconds) = failure.retry_after_seconds() {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}
