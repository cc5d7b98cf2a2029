//! Building an OTLP request span by span, in its encoded form.

use bytes::{Bytes, BytesMut};
use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len, message};
use spandrel_proto::otlp::common::InstrumentationScope;
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::Span;

use crate::room::{NoRoom, Room};

// Fields of the OTLP messages that are put together here.
const RESOURCE_SPANS: u32 = 1;
const RESOURCE: u32 = 1;
const SCOPE_SPANS: u32 = 2;
const SCOPE: u32 = 1;
const SPANS: u32 = 2;

/// Spans in the form in which they travel on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Translated {
    /// `ExportTraceServiceRequest` in protobuf encoding; empty when there are no spans.
    pub otlp: Bytes,
    /// How many spans there are.
    pub spans: u64,
}

/// A scope in a request that is being built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ScopeId(usize);

/// A request that is being built. Spans are encoded as they come, so it takes no more memory than its result.
#[derive(Debug, Default)]
pub struct RequestBuilder {
    resources: Vec<Resource>,
    scopes: Vec<ScopeGroup>,
    n_spans: u64,
}

#[derive(Debug)]
struct ScopeGroup {
    /// Place of the resource.
    resource: usize,
    scope: InstrumentationScope,
    /// The field `spans`, repeated.
    spans: Vec<u8>,
}

impl RequestBuilder {
    /// An empty request.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a resource with a first scope.
    pub fn add_resource(&mut self, resource: Resource, scope: InstrumentationScope) -> ScopeId {
        self.resources.push(resource);
        self.push_scope(self.resources.len() - 1, scope)
    }

    /// Adds another scope to the resource of `of`.
    pub fn add_scope(&mut self, of: ScopeId, scope: InstrumentationScope) -> ScopeId {
        let resource = self.scopes.get(of.0).map_or(0, |group| group.resource);
        self.push_scope(resource, scope)
    }

    /// Replaces the resource of `of`, where it is known only after its spans.
    pub fn set_resource(&mut self, of: ScopeId, resource: Resource) {
        let place = self.scopes.get(of.0).map(|group| group.resource);
        if let Some(slot) = place.and_then(|place| self.resources.get_mut(place)) {
            *slot = resource;
        }
    }

    /// Adds a span.
    ///
    /// # Errors
    /// [`NoRoom`] when the room has no more.
    pub fn add_span(
        &mut self,
        to: ScopeId,
        span: &Span,
        room: &mut Room<'_>,
    ) -> Result<(), NoRoom> {
        // Once for the span, once for the copy in the finished request.
        room.take(2 * (span.encoded_len() + 8))?;
        if let Some(group) = self.scopes.get_mut(to.0) {
            message::encode(SPANS, span, &mut group.spans);
            self.n_spans += 1;
        }
        Ok(())
    }

    /// The request; scopes and resources without spans are left out.
    pub fn finish(mut self) -> Translated {
        self.scopes.retain(|group| !group.spans.is_empty());
        self.scopes.sort_by_key(|group| group.resource);
        let lengths: Vec<usize> = self.scopes.iter().map(ScopeGroup::encoded_len).collect();
        let capacity = lengths.iter().map(|length| length + 16).sum::<usize>()
            + self.resources.iter().map(|resource| resource.encoded_len() + 16).sum::<usize>();
        let mut otlp = BytesMut::with_capacity(capacity);
        let mut place = 0;
        for (number, resource) in self.resources.iter().enumerate() {
            let n_scopes =
                self.scopes.iter().skip(place).take_while(|group| group.resource == number).count();
            let range = place..place + n_scopes;
            place = range.end;
            let (Some(groups), Some(lengths)) =
                (self.scopes.get(range.clone()), lengths.get(range))
            else {
                continue;
            };
            if groups.is_empty() {
                continue;
            }
            let scopes: usize = lengths.iter().map(|length| field_len(SCOPE_SPANS, *length)).sum();
            begin(RESOURCE_SPANS, field_len(RESOURCE, resource.encoded_len()) + scopes, &mut otlp);
            message::encode(RESOURCE, resource, &mut otlp);
            for (group, length) in groups.iter().zip(lengths) {
                begin(SCOPE_SPANS, *length, &mut otlp);
                message::encode(SCOPE, &group.scope, &mut otlp);
                otlp.extend_from_slice(&group.spans);
            }
        }
        Translated { otlp: otlp.freeze(), spans: self.n_spans }
    }

