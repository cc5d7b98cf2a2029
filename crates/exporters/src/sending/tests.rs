//! Attempts, retries, queues and batches against a transport that answers as told, on a clock that stands still.

mod batches;
mod queues;
mod retries;
mod storage;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use prost::Message as _;
use spandrel_base::clock::ManualClock;
use spandrel_base::memory::MemoryBudget;
use spandrel_config::blocks::{Queue as QueueSettings, Retry};
use spandrel_model::TenantId;
use spandrel_pipeline::{Account, Client, Traces};
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span};
use spandrel_telemetry::{ExporterSeries, Metrics};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::*;

/// How the transport answers.
#[derive(Debug, Clone)]
enum Reply {
    Take,
    TakeBut(u64),
    Refuse,
    RefuseFor(u64),
    Reject,
    Hang,
    TakeAfter(Duration),
}

/// What the transport was asked to send.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sent {
    /// Since the start of the test.
    after: Duration,
    names: Vec<String>,
    client: Client,
}

/// A transport that follows a script.
struct Scripted(Arc<Script>);

struct Script {
    start: Instant,
    replies: Mutex<VecDeque<Reply>>,
    /// The answer after the end of the script.
    otherwise: Reply,
    sent: Mutex<Vec<Sent>>,
    /// Content with a span of this name is rejected.
    poison: Option<&'static str>,
    changed: Notify,
}

impl Script {
    fn new(replies: &[Reply]) -> Arc<Self> {
        Arc::new(Self {
            start: retry::now(),
            replies: Mutex::new(replies.iter().cloned().collect()),
            otherwise: Reply::Take,
            sent: Mutex::default(),
            poison: None,
            changed: Notify::new(),
        })
    }

    fn sent(&self) -> Vec<Sent> {
        self.sent.lock().clone()
    }

    /// Names of the spans of each attempt.
    fn names(&self) -> Vec<Vec<String>> {
        self.sent().into_iter().map(|sent| sent.names).collect()
    }

    /// When the attempts were made, in seconds.
    fn seconds(&self) -> Vec<f64> {
        self.sent().iter().map(|sent| sent.after.as_secs_f64()).collect()
    }

    /// Waits for so many attempts.
    async fn attempts(&self, n: usize) {
        loop {
            let changed = self.changed.notified();
            if self.sent.lock().len() >= n {
                return;
            }
            changed.await;
        }
    }
}

#[async_trait::async_trait]
impl Transport for Scripted {
    async fn export(&self, payload: &Payload) -> Result<Exported, SendError> {
        let names = names_of(&payload.otlp);
        assert_eq!(names.len() as u64, payload.spans);
        let is_poisoned = names.iter().any(|name| Some(name.as_str()) == self.0.poison);
        let client = (*payload.client).clone();
        self.0.sent.lock().push(Sent { after: self.0.start.elapsed(), names, client });
        self.0.changed.notify_waiters();
        let reply = self.0.replies.lock().pop_front();
        let reply = reply.unwrap_or_else(|| self.0.otherwise.clone());
        match reply {
            Reply::Take if is_poisoned => reject(true),
            Reply::Take => Ok(Exported::default()),
            Reply::TakeBut(rejected_spans) => {
                Ok(Exported { rejected_spans, message: "too old".to_owned() })
            }
            Reply::Refuse => Err(SendError::retryable("busy")),
            Reply::RefuseFor(seconds) => {
                let delay = Some(Duration::from_secs(seconds));
                Err(SendError::Retryable { message: "busy".to_owned(), delay })
            }
            Reply::Reject => reject(false),
            Reply::Hang => std::future::pending().await,
            Reply::TakeAfter(time) => {
                // tidy: allow(sleep) the clock stands still until a test moves it
                tokio::time::sleep(time).await;
                Ok(Exported::default())
            }
        }
    }
}

fn reject(is_content: bool) -> Result<Exported, SendError> {
    Err(SendError::Permanent { message: "no".to_owned(), is_content })
}

/// An exporter over a script.
struct Rig {
    script: Arc<Script>,
    sending: Sending<Scripted>,
    account: Account,
    series: ExporterSeries,
    memory: MemoryBudget,
}

impl Rig {
    /// An exporter that is started.
    async fn start(script: Arc<Script>, settings: SendingSettings) -> Self {
        Self::start_with(script, settings, &Extensions::default()).await
    }

    async fn start_with(
        script: Arc<Script>,
        settings: SendingSettings,
        extensions: &Extensions,
    ) -> Self {
        let (metrics, account) = (Metrics::new(), Account::detached());
        let memory = MemoryBudget::new("test", 1 << 20);
        let context = ComponentContext {
            id: "test".into(),
            pipeline: "".into(),
            clock: Arc::new(ManualClock::new(0)),
            metrics: metrics.clone(),
            memory: memory.clone(),
            data_dir: Default::default(),
            account: account.clone(),
        };
        let transport = Scripted(Arc::clone(&script));
        let sending = Sending::with_transport(transport, settings, extensions, context).unwrap();
        sending.start().await.unwrap();
        Self { script, sending, account, series: metrics.exporters().exporter("test"), memory }
    }

    async fn consume(&self, names: &[&str]) -> Result<Accepted, ConsumeError> {
        self.sending.consume(batch(names)).await
    }

    /// Spans sent, given up, and not taken by the queue.
    fn counts(&self) -> [u64; 3] {
        let series = &self.series;
        [&series.sent_spans, &series.send_failed_spans, &series.enqueue_failed_spans]
            .map(|counter| counter.get())
    }
}

fn settings(queue: Option<QueueSettings>) -> SendingSettings {
    let retry = Retry { randomization_factor: 0.0, ..Retry::default() };
    SendingSettings { timeout: Duration::from_secs(5), retry: Some(retry), queue }
}

fn batch(names: &[&str]) -> TraceBatch {
    TraceBatch::otlp(TenantId::single(), otlp(names))
}

fn otlp(names: &[&str]) -> Vec<u8> {
    let span = |name: &&str| Span { name: (*name).to_owned(), ..Span::default() };
    let scope = ScopeSpans { spans: names.iter().map(span).collect(), ..ScopeSpans::default() };
    let resource = ResourceSpans { scope_spans: vec![scope], ..ResourceSpans::default() };
    ExportTraceServiceRequest { resource_spans: vec![resource] }.encode_to_vec()
}

fn names_of(otlp: &[u8]) -> Vec<String> {
    let request = ExportTraceServiceRequest::decode(otlp).unwrap();
    let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
    scopes.flat_map(|scope| scope.spans).map(|span| span.name).collect()
}

fn with_metadata(names: &[&str], key: &str, value: &str) -> TraceBatch {
    let metadata = [(key.to_owned(), vec![value.to_owned()])].into();
    let client = Arc::new(Client { metadata, ..Client::default() });
    TraceBatch { tenant: TenantId::single(), client, traces: Traces::Otlp(otlp(names).into()) }
}
