//! Exporters, and metrics for them.

use std::sync::Arc;

use spandrel_base::clock::ManualClock;
use spandrel_base::memory::MemoryBudget;
use spandrel_config::read_settings;
use spandrel_metrics_exporters::prometheus::{PageFormat, PrometheusExporter, PrometheusSettings};
use spandrel_model::TenantId;
use spandrel_pipeline::{Accepted, Account, ComponentContext, MetricBatch, MetricConsumer};
use spandrel_proto::otlp::collector_metrics::ExportMetricsServiceRequest;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{AnyValue, InstrumentationScope, KeyValue};
use spandrel_proto::otlp::metrics::metric::Data;
use spandrel_proto::otlp::metrics::{
    AggregationTemporality, Exemplar, Gauge, Histogram, HistogramDataPoint, Metric,
    NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, exemplar, number_data_point,
};
use spandrel_proto::otlp::resource::Resource;
use spandrel_telemetry::Metrics;

/// When every test begins.
pub(crate) const START: u64 = 1_700_000_000_000_000_000;

pub(crate) struct Test {
    pub(crate) exporter: PrometheusExporter,
    pub(crate) clock: Arc<ManualClock>,
}

impl Test {
    /// An exporter with these settings beside an endpoint.
    pub(crate) fn new(yaml: &str) -> Self {
        Self::with_memory(yaml, MemoryBudget::unlimited())
    }

    pub(crate) fn with_memory(yaml: &str, memory: MemoryBudget) -> Self {
        let yaml = format!("endpoint: 127.0.0.1:0\n{yaml}");
        let (settings, _) = read_settings(&yaml, PrometheusSettings::read).unwrap();
        let clock = Arc::new(ManualClock::new(START));
        let context = ComponentContext {
            id: "prometheus".into(),
            pipeline: "".into(),
            clock: clock.clone(),
            metrics: Metrics::new(),
            memory,
            data_dir: "unused".into(),
            account: Account::detached(),
        };
        Self { exporter: PrometheusExporter::new(settings, context).unwrap(), clock }
    }

    pub(crate) async fn send(&self, resource_metrics: Vec<ResourceMetrics>) -> Accepted {
        let request = ExportMetricsServiceRequest { resource_metrics };
        let batch = MetricBatch::new(TenantId::single(), request);
        self.exporter.consume_metrics(batch).await.unwrap()
    }

    pub(crate) fn page(&self) -> String {
        self.page_in(PageFormat::Text)
    }

    /// The page in another format that is text.
    pub(crate) fn page_in(&self, format: PageFormat) -> String {
        String::from_utf8(self.exporter.page(format)).unwrap()
    }

    /// The samples of the page.
    pub(crate) fn samples(&self) -> Vec<String> {
        let page = self.page();
        let samples = page.lines().filter(|line| !line.starts_with('#'));
        samples.map(str::to_owned).collect()
    }
}

/// Attributes with text, from `key=value` separated by spaces.
pub(crate) fn pairs(list: &str) -> Vec<KeyValue> {
    let pair = |part: &str| {
        let (key, value) = part.split_once('=').unwrap();
        let value = Some(AnyValue { value: Some(Value::StringValue(value.to_owned())) });
        KeyValue { key: key.to_owned(), value }
    };
    list.split_whitespace().map(pair).collect()
}

/// Metrics of one resource, from the scope `spanmetricsconnector`.
pub(crate) fn resource(attributes: &str, metrics: Vec<Metric>) -> ResourceMetrics {
    let scope = InstrumentationScope {
        name: "spanmetricsconnector".to_owned(),
        ..InstrumentationScope::default()
    };
    ResourceMetrics {
        resource: Some(Resource { attributes: pairs(attributes), ..Resource::default() }),
        scope_metrics: vec![ScopeMetrics {
            scope: Some(scope),
            metrics,
            ..ScopeMetrics::default()
        }],
        ..ResourceMetrics::default()
    }
}

pub(crate) fn point(attributes: &str, value: i64, unix_nanos: u64) -> NumberDataPoint {
    NumberDataPoint {
        attributes: pairs(attributes),
        time_unix_nano: unix_nanos,
        value: Some(number_data_point::Value::AsInt(value)),
        ..NumberDataPoint::default()
    }
}

pub(crate) fn counter(
    name: &str,
    temporality: AggregationTemporality,
    data_points: Vec<NumberDataPoint>,
) -> Metric {
    let aggregation_temporality = temporality.into();
    let sum = Sum { data_points, aggregation_temporality, is_monotonic: true };
    Metric { name: name.to_owned(), data: Some(Data::Sum(sum)), ..Metric::default() }
}

pub(crate) fn gauge(name: &str, unit: &str, data_points: Vec<NumberDataPoint>) -> Metric {
    let data = Some(Data::Gauge(Gauge { data_points }));
    Metric { name: name.to_owned(), unit: unit.to_owned(), data, ..Metric::default() }
}

/// A histogram over 5 and 50 ms.
pub(crate) fn histogram(
    name: &str,
    temporality: AggregationTemporality,
    (attributes, counts, sum): (&str, [u64; 3], f64),
    unix_nanos: u64,
) -> Metric {
    let point = HistogramDataPoint {
        attributes: pairs(attributes),
        time_unix_nano: unix_nanos,
        count: counts.iter().sum(),
        sum: Some(sum),
        bucket_counts: counts.to_vec(),
        explicit_bounds: vec![5.0, 50.0],
        exemplars: vec![Exemplar {
            time_unix_nano: START + 500_000_000,
            trace_id: vec![7; 16].into(),
            span_id: vec![9; 8].into(),
            value: Some(exemplar::Value::AsDouble(12.5)),
            ..Exemplar::default()
        }],
        ..HistogramDataPoint::default()
    };
    let aggregation_temporality = temporality.into();
    let data = Histogram { data_points: vec![point], aggregation_temporality };
    let (name, unit) = (name.to_owned(), "ms".to_owned());
    Metric { name, unit, data: Some(Data::Histogram(data)), ..Metric::default() }
}
