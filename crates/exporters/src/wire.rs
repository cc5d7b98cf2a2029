//! OTLP requests taken apart and put together on the wire: spans are moved as bytes, unknown fields included.
//!
//! Only the way to the spans is read (request, resource spans, scope spans); what lies inside a span is the
//! caller's question. A resource or scope is repeated in every part that has spans of it.

use bytes::Bytes;
use spandrel_otlp::DecodeError;
use spandrel_otlp::wire::{Reader, Value, field_len, put_header};

/// What decides where a span goes.
pub(crate) struct SpanBytes<'a> {
    /// The `Resource`; empty when there is none.
    pub(crate) resource: &'a [u8],
    /// The `Span`.
    pub(crate) span: &'a [u8],
}

/// A request of some of the spans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// `ExportTraceServiceRequest`.
    pub(crate) otlp: Bytes,
    /// Spans in it; parts that got none stay empty.
    pub(crate) spans: u64,
}

/// As [`split`], where only the bytes of the `Span` decide.
pub(crate) fn split_at_spans(
    otlp: &[u8],
    mut part_of: impl FnMut(&[u8]) -> usize,
) -> Result<Vec<Part>, DecodeError> {
    split(otlp, |span| part_of(span.span))
}

/// Splits a request into parts: each span goes to the part that `part_of` names, a small number.
///
/// # Errors
/// When a message on the way to the spans is damaged.
pub(crate) fn split(
    otlp: &[u8],
    mut part_of: impl FnMut(&SpanBytes<'_>) -> usize,
) -> Result<Vec<Part>, DecodeError> {
    let mut parts: Vec<(Vec<u8>, u64)> = Vec::new();
    let mut reader = Reader::new(otlp, "ExportTraceServiceRequest");
    while let Some(resource_spans) = reader.next_message(1)? {
        split_resource_spans(resource_spans, &mut part_of, &mut parts)?;
    }
    let parts = parts.into_iter();
    Ok(parts.map(|(otlp, spans)| Part { otlp: otlp.into(), spans }).collect())
}

/// Spans of one scope that go to one part, as raw fields of `ScopeSpans`.
struct ScopePart<'a> {
    head: std::rc::Rc<[&'a [u8]]>,
    spans: Vec<&'a [u8]>,
}

impl ScopePart<'_> {
    fn n_bytes(&self) -> usize {
        self.head.iter().chain(&self.spans).map(|raw| raw.len()).sum()
    }
}

