//! OTLP over gRPC with requests that are encoded already.

use std::time::Duration;

use anyhow::{Context, bail};
use bytes::{BufMut, Bytes};
use http::uri::PathAndQuery;
use prost::Message;
use spandrel_proto::otlp::collector_trace::ExportTraceServiceResponse;
use spandrel_proto::rpc;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use super::{Compression, ExportError, OtlpArgs};
use crate::api_client::TENANT_HEADER;

const METHOD: PathAndQuery =
    PathAndQuery::from_static("/opentelemetry.proto.collector.trace.v1.TraceService/Export");
const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";

#[derive(Debug, Clone)]
pub(super) struct GrpcClient {
    client: tonic::client::Grpc<Channel>,
    tenant: Option<MetadataValue<Ascii>>,
}

impl GrpcClient {
    pub(super) fn new(args: &OtlpArgs) -> anyhow::Result<Self> {
        let endpoint = Endpoint::from_shared(args.endpoint.clone()).context("wrong endpoint")?;
        let client = tonic::client::Grpc::new(endpoint.connect_lazy());
        let client = match args.compression {
            Compression::None => client,
            Compression::Gzip => client.send_compressed(CompressionEncoding::Gzip),
            Compression::Zstd => bail!("zstd is for OTLP over HTTP, use gzip or --protocol http"),
        };
        let tenant = args.tenant.as_ref().map(|tenant| tenant.as_str().parse()).transpose()?;
        Ok(Self { client, tenant })
    }

    pub(super) async fn export(
        &self,
        request: &Bytes,
    ) -> Result<ExportTraceServiceResponse, ExportError> {
        let mut client = self.client.clone();
        client.ready().await.map_err(|error| ExportError::Unavailable {
            message: innermost(&error),
            retry_after: None,
        })?;
        let mut request = Request::new(request.clone());
        if let Some(tenant) = &self.tenant {
            request.metadata_mut().insert(TENANT_HEADER, tenant.clone());
        }
        let response = client.unary(request, METHOD, EncodedCodec).await;
        response.map(tonic::Response::into_inner).map_err(|status| refusal(&status))
    }
}

/// What the status means for the sender. The retryable codes are those of the OTLP specification;
/// `ResourceExhausted` is one of them only with a `RetryInfo`.
fn refusal(status: &Status) -> ExportError {
    let retry_after = retry_delay(status);
    let retryable = match status.code() {
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => true,
        Code::ResourceExhausted => retry_after.is_some(),
        // A connection that breaks in the middle of an answer comes as one of these.
        Code::Unknown | Code::Internal => std::error::Error::source(status).is_some(),
        _ => false,
    };
    let message = match std::error::Error::source(status) {
        Some(source) => innermost(source),
        None => format!("{:?}: {}", status.code(), status.message()),
    };
    if retryable {
        ExportError::Unavailable { message, retry_after }
    } else {
        ExportError::Rejected(message)
    }
}

fn retry_delay(status: &Status) -> Option<Duration> {
    let details = rpc::Status::decode(status.details()).ok()?.details;
    let info = details.iter().find(|detail| detail.type_url == RETRY_INFO)?;
    let delay = rpc::RetryInfo::decode(info.value.as_slice()).ok()?.retry_delay?;
    Duration::try_from(delay).ok()
}

/// The text of the first cause, which is the one that says something.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// Sends bytes as they are.
#[derive(Debug, Clone, Copy)]
struct EncodedCodec;

impl Codec for EncodedCodec {
    type Encode = Bytes;
    type Decode = ExportTraceServiceResponse;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for EncodedCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for EncodedCodec {
    type Item = ExportTraceServiceResponse;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Self::Item>, Status> {
        ExportTraceServiceResponse::decode(buffer)
            .map(Some)
            .map_err(|error| Status::internal(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use spandrel_proto::well_known;

    use super::*;

    #[test]
    fn exhausted_is_retryable_only_with_a_delay() {
        let plain = refusal(&Status::resource_exhausted("full"));
        assert!(matches!(plain, ExportError::Rejected(_)), "{plain:?}");
        let delay = well_known::Duration { seconds: 2, nanos: 0 };
        let info = rpc::RetryInfo { retry_delay: Some(delay) }.encode_to_vec();
        let detail = well_known::Any { type_url: RETRY_INFO.to_owned(), value: info };
        let details = rpc::Status { details: vec![detail], ..rpc::Status::default() };
        let status =
            Status::with_details(Code::ResourceExhausted, "full", details.encode_to_vec().into());
        let ExportError::Unavailable { retry_after, .. } = refusal(&status) else {
            panic!("{status:?}")
        };
        assert_eq!(retry_after, Some(Duration::from_secs(2)));
    }

    #[test]
    fn what_stays_wrong_is_not_sent_again() {
        let error = refusal(&Status::invalid_argument("no"));
        assert_eq!(error.to_string(), "InvalidArgument: no");
        assert!(matches!(error, ExportError::Rejected(_)));
    }
}
