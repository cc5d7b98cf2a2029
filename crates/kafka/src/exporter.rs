//! The exporter `kafka`.
//!
//! An attempt to send a request is over when the brokers have answered for each of its records. When one of them
//! was not taken, the whole request is sent again: records may come twice, and none is lost.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::future::join_all;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use spandrel_base::cpu;
use spandrel_exporters::{Exported, Extensions, Payload, SendError, Sending, Transport};
use spandrel_pipeline::{Client, ComponentContext, ComponentError};
use spandrel_telemetry::KafkaExporterSeries;

use crate::client::Voice;
use crate::encode::{EncodeError, Encoder, Record, Records, resource_text};
use crate::encoding::Encoding;
use crate::settings::exporter::{BUFFERED_BYTES_MAX, KafkaExporterSettings};

/// What a set of records takes besides its records.
const SET_BYTES: usize = 512;
/// How long a record waits for room in librdkafka's buffer.
const BUFFER_WAIT: Duration = Duration::from_secs(1);

/// The exporter `kafka`.
pub struct KafkaExporter;

impl KafkaExporter {
    /// An exporter that is not started yet.
    ///
    /// # Errors
    /// When the encoding is none of spans, or an extension that the settings name is missing.
    #[expect(
        clippy::new_ret_no_self,
        reason = "the exporter is a transport in what all exporters share"
    )]
    pub fn new(
        settings: KafkaExporterSettings,
        extensions: &Extensions,
        context: ComponentContext,
    ) -> Result<Sending<KafkaTransport>, ComponentError> {
        let sending = settings.sending.clone();
        let transport = KafkaTransport::new(settings, &context)?;
        Sending::with_transport(transport, sending, extensions, context)
    }
}

/// Sends records to one cluster.
pub struct KafkaTransport {
    settings: KafkaExporterSettings,
    encoding: Encoding,
    id: Arc<str>,
    series: KafkaExporterSeries,
    producer: OnceLock<FutureProducer<Voice>>,
}

impl KafkaTransport {
    fn new(
        settings: KafkaExporterSettings,
        context: &ComponentContext,
    ) -> Result<Self, ComponentError> {
        let encoding = settings.encoding.clone();
        let encoding = encoding.map_err(|name| ComponentError::new(Encoding::unknown(&name)))?;
        let series = context.metrics.kafka().exporter(&context.id);
        let id = Arc::clone(&context.id);
        Ok(Self { settings, encoding, id, series, producer: OnceLock::new() })
    }

    fn headers(&self, client: &Client) -> Option<OwnedHeaders> {
        let fixed = self.settings.record_headers.iter().map(|(k, v)| (k.as_str(), v.as_str()));
        let metadata = self.settings.include_metadata_keys.iter().flat_map(|key| {
            client.metadata(key).iter().map(move |value| (key.as_str(), value.as_str()))
        });
        let mut headers = None;
        for (key, value) in fixed.chain(metadata) {
            let so_far = headers.unwrap_or_else(OwnedHeaders::new);
            headers = Some(so_far.insert(Header { key, value: Some(value) }));
        }
        headers
    }

    fn topic(&self, payload: &Payload) -> Result<String, EncodeError> {
        let settings = &self.settings;
        if let Some(topic) = first_metadata(&payload.client, &settings.topic_from_metadata_key) {
            return Ok(topic.to_owned());
        }
        if !settings.topic_from_attribute.is_empty()
            && let Some(topic) = resource_text(&payload.otlp, &settings.topic_from_attribute)?
        {
            return Ok(topic);
        }
        Ok(settings.topic.clone())
    }

    /// Topic and records of a request.
    async fn records(&self, payload: &Payload) -> Result<(String, Records), SendError> {
        let content = |error: EncodeError| SendError::Permanent {
            message: error.to_string(),
            is_content: true,
        };
        let topic = self.topic(payload).map_err(content)?;
        let headers_bytes = self.headers(&payload.client).map_or(0, |_| SET_BYTES);
        let key = first_metadata(&payload.client, &self.settings.message_key_from_metadata_key);
        let key = key.map(|key| key.as_bytes().to_vec());
        let encoder = Encoder {
            encoding: self.encoding,
            by_trace: self.settings.partition_traces_by_id,
            record_bytes_max: self
                .settings
                .max_message_bytes
                .saturating_sub(SET_BYTES + headers_bytes),
        };
        let otlp = payload.otlp.clone();
        let spans = payload.spans;
        let work = move || encoder.encode(&otlp, spans, key.as_deref());
        let records = match payload.otlp.len() {
            0..=16_384 => work(),
            _ => cpu::run(work).await.map_err(|error| SendError::retryable(error.to_string()))?,
        };
        Ok((topic, records.map_err(content)?))
    }

