//! Requests, contexts and consumers that remember what they got.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use spandrel_base::clock::ManualClock;
use spandrel_base::memory::MemoryBudget;
use spandrel_config::{Section, read_settings};
use spandrel_model::TenantId;
use spandrel_pipeline::{
    Accepted, Account, ComponentContext, ConsumeError, MetricBatch, MetricConsumer, TraceBatch,
    TraceConsumer, Traces,
};
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{AnyValue, InstrumentationScope, KeyValue};
use spandrel_proto::otlp::metrics::metric::Data;
use spandrel_proto::otlp::metrics::{Metric, number_data_point};
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::span::Event;
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span, Status};
use spandrel_span_aggregation::value_text;
use spandrel_telemetry::Metrics;

/// When every test begins.
pub(crate) const START: u64 = 1_700_000_000_000_000_000;

/// A context whose clock stands still.
pub(crate) fn context(clock: &Arc<ManualClock>) -> ComponentContext {
    ComponentContext {
        id: "connector".into(),
        pipeline: "traces".into(),
        clock: clock.clone(),
        metrics: Metrics::new(),
        memory: MemoryBudget::unlimited(),
        data_dir: "unused".into(),
        account: Account::detached(),
    }
}

pub(crate) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(START))
}

/// Settings from YAML that has no mistake.
pub(crate) fn settings<T>(yaml: &str, read: impl FnOnce(&mut Section<'_>) -> T) -> T {
    let (settings, _) = read_settings(yaml, read).unwrap_or_else(|problems| {
        panic!("{yaml}\n{problems:?}");
    });
    settings
}

/// What is wrong with YAML.
pub(crate) fn problems<T>(yaml: &str, read: impl FnOnce(&mut Section<'_>) -> T) -> String {
    match read_settings(yaml, read) {
        Ok(_) => panic!("{yaml}\nhas no mistake"),
        Err(problems) => format!("{problems}"),
    }
}

pub(crate) fn text(text: &str) -> AnyValue {
    AnyValue { value: Some(Value::StringValue(text.to_owned())) }
}

pub(crate) fn int(number: i64) -> AnyValue {
    AnyValue { value: Some(Value::IntValue(number)) }
}

pub(crate) fn pair(key: &str, value: AnyValue) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(value) }
}

/// Attributes with text, from `key=value` separated by spaces.
pub(crate) fn pairs(list: &str) -> Vec<KeyValue> {
    list.split_whitespace()
        .map(|part| {
            let (key, value) = part.split_once('=').unwrap();
            pair(key, text(value))
        })
        .collect()
}

/// A span of 10 ms.
pub(crate) fn span(name: &str, kind: i32, attributes: &str) -> Span {
    Span {
        trace_id: vec![7; 16].into(),
        span_id: vec![9; 8].into(),
        name: name.to_owned(),
        kind,
        start_time_unix_nano: START,
        end_time_unix_nano: START + 10_000_000,
        attributes: pairs(attributes),
        ..Span::default()
    }
}

pub(crate) fn status(code: i32) -> Option<Status> {
    Some(Status { code, ..Status::default() })
}

pub(crate) fn event(name: &str, attributes: &str) -> Event {
    Event { name: name.to_owned(), attributes: pairs(attributes), ..Event::default() }
}

/// Spans of one resource, in a scope called `lib`.
pub(crate) fn resource(attributes: &str, spans: Vec<Span>) -> ResourceSpans {
    let scope = InstrumentationScope {
        name: "lib".to_owned(),
        version: "1.2".to_owned(),
        ..InstrumentationScope::default()
    };
    ResourceSpans {
        resource: Some(Resource { attributes: pairs(attributes), ..Resource::default() }),
        scope_spans: vec![ScopeSpans { scope: Some(scope), spans, ..ScopeSpans::default() }],
        ..ResourceSpans::default()
    }
}

pub(crate) fn batch(resource_spans: Vec<ResourceSpans>) -> TraceBatch {
    let request = ExportTraceServiceRequest { resource_spans };
    TraceBatch::otlp(TenantId::single(), Traces::from(request).into_otlp())
}

/// Takes everything, or nothing.
#[derive(Default)]
pub(crate) struct Sink {
    pub(crate) traces: Mutex<Vec<TraceBatch>>,
    pub(crate) metrics: Mutex<Vec<MetricBatch>>,
    pub(crate) full: std::sync::atomic::AtomicBool,
}

