//! The labels of a series, and its key: one is written whenever the other is.

use std::collections::BTreeSet;

use spandrel_otlp::{AttributesView, ProducerView, SpanView, ValueView};
use spandrel_proto::otlp::common::KeyValue;
use spandrel_span_aggregation::{KeyWriter, lossy, view_text};

use super::SpanMetricsSettings;
use crate::Dimension;
use crate::data_points::text_label;

pub(super) const SERVICE_NAME: &str = "service.name";
pub(super) const SPAN_NAME: &str = "span.name";
pub(super) const SPAN_KIND: &str = "span.kind";
pub(super) const STATUS_CODE: &str = "status.code";
pub(super) const COLLECTOR_INSTANCE_ID: &str = "collector.instance.id";
const SAMPLING_METHOD: &str = "sampling.method";
const SCOPE_NAME: &str = "span.instrumentation.scope.name";
const SCOPE_VERSION: &str = "span.instrumentation.scope.version";
const KIND_MAX: i32 = 5;
const STATUS_MAX: i32 = 2;

/// Which labels the series of a metric have.
#[derive(Debug)]
pub(super) struct Labels {
    service_name: bool,
    span_name: bool,
    span_kind: bool,
    status_code: bool,
    collector_instance_id: Option<String>,
    sampling_method: bool,
    scopes: Vec<String>,
    dimensions: Vec<Dimension>,
}

/// What a label may be taken from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'s, 'a> {
    pub(super) service: ValueView<'a>,
    pub(super) resource: &'s ProducerView<'a>,
    pub(super) scope: &'s ProducerView<'a>,
    pub(super) span: &'s SpanView<'a>,
    /// The event that is counted, if one is.
    pub(super) event: Option<&'s AttributesView<'a>>,
    /// Its count was made from a sampling threshold.
    pub(super) extrapolated: bool,
}

impl Labels {
    /// The labels that all metrics have, and `more`.
    pub(super) fn new(
        settings: &SpanMetricsSettings,
        instance_id: &str,
        more: &[Dimension],
    ) -> Self {
        let included = |name: &str| !settings.exclude_dimensions.iter().any(|key| key == name);
        Self {
            service_name: included(SERVICE_NAME),
            span_name: included(SPAN_NAME),
            span_kind: included(SPAN_KIND),
            status_code: included(STATUS_CODE),
            collector_instance_id: included(COLLECTOR_INSTANCE_ID).then(|| instance_id.to_owned()),
            sampling_method: settings.enable_metrics_sampling_method,
            scopes: settings.include_instrumentation_scope.clone(),
            dimensions: settings.dimensions.iter().chain(more).cloned().collect(),
        }
    }

    pub(super) fn write_key(&self, subject: &Subject<'_, '_>, key: &mut KeyWriter) {
        key.clear();
        if self.service_name {
            key.value(&subject.service);
        }
        if self.span_name {
            key.text(subject.span.name);
        }
        if self.span_kind {
            key.number(known(subject.span.kind, KIND_MAX));
        }
        if self.status_code {
            key.number(known(subject.span.status_code, STATUS_MAX));
        }
        if self.sampling_method {
            key.number(i32::from(subject.extrapolated));
        }
        if !self.scopes.is_empty() {
            if self.has_scope(subject.scope) {
                key.text(subject.scope.name);
                key.text(subject.scope.version);
            } else {
                key.absent();
            }
        }
        let (places, n_places) = places(subject);
        let places = places.get(..n_places).unwrap_or_default();
        for dimension in &self.dimensions {
            dimension.write_key(places, key);
        }
    }

    pub(super) fn make(&self, subject: &Subject<'_, '_>) -> Vec<KeyValue> {
        let mut labels = Vec::with_capacity(5 + self.dimensions.len());
        if self.service_name {
            labels.push(text_label(SERVICE_NAME, view_text(&subject.service)));
        }
        if self.span_name {
            labels.push(text_label(SPAN_NAME, lossy(subject.span.name)));
        }
        if self.span_kind {
            labels.push(text_label(SPAN_KIND, kind_text(subject.span.kind)));
        }
        if self.status_code {
            labels.push(text_label(STATUS_CODE, status_text(subject.span.status_code)));
        }
        if let Some(id) = &self.collector_instance_id {
            labels.push(text_label(COLLECTOR_INSTANCE_ID, id.as_str()));
        }
        let (places, n_places) = places(subject);
        let places = places.get(..n_places).unwrap_or_default();
        for dimension in &self.dimensions {
            dimension.push_labels(places, &mut labels);
        }
        if self.has_scope(subject.scope) {
            labels.push(text_label(SCOPE_NAME, lossy(subject.scope.name)));
            if !subject.scope.version.is_empty() {
                labels.push(text_label(SCOPE_VERSION, lossy(subject.scope.version)));
            }
        }
        if self.sampling_method {
            let method = if subject.extrapolated { "extrapolated" } else { "counted" };
            labels.push(text_label(SAMPLING_METHOD, method));
        }
        // A glob may find what has a label already.
        let mut seen = BTreeSet::new();
        labels.retain(|label| seen.insert(label.key.clone()));
        labels
    }

    fn has_scope(&self, scope: &ProducerView<'_>) -> bool {
        !scope.name.is_empty() && self.scopes.iter().any(|name| name.as_bytes() == scope.name)
    }
}

/// Where dimensions are looked up, and in how many places: the span, the event if there is one, the resource.
fn places<'s, 'a>(subject: &Subject<'s, 'a>) -> ([&'s AttributesView<'a>; 3], usize) {
    let (span, resource) = (&subject.span.attributes, &subject.resource.attributes);
    match subject.event {
        Some(event) => ([span, event, resource], 3),
        None => ([span, resource, resource], 2),
    }
}

/// The number, or -1 for all that have no text: what has equal labels must have equal keys.
fn known(number: i32, max: i32) -> i32 {
    if (0..=max).contains(&number) { number } else { -1 }
}

fn kind_text(kind: i32) -> &'static str {
    match kind {
        0 => "SPAN_KIND_UNSPECIFIED",
        1 => "SPAN_KIND_INTERNAL",
        2 => "SPAN_KIND_SERVER",
        3 => "SPAN_KIND_CLIENT",
        4 => "SPAN_KIND_PRODUCER",
        5 => "SPAN_KIND_CONSUMER",
        _ => "",
    }
}

fn status_text(code: i32) -> &'static str {
    match code {
        0 => "STATUS_CODE_UNSET",
        1 => "STATUS_CODE_OK",
        2 => "STATUS_CODE_ERROR",
        _ => "",
    }
}