    fn push_scope(&mut self, resource: usize, scope: InstrumentationScope) -> ScopeId {
        self.scopes.push(ScopeGroup { resource, scope, spans: Vec::new() });
        ScopeId(self.scopes.len() - 1)
    }
}

impl ScopeGroup {
    fn encoded_len(&self) -> usize {
        field_len(SCOPE, self.scope.encoded_len()) + self.spans.len()
    }
}

fn field_len(number: u32, length: usize) -> usize {
    key_len(number) + encoded_len_varint(length as u64) + length
}

fn begin(number: u32, length: usize, otlp: &mut BytesMut) {
    encode_key(number, WireType::LengthDelimited, otlp);
    encode_varint(length as u64, otlp);
}

/// A trace id as OTLP has it: 16 bytes, an id of 64 bits with zeros before it.
pub fn trace_id(id: u128) -> Bytes {
    Bytes::copy_from_slice(&id.to_be_bytes())
}

/// A span id as OTLP has it: 8 bytes, or none for zero.
pub fn span_id(id: u64) -> Bytes {
    match id {
        0 => Bytes::new(),
        _ => Bytes::copy_from_slice(&id.to_be_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
    use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans};

    use super::*;

    fn span(name: &str) -> Span {
        Span { name: name.to_owned(), trace_id: trace_id(7), ..Span::default() }
    }

    fn scope(name: &str) -> InstrumentationScope {
        InstrumentationScope { name: name.to_owned(), ..InstrumentationScope::default() }
    }

    fn resource(dropped_attributes_count: u32) -> Resource {
        Resource { dropped_attributes_count, ..Resource::default() }
    }

    #[test]
    fn is_what_prost_encodes() {
        let mut grant = |_| true;
        let mut room = Room::new(&mut grant);
        let mut builder = RequestBuilder::new();
        let first = builder.add_resource(Resource::default(), scope("a"));
        let second = builder.add_resource(resource(2), scope("b"));
        let unused = builder.add_resource(resource(3), scope("unused"));
        let late = builder.add_scope(first, scope("c"));
        builder.add_scope(unused, scope("unused too"));
        builder.set_resource(first, resource(1));
        for (to, name) in [(late, "1"), (second, "2"), (first, "3"), (first, "4")] {
            builder.add_span(to, &span(name), &mut room).expect("there is room");
        }
        let group = |name: &str, names: &[&str]| ScopeSpans {
            scope: Some(scope(name)),
            spans: names.iter().map(|name| span(name)).collect(),
            ..ScopeSpans::default()
        };
        let expected = ExportTraceServiceRequest {
            resource_spans: vec![
                ResourceSpans {
                    resource: Some(resource(1)),
                    scope_spans: vec![group("a", &["3", "4"]), group("c", &["1"])],
                    ..ResourceSpans::default()
                },
                ResourceSpans {
                    resource: Some(resource(2)),
                    scope_spans: vec![group("b", &["2"])],
                    ..ResourceSpans::default()
                },
            ],
        };
        let translated = builder.finish();
        assert_eq!(translated.spans, 4);
        assert_eq!(translated.otlp, expected.encode_to_vec());
    }

    #[test]
    fn nothing_is_no_bytes() {
        let mut builder = RequestBuilder::new();
        builder.add_resource(resource(1), scope("a"));
        assert_eq!(builder.finish(), Translated { otlp: Bytes::new(), spans: 0 });
    }

    #[test]
    fn ids_have_their_length() {
        assert_eq!(trace_id(1)[..], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(span_id(0x0102)[..], [0, 0, 0, 0, 0, 0, 1, 2]);
        assert!(span_id(0).is_empty());
    }
}
