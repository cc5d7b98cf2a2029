//! A cluster, components on it, and a consumer that does what the test tells it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use prost::Message as _;
use rdkafka::ClientConfig;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{DefaultProducerContext, FutureProducer, FutureRecord};
use spandrel_base::clock::SystemClock;
use spandrel_base::memory::MemoryBudget;
use spandrel_config::{Section, read_settings};
use spandrel_exporters::{Extensions, Sending};
use spandrel_kafka::{
    KafkaExporter, KafkaExporterSettings, KafkaReceiver, KafkaReceiverSettings, KafkaTransport,
};
use spandrel_model::TenantId;
use spandrel_pipeline::{
    Accepted, Account, Component, ComponentContext, ConsumeError, TraceBatch, TraceConsumer,
};
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{AnyValue, KeyValue};
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span};
use spandrel_telemetry::Metrics;
use tokio::sync::mpsc;

/// Longer than anything here takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) type Cluster = MockCluster<'static, DefaultProducerContext>;

pub(crate) fn cluster(topic: &str, partitions: i32) -> Cluster {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic(topic, partitions, 1).unwrap();
    cluster
}

/// The answer to the nth batch that has come, counted from 0.
type Script = Box<dyn Fn(usize) -> Result<(), ConsumeError> + Send + Sync>;

/// A consumer that answers by a script and shows what it got.
pub(crate) struct Recorder {
    script: Script,
    n_batches: Mutex<usize>,
    batches: mpsc::Sender<(TraceBatch, bool)>,
}

/// What a recorder got, with whether it took it.
pub(crate) struct Recorded(mpsc::Receiver<(TraceBatch, bool)>);

pub(crate) fn recorder(
    script: impl Fn(usize) -> Result<(), ConsumeError> + Send + Sync + 'static,
) -> (Arc<Recorder>, Recorded) {
    let (batches, recorded) = mpsc::channel(10_000);
    let script = Box::new(script);
    (Arc::new(Recorder { script, n_batches: Mutex::new(0), batches }), Recorded(recorded))
}

#[async_trait::async_trait]
impl TraceConsumer for Recorder {
    async fn consume(&self, batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        let n = {
            let mut n_batches = self.n_batches.lock();
            *n_batches += 1;
            *n_batches - 1
        };
        let answer = (self.script)(n);
        let spans = batch.traces.span_count();
        self.batches.send((batch, answer.is_ok())).await.unwrap();
        answer.map(|()| Accepted { accepted_spans: spans, ..Accepted::default() })
    }
}

impl Recorded {
    /// The next batch, taken or not.
    pub(crate) async fn next(&mut self) -> (TraceBatch, bool) {
        tokio::time::timeout(PATIENCE, self.0.recv()).await.expect("a batch comes").unwrap()
    }

    /// Whether a batch is there already.
    pub(crate) fn has_more(&self) -> bool {
        !self.0.is_empty()
    }

    /// The spans of the batches that were taken, by name, until there are as many different ones.
    pub(crate) async fn names(&mut self, n: usize) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        while names.len() < n {
            let (batch, is_taken) = self.next().await;
            if is_taken {
                names.extend(span_names(&batch));
            }
        }
        names
    }
}

/// Waits for what no event tells.
pub(crate) async fn until(is_so: impl Fn() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("it becomes so");
}

pub(crate) fn unavailable() -> ConsumeError {
    ConsumeError::Unavailable {
        message: "busy".to_owned(),
        retry_after: Duration::from_millis(1),
        spans: 1,
    }
}

pub(crate) fn spans(batch: &TraceBatch) -> Vec<Span> {
    let request = batch.traces.clone().decoded().unwrap();
    let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
    scopes.flat_map(|scope| scope.spans.clone()).collect()
}

pub(crate) fn span_names(batch: &TraceBatch) -> Vec<String> {
    spans(batch).into_iter().map(|span| span.name).collect()
}

pub(crate) fn names(range: std::ops::Range<usize>) -> BTreeSet<String> {
    range.map(name).collect()
}

pub(crate) fn name(n: usize) -> String {
    format!("span-{n:04}")
}

pub(crate) fn text(key: &str, value: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(value.to_owned())) });
    KeyValue { key: key.to_owned(), value }
}