fn split_resource_spans(
    resource_spans: &[u8],
    part_of: &mut impl FnMut(&SpanBytes<'_>) -> usize,
    parts: &mut Vec<(Vec<u8>, u64)>,
) -> Result<(), DecodeError> {
    let (mut head, mut resource, mut scopes) = (Vec::new(), &[][..], Vec::new());
    let mut reader = Reader::new(resource_spans, "ResourceSpans");
    while let Some(field) = reader.next_raw()? {
        match (field.number, field.value) {
            (2, Value::Bytes(scope_spans)) => scopes.push(scope_spans),
            _ => {
                head.push(field.raw);
                resource = field.message(1).unwrap_or(resource);
            }
        }
    }
    let mut by_part: Vec<Vec<ScopePart<'_>>> = Vec::new();
    for scope_spans in scopes {
        split_scope_spans(scope_spans, resource, part_of, &mut by_part)?;
    }
    if parts.len() < by_part.len() {
        parts.resize_with(by_part.len(), Default::default);
    }
    for (scopes, (out, spans)) in by_part.iter().zip(parts) {
        if !scopes.is_empty() {
            *spans += scopes.iter().map(|scope| scope.spans.len() as u64).sum::<u64>();
            write_resource_spans(&head, scopes, out);
        }
    }
    Ok(())
}

fn split_scope_spans<'a>(
    scope_spans: &'a [u8],
    resource: &'a [u8],
    part_of: &mut impl FnMut(&SpanBytes<'_>) -> usize,
    by_part: &mut Vec<Vec<ScopePart<'a>>>,
) -> Result<(), DecodeError> {
    let (mut head, mut spans) = (Vec::new(), Vec::new());
    let mut reader = Reader::new(scope_spans, "ScopeSpans");
    while let Some(field) = reader.next_raw()? {
        match (field.number, field.value) {
            (2, Value::Bytes(span)) => spans.push((field.raw, span)),
            _ => head.push(field.raw),
        }
    }
    let head: std::rc::Rc<[&'a [u8]]> = head.into();
    // Where this scope stands in each part that it has spans in.
    let mut begun: Vec<Option<usize>> = Vec::new();
    for (raw, span) in spans {
        let part = part_of(&SpanBytes { resource, span });
        if by_part.len() <= part {
            by_part.resize_with(part + 1, Vec::new);
        }
        if begun.len() <= part {
            begun.resize(part + 1, None);
        }
        let (Some(scopes), Some(place)) = (by_part.get_mut(part), begun.get_mut(part)) else {
            continue;
        };
        let index = *place.get_or_insert_with(|| {
            scopes.push(ScopePart { head: std::rc::Rc::clone(&head), spans: Vec::new() });
            scopes.len() - 1
        });
        if let Some(scope) = scopes.get_mut(index) {
            scope.spans.push(raw);
        }
    }
    Ok(())
}

fn write_resource_spans(head: &[&[u8]], scopes: &[ScopePart<'_>], out: &mut Vec<u8>) {
    let n_bytes = head.iter().map(|raw| raw.len()).sum::<usize>()
        + scopes.iter().map(|scope| field_len(scope.n_bytes())).sum::<usize>();
    out.reserve(field_len(n_bytes));
    put_header(out, 1, n_bytes);
    head.iter().for_each(|raw| out.extend_from_slice(raw));
    for scope in scopes {
        put_header(out, 2, scope.n_bytes());
        scope.head.iter().chain(&scope.spans).for_each(|raw| out.extend_from_slice(raw));
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
    use spandrel_proto::otlp::resource::Resource;
    use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span};

    use super::*;

    fn resource_spans(schema_url: &str, scopes: &[&[&str]]) -> ResourceSpans {
        let span = |name: &&str| Span { name: (*name).to_owned(), ..Span::default() };
        let scope = |names: &&[&str]| ScopeSpans {
            spans: names.iter().map(span).collect(),
            schema_url: "scope".to_owned(),
            ..ScopeSpans::default()
        };
        ResourceSpans {
            resource: Some(Resource { dropped_attributes_count: 7, ..Resource::default() }),
            scope_spans: scopes.iter().map(scope).collect(),
            schema_url: schema_url.to_owned(),
        }
    }

    #[test]
    fn spans_go_to_their_parts_with_resource_and_scope() {
        let whole = ExportTraceServiceRequest {
            resource_spans: vec![
                resource_spans("one", &[&["a0", "b1", "c0"], &["d1"]]),
                resource_spans("two", &[&["e0"]]),
            ],
        };
        let parts = split_at_spans(&whole.encode_to_vec(), |span| {
            let name = Span::decode(span).unwrap().name;
            usize::from(name.ends_with('1'))
        })
        .unwrap();
        let decoded: Vec<_> = parts
            .iter()
            .map(|part| ExportTraceServiceRequest::decode(part.otlp.clone()).unwrap())
            .collect();
        let zero = vec![resource_spans("one", &[&["a0", "c0"]]), resource_spans("two", &[&["e0"]])];
        let one = vec![resource_spans("one", &[&["b1"], &["d1"]])];
        assert_eq!(
            decoded,
            [zero, one].map(|resource_spans| ExportTraceServiceRequest { resource_spans })
        );
        assert_eq!(parts.iter().map(|part| part.spans).collect::<Vec<_>>(), [3, 2]);
    }

    #[test]
    fn damaged_requests_are_errors() {
        for damaged in [&[0x0a, 5, 0x12][..], &[0x0a], &[0x0a, 2, 0x12, 4], &[0x07]] {
            assert!(split_at_spans(damaged, |_| 0).is_err(), "{damaged:?}");
        }
        assert_eq!(split_at_spans(&[], |_| 0).unwrap(), []);
    }
}
