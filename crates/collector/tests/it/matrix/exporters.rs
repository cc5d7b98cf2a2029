//! The exporters: what each is to write of a span, and how it is read back.

use std::fs;
use std::path::Path;

use prost::Message;
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;

use super::fields::{Fields, fields_of};
use super::json::of_json;
use super::model::{FullSpan, spans_of};
use super::sinks::Arrivals;
use super::zipkin::{as_zipkin, fields_of_zipkin, in_json, of_zipkin};
use super::zipkin_wire::{of_v2_json, of_v2_protobuf};

/// How an exporter writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writes {
    OtlpProtobuf,
    OtlpJson,
    ZipkinJson,
    ZipkinProtobuf,
}

/// Where it writes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// A consumer that counts spans.
    Spans,
    /// A server that counts requests.
    Requests,
    File,
}

/// By the id in the configuration.
pub(super) const EXPORTERS: [(&str, Writes, End); 9] = [
    ("otlp_grpc", Writes::OtlpProtobuf, End::Spans),
    ("load_balancing", Writes::OtlpProtobuf, End::Spans),
    ("spandrel", Writes::OtlpProtobuf, End::Spans),
    ("otlp_http/proto", Writes::OtlpProtobuf, End::Requests),
    ("otlp_http/json", Writes::OtlpJson, End::Requests),
    ("file/json", Writes::OtlpJson, End::File),
    ("file/proto", Writes::OtlpProtobuf, End::File),
    ("zipkin/json", Writes::ZipkinJson, End::Requests),
    ("zipkin/proto", Writes::ZipkinProtobuf, End::Requests),
];

/// A span that an exporter has written: trace and span, and what is said of it.
pub(super) type Written = ((u128, u64), Fields);

impl Writes {
    /// All that is to be written of a span.
    pub(super) fn expected(self, span: &FullSpan) -> Fields {
        match self {
            Self::OtlpProtobuf | Self::OtlpJson => fields_of(span),
            Self::ZipkinJson => fields_of_zipkin(&in_json(as_zipkin(span))),
            Self::ZipkinProtobuf => fields_of_zipkin(&as_zipkin(span)),
        }
    }

    /// What that means in OTLP, to whoever reads it.
    pub(super) fn carried(self, span: &FullSpan) -> FullSpan {
        match self {
            Self::OtlpProtobuf | Self::OtlpJson => span.clone(),
            Self::ZipkinJson => of_zipkin(&in_json(as_zipkin(span)), span),
            Self::ZipkinProtobuf => of_zipkin(&as_zipkin(span), span),
        }
    }

    fn read(self, body: &[u8]) -> Vec<Written> {
        let otlp = |request: &ExportTraceServiceRequest| -> Vec<Written> {
            let spans = spans_of(request).into_iter();
            spans.map(|span| ((span.trace_id(), span.span_id()), fields_of(&span))).collect()
        };
        let zipkin = match self {
            Self::OtlpProtobuf => {
                return otlp(&ExportTraceServiceRequest::decode(body).unwrap());
            }
            Self::OtlpJson => return otlp(&of_json(body)),
            Self::ZipkinJson => of_v2_json(body),
            Self::ZipkinProtobuf => of_v2_protobuf(body),
        };
        zipkin.iter().map(|span| ((span.trace_id, span.id), fields_of_zipkin(span))).collect()
    }
}

/// All that an exporter has written.
pub(super) fn written(
    (exporter, writes, end): (&str, Writes, End),
    arrivals: &Arrivals,
    directory: &Path,
) -> Vec<Written> {
    if end != End::File {
        let bodies = arrivals.of(exporter);
        return bodies.iter().flat_map(|body| writes.read(body)).collect();
    }
    let bytes = fs::read(directory.join(exporter.replace('/', "~"))).unwrap();
    if writes == Writes::OtlpJson {
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        return lines.flat_map(|line| writes.read(line)).collect();
    }
    let (mut rest, mut all) = (&bytes[..], Vec::new());
    while let Some((length, after)) = rest.split_first_chunk() {
        let (body, after) = after.split_at(u32::from_be_bytes(*length) as usize);
        all.extend(writes.read(body));
        rest = after;
    }
    all
}
