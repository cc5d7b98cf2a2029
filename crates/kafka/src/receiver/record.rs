//! One record: from its value to the answer of the pipeline.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use rdkafka::Message;
use rdkafka::message::{BorrowedMessage, Headers};
use spandrel_base::clock::SharedClock;
use spandrel_base::cpu;
use spandrel_base::memory::{MemoryBudget, Reservation};
use spandrel_model::TenantId;
use spandrel_pipeline::{Client, ConsumeError, TraceBatch, TraceConsumer, Traces};
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{AnyValue, KeyValue};
use spandrel_telemetry::{KafkaReceiverSeries, Metrics, RecordOutcome, Source};
use spandrel_translate::{Room, Translated};
use tokio_util::sync::CancellationToken;

use crate::decode::{RecordError, decode};
use crate::encoding::Encoding;
use crate::settings::receiver::KafkaReceiverSettings;

/// The header that names a tenant, as in requests over HTTP.
const TENANT_HEADER: &str = "x-scope-orgid";
/// Values up to this size are translated on the thread that serves the partition.
const INLINE_BYTES_MAX: usize = 16 << 10;
/// The first wait for memory.
const ROOM_WAIT: Duration = Duration::from_millis(100);

/// What all partitions share.
pub(crate) struct Handler {
    pub(crate) settings: Arc<KafkaReceiverSettings>,
    pub(crate) encoding: Encoding,
    pub(crate) next: Arc<dyn TraceConsumer>,
    pub(crate) memory: MemoryBudget,
    pub(crate) metrics: Metrics,
    pub(crate) series: KafkaReceiverSeries,
    pub(crate) clock: SharedClock,
    pub(crate) stopping: CancellationToken,
    pub(crate) id: Arc<str>,
}

/// A record that has been copied out of librdkafka.
pub(crate) struct Record {
    pub(crate) topic: Arc<str>,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    value: Bytes,
    headers: Vec<(String, String)>,
    held: Reservation,
}

/// How a record ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It counts as read.
    Finished(RecordOutcome),
    /// It does not: whoever reads the partition next gets it again.
    Returned,
}

/// Why an attempt failed.
enum Failure {
    /// The same record may be taken later.
    Retryable(String, Option<Duration>),
    /// The record is at fault.
    Permanent(RecordOutcome, String),
}

impl Record {
    /// Copies a record; what it takes is there already, so it is counted whether it fits or not.
    pub(crate) fn of(
        message: &BorrowedMessage<'_>,
        topic: Arc<str>,
        memory: &MemoryBudget,
    ) -> Self {
        let value = message.payload().unwrap_or_default();
        let mut headers = Vec::new();
        for header in message.headers().into_iter().flat_map(Headers::iter) {
            let text = String::from_utf8_lossy(header.value.unwrap_or_default()).into_owned();
            headers.push((header.key.to_owned(), text));
        }
        let headers_bytes: usize = headers.iter().map(|(key, text)| key.len() + text.len()).sum();
        Self {
            topic,
            partition: message.partition(),
            offset: message.offset(),
            held: memory.reserve_anyway(value.len() + headers_bytes),
            value: Bytes::copy_from_slice(value),
            headers,
        }
    }

    fn client(&self) -> Client {
        let mut metadata: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (key, text) in &self.headers {
            metadata.entry(key.to_ascii_lowercase()).or_default().push(text.clone());
        }
        metadata.insert("kafka.topic".to_owned(), vec![self.topic.to_string()]);
        metadata.insert("kafka.partition".to_owned(), vec![self.partition.to_string()]);
        metadata.insert("kafka.offset".to_owned(), vec![self.offset.to_string()]);
        Client { metadata, ..Client::default() }
    }

    fn tenant(&self) -> Result<TenantId, Failure> {
        let header = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(TENANT_HEADER));
        match header {
            None => Ok(TenantId::single()),
            Some((_, name)) => TenantId::new(name).map_err(|error| {
                let message = format!("header {TENANT_HEADER}: {error}");
                Failure::Permanent(RecordOutcome::Malformed, message)
            }),
        }
    }
}

