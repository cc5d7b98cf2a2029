//! One counter over the items of one resource.

use std::collections::BTreeMap;

use prost::Message as _;
use spandrel_ottl::{Client, View};
use spandrel_proto::otlp::common::KeyValue;
use spandrel_proto::otlp::metrics::metric::Data;
use spandrel_proto::otlp::metrics::{
    AggregationTemporality, Metric, NumberDataPoint, Sum, number_data_point,
};
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span};

use super::CountMetric;

/// What is counted: a span, or one of its events.
#[derive(Clone, Copy)]
pub(super) struct Item<'a> {
    pub(super) spans: &'a ResourceSpans,
    pub(super) scope: &'a ScopeSpans,
    pub(super) span: &'a Span,
    /// Number of the event.
    pub(super) event: Option<usize>,
    pub(super) client: Client<'a>,
}

impl<'a> Item<'a> {
    fn view(&self) -> View<'a> {
        let view = View::of(self.spans).with_scope(self.scope).with_span(self.span);
        let view = view.with_client(self.client);
        self.event.map_or(view, |event| view.with_event(event))
    }

    /// The attribute of the item, its scope or its resource; of repeated keys the last counts.
    fn attribute(&self, key: &str) -> Option<&'a KeyValue> {
        let own = match self.event {
            Some(event) => self.span.events.get(event).map(|event| &event.attributes),
            None => Some(&self.span.attributes),
        };
        let scope = self.scope.scope.as_ref().map(|scope| &scope.attributes);
        let resource = self.spans.resource.as_ref().map(|resource| &resource.attributes);
        let places = [own, scope, resource];
        places.into_iter().flatten().find_map(|list| list.iter().rfind(|pair| pair.key == key))
    }
}

/// Counts by attributes; the keys are their encoding, so that they can be compared.
#[derive(Debug, Default, Clone)]
pub(super) struct Counter(BTreeMap<Vec<u8>, (Vec<KeyValue>, i64)>);

impl Counter {
    /// Counts the item if it is one that the metric counts.
    pub(super) fn count(&mut self, metric: &CountMetric, item: &Item<'_>) {
        if !metric.conditions.is_empty() && !metric.conditions.any(&item.view()).unwrap_or(false) {
            return;
        }
        let mut labels = Vec::with_capacity(metric.attributes.len());
        for attribute in &metric.attributes {
            let value = match item.attribute(&attribute.key) {
                Some(pair) => pair.value.clone(),
                None if attribute.default_value.is_some() => attribute.default_value.clone(),
                None => return,
            };
            labels.push(KeyValue { key: attribute.key.clone(), value });
        }
        let key = labels.iter().flat_map(|label| label.encode_length_delimited_to_vec()).collect();
        self.0.entry(key).or_insert((labels, 0)).1 += 1;
    }

    /// What was counted, or nothing.
    pub(super) fn into_metric(self, metric: &CountMetric, unix_nanos: u64) -> Option<Metric> {
        if self.0.is_empty() {
            return None;
        }
        let points = self.0.into_values().map(|(attributes, count)| NumberDataPoint {
            attributes,
            time_unix_nano: unix_nanos,
            value: Some(number_data_point::Value::AsInt(count)),
            ..NumberDataPoint::default()
        });
        let sum = Sum {
            data_points: points.collect(),
            aggregation_temporality: AggregationTemporality::Delta.into(),
            is_monotonic: true,
        };
        Some(Metric {
            name: metric.name.clone(),
            description: metric.description.clone(),
            data: Some(Data::Sum(sum)),
            ..Metric::default()
        })
    }
}