impl Sink {
    fn check(&self) -> Result<(), ConsumeError> {
        if self.full.load(std::sync::atomic::Ordering::SeqCst) {
            let retry_after = Duration::from_secs(1);
            return Err(ConsumeError::Unavailable {
                message: "full".into(),
                retry_after,
                spans: 1,
            });
        }
        Ok(())
    }

    /// The names of the spans that came, batch by batch: `resource/scope/span`.
    pub(crate) fn span_names(&self) -> Vec<Vec<String>> {
        let batches = self.traces.lock().unwrap();
        batches.iter().map(|batch| names(&batch.traces)).collect()
    }

    /// Every data point that came, a line each, sorted; see [`lines`].
    pub(crate) fn take_lines(&self) -> Vec<String> {
        let batches = std::mem::take(&mut *self.metrics.lock().unwrap());
        let mut all: Vec<_> = batches.iter().flat_map(lines).collect();
        all.sort();
        all
    }
}

fn names(traces: &Traces) -> Vec<String> {
    let request = traces.clone().decoded().unwrap();
    let mut names = Vec::new();
    for spans in &request.resource_spans {
        let attributes = spans.resource.as_ref().map(|r| r.attributes.clone()).unwrap_or_default();
        let resource = attributes.iter().map(|pair| value_text(pair.value.as_ref().unwrap()));
        let resource = resource.collect::<Vec<_>>().join("+");
        for scope in &spans.scope_spans {
            let scope_name = &scope.scope.as_ref().unwrap().name;
            names.extend(scope.spans.iter().map(|s| format!("{resource}/{scope_name}/{}", s.name)));
        }
    }
    names
}

#[async_trait::async_trait]
impl TraceConsumer for Sink {
    async fn consume(&self, batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        self.check()?;
        let accepted_spans = batch.traces.span_count();
        self.traces.lock().unwrap().push(batch);
        Ok(Accepted { accepted_spans, ..Accepted::default() })
    }
}

#[async_trait::async_trait]
impl MetricConsumer for Sink {
    async fn consume_metrics(&self, batch: MetricBatch) -> Result<Accepted, ConsumeError> {
        self.check()?;
        self.metrics.lock().unwrap().push(batch);
        Ok(Accepted::default())
    }
}

/// One line for each data point: `name{resource|labels} value`. Histograms show their counts and sum.
pub(crate) fn lines(batch: &MetricBatch) -> Vec<String> {
    let mut lines = Vec::new();
    for resource in &batch.metrics.resource_metrics {
        let of_resource = labels(&resource.resource.as_ref().unwrap().attributes);
        for metric in resource.scope_metrics.iter().flat_map(|scope| &scope.metrics) {
            for (of_point, value) in values(metric) {
                lines.push(format!("{}{{{of_resource}|{of_point}}} {value}", metric.name));
            }
        }
    }
    lines
}

pub(crate) fn labels(attributes: &[KeyValue]) -> String {
    let mut labels: Vec<_> = attributes
        .iter()
        .map(|pair| {
            format!("{}={}", pair.key, pair.value.as_ref().map(value_text).unwrap_or_default())
        })
        .collect();
    labels.sort();
    labels.join(",")
}

fn values(metric: &Metric) -> Vec<(String, String)> {
    match metric.data.as_ref().unwrap() {
        Data::Sum(sum) => {
            assert!(sum.is_monotonic);
            let value = |value: &Option<number_data_point::Value>| match value {
                Some(number_data_point::Value::AsInt(number)) => number.to_string(),
                other => panic!("{other:?}"),
            };
            let points = sum.data_points.iter();
            points.map(|point| (labels(&point.attributes), value(&point.value))).collect()
        }
        Data::Histogram(histogram) => {
            let points = histogram.data_points.iter();
            points
                .map(|point| {
                    let value = format!("{:?} {}", point.bucket_counts, point.sum.unwrap());
                    (labels(&point.attributes), value)
                })
                .collect()
        }
        Data::ExponentialHistogram(histogram) => {
            let points = histogram.data_points.iter();
            points
                .map(|point| {
                    let positive = point.positive.as_ref().unwrap();
                    let value = format!(
                        "scale {} zero {} from {} {:?} {}",
                        point.scale,
                        point.zero_count,
                        positive.offset,
                        positive.bucket_counts,
                        point.sum.unwrap()
                    );
                    (labels(&point.attributes), value)
                })
                .collect()
        }
        other => panic!("{other:?}"),
    }
}
