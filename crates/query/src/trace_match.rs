//! What an answer says about a trace that was found.

use std::collections::BTreeMap;

use spandrel_model::{Span, StatusCode, Trace};
use spandrel_trace_values::{Spanset as Found, TraceValues};
use spandrel_traceql::{Attribute, SpanValues, Static};

use crate::{MatchedSpan, ServiceStats, Spanset, TraceMatch};

/// What of a trace is shown.
pub(crate) struct Shown<'a> {
    pub(crate) attributes: &'a [Attribute],
    pub(crate) spans_per_spanset: usize,
}

impl Shown<'_> {
    /// The trace with these spansets.
    pub(crate) fn trace_match(
        &self,
        trace: &Trace,
        values: &TraceValues<'_>,
        spansets: Vec<Found>,
    ) -> TraceMatch {
        let root = values.root_span();
        TraceMatch {
            trace_id: trace.trace_id,
            root_service: root.and_then(|r| r.resource.service_name()).map(str::to_owned),
            root_name: root.map(|root| root.name.clone()),
            start_unix_nanos: values.start,
            duration_nanos: values.end.saturating_sub(values.start),
            spansets: spansets
                .into_iter()
                .map(|found| self.spanset(trace, values, found))
                .collect(),
            services: services(&trace.spans),
        }
    }

    fn spanset(&self, trace: &Trace, values: &TraceValues<'_>, found: Found) -> Spanset {
        let Found { spans: mut indexes, attributes } = found;
        let matched = indexes.len() as u32;
        indexes.sort_by_key(|index| trace.spans[*index as usize].start_unix_nanos);
        indexes.truncate(self.spans_per_spanset);
        let spans = indexes.into_iter().map(|index| self.span(trace, values, index as usize));
        Spanset { spans: spans.collect(), matched, attributes }
    }

    fn span(&self, trace: &Trace, values: &TraceValues<'_>, index: usize) -> MatchedSpan {
        let (span, own) = (&trace.spans[index], values.span(index));
        let attributes = self.attributes.iter().filter_map(|attribute| {
            let value = own.value(attribute).into_owned();
            (!value.is_nil()).then(|| (attribute.clone(), value))
        });
        MatchedSpan {
            span_id: span.span_id,
            name: span.name.clone(),
            start_unix_nanos: span.start_unix_nanos.cast_signed(),
            duration_nanos: span.duration_nanos(),
            attributes: attributes.collect(),
        }
    }
}

fn services(spans: &[Span]) -> BTreeMap<String, ServiceStats> {
    let mut services: BTreeMap<String, ServiceStats> = BTreeMap::new();
    for span in spans {
        let name = span.resource.service_name().unwrap_or_default();
        let stats = match services.get_mut(name) {
            Some(stats) => stats,
            None => services.entry(name.to_owned()).or_default(),
        };
        stats.n_spans += 1;
        stats.n_errors += u32::from(span.status_code == StatusCode::Error);
    }
    services
}

/// About what a found trace takes.
pub(crate) fn size_bytes(found: &TraceMatch) -> usize {
    let span = |span: &MatchedSpan| {
        let attributes = span.attributes.iter();
        let values =
            attributes.map(|(_, value)| size_of::<(Attribute, Static)>() + text_bytes(value));
        size_of::<MatchedSpan>() + span.name.len() + values.sum::<usize>()
    };
    let spanset = |spanset: &Spanset| {
        let attributes = spanset.attributes.iter();
        let values = attributes
            .map(|(name, value)| size_of_val(name) + size_of_val(value) + text_bytes(value));
        size_of::<Spanset>() + values.sum::<usize>() + spanset.spans.iter().map(span).sum::<usize>()
    };
    size_of::<TraceMatch>() + found.spansets.iter().map(spanset).sum::<usize>()
}

fn text_bytes(value: &Static) -> usize {
    match value {
        Static::String(text) => text.len(),
        value => size_of::<Static>() * value.elements().len(),
    }
}
