//! A processor with a clock that stands still, and a consumer behind it that remembers.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use prost::Message as _;
use spandrel_base::clock::ManualClock;
use spandrel_base::memory::MemoryBudget;
use spandrel_config::read_settings;
use spandrel_model::TenantId;
use spandrel_pipeline::{
    Accepted, Account, Component as _, ComponentContext, ComponentError, ConsumeError, TraceBatch,
    TraceConsumer, Traces,
};
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::common::{AnyValue, InstrumentationScope, KeyValue, any_value};
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span, Status};
use spandrel_tail_sampling::{TailSampling, TailSamplingSettings};
use spandrel_telemetry::{EarlyReason, Metrics, TailSamplingSeries};

/// 2026-01-01.
pub(crate) const NOW_UNIX_NANOS: u64 = 1_767_225_600_000_000_000;

/// Remembers what it was given; answers with errors first, if it is told to.
#[derive(Default)]
pub(crate) struct Sink {
    batches: Mutex<Vec<(TenantId, ExportTraceServiceRequest)>>,
    /// Given out one after the other, before anything is taken.
    pub(crate) answers: Mutex<Vec<ConsumeError>>,
    /// Refuses for good whatever has a span of this name.
    pub(crate) hated_name: Mutex<Option<String>>,
    pub(crate) account: Account,
}

#[async_trait::async_trait]
impl TraceConsumer for Sink {
    async fn consume(&self, batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        if let Some(answer) = self.answers.lock().pop() {
            return Err(answer);
        }
        let spans = batch.traces.span_count();
        let request = batch.traces.decoded()?;
        let hated = self.hated_name.lock().clone();
        if hated.is_some_and(|name| spans_of(&request).any(|(_, _, span)| span.name == name)) {
            return Err(ConsumeError::Permanent { message: "no".to_owned(), spans });
        }
        self.account.sent(spans);
        self.batches.lock().push((batch.tenant, Arc::unwrap_or_clone(request)));
        Ok(Accepted { accepted_spans: spans, ..Accepted::default() })
    }
}

impl Sink {
    /// How many batches have come since the last call of another of these.
    pub(crate) fn batch_count(&self) -> usize {
        self.batches.lock().len()
    }

    /// The batches since the last call.
    pub(crate) fn take(&self) -> Vec<(TenantId, ExportTraceServiceRequest)> {
        std::mem::take(&mut self.batches.lock())
    }

    /// The spans since the last call, sorted: tenant, resource, scope, span.
    pub(crate) fn take_spans(&self) -> Vec<FoundSpan> {
        let mut found = Vec::new();
        for (tenant, request) in self.take() {
            found.extend(
                spans_of(&request)
                    .map(|(resource, scope, span)| FoundSpan::new(&tenant, resource, scope, span)),
            );
        }
        found.sort();
        found
    }

    /// The names of the spans since the last call, sorted.
    pub(crate) fn take_names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for (_, request) in self.take() {
            names.extend(spans_of(&request).map(|(_, _, span)| span.name.clone()));
        }
        names.sort();
        names
    }
}

/// A span with everything that belongs to it, encoded so that it has an order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FoundSpan {
    pub(crate) tenant: String,
    pub(crate) name: String,
    encoded: Vec<u8>,
    resource: Vec<u8>,
    scope: Vec<u8>,
}

impl FoundSpan {
    pub(crate) fn new(
        tenant: &TenantId,
        resource: &ResourceSpans,
        scope: &ScopeSpans,
        span: &Span,
    ) -> Self {
        let resource = ResourceSpans { scope_spans: Vec::new(), ..resource.clone() };
        let scope = ScopeSpans { spans: Vec::new(), ..scope.clone() };
        Self {
            tenant: tenant.to_string(),
            name: span.name.clone(),
            encoded: span.encode_to_vec(),
            resource: resource.encode_to_vec(),
            scope: scope.encode_to_vec(),
        }
    }
}

/// Every span with its resource and scope.
pub(crate) fn spans_of(
    request: &ExportTraceServiceRequest,
) -> impl Iterator<Item = (&ResourceSpans, &ScopeSpans, &Span)> {
    request.resource_spans.iter().flat_map(|resource| {
        let scopes = resource.scope_spans.iter();
        scopes.flat_map(move |scope| scope.spans.iter().map(move |span| (resource, scope, span)))
    })
}

/// A processor and what is around it.
pub(crate) struct Site {
    pub(crate) processor: TailSampling,
    pub(crate) sink: Arc<Sink>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) metrics: Metrics,
    pub(crate) account: Account,
}

/// What a site is made with.
pub(crate) struct Options<'a> {
    pub(crate) yaml: &'a str,
    pub(crate) data_dir: &'a Path,
    /// Bytes of the budget of the process.
    pub(crate) memory_bytes: usize,
}

impl<'a> Options<'a> {
    pub(crate) fn new(yaml: &'a str, data_dir: &'a Path) -> Self {
        Self { yaml, data_dir, memory_bytes: usize::MAX }
    }
}

/// Settings from YAML that must be right.
pub(crate) fn settings(yaml: &str) -> TailSamplingSettings {
    match read_settings(yaml, TailSamplingSettings::read) {
        Ok((settings, _)) => settings,
        Err(problems) => panic!("{problems}\n{yaml}"),
    }
}

impl Site {
    pub(crate) async fn start(options: Options<'_>) -> Self {
        Self::try_start(options).await.unwrap()
    }

