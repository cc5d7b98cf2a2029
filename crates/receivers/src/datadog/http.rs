//! The agent's interface: traces of versions 0.3, 0.4, 0.5 and 0.7, and `/info`, by which tracers choose among them.
//!
//! # Answers
//! 200 when the spans are taken, with the rates of sampling that the agent would ask for: none. Statistics are
//! answered with 200, counted, and not looked at. What cannot be read is 400; tracers send again after 429 and 503.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use serde_json::json;
use spandrel_datadog::{Tracer, payload, traces_json, traces_msgpack, traces_with_dictionary};
use spandrel_pipeline::Client;
use spandrel_telemetry::{Receiver, Source};
use spandrel_translate::Room;

use super::settings::DatadogSettings;
use crate::server::body::BodyReader;
use crate::server::compression::UnknownEncoding;
use crate::server::intake::{Intake, Sender, Weight, tenant_of};
use crate::server::listen::Handler;
use crate::server::plain::{
    BodyLimits, discards_rest, encoding_of, media_type, read_body, text, with_header,
};
use crate::server::reply::Reply;
use crate::server::settings::body_limits;
use crate::server::status::Failure;
use crate::server::translate::translate;

/// Paths that bring something else than spans.
const IGNORED: [&str; 4] = [
    "/v0.6/stats",
    "/v0.1/pipeline_stats",
    "/telemetry/proxy/api/v2/apmtelemetry",
    "/dogstatsd/v2/proxy",
];

/// How spans are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    /// 0.3 and 0.4.
    List { has_rates: bool },
    /// 0.5
    Dictionary,
    /// 0.7
    Payload,
}

/// Answers the requests of the port.
pub(crate) struct DatadogService {
    limits: BodyLimits,
    include_metadata: bool,
    intake: Arc<Intake>,
}

impl Handler for DatadogService {
    async fn handle(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Reply> {
        let arrived = self.intake.clock.monotonic();
        let (parts, body) = request.into_parts();
        let mut weight = Weight::default();
        let mut reader = BodyReader::new(&self.intake, body);
        let response = self.answer(&parts, peer, &mut reader, &mut weight).await;
        if is_ignored(&parts) || discards_rest(&parts, response.status()) {
            reader.discard().await;
        }
        let code = response.status().as_u16();
        self.intake.count_request(Source::DATADOG, code, weight, arrived);
        response
    }
}

impl DatadogService {
    pub(crate) fn new(settings: &DatadogSettings, intake: Arc<Intake>) -> Self {
        let limits = body_limits(&settings.server);
        Self { limits, include_metadata: settings.server.include_metadata, intake }
    }

    async fn answer(
        &self,
        parts: &Parts,
        peer: SocketAddr,
        reader: &mut BodyReader<'_>,
        weight: &mut Weight,
    ) -> Response<Reply> {
        let path = path_of(parts);
        if path == "/info" {
            return info();
        }
        if is_ignored(parts) {
            self.intake.metrics.receiver().ignored_requests.inc(&Receiver::Datadog);
            return text(StatusCode::OK, "{}");
        }
        let version = match path {
            "/v0.3/traces" => Version::List { has_rates: false },
            "/v0.4/traces" => Version::List { has_rates: true },
            "/v0.5/traces" => Version::Dictionary,
            "/v0.7/traces" => Version::Payload,
            _ => return text(StatusCode::NOT_FOUND, "there is nothing here, see /info\n"),
        };
        if parts.method != Method::POST && parts.method != Method::PUT {
            let message = "method not allowed, traces are taken by POST and PUT\n";
            let response = text(StatusCode::METHOD_NOT_ALLOWED, message);
            return with_header(response, ALLOW, "POST, PUT");
        }
        match self.take(parts, (version, peer), reader, weight).await {
            Ok(()) if version == (Version::List { has_rates: false }) => {
                text(StatusCode::OK, "OK\n")
            }
            Ok(()) => json_answer(&json!({ "rate_by_service": {} })),
            Err(failure) => refusal(&failure),
        }
    }

    async fn take(
        &self,
        parts: &Parts,
        (version, peer): (Version, SocketAddr),
        reader: &mut BodyReader<'_>,
        weight: &mut Weight,
    ) -> Result<(), Failure> {
        let encoding = encoding_of(&parts.headers)
            .map_err(|_unknown| Failure::invalid(format!("Content-Encoding: {UnknownEncoding}")))?;
        let sender = self.sender(&parts.headers, peer)?;
        let read = read_body(&self.intake, reader, encoding, self.limits, weight);
        let (body, held) = read.await?;
        let (n_bytes, tracer) = (body.len(), tracer_of(&parts.headers));
        let is_json = is_json(&parts.headers, &body);
        let work = move |room: &mut Room<'_>| match version {
            Version::List { .. } if is_json => traces_json(&body, &tracer, room),
            Version::List { .. } => traces_msgpack(&body, &tracer, room),
            Version::Dictionary => traces_with_dictionary(&body, &tracer, room),
            Version::Payload => payload(&body, &tracer, room),
        };
        let (translated, held) = translate(&self.intake, n_bytes, held, work).await?;
        self.intake.deliver(sender, translated.otlp, held).await?;
        Ok(())
    }

    fn sender(&self, headers: &HeaderMap, peer: SocketAddr) -> Result<Sender, Failure> {
        let mut metadata: BTreeMap<String, Vec<String>> = BTreeMap::new();
        if self.include_metadata {
            for (name, value) in headers {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                metadata.entry(name.as_str().to_owned()).or_default().push(value);
            }
        }
        let client = Arc::new(Client { address: Some(peer), metadata, ..Client::default() });
        Ok(Sender { source: Source::DATADOG, tenant: tenant_of(headers)?, client })
    }
}

fn path_of(parts: &Parts) -> &str {
    parts.uri.path().trim_end_matches('/')
}

fn is_ignored(parts: &Parts) -> bool {
    IGNORED.contains(&path_of(parts))
}

/// What the tracer says of itself.
fn tracer_of(headers: &HeaderMap) -> Tracer {
    let text = |name: &str| {
        let value = headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
        value.unwrap_or_default().into_owned()
    };
    Tracer {
        language: text("datadog-meta-lang"),
        language_version: text("datadog-meta-lang-version"),
        version: text("datadog-meta-tracer-version"),
        container_id: text("datadog-container-id"),
        ..Tracer::default()
    }
}

/// Whether the body is JSON: by its type, or, if that is neither, by its first byte.
fn is_json(headers: &HeaderMap, body: &[u8]) -> bool {
    match media_type(headers).as_str() {
        "application/msgpack" => false,
        "application/json" | "text/json" | "" => true,
        _ => body.first().is_some_and(|first| matches!(first, b'[' | b' ' | b'\n')),
    }
}

/// What tracers ask before they send: which versions there are.
fn info() -> Response<Reply> {
    json_answer(&json!({
        "endpoints": ["/v0.3/traces", "/v0.4/traces", "/v0.5/traces", "/v0.7/traces", "/v0.6/stats"],
        "client_drop_p0s": false,
        "span_meta_structs": false,
        "span_events": true,
        "long_running_spans": false,
    }))
}

fn json_answer(body: &serde_json::Value) -> Response<Reply> {
    let response = text(StatusCode::OK, body.to_string());
    with_header(response, CONTENT_TYPE, "application/json")
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
