//! A span of either encoding, and its translation.

use spandrel_proto::otlp::common::KeyValue;
use spandrel_proto::otlp::trace::Span;
use spandrel_proto::otlp::trace::span::{Event, Link, SpanKind};
use spandrel_translate::{Attributes, span_id, string, trace_id};

use crate::status::take_status;

const REF_TYPE: &str = "opentracing.ref_type";

/// What both encodings say of a span. Times are in nanoseconds since 1970.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct JaegerSpan {
    pub(crate) trace_id: u128,
    pub(crate) span_id: u64,
    /// Zero where only the references say it.
    pub(crate) parent_span_id: u64,
    pub(crate) operation_name: String,
    pub(crate) start_unix_nanos: u64,
    pub(crate) end_unix_nanos: u64,
    pub(crate) references: Vec<Reference>,
    pub(crate) tags: Attributes,
    pub(crate) logs: Vec<Event>,
    pub(crate) flags: u32,
}

/// A relation to another span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) trace_id: u128,
    pub(crate) span_id: u64,
    pub(crate) kind: ReferenceKind,
}

/// How spans are related. Future kinds are read as the second one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReferenceKind {
    ChildOf,
    FollowsFrom,
}

impl JaegerSpan {
    /// The parent; zero when there is none.
    fn parent(&self) -> u64 {
        if self.parent_span_id != 0 {
            return self.parent_span_id;
        }
        let mut own = self.references.iter().filter(|other| other.trace_id == self.trace_id);
        let mut followed = None;
        let child_of = own.find(|other| {
            followed = followed.or(Some(other.span_id));
            other.kind == ReferenceKind::ChildOf
        });
        child_of.map(|other| other.span_id).or(followed).unwrap_or(0)
    }

    /// The span in OTLP; `trace_state` is for the caller, who knows whether there is one.
    pub(crate) fn translate(mut self, trace_state: String) -> Span {
        let parent = self.parent();
        let kind = self.tags.remove_text("span.kind");
        let kind = kind.map_or(SpanKind::Unspecified, |kind| span_kind(&kind));
        let status = take_status(&mut self.tags, kind);
        let is_parent =
            |other: &&Reference| other.span_id == parent && other.kind == ReferenceKind::ChildOf;
        Span {
            trace_id: trace_id(self.trace_id),
            span_id: span_id(self.span_id),
            trace_state,
            parent_span_id: span_id(parent),
            name: self.operation_name,
            kind: kind as i32,
            start_time_unix_nano: self.start_unix_nanos,
            end_time_unix_nano: self.end_unix_nanos,
            attributes: self.tags.into_list(),
            events: self.logs,
            links: self.references.iter().filter(|other| !is_parent(other)).map(link).collect(),
            status,
            ..Span::default()
        }
    }
}

fn span_kind(tag: &str) -> SpanKind {
    match tag {
        "client" => SpanKind::Client,
        "server" => SpanKind::Server,
        "producer" => SpanKind::Producer,
        "consumer" => SpanKind::Consumer,
        "internal" => SpanKind::Internal,
        _ => SpanKind::Unspecified,
    }
}

fn link(reference: &Reference) -> Link {
    let kind = match reference.kind {
        ReferenceKind::ChildOf => "child_of",
        ReferenceKind::FollowsFrom => "follows_from",
    };
    let mut attributes = Attributes::new();
    attributes.put(REF_TYPE, string(kind));
    Link {
        trace_id: trace_id(reference.trace_id),
        span_id: span_id(reference.span_id),
        attributes: attributes.into_list(),
        ..Link::default()
    }
}

/// An event of a log; its name is the field `event`.
pub(crate) fn event(time_unix_nano: u64, mut fields: Attributes) -> Event {
    let name = fields.remove_text("event").unwrap_or_default();
    let attributes: Vec<KeyValue> = fields.into_list();
    Event { time_unix_nano, name, attributes, ..Event::default() }
}

#[cfg(test)]
mod tests {
    use ReferenceKind::{ChildOf, FollowsFrom};

    use super::*;

    /// Parent, then the links, as spans and kinds; the span is of trace 1.
    fn relations(
        explicit: u64,
        references: &[(u128, u64, ReferenceKind)],
    ) -> (u64, Vec<(u64, String)>) {
        let references = references.iter().map(|(trace_id, span_id, kind)| Reference {
            trace_id: *trace_id,
            span_id: *span_id,
            kind: *kind,
        });
        let span = JaegerSpan {
            trace_id: 1,
            parent_span_id: explicit,
            references: references.collect(),
            ..JaegerSpan::default()
        };
        let id = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_be_bytes);
        let span = span.translate(String::new());
        let links = span.links.iter().map(|link| {
            let value = link.attributes[0].value.clone().unwrap().value.unwrap();
            (id(&link.span_id), format!("{value:?}"))
        });
        (id(&span.parent_span_id), links.collect())
    }

    #[test]
    fn parents_and_links() {
        let child = |id| (id, r#"StringValue("child_of")"#.to_owned());
        let follows = |id| (id, r#"StringValue("follows_from")"#.to_owned());
        type References = &'static [(u128, u64, ReferenceKind)];
        let cases: [(u64, References, _); 7] = [
            (0, &[], (0, vec![])),
            (0, &[(1, 2, ChildOf)], (2, vec![])),
            (0, &[(1, 2, FollowsFrom), (1, 3, ChildOf)], (3, vec![follows(2)])),
            (0, &[(1, 2, FollowsFrom), (1, 3, FollowsFrom)], (2, vec![follows(2), follows(3)])),
            (0, &[(9, 2, ChildOf)], (0, vec![child(2)])),
            (5, &[(1, 2, ChildOf)], (5, vec![child(2)])),
            (2, &[(1, 2, ChildOf), (1, 2, FollowsFrom)], (2, vec![follows(2)])),
        ];
        for (explicit, references, expected) in cases {
            assert_eq!(relations(explicit, references), expected, "{explicit} {references:?}");
        }
    }

    #[test]
    fn kinds() {
        for (tag, kind) in [("client", 3), ("server", 2), ("Server", 0), ("internal", 1), ("", 0)] {
            let mut span = JaegerSpan::default();
            span.tags.put("span.kind", string(tag));
            let span = span.translate(String::new());
            assert_eq!((span.kind, span.attributes.len()), (kind, 0), "{tag}");
        }
    }
}
