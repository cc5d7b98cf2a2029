//! From the spans of a request into the tables of their resources.

use std::collections::BTreeSet;
use std::sync::Arc;

use spandrel_otlp::{AttributeView, ProducerView, SpanView, SpanVisitor, ValueView};
use spandrel_proto::otlp::common::KeyValue;
use spandrel_span_aggregation::{
    Buckets, Exemplar, KeyWriter, Observation, TableSettings, Temporality, adjusted_count, lossy,
    owned_value,
};
use uuid::Uuid;

use super::labels::{Labels, SERVICE_NAME, Subject};
use super::resources::{Resource, Resources};
use super::{SpanMetricsSettings, Unit};

/// The tables that each resource has, as the settings want them.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) settings: SpanMetricsSettings,
    pub(super) tables: Vec<TablePlan>,
    unit: Unit,
}

/// One table: which labels its series have and which metrics are made of them.
#[derive(Debug)]
pub(super) struct TablePlan {
    labels: Labels,
    pub(super) settings: Arc<TableSettings>,
    pub(super) shows: Vec<Shows>,
    /// It counts events and not spans.
    of_events: bool,
}

/// A metric that is made of the series of a table, by the last part of its name.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shows {
    Counter(&'static str),
    Histogram(&'static str, Unit),
}

impl Plan {
    pub(super) fn new(settings: SpanMetricsSettings) -> Self {
        let instance_id = Uuid::now_v7().to_string();
        let table = |more, buckets: Option<&Buckets>, shows, of_events| TablePlan {
            labels: Labels::new(&settings, &instance_id, more),
            settings: Arc::new(table_settings(&settings, buckets)),
            shows,
            of_events,
        };
        let calls = Shows::Counter("calls");
        let mut tables = Vec::new();
        match &settings.histogram {
            // Series that are split alike are kept in one table, and a span is looked up once.
            Some(histogram)
                if histogram.dimensions.is_empty() && settings.calls_dimensions.is_empty() =>
            {
                let shows = vec![calls, Shows::Histogram("duration", histogram.unit)];
                tables.push(table(&[][..], Some(&histogram.buckets), shows, false));
            }
            Some(histogram) => {
                tables.push(table(&settings.calls_dimensions, None, vec![calls], false));
                let shows = vec![Shows::Histogram("duration", histogram.unit)];
                tables.push(table(&histogram.dimensions, Some(&histogram.buckets), shows, false));
            }
            None => tables.push(table(&settings.calls_dimensions, None, vec![calls], false)),
        }
        if let Some(events) = &settings.events {
            tables.push(table(&events.dimensions, None, vec![Shows::Counter("events")], true));
        }
        let unit = settings.histogram.as_ref().map_or(Unit::Milliseconds, |h| h.unit);
        Self { settings, tables, unit }
    }

    /// The name of a metric in the namespace.
    pub(super) fn metric_name(&self, what: &str) -> String {
        match self.settings.namespace.as_str() {
            "" => what.to_owned(),
            namespace => format!("{namespace}.{what}"),
        }
    }
}

fn table_settings(settings: &SpanMetricsSettings, buckets: Option<&Buckets>) -> TableSettings {
    TableSettings {
        histograms: buckets.into_iter().cloned().collect(),
        cardinality_limit: settings.aggregation_cardinality_limit,
        exemplars_max: settings.exemplars_per_data_point,
        temporality: if settings.delta {
            Temporality::Delta { idle_max: settings.metric_timestamp_cache_size }
        } else {
            Temporality::Cumulative
        },
        expiration_nanos: u64::try_from(settings.series_expiration.as_nanos()).unwrap_or(u64::MAX),
    }
}

/// Adds the spans of one request to the resources of its tenant.
pub(super) struct Aggregation<'s, 'a> {
    plan: &'s Plan,
    resources: &'s mut Resources,
    now: u64,
    key: KeyWriter,
    current: Option<Current<'a>>,
    scope: ProducerView<'a>,
    n_spans: u64,
}

/// The resource whose spans come.
struct Current<'a> {
    key: Option<Arc<[u8]>>,
    resource: Resource,
    producer: ProducerView<'a>,
    service: ValueView<'a>,
}

