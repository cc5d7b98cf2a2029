//! A generator, and spans for it.

use std::sync::Arc;
use std::time::Duration;

use prost::Message;
use spandrel_base::clock::ManualClock;
use spandrel_base::memory::MemoryBudget;
use spandrel_metrics_exporters::prometheus::PageFormat;
use spandrel_metrics_generator::{Generator, GeneratorSettings};
use spandrel_model::TenantId;
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{AnyValue, KeyValue};
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span, Status};
use spandrel_telemetry::Metrics;

/// When every test begins.
pub(crate) const START: u64 = 1_700_000_000_000_000_000;
pub(crate) const SERVER: i32 = 2;
pub(crate) const CLIENT: i32 = 3;
const MILLI: u64 = 1_000_000;

pub(crate) struct Test {
    pub(crate) generator: Generator,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) metrics: Metrics,
}

impl Test {
    /// A generator with these settings.
    pub(crate) fn new(yaml: &str) -> Self {
        let clock = Arc::new(ManualClock::new(START));
        let metrics = Metrics::new();
        let settings = GeneratorSettings::parse(yaml).unwrap();
        let memory = MemoryBudget::unlimited();
        let generator = Generator::new(settings, memory, clock.clone(), metrics.clone());
        Self { generator, clock, metrics }
    }

    pub(crate) fn observe(&self, spans: Vec<ResourceSpans>) {
        let otlp = ExportTraceServiceRequest { resource_spans: spans }.encode_to_vec();
        self.generator.observe(&TenantId::single(), &otlp);
    }

    pub(crate) fn advance(&self, time: Duration) {
        self.clock.advance(time);
    }

    /// The samples of the page whose line begins like this, exemplars included.
    pub(crate) fn lines(&self, begin: &str) -> String {
        let page = self.generator.page(None, PageFormat::OpenMetrics);
        let page = String::from_utf8(page).unwrap();
        let lines = page.lines().filter(|line| line.starts_with(begin));
        lines.map(|line| format!("{line}\n")).collect()
    }

    /// The value of one of the process's own metrics, over all labels.
    pub(crate) fn own(&self, name: &str) -> u64 {
        let page = self.metrics.encode();
        let lines = page.lines().filter(|line| line.starts_with(name));
        lines.map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()).sum()
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

pub(crate) fn resource(attributes: &str, spans: Vec<Span>) -> ResourceSpans {
    ResourceSpans {
        resource: Some(Resource { attributes: pairs(attributes), ..Resource::default() }),
        scope_spans: vec![ScopeSpans { spans, ..ScopeSpans::default() }],
        ..ResourceSpans::default()
    }
}

/// A span of trace 1 that ended at the start of the test.
pub(crate) fn span(name: &str, kind: i32, (id, parent): (u8, u8), millis: u64) -> Span {
    let parent = if parent == 0 { Vec::new() } else { vec![parent; 8] };
    Span {
        trace_id: vec![1; 16].into(),
        span_id: vec![id; 8].into(),
        parent_span_id: parent.into(),
        name: name.to_owned(),
        kind,
        start_time_unix_nano: START - millis * MILLI,
        end_time_unix_nano: START,
        ..Span::default()
    }
}

pub(crate) fn failed(mut span: Span) -> Span {
    span.status = Some(Status { code: 2, ..Status::default() });
    span
}

pub(crate) fn with(mut span: Span, attributes: &str) -> Span {
    span.attributes = pairs(attributes);
    span
}