/// A request of one service with these spans, each in a trace of its own.
pub(crate) fn request(names: &[&str], pad: usize) -> ExportTraceServiceRequest {
    let id = |name: &str, length: usize| {
        let mut id = name.as_bytes().to_vec();
        id.resize(length, b'.');
        Bytes::from(id)
    };
    let span = |name: &&str| Span {
        trace_id: id(name, 16),
        span_id: id(&name.chars().rev().collect::<String>(), 8),
        name: (*name).to_owned(),
        start_time_unix_nano: 1_700_000_000_000_001_000,
        end_time_unix_nano: 1_700_000_000_000_002_000,
        attributes: vec![text("pad", &"x".repeat(pad))],
        ..Span::default()
    };
    let scope = ScopeSpans { spans: names.iter().map(span).collect(), ..ScopeSpans::default() };
    let resource =
        Resource { attributes: vec![text("service.name", "shop")], ..Resource::default() };
    let resource_spans = ResourceSpans {
        resource: Some(resource),
        scope_spans: vec![scope],
        ..ResourceSpans::default()
    };
    ExportTraceServiceRequest { resource_spans: vec![resource_spans] }
}

pub(crate) fn batch(names: &[&str]) -> TraceBatch {
    TraceBatch::otlp(TenantId::single(), request(names, 1).encode_to_vec())
}

pub(crate) fn context(id: &str, metrics: &Metrics) -> ComponentContext {
    ComponentContext {
        id: id.into(),
        pipeline: "traces".into(),
        clock: Arc::new(SystemClock::new()),
        metrics: metrics.clone(),
        memory: MemoryBudget::new("test", 1 << 30),
        data_dir: std::path::PathBuf::new(),
        account: Account::detached(),
    }
}

/// Settings from YAML with the cluster's address in the place of `BROKERS`; panics with the problems.
pub(crate) fn settings<T>(yaml: &str, brokers: &str, read: fn(&mut Section<'_>) -> T) -> T {
    match read_settings(&yaml.replace("BROKERS", brokers), read) {
        Ok((settings, _warnings)) => settings,
        Err(problems) => panic!("{problems}"),
    }
}

/// A receiver that begins with the first record there is, quickly.
pub(crate) async fn receiver(
    brokers: &str,
    yaml: &str,
    next: Arc<Recorder>,
    metrics: &Metrics,
) -> KafkaReceiver {
    let yaml = format!(
        "{{ brokers: 'BROKERS', initial_offset: earliest, session_timeout: 6s, \
         heartbeat_interval: 100ms, max_fetch_wait: 10ms, {yaml} }}"
    );
    let settings = settings(&yaml, brokers, KafkaReceiverSettings::read);
    let receiver = KafkaReceiver::new(settings, next, context("kafka/in", metrics)).unwrap();
    receiver.start().await.unwrap();
    receiver
}

/// An exporter that answers when the brokers have.
pub(crate) async fn exporter(
    brokers: &str,
    yaml: &str,
    metrics: &Metrics,
) -> Sending<KafkaTransport> {
    let yaml = format!(
        "{{ brokers: 'BROKERS', timeout: 30s, sending_queue: {{ enabled: false }}, \
         retry_on_failure: {{ enabled: false }}, {yaml} }}"
    );
    let settings = settings(&yaml, brokers, KafkaExporterSettings::read);
    let context = context("kafka/out", metrics);
    let exporter = KafkaExporter::new(settings, &Extensions::default(), context).unwrap();
    exporter.start().await.unwrap();
    exporter
}

/// Puts values into a topic, one record each, into one partition or any.
pub(crate) async fn put(brokers: &str, topic: &str, partition: Option<i32>, values: &[Bytes]) {
    let config = ClientConfig::new().set("bootstrap.servers", brokers).clone();
    let producer: FutureProducer = config.create().unwrap();
    for value in values {
        let mut record: FutureRecord<'_, [u8], [u8]> = FutureRecord::to(topic).payload(value);
        record.partition = partition;
        producer.send(record, PATIENCE).await.map_err(|(error, _)| error).unwrap();
    }
}

/// Records with one span each.
pub(crate) fn values(range: std::ops::Range<usize>) -> Vec<Bytes> {
    range.map(|n| request(&[&name(n)], 1).encode_to_vec().into()).collect()
}