    pub(crate) async fn try_start(options: Options<'_>) -> Result<Self, ComponentError> {
        let account = Account::detached();
        let sink = Arc::new(Sink { account: account.clone(), ..Sink::default() });
        let clock = Arc::new(ManualClock::new(NOW_UNIX_NANOS));
        let metrics = Metrics::new();
        let context = ComponentContext {
            id: "tail_sampling/test".into(),
            pipeline: "traces".into(),
            clock: Arc::clone(&clock) as _,
            metrics: metrics.clone(),
            memory: MemoryBudget::new("process", options.memory_bytes),
            data_dir: options.data_dir.to_owned(),
            account: account.clone(),
        };
        let next = Arc::clone(&sink) as Arc<dyn TraceConsumer>;
        let processor = TailSampling::new(settings(options.yaml), next, context)?;
        processor.start().await?;
        Ok(Self { processor, sink, clock, metrics, account })
    }

    /// Sends a request of the tenant that names none.
    pub(crate) async fn send(
        &self,
        request: &ExportTraceServiceRequest,
    ) -> Result<Accepted, ConsumeError> {
        self.send_as(TenantId::single(), request).await
    }

    pub(crate) async fn send_as(
        &self,
        tenant: TenantId,
        request: &ExportTraceServiceRequest,
    ) -> Result<Accepted, ConsumeError> {
        let spans = spans_of(request).count() as u64;
        self.account.received(spans);
        let traces = Traces::Otlp(request.encode_to_vec().into());
        let batch = TraceBatch::otlp(tenant, "").with_traces(traces);
        let answer = self.processor.consume(batch).await;
        match &answer {
            Ok(accepted) => assert_eq!(accepted.accepted_spans, spans),
            Err(_) => self.account.refused(spans),
        }
        answer
    }

    /// Sends spans, one of its own request each.
    pub(crate) async fn send_each(&self, spans: impl IntoIterator<Item = Span>) {
        for span in spans {
            self.send(&request([span])).await.unwrap();
        }
    }

    /// Lets time pass, and what is due be decided and delivered.
    pub(crate) async fn pass(&self, step: Duration) {
        self.clock.advance(step);
        self.processor.decide_due().await;
        self.processor.delivered().await;
    }

    pub(crate) fn series(&self) -> TailSamplingSeries {
        self.metrics.tail_sampling().of_processor(&"tail_sampling/test".into())
    }

    pub(crate) fn early(&self) -> u64 {
        let reasons = [EarlyReason::Memory, EarlyReason::Disk, EarlyReason::NumTraces];
        reasons.into_iter().map(|reason| self.series().early(reason)).sum()
    }

    /// Every span is accounted for.
    pub(crate) fn assert_adds_up(&self) {
        let totals = self.account.totals();
        assert!(totals.adds_up(), "{totals:?}");
    }

    /// The value of a sample on the metrics page.
    pub(crate) fn metric(&self, series: &str) -> Option<f64> {
        let page = self.metrics.encode();
        let line = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.and_then(|value| value.parse().ok())
    }
}

/// One resource, one scope.
pub(crate) fn request(spans: impl IntoIterator<Item = Span>) -> ExportTraceServiceRequest {
    let scope = InstrumentationScope { name: "tests".to_owned(), ..Default::default() };
    let scope_spans = ScopeSpans {
        scope: Some(scope),
        spans: spans.into_iter().collect(),
        schema_url: "https://example.com/scope".to_owned(),
    };
    let resource = Resource {
        attributes: attributes([("service.name", text("checkout"))]),
        ..Default::default()
    };
    let resource_spans = ResourceSpans {
        resource: Some(resource),
        scope_spans: vec![scope_spans],
        schema_url: "https://example.com/resource".to_owned(),
    };
    ExportTraceServiceRequest { resource_spans: vec![resource_spans] }
}

/// A root span of the trace `id`, which lasts 10 ms.
pub(crate) fn root(id: u8, name: &str) -> Span {
    let mut trace_id = vec![0xab; 16];
    trace_id[15] = id;
    Span {
        trace_id: trace_id.into(),
        span_id: vec![id, 1, 1, 1, 1, 1, 1, 1].into(),
        name: name.to_owned(),
        kind: 2,
        start_time_unix_nano: NOW_UNIX_NANOS,
        end_time_unix_nano: NOW_UNIX_NANOS + 10_000_000,
        ..Default::default()
    }
}

/// A span with a parent.
pub(crate) fn child(id: u8, name: &str) -> Span {
    Span { parent_span_id: vec![id, 1, 1, 1, 1, 1, 1, 1].into(), ..root(id, name) }
}

pub(crate) fn with_status(span: Span, code: i32) -> Span {
    Span { status: Some(Status { code, ..Default::default() }), ..span }
}

pub(crate) fn with(span: Span, key: &str, value: any_value::Value) -> Span {
    let mut span = span;
    span.attributes.extend(attributes([(key, value)]));
    span
}

pub(crate) fn text(text: &str) -> any_value::Value {
    any_value::Value::StringValue(text.to_owned())
}

pub(crate) fn attributes<'k>(
    pairs: impl IntoIterator<Item = (&'k str, any_value::Value)>,
) -> Vec<KeyValue> {
    let pair = |(key, value): (&str, _)| KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
    };
    pairs.into_iter().map(pair).collect()
}

/// Copies a directory: what a process that is killed now leaves behind.
pub(crate) fn copy_dir(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    let mut entries = BTreeMap::new();
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        entries.insert(entry.file_name(), entry.path());
    }
    for (name, path) in entries {
        if path.is_dir() {
            copy_dir(&path, &to.join(name))?;
        } else {
            std::fs::copy(&path, to.join(name))?;
        }
    }
    Ok(())
}
