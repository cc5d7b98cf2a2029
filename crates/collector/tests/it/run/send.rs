//! One trace of two spans, as senders of three protocols write it, and a client that posts it.

use std::net::SocketAddr;

use prost::Message;
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span};
use spandrel_translate::thrift::{Protocol as Thrift, Writer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Spans of each trace that is sent.
pub(super) const SPANS: u64 = 2;

/// What a receiver speaks where spans are sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Otlp,
    Thrift,
    Zipkin,
}

/// Where a trace is sent to.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// Id of the receiver.
    pub(super) receiver: String,
    pub(super) protocol: Protocol,
    pub(super) address: SocketAddr,
    pub(super) path: String,
    pub(super) trace_id: u128,
}

impl Source {
    /// Posts the trace; what it was answered when that is not success.
    pub(super) async fn send(&self) -> Result<(), String> {
        let (content_type, body) = match self.protocol {
            Protocol::Otlp => ("application/x-protobuf", otlp(self.trace_id)),
            Protocol::Thrift => ("application/x-thrift", thrift(self.trace_id)),
            Protocol::Zipkin => ("application/json", zipkin(self.trace_id)),
        };
        let head = format!(
            "POST {} HTTP/1.1\r\nhost: {}\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n",
            self.path,
            self.address,
            body.len()
        );
        let mut stream =
            TcpStream::connect(self.address).await.map_err(|error| error.to_string())?;
        let mut answer = Vec::new();
        let sent = async {
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(&body).await?;
            stream.read_to_end(&mut answer).await
        };
        sent.await.map_err(|error| error.to_string())?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        match answer.split(' ').nth(1) {
            Some("200" | "202") => Ok(()),
            _ => Err(answer),
        }
    }
}

const START_MICROS: u64 = 1_700_000_000_000_000;

fn otlp(trace_id: u128) -> Vec<u8> {
    let span = |id: u64| Span {
        trace_id: trace_id.to_be_bytes().to_vec().into(),
        span_id: id.to_be_bytes().to_vec().into(),
        name: format!("step {id}"),
        start_time_unix_nano: START_MICROS * 1000,
        end_time_unix_nano: START_MICROS * 1000 + 5_000_000,
        ..Span::default()
    };
    let scope = ScopeSpans { spans: (1..=SPANS).map(span).collect(), ..ScopeSpans::default() };
    let resource = ResourceSpans { scope_spans: vec![scope], ..ResourceSpans::default() };
    ExportTraceServiceRequest { resource_spans: vec![resource] }.encode_to_vec()
}

fn thrift(trace_id: u128) -> Vec<u8> {
    let ids: Vec<i64> = (1..=SPANS).map(|id| i64::try_from(id).unwrap()).collect();
    let mut writer = Writer::new(Thrift::Binary);
    writer.body(|batch| {
        batch.structure(1, |process| process.bytes(1, "sender"));
        batch.list(2, &ids, |fields, id| {
            fields.i64(1, (trace_id as u64).cast_signed());
            fields.i64(2, ((trace_id >> 64) as u64).cast_signed());
            fields.i64(3, *id);
            fields.i64(4, 0);
            fields.bytes(5, "step");
            fields.i32(7, 1);
            fields.i64(8, START_MICROS.cast_signed());
            fields.i64(9, 5_000);
        });
    });
    writer.into_bytes()
}

fn zipkin(trace_id: u128) -> Vec<u8> {
    let span = |id| {
        serde_json::json!({
            "traceId": format!("{trace_id:032x}"),
            "id": format!("{id:016x}"),
            "name": "step",
            "timestamp": START_MICROS,
            "duration": 5_000,
            "localEndpoint": {"serviceName": "sender"},
        })
    };
    serde_json::to_vec(&(1..=SPANS).map(span).collect::<Vec<_>>()).unwrap()
}
