//! Messages of any size into requests of a size that every server takes.

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans};

use crate::otlp_file::ReadMessage;

/// Small messages are sent together up to this size.
const JOINED_BYTES: usize = 1 << 20;
/// Larger messages are taken apart: gRPC servers refuse more than 4 MiB unless told otherwise.
const WHOLE_BYTES_MAX: usize = 3 << 20;

/// One request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Batch {
    pub(super) otlp: Bytes,
    pub(super) spans: u64,
}

/// Joins and splits messages.
#[derive(Debug, Default)]
pub(super) struct Batcher {
    joined: BytesMut,
    spans: u64,
}

impl Batcher {
    /// Takes a message; returns the requests that are ready.
    pub(super) fn add(&mut self, message: ReadMessage) -> Result<Vec<Batch>, prost::DecodeError> {
        let mut ready = Vec::new();
        if self.joined.len() + message.otlp.len() > JOINED_BYTES {
            ready.extend(self.finish());
        }
        if message.otlp.len() > WHOLE_BYTES_MAX {
            split(message.otlp, &mut ready)?;
        } else {
            // Messages that have only a repeated field are joined by writing one behind the other.
            self.joined.put(message.otlp);
            self.spans += message.spans;
        }
        Ok(ready)
    }

    /// The request with what is left, if anything is.
    pub(super) fn finish(&mut self) -> Vec<Batch> {
        let spans = std::mem::take(&mut self.spans);
        let otlp = self.joined.split().freeze();
        if spans == 0 { Vec::new() } else { vec![Batch { otlp, spans }] }
    }
}

/// Takes a message apart between spans.
fn split(otlp: Bytes, ready: &mut Vec<Batch>) -> Result<(), prost::DecodeError> {
    for resource in ExportTraceServiceRequest::decode(otlp)?.resource_spans {
        for scope in resource.scope_spans {
            let mut spans = scope.spans.into_iter().peekable();
            while spans.peek().is_some() {
                let mut part = Vec::new();
                let mut bytes = 0;
                while let Some(span) = spans
                    .next_if(|span| part.is_empty() || bytes + span.encoded_len() <= JOINED_BYTES)
                {
                    bytes += span.encoded_len();
                    part.push(span);
                }
                let n_spans = part.len() as u64;
                let scope_spans = ScopeSpans {
                    scope: scope.scope.clone(),
                    spans: part,
                    schema_url: scope.schema_url.clone(),
                };
                let resource_spans = ResourceSpans {
                    resource: resource.resource.clone(),
                    scope_spans: vec![scope_spans],
                    schema_url: resource.schema_url.clone(),
                };
                let request = ExportTraceServiceRequest { resource_spans: vec![resource_spans] };
                ready.push(Batch { otlp: request.encode_to_vec().into(), spans: n_spans });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use spandrel_proto::otlp::trace::Span;

    use super::*;

    fn message(span_bytes: &[usize]) -> ReadMessage {
        let spans =
            span_bytes.iter().map(|&bytes| Span { name: "x".repeat(bytes), ..Span::default() });
        let scope_spans = vec![ScopeSpans { spans: spans.collect(), ..ScopeSpans::default() }];
        let resource_spans = vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }];
        let otlp = ExportTraceServiceRequest { resource_spans }.encode_to_vec().into();
        ReadMessage { otlp, spans: span_bytes.len() as u64 }
    }

    /// Lengths of the names in each request.
    fn requests(messages: &[&[usize]]) -> Vec<Vec<usize>> {
        let mut batcher = Batcher::default();
        let mut batches: Vec<Batch> =
            messages.iter().flat_map(|spans| batcher.add(message(spans)).unwrap()).collect();
        batches.extend(batcher.finish());
        batches
            .into_iter()
            .map(|batch| {
                let request = ExportTraceServiceRequest::decode(batch.otlp).unwrap();
                let scopes = request.resource_spans.iter().flat_map(|of| &of.scope_spans);
                let names: Vec<usize> =
                    scopes.flat_map(|of| &of.spans).map(|span| span.name.len()).collect();
                assert_eq!(batch.spans, names.len() as u64);
                names
            })
            .collect()
    }

    #[test]
    fn small_messages_are_joined() {
        assert_eq!(requests(&[&[10, 20], &[30], &[]]), [[10, 20, 30]]);
        let half = JOINED_BYTES / 2;
        assert_eq!(requests(&[&[half], &[half], &[5]]), [vec![half], vec![half, 5]]);
        assert!(requests(&[&[]]).is_empty());
    }

    #[test]
    fn large_messages_are_taken_apart_between_spans() {
        let third = JOINED_BYTES / 3;
        let huge = 2 * WHOLE_BYTES_MAX;
        assert_eq!(
            requests(&[&[1], &[third, third, third, huge, third], &[2]]),
            [vec![1], vec![third, third], vec![third], vec![huge], vec![third], vec![2]]
        );
        let allowed = 2 * JOINED_BYTES;
        assert_eq!(requests(&[&[allowed], &[1]]), [vec![allowed], vec![1]]);
    }
}