impl Handler {
    /// Hands a record on until its end is known. `revoked` ends waits, not attempts; `is_refused` is told when an
    /// attempt failed.
    pub(crate) async fn finish(
        &self,
        record: Record,
        revoked: &CancellationToken,
        is_refused: impl Fn() + Send + Sync,
    ) -> Ending {
        let began = self.clock.monotonic();
        let (mut batch, mut wait) = (None, self.settings.error_backoff.initial_interval);
        let (topic, partition, offset) =
            (Arc::clone(&record.topic), record.partition, record.offset);
        let mut record = Some(record);
        loop {
            let failure = match self.attempt(&mut record, &mut batch).await {
                Ok(()) => return Ending::Finished(RecordOutcome::Delivered),
                Err(failure) => failure,
            };
            let asked = match failure {
                Failure::Permanent(outcome, message) => {
                    tracing::warn!(
                        receiver = &*self.id, %topic, partition, offset, message,
                        "a record cannot be taken"
                    );
                    if self.settings.marking.on_permanent_error || !self.settings.marking.after {
                        return Ending::Finished(outcome);
                    }
                    None
                }
                Failure::Retryable(message, asked) => {
                    tracing::debug!(
                        receiver = &*self.id, %topic, partition, offset, message,
                        "a record is tried again"
                    );
                    asked
                }
            };
            let limit = self.settings.error_backoff.max_elapsed_time;
            if self.settings.gives_up && self.clock.monotonic().saturating_sub(began) >= limit {
                return Ending::Finished(RecordOutcome::GivenUp);
            }
            is_refused();
            let now = asked.unwrap_or_default().max(self.jittered(wait, offset));
            tokio::select! {
                biased;
                () = revoked.cancelled() => return Ending::Returned,
                () = self.stopping.cancelled() => return Ending::Returned,
                () = tokio::time::sleep(now) => {}
            }
            wait = self
                .settings
                .error_backoff
                .max_interval
                .min(wait.mul_f64(self.settings.error_backoff.multiplier.clamp(1.0, 100.0)));
            self.series.retries.inc();
        }
    }

    /// A wait that is a little shorter or longer, by the record: those of many partitions do not come at once.
    fn jittered(&self, wait: Duration, offset: i64) -> Duration {
        // Digits of multiples of the golden ratio are spread evenly.
        let spread = (offset as f64 * 0.618_033_988_75).fract() * 2.0 - 1.0;
        let factor = self.settings.error_backoff.randomization_factor.clamp(0.0, 1.0);
        wait.mul_f64(1.0 + factor * spread.clamp(-1.0, 1.0))
    }

    /// One attempt. The record is translated at the first; later ones hand the same batch on.
    async fn attempt(
        &self,
        record: &mut Option<Record>,
        ready: &mut Option<(TraceBatch, Reservation)>,
    ) -> Result<(), Failure> {
        if let Some(waiting) = record.as_mut() {
            let otlp = self.translate(waiting).await?;
            let (tenant, client) = (waiting.tenant()?, Arc::new(waiting.client()));
            let traces = self.with_headers(Traces::Otlp(otlp.into()), waiting)?;
            if let Some(record) = record.take() {
                *ready = Some((TraceBatch { tenant, client, traces }, record.held));
            }
        }
        let Some((batch, _held)) = ready else { return Ok(()) };
        if batch.traces.is_empty() {
            return Ok(());
        }
        self.consume(batch.clone()).await
    }

