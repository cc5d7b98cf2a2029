//! The clients of a test: OTLP over gRPC, and HTTP.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::collector_trace::trace_service_client::TraceServiceClient;

/// Sends `request` and expects full success.
pub(crate) async fn export(
    address: SocketAddr,
    request: ExportTraceServiceRequest,
) -> anyhow::Result<()> {
    let channel =
        tonic::transport::Endpoint::from_shared(format!("http://{address}"))?.connect().await?;
    let response = TraceServiceClient::new(channel).export(request).await?.into_inner();
    anyhow::ensure!(response.partial_success.is_none(), "{response:?}");
    Ok(())
}

/// Status and body of `GET path`.
pub(crate) async fn get(address: SocketAddr, path: &str) -> anyhow::Result<(StatusCode, String)> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::get(format!("http://{address}{path}")).body(Empty::<Bytes>::new())?;
    let response = client.request(request).await?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    Ok((status, String::from_utf8(body.to_vec())?))
}

/// The JSON of a successful `GET path`.
pub(crate) async fn get_json(address: SocketAddr, path: &str) -> anyhow::Result<serde_json::Value> {
    let (status, body) = get(address, path).await?;
    anyhow::ensure!(status == StatusCode::OK, "{status}: {body}");
    Ok(serde_json::from_str(&body)?)
}
