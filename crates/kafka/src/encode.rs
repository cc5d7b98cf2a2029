//! A request into records.
//!
//! OTLP and Zipkin are one record for a request, or one for a trace when traces are kept together; Jaeger is one
//! record for a span, as its own programs expect. A request that makes too large a record is cut in two until the
//! parts fit. A single span that does not fit is left out and counted.

mod jaeger;
mod jaeger_json;
mod split;

use bytes::Bytes;
use prost::Message as _;
use spandrel_exporters::otlp_to_json;
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_zipkin::{ZipkinError, spans_of, to_json, to_protobuf};

use crate::encoding::Encoding;
use split::{by_trace, halves, span_count};

/// What becomes one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// By which its partition is chosen.
    pub(crate) key: Option<Vec<u8>>,
    /// The spans in the encoding.
    pub(crate) value: Bytes,
    /// How many spans these are.
    pub(crate) spans: u64,
}

/// How requests become records.
#[derive(Debug, Clone)]
pub(crate) struct Encoder {
    pub(crate) encoding: Encoding,
    /// Whether every trace has records of its own, with its id as their key.
    pub(crate) by_trace: bool,
    /// Bytes of key and value together.
    pub(crate) record_bytes_max: usize,
}

/// The records of a request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Records {
    pub(crate) records: Vec<Record>,
    /// Spans that are too large for a record.
    pub(crate) too_large_spans: u64,
}

/// The request cannot be written in this encoding.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct EncodeError(String);

impl From<prost::DecodeError> for EncodeError {
    fn from(error: prost::DecodeError) -> Self {
        Self(format!("not an OTLP request: {error}"))
    }
}

impl From<ZipkinError> for EncodeError {
    fn from(error: ZipkinError) -> Self {
        Self(error.to_string())
    }
}

impl Encoder {
    /// Makes the records; `key` is that of all of them unless their traces have their own.
    ///
    /// # Errors
    /// [`EncodeError`] when the bytes are no request, or spans have no form in the encoding.
    pub(crate) fn encode(
        &self,
        otlp: &Bytes,
        spans: u64,
        key: Option<&[u8]>,
    ) -> Result<Records, EncodeError> {
        let key_bytes = key.map_or(0, <[u8]>::len);
        let is_as_it_is = self.encoding == Encoding::OtlpProto && !self.by_trace;
        if is_as_it_is && otlp.len() + key_bytes <= self.record_bytes_max {
            let record = Record { key: key.map(<[u8]>::to_vec), value: otlp.clone(), spans };
            return Ok(Records { records: vec![record], too_large_spans: 0 });
        }
        let request = ExportTraceServiceRequest::decode(otlp.clone())?;
        let mut records = Records::default();
        if !self.by_trace {
            self.add(request, key, &mut records)?;
            return Ok(records);
        }
        for (trace_id, request) in by_trace(request) {
            let key = hex(&trace_id);
            self.add(request, Some(key.as_bytes()), &mut records)?;
        }
        Ok(records)
    }

    fn add(
        &self,
        request: ExportTraceServiceRequest,
        key: Option<&[u8]>,
        records: &mut Records,
    ) -> Result<(), EncodeError> {
        let mut add = |value: Vec<u8>, spans| {
            let fits = value.len() + key.map_or(0, <[u8]>::len) <= self.record_bytes_max;
            if fits {
                let key = key.map(<[u8]>::to_vec);
                records.records.push(Record { key, value: value.into(), spans });
            }
            fits
        };
        let value = match self.encoding {
            Encoding::JaegerProto | Encoding::JaegerJson => {
                for span in jaeger::spans_of(&request) {
                    let value = match self.encoding {
                        Encoding::JaegerProto => span.encode_to_vec(),
                        _ => jaeger_json::to_json(&span),
                    };
                    if !add(value, 1) {
                        records.too_large_spans += 1;
                    }
                }
                return Ok(());
            }
            Encoding::OtlpProto => request.encode_to_vec(),
            Encoding::OtlpJson => otlp_to_json(&request).into_bytes(),
            Encoding::ZipkinProto => to_protobuf(&spans_of(&request)?),
            Encoding::ZipkinJson | Encoding::ZipkinThrift => to_json(&spans_of(&request)?),
        };
        let n_spans = span_count(&request);
        if n_spans == 0 || add(value, n_spans) {
            return Ok(());
        }
        match halves(request) {
            Some((first, second)) => {
                self.add(first, key, records)?;
                self.add(second, key, records)
            }
            None => {
                records.too_large_spans += n_spans;
                Ok(())
            }
        }
    }
}

/// The first text that a resource of the request has under this name.
pub(crate) fn resource_text(otlp: &Bytes, name: &str) -> Result<Option<String>, EncodeError> {
    let request = ExportTraceServiceRequest::decode(otlp.clone())?;
    let resources = request.resource_spans.into_iter().filter_map(|spans| spans.resource);
    let attributes = resources.flat_map(|resource| resource.attributes);
    let mut texts = attributes.filter(|pair| pair.key == name).filter_map(|pair| {
        match pair.value.and_then(|value| value.value) {
            Some(Value::StringValue(text)) if !text.is_empty() => Some(text),
            _ => None,
        }
    });
    Ok(texts.next())
}

/// Bytes in lower-case hex.
fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    nibbles.filter_map(|nibble| DIGITS.get(usize::from(nibble))).map(|d| char::from(*d)).collect()
}

#[cfg(test)]
mod tests;