    async fn send(
        &self,
        producer: &FutureProducer<Voice>,
        topic: &str,
        record: &Record,
        headers: Option<OwnedHeaders>,
    ) -> Result<(), KafkaError> {
        let mut message: FutureRecord<'_, [u8], [u8]> =
            FutureRecord::to(topic).payload(&record.value);
        message.headers = headers;
        message.key = record.key.as_deref();
        match producer.send(message, BUFFER_WAIT).await {
            Ok(_delivery) => {
                self.series.sent.inc();
                self.series.sent_bytes.add(record.value.len() as u64);
                Ok(())
            }
            Err((error, _message)) => {
                self.series.send_failed.inc();
                Err(error)
            }
        }
    }
}

#[async_trait::async_trait]
impl Transport for KafkaTransport {
    async fn start(&self) -> Result<(), ComponentError> {
        let (config, voice) = (self.settings.to_config(), Voice(Arc::clone(&self.id)));
        let created = config.create_with_context(voice);
        let producer = created.map_err(|error| ComponentError::new(error.to_string()))?;
        tracing::info!(
            exporter = &*self.id,
            brokers = self.settings.client.brokers.join(","),
            buffered_bytes_max = BUFFERED_BYTES_MAX,
            "sending to kafka"
        );
        match self.producer.set(producer) {
            Ok(()) => Ok(()),
            Err(_) => Err(ComponentError::new("the exporter is started already")),
        }
    }

    async fn export(&self, payload: &Payload) -> Result<Exported, SendError> {
        let Some(producer) = self.producer.get() else {
            return Err(SendError::retryable("the exporter is not started"));
        };
        let (topic, Records { records, too_large_spans }) = self.records(payload).await?;
        let headers = self.headers(&payload.client);
        let sends = records.iter().map(|r| self.send(producer, &topic, r, headers.clone()));
        let sent = join_all(sends).await;
        let (mut rejected_spans, mut n_rejected, mut refusal) = (too_large_spans, 0, None);
        for (record, result) in records.iter().zip(sent) {
            let Err(error) = result else { continue };
            if !is_permanent(&error) {
                // All of it is sent again, so that nothing is lost.
                return Err(SendError::retryable(error.to_string()));
            }
            rejected_spans += record.spans;
            n_rejected += 1;
            refusal = Some(error);
        }
        match refusal {
            Some(error) if n_rejected == records.len() => Err(send_error(&error)),
            Some(error) => Ok(Exported { rejected_spans, message: error.to_string() }),
            None if too_large_spans == 0 => Ok(Exported::default()),
            None => {
                let message = format!("{too_large_spans} spans exceed `max_message_bytes`");
                Ok(Exported { rejected_spans, message })
            }
        }
    }
}

fn first_metadata<'c>(client: &'c Client, key: &str) -> Option<&'c str> {
    if key.is_empty() {
        return None;
    }
    client.metadata(key).iter().map(String::as_str).find(|value| !value.is_empty())
}

/// Whether sending again cannot help.
fn is_permanent(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        error.rdkafka_error_code(),
        Some(
            Code::MessageSizeTooLarge
                | Code::InvalidMessageSize
                | Code::InvalidTopic
                | Code::InvalidRecord
                | Code::TopicAuthorizationFailed
                | Code::ClusterAuthorizationFailed
                | Code::UnsupportedCompressionType
                | Code::UnsupportedForMessageFormat
                | Code::PolicyViolation
        )
    )
}

/// A permanent error: of the content, unless the next request fails in the same way.
fn send_error(error: &KafkaError) -> SendError {
    use RDKafkaErrorCode as Code;
    let of_content = [Code::MessageSizeTooLarge, Code::InvalidMessageSize, Code::InvalidRecord];
    let code = error.rdkafka_error_code();
    let is_content = code.is_some_and(|code| of_content.contains(&code));
    SendError::Permanent { message: error.to_string(), is_content }
}
