//! Records the threshold of probabilistic policies in the tracestate of spans, on the bytes.

use std::borrow::Cow;

use bytes::Bytes;
use spandrel_model::TraceId;
use spandrel_otlp::wire::{Reader, Value, put_header};
use spandrel_retention::{Threshold, with_threshold};

use crate::facts::SpanFacts;
use crate::fragment::Content;
use crate::policy::randomness_of;

const SCOPE_SPANS: u32 = 2;
const SPANS: u32 = 2;
const TRACE_ID: u32 = 1;
const TRACE_STATE: u32 = 3;

/// The fragment with `threshold` in all of its spans, except in those that say a higher one already.
pub(super) fn recording(content: &Content, threshold: Threshold) -> Content {
    let mut body = Vec::with_capacity(content.body.len() + content.body.len() / 8);
    let mut scopes = Reader::new(&content.body, "ResourceSpans");
    while let Ok(Some(scope_spans)) = scopes.next_message(SCOPE_SPANS) {
        let mut changed = Vec::with_capacity(scope_spans.len() + scope_spans.len() / 8);
        let mut fields = Reader::new(scope_spans, "ScopeSpans");
        while let Ok(Some(field)) = fields.next_raw() {
            match field.message(SPANS) {
                Some(span) => put_span(&mut changed, span, field.raw, threshold),
                None => changed.extend_from_slice(field.raw),
            }
        }
        put_header(&mut body, SCOPE_SPANS, changed.len());
        body.extend_from_slice(&changed);
    }
    Content { head: content.head.clone(), body: Bytes::from(body) }
}

fn put_span(out: &mut Vec<u8>, span: &[u8], raw: &[u8], threshold: Threshold) {
    let (mut id, mut state) = ([0; 16], &b""[..]);
    let mut fields = Reader::new(span, "Span");
    while let Ok(Some(field)) = fields.next_field() {
        match field {
            (TRACE_ID, Value::Bytes(bytes)) => id = bytes.try_into().unwrap_or_default(),
            (TRACE_STATE, Value::Bytes(text)) => state = text,
            _ => {}
        }
    }
    let facts = SpanFacts { trace_state: state, ..SpanFacts::default() };
    let randomness = randomness_of(TraceId(id), &[facts]);
    let text = String::from_utf8_lossy(state);
    let Cow::Owned(changed) = with_threshold(&text, threshold, randomness) else {
        out.extend_from_slice(raw);
        return;
    };
    let mut others = Vec::with_capacity(span.len());
    let mut fields = Reader::new(span, "Span");
    while let Ok(Some(field)) = fields.next_raw() {
        if field.number != TRACE_STATE {
            others.extend_from_slice(field.raw);
        }
    }
    put_header(&mut others, TRACE_STATE, changed.len());
    others.extend_from_slice(changed.as_bytes());
    put_header(out, SPANS, others.len());
    out.extend_from_slice(&others);
}
