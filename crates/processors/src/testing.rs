//! What tests of processors share: requests, a consumer that records, a clock that follows tokio's.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use spandrel_base::clock::Clock;
use spandrel_base::memory::MemoryBudget;
use spandrel_model::TenantId;
use spandrel_pipeline::{
    Accepted, Account, ComponentContext, ConsumeError, TraceBatch, TraceConsumer, Traces,
};
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::common::{AnyValue, InstrumentationScope, KeyValue, any_value};
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::span::Event;
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span, Status};
use spandrel_telemetry::Metrics;

/// The time of a paused runtime.
pub(crate) struct TokioClock(tokio::time::Instant);

impl TokioClock {
    #[expect(clippy::disallowed_methods, reason = "this clock is the paused one of the runtime")]
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(tokio::time::Instant::now()))
    }
}

impl Clock for TokioClock {
    fn now_unix_nanos(&self) -> u64 {
        u64::try_from(self.monotonic().as_nanos()).unwrap_or(u64::MAX)
    }

    fn monotonic(&self) -> Duration {
        // Not zero at the start, as on any real machine.
        self.0.elapsed() + Duration::from_secs(1)
    }
}

/// What a component is built with in tests.
pub(crate) fn context(id: &str) -> ComponentContext {
    ComponentContext {
        id: id.into(),
        pipeline: "traces".into(),
        clock: TokioClock::new(),
        metrics: Metrics::new(),
        memory: MemoryBudget::unlimited(),
        data_dir: std::path::PathBuf::new(),
        account: Account::detached(),
    }
}

/// Keeps what it is given, and answers as it was told, then with success.
#[derive(Default)]
pub(crate) struct Recorder {
    pub(crate) batches: Mutex<Vec<TraceBatch>>,
    pub(crate) answers: Mutex<VecDeque<Result<Accepted, ConsumeError>>>,
}

impl Recorder {
    pub(crate) fn answering(
        answers: impl IntoIterator<Item = Result<Accepted, ConsumeError>>,
    ) -> Arc<Self> {
        Arc::new(Self { answers: Mutex::new(answers.into_iter().collect()), ..Self::default() })
    }

    /// Numbers of spans, per batch.
    pub(crate) fn span_counts(&self) -> Vec<u64> {
        self.batches.lock().iter().map(|batch| batch.traces.span_count()).collect()
    }

    /// What came, decoded.
    pub(crate) fn requests(&self) -> Vec<ExportTraceServiceRequest> {
        let batches = self.batches.lock();
        let requests = batches.iter().map(|batch| batch.traces.clone().decoded().expect("OTLP"));
        requests.map(|request| (*request).clone()).collect()
    }
}

#[async_trait::async_trait]
impl TraceConsumer for Recorder {
    async fn consume(&self, batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        let spans = batch.traces.span_count();
        self.batches.lock().push(batch);
        let answer = self.answers.lock().pop_front();
        answer.unwrap_or(Ok(Accepted { accepted_spans: spans, ..Accepted::default() }))
    }
}

/// A text value.
pub(crate) fn text(text: &str) -> AnyValue {
    AnyValue { value: Some(any_value::Value::StringValue(text.to_owned())) }
}

/// A whole number.
pub(crate) fn int(int: i64) -> AnyValue {
    AnyValue { value: Some(any_value::Value::IntValue(int)) }
}

/// Attributes.
pub(crate) fn attributes<const N: usize>(pairs: [(&str, AnyValue); N]) -> Vec<KeyValue> {
    let pair = |(key, value): (&str, _)| KeyValue { key: key.to_owned(), value: Some(value) };
    pairs.into_iter().map(pair).collect()
}

/// A span.
pub(crate) fn span<const N: usize>(name: &str, pairs: [(&str, AnyValue); N]) -> Span {
    Span {
        trace_id: vec![1; 16].into(),
        span_id: vec![2; 8].into(),
        name: name.to_owned(),
        attributes: attributes(pairs),
        ..Span::default()
    }
}

/// Spans of a service.
pub(crate) fn resource_spans(service: &str, spans: Vec<Span>) -> ResourceSpans {
    let attributes = attributes([("service.name", text(service))]);
    ResourceSpans {
        resource: Some(Resource { attributes, ..Resource::default() }),
        scope_spans: vec![ScopeSpans { spans, ..ScopeSpans::default() }],
        schema_url: "https://example.com/1".to_owned(),
    }
}

/// A request of one service.
pub(crate) fn request(service: &str, spans: Vec<Span>) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest { resource_spans: vec![resource_spans(service, spans)] }
}

/// A batch of the only tenant, as bytes.
pub(crate) fn batch(request: &ExportTraceServiceRequest) -> TraceBatch {
    let otlp = Traces::from(request.clone()).into_otlp();
    TraceBatch::otlp(TenantId::single(), otlp)
}

/// Numbers that are the same in every run (SplitMix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % end.max(1)
    }

    fn list<T>(&mut self, max: u64, mut member: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(max + 1)).map(|_| member(self)).collect()
    }

    fn word(&mut self) -> String {
        let word = ["a", "b", "n", "http.route", "", "x\u{e4}"][self.below(6) as usize];
        word.repeat(if self.below(20) == 0 { 40 } else { 1 })
    }

    /// Attributes whose keys may repeat.
    fn attributes(&mut self) -> Vec<KeyValue> {
        self.list(5, |random| {
            let value = match random.below(4) {
                0 => None,
                1 => Some(int(random.below(3).cast_signed())),
                _ => Some(text(&random.word())),
            };
            KeyValue { key: random.word(), value }
        })
    }

    fn span(&mut self) -> Span {
        let parent = if self.below(2) == 0 { vec![] } else { vec![self.below(2) as u8; 8] };
        Span {
            trace_id: vec![self.below(3) as u8; 16].into(),
            span_id: vec![2; 8].into(),
            parent_span_id: parent.into(),
            name: self.word(),
            kind: self.below(6) as i32,
            start_time_unix_nano: self.below(1000),
            end_time_unix_nano: self.below(1000),
            attributes: self.attributes(),
            events: self.list(3, |random| Event {
                name: random.word(),
                attributes: random.attributes(),
                ..Event::default()
            }),
            status: (self.below(2) == 0)
                .then(|| Status { code: self.below(3) as i32, ..Status::default() }),
            flags: self.below(2) as u32,
            ..Span::default()
        }
    }

    /// A request of a few resources, scopes and spans, any of which may be empty.
    pub(crate) fn request(&mut self) -> ExportTraceServiceRequest {
        let resource_spans = self.list(3, |random| ResourceSpans {
            resource: (random.below(4) > 0)
                .then(|| Resource { attributes: random.attributes(), ..Resource::default() }),
            scope_spans: random.list(3, |random| ScopeSpans {
                scope: (random.below(3) > 0).then(|| InstrumentationScope {
                    name: random.word(),
                    attributes: random.attributes(),
                    ..InstrumentationScope::default()
                }),
                spans: random.list(4, Self::span),
                schema_url: random.word(),
            }),
            schema_url: random.word(),
        });
        ExportTraceServiceRequest { resource_spans }
    }
}
