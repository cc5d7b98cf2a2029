//! The spans of a trace as Zipkin has them: names in lower case, shared halves marked, what came late merged.

use std::cmp::Ordering;
use std::collections::HashMap;

use prost::Message;
use spandrel_model::Trace;
use spandrel_otlp::encode_trace;
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_zipkin::{Endpoint, Kind, Span, spans_of};

use crate::error::ZipkinApiError;

/// The spans of the parts of one trace, which may have ids of different lengths: then the longer one counts.
///
/// # Errors
/// [`ZipkinApiError`] when a stored span has no ids.
pub(crate) fn zipkin_spans(parts: &[Trace]) -> Result<Vec<Span>, ZipkinApiError> {
    let mut spans = Vec::new();
    for part in parts {
        let mut bytes = Vec::new();
        encode_trace(part, &mut bytes);
        let request = ExportTraceServiceRequest::decode(bytes.as_slice())?;
        let mut translated = spans_of(&request)?;
        restore_errors(&request, &mut translated);
        spans.extend(translated);
    }
    let trace_id = spans.iter().map(|span| span.trace_id).max().unwrap_or_default();
    for span in &mut spans {
        span.trace_id = trace_id;
        span.name = span.name.to_lowercase();
        for endpoint in [&mut span.local_endpoint, &mut span.remote_endpoint].into_iter().flatten()
        {
            endpoint.service_name = endpoint.service_name.to_lowercase();
        }
    }
    mark_shared(&mut spans);
    Ok(merge(spans))
}

/// Zipkin's clients say in the tag `error` what went wrong. It was stored, but a translation has a fixed word there,
/// and a status beside it.
fn restore_errors(request: &ExportTraceServiceRequest, spans: &mut [Span]) {
    let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
    let stored = scopes.flat_map(|scope| &scope.spans);
    for (span, stored) in spans.iter_mut().zip(stored) {
        let error = stored.attributes.iter().find(|pair| pair.key == "error");
        let text = error.and_then(|pair| pair.value.as_ref()).and_then(|any| any.value.as_ref());
        if let (Some(Value::StringValue(text)), true) = (text, span.tags.contains_key("error")) {
            span.tags.insert("error".to_owned(), text.clone());
            span.tags.remove("otel.status_code");
        }
    }
}

/// A server that has the id of a client is its other half.
fn mark_shared(spans: &mut [Span]) {
    let mut clients: HashMap<u64, Option<u64>> = HashMap::new();
    for span in spans.iter().filter(|span| span.kind == Kind::Client) {
        clients.entry(span.id).or_insert(span.parent_id);
    }
    for span in spans.iter_mut().filter(|span| span.kind == Kind::Server) {
        if let Some(parent) = clients.get(&span.id) {
            span.shared = true;
            span.parent_id = span.parent_id.or(*parent);
        }
    }
}

/// Merges spans that are reports of the same one, and keeps the others in order.
fn merge(spans: Vec<Span>) -> Vec<Span> {
    let mut places: HashMap<(u64, bool), Vec<usize>> = HashMap::new();
    let mut merged: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        let known = places.entry((span.id, span.shared)).or_default();
        let same = known.iter().find(|place| are_of_one(&merged[**place], &span));
        match same {
            Some(place) => put_into(&mut merged[*place], span),
            None => {
                known.push(merged.len());
                merged.push(span);
            }
        }
    }
    merged.sort_by(by_time);
    merged
}

/// Roots first, then by time.
fn by_time(a: &Span, b: &Span) -> Ordering {
    let key = |span: &Span| (span.parent_id.is_some(), span.timestamp_micros, span.shared);
    key(a).cmp(&key(b))
}

/// Whether two spans of one id are reports of one span: from the same place, as far as they say, and not different
/// sides of a call.
fn are_of_one(known: &Span, span: &Span) -> bool {
    let kinds = (known.kind, span.kind);
    let same_side =
        kinds.0 == kinds.1 || matches!(kinds, (Kind::Unspecified, _) | (_, Kind::Unspecified));
    let (Some(a), Some(b)) = (&known.local_endpoint, &span.local_endpoint) else {
        return same_side;
    };
    let compatible = |a: &str, b: &str| a.is_empty() || b.is_empty() || a == b;
    same_side
        && compatible(&a.service_name, &b.service_name)
        && (a.ipv4.is_none() || b.ipv4.is_none() || a.ipv4 == b.ipv4)
        && (a.port == 0 || b.port == 0 || a.port == b.port)
}

fn put_into(known: &mut Span, span: Span) {
    if known.kind == Kind::Unspecified {
        known.kind = span.kind;
    }
    if known.name.is_empty() || known.name == "unknown" {
        known.name = span.name;
    }
    known.parent_id = known.parent_id.or(span.parent_id);
    let times = [known.timestamp_micros, span.timestamp_micros];
    known.timestamp_micros = times.into_iter().filter(|time| *time > 0).min().unwrap_or(0);
    known.duration_micros = known.duration_micros.max(span.duration_micros);
    put_endpoint(&mut known.local_endpoint, span.local_endpoint);
    put_endpoint(&mut known.remote_endpoint, span.remote_endpoint);
    for annotation in span.annotations {
        if !known.annotations.contains(&annotation) {
            known.annotations.push(annotation);
        }
    }
    known.annotations.sort_by_key(|annotation| annotation.timestamp_micros);
    for (key, value) in span.tags {
        known.tags.entry(key).or_insert(value);
    }
}

fn put_endpoint(known: &mut Option<Endpoint>, other: Option<Endpoint>) {
    let Some(other) = other else { return };
    let known = known.get_or_insert_default();
    if known.service_name.is_empty() {
        known.service_name = other.service_name;
    }
    known.ipv4 = known.ipv4.or(other.ipv4);
    known.ipv6 = known.ipv6.or(other.ipv6);
    if known.port == 0 {
        known.port = other.port;
    }
}