impl<'s, 'a> Aggregation<'s, 'a> {
    pub(super) fn new(plan: &'s Plan, resources: &'s mut Resources, now: u64) -> Self {
        let (key, scope) = (KeyWriter::default(), ProducerView::default());
        Self { plan, resources, now, key, current: None, scope, n_spans: 0 }
    }

    /// Puts everything back. Returns how many spans there were.
    pub(super) fn finish(mut self) -> u64 {
        self.put_back();
        self.n_spans
    }

    fn put_back(&mut self) {
        if let Some(current) = self.current.take() {
            self.resources.put_back(current.key, current.resource, self.now);
        }
    }

    /// Those that tell the resource from others, each key once, by key.
    fn identity(&self, producer: &ProducerView<'a>) -> Vec<AttributeView<'a>> {
        let wanted = &self.plan.settings.resource_metrics_key_attributes;
        let mut identity = unique(producer);
        if !wanted.is_empty() {
            identity.retain(|a| wanted.iter().any(|key| key.as_bytes() == a.key));
        }
        identity.sort_by_key(|attribute| attribute.key);
        identity
    }
}

impl<'a> SpanVisitor<'a> for Aggregation<'_, 'a> {
    fn resource(&mut self, producer: &ProducerView<'a>) -> bool {
        self.put_back();
        // Spans of nobody are only counted.
        let Some(service) = producer.attributes.get(SERVICE_NAME) else { return true };
        self.key.clear();
        for attribute in self.identity(producer) {
            self.key.text(attribute.key);
            self.key.value(&attribute.value);
        }
        let (key, resource) =
            self.resources.take(self.plan, self.key.as_bytes(), || owned_attributes(producer));
        self.current = Some(Current { key, resource, producer: producer.clone(), service });
        true
    }

    fn scope(&mut self, scope: &ProducerView<'a>) {
        self.scope.clone_from(scope);
    }

    fn span(&mut self, span: &SpanView<'a>) {
        self.n_spans += 1;
        let Some(current) = &mut self.current else { return };
        let value = self.plan.unit.of_nanos(span.duration_nanos());
        let adjusted_count = adjusted_count(span.trace_state);
        let observation = Observation {
            values: &[value],
            adjusted_count,
            amount: 0,
            exemplar: Exemplar::new(span.trace_id, span.span_id, value, self.now),
            unix_nanos: self.now,
        };
        let subject = Subject {
            service: current.service,
            resource: &current.producer,
            scope: &self.scope,
            span,
            event: None,
            extrapolated: adjusted_count.is_some(),
        };
        for (plan, table) in self.plan.tables.iter().zip(&mut current.resource.tables) {
            let key = &mut self.key;
            let mut record = |subject: &Subject<'_, '_>| {
                plan.labels.write_key(subject, key);
                table.record(key.as_bytes(), &observation, || plan.labels.make(subject));
            };
            if plan.of_events {
                let counted = span.for_each_event(|_, attributes| {
                    record(&Subject { event: Some(attributes), ..subject });
                });
                // Whoever stores the span finds the fault too; its other events are counted.
                if let Err(error) = counted {
                    tracing::debug!(error = %error, "an event of a span is damaged");
                }
            } else {
                record(&subject);
            }
        }
    }
}

/// The attributes with each key once; of repeated keys the last counts.
fn unique<'a>(producer: &ProducerView<'a>) -> Vec<AttributeView<'a>> {
    let mut seen = BTreeSet::new();
    let mut unique: Vec<_> = producer.attributes.iter().collect();
    unique.reverse();
    unique.retain(|attribute| seen.insert(attribute.key));
    unique.reverse();
    unique
}

fn owned_attributes(producer: &ProducerView<'_>) -> Vec<KeyValue> {
    let owned = |attribute: AttributeView<'_>| KeyValue {
        key: lossy(attribute.key),
        value: Some(owned_value(&attribute.value)),
    };
    unique(producer).into_iter().map(owned).collect()
}
