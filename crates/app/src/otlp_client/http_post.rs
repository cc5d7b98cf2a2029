//! OTLP over HTTP in protobuf encoding.

use std::io::Write;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use flate2::write::GzEncoder;
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use prost::Message;
use spandrel_model::TenantId;
use spandrel_proto::otlp::collector_trace::ExportTraceServiceResponse;
use spandrel_proto::rpc;

use super::{Compression, ExportError, OtlpArgs};
use crate::api_client::TENANT_HEADER;

const CONTENT_TYPE: &str = "application/x-protobuf";
const SIGNAL_PATH: &str = "/v1/traces";

#[derive(Debug, Clone)]
pub(super) struct HttpClient {
    uri: Uri,
    compression: Compression,
    tenant: Option<TenantId>,
    http: Client<HttpConnector, Full<Bytes>>,
}

impl HttpClient {
    /// `/v1/traces` is added to the endpoint unless it ends so, as SDKs do with a base URL.
    pub(super) fn new(endpoint: &Uri, args: &OtlpArgs) -> anyhow::Result<Self> {
        let base = endpoint.to_string();
        let base = base.trim_end_matches('/').trim_end_matches(SIGNAL_PATH);
        let uri = format!("{base}{SIGNAL_PATH}").parse().context("wrong endpoint")?;
        let http = Client::builder(TokioExecutor::new()).build_http();
        Ok(Self { uri, compression: args.compression, tenant: args.tenant.clone(), http })
    }

    pub(super) async fn export(
        &self,
        request: &Bytes,
    ) -> Result<ExportTraceServiceResponse, ExportError> {
        let (encoding, body) = compress(self.compression, request)
            .map_err(|error| ExportError::Rejected(format!("cannot compress: {error}")))?;
        let mut post = Request::post(&self.uri).header(header::CONTENT_TYPE, CONTENT_TYPE);
        if let Some(encoding) = encoding {
            post = post.header(header::CONTENT_ENCODING, encoding);
        }
        if let Some(tenant) = &self.tenant {
            post = post.header(TENANT_HEADER, tenant.as_str());
        }
        let post = post
            .body(Full::new(body))
            .map_err(|error| ExportError::Rejected(format!("wrong endpoint: {error}")))?;
        let broken = |message: String| ExportError::Unavailable { message, retry_after: None };
        let response = self.http.request(post).await.map_err(|error| broken(error.to_string()))?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(|error| broken(error.to_string()))?.to_bytes();
        if parts.status.is_success() {
            return ExportTraceServiceResponse::decode(body).map_err(|_| {
                ExportError::Rejected(
                    "the answer is not OTLP; does the endpoint speak it?".to_owned(),
                )
            });
        }
        let retry_after = parts.headers.get(header::RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
        Err(refusal(parts.status, retry_after.map(Duration::from_secs), &body))
    }
}

/// The retryable statuses are those of the OTLP specification.
fn refusal(status: StatusCode, retry_after: Option<Duration>, body: &Bytes) -> ExportError {
    let reason = rpc::Status::decode(body.clone()).map(|status| status.message).unwrap_or_default();
    let message = format!("{status}: {reason}");
    match status.as_u16() {
        429 | 502 | 503 | 504 => ExportError::Unavailable { message, retry_after },
        _ => ExportError::Rejected(message),
    }
}

fn compress(
    compression: Compression,
    request: &Bytes,
) -> std::io::Result<(Option<&'static str>, Bytes)> {
    Ok(match compression {
        Compression::None => (None, request.clone()),
        Compression::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(request)?;
            (Some("gzip"), encoder.finish()?.into())
        }
        Compression::Zstd => (Some("zstd"), zstd::bulk::compress(request, 1)?.into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_signal_path_is_added_once() {
        for endpoint in ["http://h:4318", "http://h:4318/", "http://h:4318/v1/traces"] {
            let args = OtlpArgs {
                endpoint: endpoint.to_owned(),
                protocol: None,
                compression: Compression::None,
                tenant: None,
            };
            let client = HttpClient::new(&endpoint.parse().unwrap(), &args).unwrap();
            assert_eq!(client.uri, "http://h:4318/v1/traces");
        }
    }

    #[test]
    fn only_overload_is_retried() {
        let refused = |status| refusal(status, None, &Bytes::new());
        assert!(matches!(refused(StatusCode::BAD_REQUEST), ExportError::Rejected(_)));
        assert!(matches!(refused(StatusCode::INTERNAL_SERVER_ERROR), ExportError::Rejected(_)));
        assert!(matches!(
            refused(StatusCode::TOO_MANY_REQUESTS),
            ExportError::Unavailable { retry_after: None, .. }
        ));
    }
}
