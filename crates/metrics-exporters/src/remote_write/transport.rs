//! Posting requests of remote write, and what answers mean.

use http::header::USER_AGENT;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use spandrel_base::clock::SharedClock;
use spandrel_exporters::{
    Exported, Extensions, Payload, Poster, SendError, Transport, retry_after,
};
use spandrel_model::TenantId;
use spandrel_pipeline::ComponentError;
use spandrel_telemetry::{ExporterSeries, Metrics};

use super::settings::{ProtobufMessage, RemoteWriteSettings};

const VERSION: HeaderName = HeaderName::from_static("x-prometheus-remote-write-version");
const TENANT: HeaderName = HeaderName::from_static("x-scope-orgid");
/// What a receiver of version 2.0 says it has written.
const WRITTEN: [&str; 2] =
    ["x-prometheus-remote-write-samples-written", "x-prometheus-remote-write-histograms-written"];
/// Of an answer that says what is wrong, this much is read.
const ANSWER_BYTES_MAX: usize = 4 << 10;

/// Posts to one URL.
pub struct RemoteWriteTransport {
    poster: Poster,
    clock: SharedClock,
    tenant_header: bool,
}

impl RemoteWriteTransport {
    pub(super) fn new(
        settings: &RemoteWriteSettings,
        extensions: &Extensions,
        clock: SharedClock,
    ) -> Result<Self, ComponentError> {
        let url = settings.url().map_err(ComponentError::new)?;
        let (content_type, version) = match settings.message {
            // What version 1.0 asks for has no parameter, and receivers from before 2.0 do not look for one.
            ProtobufMessage::V1 => ("application/x-protobuf", "0.1.0"),
            ProtobufMessage::V2 => {
                ("application/x-protobuf;proto=io.prometheus.write.v2.Request", "2.0.0")
            }
        };
        let agent = concat!("spandrel/", env!("CARGO_PKG_VERSION"));
        let poster = Poster::new(&settings.client, &url, content_type, extensions)?
            .with_header(VERSION, HeaderValue::from_static(version))
            .with_header(USER_AGENT, HeaderValue::from_static(agent));
        Ok(Self { poster, clock, tenant_header: settings.tenant_header })
    }
}

#[async_trait::async_trait]
impl Transport for RemoteWriteTransport {
    fn series(metrics: &Metrics, id: &str) -> ExporterSeries {
        metrics.exporters().exporter_of_metrics(id)
    }

    async fn export(&self, payload: &Payload) -> Result<Exported, SendError> {
        let mut more = HeaderMap::new();
        if self.tenant_header && payload.tenant != TenantId::single() {
            let tenant = HeaderValue::try_from(payload.tenant.as_str()).map_err(|_| {
                SendError::permanent("the name of the tenant cannot be in a header")
            })?;
            more.insert(TENANT, tenant);
        }
        let response = self.poster.post_with(&payload.client, more, payload.otlp.clone()).await?;
        if response.status().is_success() {
            return Ok(exported(response.headers(), payload.spans));
        }
        Err(self.error(response).await)
    }
}

impl RemoteWriteTransport {
    async fn error(&self, response: Response<Incoming>) -> SendError {
        let status = response.status();
        let delay = retry_after(response.headers(), self.clock.now_unix_nanos());
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        let body = body.map(|body| body.to_bytes()).unwrap_or_default();
        let text = String::from_utf8_lossy(&body);
        let uri = self.poster.uri();
        let message = format!("{uri} answered with HTTP status {status}: {}", text.trim());
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return SendError::Retryable { message, delay };
        }
        SendError::Permanent { message, is_content: status == StatusCode::BAD_REQUEST }
    }
}

/// What a receiver has left out, if it says what it has written.
fn exported(headers: &HeaderMap, samples: u64) -> Exported {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.parse::<u64>().ok();
    let written: Vec<u64> = WRITTEN.iter().filter_map(|name| number(name)).collect();
    let left_out = match written.is_empty() {
        true => 0,
        false => samples.saturating_sub(written.iter().sum()),
    };
    let message = if left_out > 0 { "the receiver left samples out" } else { "" };
    Exported { rejected_spans: left_out, message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_written_is_counted() {
        let mut headers = HeaderMap::new();
        assert_eq!(exported(&headers, 10), Exported::default());
        headers.insert(WRITTEN[0], "6".parse().unwrap());
        headers.insert(WRITTEN[1], "1".parse().unwrap());
        assert_eq!(exported(&headers, 10).rejected_spans, 3);
        assert_eq!(exported(&headers, 7), Exported::default());
    }
}
