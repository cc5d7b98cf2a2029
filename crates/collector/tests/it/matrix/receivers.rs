//! The receivers: how a trace is sent to each, and what of it they are to hand on.

use std::fs::File;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use prost::Message;
use spandrel_proto::jaeger::collector_service_client::CollectorServiceClient;
use spandrel_proto::otlp::collector_trace::trace_service_client::TraceServiceClient;
use spandrel_translate::thrift::Protocol;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

use super::datadog::{datadog_json, of_datadog};
use super::jaeger::{JaegerSpan, as_jaeger, in_micros, in_protobuf, of_jaeger};
use super::jaeger_wire::{agent_call, post_spans, thrift_batch};
use super::json::to_json;
use super::model::{FullSpan, request_of};
use super::zipkin::{as_zipkin, of_zipkin};
use super::zipkin_v1::{as_v1, of_v1};
use super::zipkin_wire::{v1_json, v1_thrift, v2_json, v2_protobuf};

/// What a receiver speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaks {
    OtlpGrpc,
    OtlpProtobuf,
    OtlpJson,
    OtlpFile,
    JaegerGrpc,
    JaegerHttp,
    JaegerUdp(Protocol),
    ZipkinV1Json,
    ZipkinV1Thrift,
    ZipkinV2Json,
    ZipkinV2Protobuf,
    Datadog,
}

/// By the id in the configuration.
pub(super) const RECEIVERS: [(&str, Speaks); 13] = [
    ("otlp/grpc", Speaks::OtlpGrpc),
    ("otlp/http_proto", Speaks::OtlpProtobuf),
    ("otlp/http_json", Speaks::OtlpJson),
    ("otlpjsonfile", Speaks::OtlpFile),
    ("jaeger/grpc", Speaks::JaegerGrpc),
    ("jaeger/thrift_http", Speaks::JaegerHttp),
    ("jaeger/thrift_compact", Speaks::JaegerUdp(Protocol::Compact)),
    ("jaeger/thrift_binary", Speaks::JaegerUdp(Protocol::Binary)),
    ("zipkin/v1_json", Speaks::ZipkinV1Json),
    ("zipkin/v1_thrift", Speaks::ZipkinV1Thrift),
    ("zipkin/v2_json", Speaks::ZipkinV2Json),
    ("zipkin/v2_proto", Speaks::ZipkinV2Protobuf),
    ("datadog", Speaks::Datadog),
];

impl Speaks {
    /// What a span is when it has come this way.
    pub(super) fn carried(self, span: &FullSpan) -> FullSpan {
        match self {
            Self::OtlpGrpc | Self::OtlpProtobuf | Self::OtlpJson | Self::OtlpFile => span.clone(),
            Self::JaegerGrpc => of_jaeger(&in_protobuf(as_jaeger(span)), true, span),
            Self::JaegerHttp | Self::JaegerUdp(_) => {
                of_jaeger(&in_micros(as_jaeger(span)), false, span)
            }
            Self::ZipkinV1Json => of_v1(&as_v1(span, false), span),
            Self::ZipkinV1Thrift => of_v1(&as_v1(span, true), span),
            Self::ZipkinV2Json | Self::ZipkinV2Protobuf => of_zipkin(&as_zipkin(span), span),
            Self::Datadog => of_datadog(span),
        }
    }

    /// Sends a trace, and returns how many requests that took.
    pub(super) async fn send(self, spans: &[FullSpan], to: SocketAddr, file: &Path) -> usize {
        let zipkin = || spans.iter().map(as_zipkin).collect::<Vec<_>>();
        let v1 = |is_typed| spans.iter().map(|span| as_v1(span, is_typed)).collect::<Vec<_>>();
        let otlp = request_of(spans);
        match self {
            Self::OtlpGrpc => {
                let client = TraceServiceClient::connect(format!("http://{to}")).await;
                client.unwrap().export(otlp).await.unwrap();
            }
            Self::OtlpProtobuf => {
                let body = otlp.encode_to_vec();
                post(to, "/v1/traces", "application/x-protobuf", body).await;
            }
            Self::OtlpJson => {
                post(to, "/v1/traces", "application/json", to_json(&otlp).into()).await;
            }
            Self::OtlpFile => {
                let line = format!("{}\n", to_json(&otlp));
                File::create(file).unwrap().write_all(line.as_bytes()).unwrap();
            }
            Self::JaegerGrpc => {
                let client = CollectorServiceClient::connect(format!("http://{to}")).await;
                let mut client = client.unwrap();
                let batches = batches(spans);
                for batch in &batches {
                    client.post_spans(post_spans(batch)).await.unwrap();
                }
                return batches.len();
            }
            Self::JaegerHttp => {
                let batches = batches(spans);
                for batch in &batches {
                    post(to, "/api/traces", "application/x-thrift", thrift_batch(batch)).await;
                }
                return batches.len();
            }
            Self::JaegerUdp(protocol) => {
                let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await.unwrap();
                let batches = batches(spans);
                for batch in &batches {
                    socket.send_to(&agent_call(batch, protocol), to).await.unwrap();
                }
                return batches.len();
            }
            Self::ZipkinV1Json => {
                post(to, "/api/v1/spans", "application/json", v1_json(&v1(false))).await;
            }
            Self::ZipkinV1Thrift => {
                post(to, "/api/v1/spans", "application/x-thrift", v1_thrift(&v1(true))).await;
            }
            Self::ZipkinV2Json => {
                post(to, "/api/v2/spans", "application/json", v2_json(&zipkin())).await;
            }
            Self::ZipkinV2Protobuf => {
                let body = v2_protobuf(&zipkin());
                post(to, "/api/v2/spans", "application/x-protobuf", body).await;
            }
            Self::Datadog => {
                post(to, "/v0.4/traces", "application/json", datadog_json(spans)).await;
            }
        }
        1
    }
}

/// A batch is about one process.
fn batches(spans: &[FullSpan]) -> Vec<Vec<JaegerSpan>> {
    let groups = spans.chunk_by(|one, next| one.resource == next.resource);
    groups.map(|group| group.iter().map(as_jaeger).collect()).collect()
}

async fn post(to: SocketAddr, path: &str, content_type: &str, body: Vec<u8>) {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {to}\r\ncontent-type: {content_type}\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(to).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&body).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.split(' ').nth(1).unwrap();
    assert!(["200", "202"].contains(&status), "{path}, {content_type}: {answer}");
}