    async fn consume(&self, batch: TraceBatch) -> Result<(), Failure> {
        let spans = batch.traces.span_count();
        let receiver = self.metrics.receiver();
        // Unwind safety: what the consumer shares with others is behind locks that it judges itself.
        let consumed = AssertUnwindSafe(self.next.consume(batch)).catch_unwind().await;
        let error = match consumed {
            Ok(Ok(accepted)) => {
                receiver.record_accepted_spans(Source::KAFKA, accepted.accepted_spans);
                receiver.record_refused_spans(Source::KAFKA, accepted.rejected_spans);
                return Ok(());
            }
            Ok(Err(error)) => error,
            Err(_panic) => {
                tracing::error!(spans, "the consumer of spans panicked");
                receiver.record_refused_spans(Source::KAFKA, spans);
                let message = "internal error, see the log".to_owned();
                return Err(Failure::Permanent(RecordOutcome::Rejected, message));
            }
        };
        Err(match error {
            ConsumeError::OverLimit { message, retry_after, .. }
            | ConsumeError::Unavailable { message, retry_after, .. } => {
                Failure::Retryable(message, Some(retry_after))
            }
            ConsumeError::Malformed(message) => {
                receiver.record_refused_spans(Source::KAFKA, spans);
                Failure::Permanent(RecordOutcome::Malformed, message)
            }
            ConsumeError::TooLarge(message) | ConsumeError::Permanent { message, .. } => {
                receiver.record_refused_spans(Source::KAFKA, spans);
                Failure::Permanent(RecordOutcome::Rejected, message)
            }
        })
    }

    async fn translate(&self, record: &mut Record) -> Result<Bytes, Failure> {
        let (value, encoding) = (record.value.clone(), self.encoding);
        let n_bytes = value.len();
        if n_bytes == 0 {
            return Ok(Bytes::new());
        }
        let memory = self.memory.clone();
        let work = move || {
            let mut held = memory.reservation();
            // A budget that is used up by others may be free later; more than all of it never is.
            let mut is_hopeless = false;
            let mut grant = |bytes| match held.try_grow(bytes) {
                Ok(()) => true,
                Err(error) => {
                    is_hopeless = error.is_permanent();
                    false
                }
            };
            let decoded = decode(&value, encoding, &mut Room::new(&mut grant));
            (decoded, held, is_hopeless)
        };
        let (decoded, mut held, is_hopeless) = match n_bytes {
            0..=INLINE_BYTES_MAX => work(),
            _ => cpu::run(work).await.map_err(|error| {
                let message = format!("work on a record had no result: {error}");
                Failure::Permanent(RecordOutcome::Malformed, message)
            })?,
        };
        match decoded {
            Ok(Translated { otlp, .. }) => {
                if encoding != Encoding::OtlpProto {
                    held.set_anyway(otlp.len());
                    record.held = held;
                }
                Ok(otlp)
            }
            Err(RecordError::NoRoom(error)) if is_hopeless => {
                Err(Failure::Permanent(RecordOutcome::Rejected, error.to_string()))
            }
            Err(RecordError::NoRoom(error)) => {
                Err(Failure::Retryable(error.to_string(), Some(ROOM_WAIT)))
            }
            Err(RecordError::Malformed(message)) => {
                Err(Failure::Permanent(RecordOutcome::Malformed, message))
            }
        }
    }

    /// With the headers that were asked for as attributes of every resource.
    fn with_headers(&self, traces: Traces, record: &Record) -> Result<Traces, Failure> {
        let asked = |key: &String| self.settings.headers.contains(key);
        let found = record.headers.iter().filter(|(key, _)| asked(key));
        let attributes: Vec<_> = found.map(|(key, text)| header_attribute(key, text)).collect();
        if !self.settings.extract_headers || attributes.is_empty() {
            return Ok(traces);
        }
        let decoded = traces
            .decoded()
            .map_err(|error| Failure::Permanent(RecordOutcome::Malformed, error.to_string()))?;
        let mut request = Arc::unwrap_or_clone(decoded);
        for resource_spans in &mut request.resource_spans {
            let resource = resource_spans.resource.get_or_insert_default();
            for attribute in &attributes {
                resource.attributes.retain(|pair| pair.key != attribute.key);
                resource.attributes.push(attribute.clone());
            }
        }
        Ok(request.into())
    }
}

fn header_attribute(key: &str, text: &str) -> KeyValue {
    let value = AnyValue { value: Some(Value::StringValue(text.to_owned())) };
    KeyValue { key: format!("kafka.header.{key}"), value: Some(value) }
}
