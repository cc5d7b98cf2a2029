//! Settings of the exporter `kafka`.

use std::time::Duration;

use rdkafka::ClientConfig;
use spandrel_config::Section;
use spandrel_config::blocks::{Queue, Retry};
use spandrel_exporters::SendingSettings;

use super::client::ClientSettings;
use crate::encoding::Encoding;

/// What librdkafka holds of records on their way, at most.
pub(crate) const BUFFERED_BYTES_MAX: usize = 64 << 20;

/// `kafka`: which topic spans go to, how they are written, and what counts as sent.
#[derive(Debug, Clone, PartialEq)]
pub struct KafkaExporterSettings {
    /// How the cluster is reached.
    pub client: ClientSettings,
    /// The topic, where nothing else names one.
    pub topic: String,
    /// The sender's metadata that names the topic; empty for none.
    pub topic_from_metadata_key: String,
    /// The attribute of a resource that names the topic of a request; empty for none.
    pub topic_from_attribute: String,
    /// The sender's metadata that is the key of records; empty for none.
    pub message_key_from_metadata_key: String,
    /// How spans are written; the name of an encoding that is not of spans is an error.
    pub encoding: Result<Encoding, String>,
    /// Whether every trace is a record of its own with its id as the key, so that it stays in one partition.
    pub partition_traces_by_id: bool,
    /// The sender's metadata that become headers of records.
    pub include_metadata_keys: Vec<String>,
    /// Headers of every record.
    pub record_headers: Vec<(String, String)>,
    /// How a record finds its partition.
    pub partitioner: Partitioner,
    /// Bytes of a record; a request is split to fit.
    pub max_message_bytes: usize,
    /// Replicas that must have a record: 0, 1, or -1 for all that are in sync.
    pub required_acks: i64,
    /// How sets of records are compressed.
    pub compression: Compression,
    /// The level of it; `None` for the usual one.
    pub compression_level: Option<i64>,
    /// Records in one request to a broker.
    pub flush_max_messages: u64,
    /// How long a record waits for others.
    pub linger: Duration,
    /// Time limit, retries and queue.
    pub sending: SendingSettings,
}

/// How sets of records are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not.
    None,
    /// gzip
    Gzip,
    /// Snappy
    Snappy,
    /// LZ4
    Lz4,
    /// Zstandard
    Zstd,
}

/// How a record finds its partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partitioner {
    /// By its key, as Java's clients do; without a key, one for a while and then another.
    StickyKey,
    /// Any, whatever its key.
    Random,
}

const COMPRESSIONS: [(&str, Compression); 6] = [
    ("none", Compression::None),
    ("", Compression::None),
    ("gzip", Compression::Gzip),
    ("snappy", Compression::Snappy),
    ("lz4", Compression::Lz4),
    ("zstd", Compression::Zstd),
];

impl KafkaExporterSettings {
    /// Reads the settings.
    pub fn read(section: &mut Section<'_>) -> Self {
        let client = ClientSettings::read(section);
        let (topic, encoding) = (section.get::<String>("topic"), section.get::<String>("encoding"));
        let traces = section.section("traces", Signal::read).unwrap_or_default();
        for key in ["logs", "metrics", "profiles"] {
            section.value(key);
        }
        section.ignore(
            &[
                "partition_metrics_by_resource_attributes",
                "partition_logs_by_resource_attributes",
                "partition_logs_by_trace_id",
            ],
            "only spans are sent",
        );
        let not_empty = |text: &String| !text.is_empty();
        let topic = traces.topic.or(topic).filter(not_empty);
        let encoding = traces.encoding.or(encoding).filter(not_empty);
        let encoding = encoding.map_or(Ok(Encoding::OtlpProto), |name| {
            Encoding::of_name(&name).filter(|e| *e != Encoding::ZipkinThrift).ok_or(name)
        });
        let producer = section.section("producer", Producer::read).unwrap_or_default();
        let record_headers = section.sections("record_headers", |section| {
            (section.required("key").unwrap_or_default(), section.or("value", String::new()))
        });
        let timeout = section.or("timeout", Duration::from_secs(5));
        Self {
            client,
            topic: topic.unwrap_or_else(|| "otlp_spans".to_owned()),
            topic_from_metadata_key: traces.topic_from_metadata_key,
            topic_from_attribute: section.or("topic_from_attribute", String::new()),
            message_key_from_metadata_key: traces.message_key_from_metadata_key,
            encoding,
            partition_traces_by_id: section.or("partition_traces_by_id", false),
            include_metadata_keys: section.or("include_metadata_keys", Vec::new()),
            record_headers,
            partitioner: section
                .section("record_partitioner", read_partitioner)
                .unwrap_or(Partitioner::StickyKey),
            max_message_bytes: usize::try_from(producer.max_message_bytes).unwrap_or(usize::MAX),
            required_acks: producer.required_acks,
            compression: producer.compression,
            compression_level: producer.compression_level,
            flush_max_messages: producer.flush_max_messages,
            linger: producer.linger,
            sending: SendingSettings {
                timeout,
                retry: Retry::retry_on_failure(section),
                queue: Queue::sending_queue(section),
            },
        }
    }

    /// The settings in librdkafka's words.
    pub(crate) fn to_config(&self) -> ClientConfig {
        let mut config = self.client.to_config();
        let compression = match self.compression {
            Compression::None => "none",
            Compression::Gzip => "gzip",
            Compression::Snappy => "snappy",
            Compression::Lz4 => "lz4",
            Compression::Zstd => "zstd",
        };
        let partitioner = match self.partitioner {
            Partitioner::StickyKey => "murmur2_random",
            Partitioner::Random => "random",
        };
        config
            .set("message.max.bytes", self.max_message_bytes.to_string())
            .set("acks", self.required_acks.to_string())
            .set("compression.type", compression)
            .set("batch.num.messages", self.flush_max_messages.to_string())
            .set("linger.ms", self.linger.as_millis().to_string())
            .set("partitioner", partitioner)
            .set("queue.buffering.max.kbytes", (BUFFERED_BYTES_MAX / 1024).to_string());
        if let Some(level) = self.compression_level {
            config.set("compression.level", level.to_string());
        }
        if !self.sending.timeout.is_zero() {
            // What an attempt has given up must not be delivered after the next one.
            let timeout = self.sending.timeout.max(self.linger + Duration::from_millis(1));
            config.set("message.timeout.ms", timeout.as_millis().to_string());
        }
        config
    }
}

/// `traces`
#[derive(Default)]
struct Signal {
    topic: Option<String>,
    encoding: Option<String>,
    topic_from_metadata_key: String,
    message_key_from_metadata_key: String,
}

impl Signal {
    fn read(section: &mut Section<'_>) -> Self {
        Self {
            topic: section.get("topic"),
            encoding: section.get("encoding"),
            topic_from_metadata_key: section.or("topic_from_metadata_key", String::new()),
            message_key_from_metadata_key: section
                .or("message_key_from_metadata_key", String::new()),
        }
    }
}

/// `producer`
struct Producer {
    max_message_bytes: u64,
    required_acks: i64,
    compression: Compression,
    compression_level: Option<i64>,
    flush_max_messages: u64,
    linger: Duration,
}

impl Default for Producer {
    fn default() -> Self {
        Self {
            max_message_bytes: 1_000_000,
            // The Collector's default, 1, loses spans with the one broker that has them.
            required_acks: -1,
            compression: Compression::None,
            compression_level: None,
            flush_max_messages: 10_000,
            linger: Duration::from_millis(10),
        }
    }
}

impl Producer {
    fn read(section: &mut Section<'_>) -> Self {
        let defaults = Self::default();
        let reason = "brokers decide whether topics are made";
        section.ignore(&["allow_auto_topic_creation"], reason);
        section.ignore(&["max_broker_write_bytes"], "a request has the size of its records");
        let level = section.section("compression_params", |section| section.get::<i64>("level"));
        let producer = Self {
            max_message_bytes: section.or("max_message_bytes", defaults.max_message_bytes),
            required_acks: read_acks(section).unwrap_or(defaults.required_acks),
            compression: section
                .choice("compression", &COMPRESSIONS)
                .unwrap_or(defaults.compression),
            compression_level: level.flatten().filter(|level| *level != 0),
            flush_max_messages: match section.or("flush_max_messages", 0) {
                0 => defaults.flush_max_messages,
                messages => messages,
            },
            linger: section.or("linger", defaults.linger),
        };
        if !(1000..=1_000_000_000).contains(&producer.max_message_bytes) {
            section.problem(Some("max_message_bytes"), "must be from 1000 to 1000000000");
        }
        if producer.flush_max_messages > 1_000_000 {
            section.problem(Some("flush_max_messages"), "must be at most 1000000");
        }
        producer
    }
}

fn read_acks(section: &mut Section<'_>) -> Option<i64> {
    if section.value("required_acks").is_some_and(|value| value.as_text() == Some("all")) {
        return Some(-1);
    }
    let acks: i64 = section.get("required_acks")?;
    if !(-1..=1).contains(&acks) {
        section.problem(Some("required_acks"), "must be 0, 1, or -1 for all replicas in sync");
    }
    Some(acks)
}

fn read_partitioner(section: &mut Section<'_>) -> Partitioner {
    let mut partitioner = Partitioner::StickyKey;
    section.section("sticky_key", |section| {
        let hasher: Option<String> = section.get("hasher");
        if hasher.is_some_and(|hasher| !hasher.is_empty() && hasher != "murmur2") {
            section.problem(Some("hasher"), "must be `murmur2`");
        }
    });
    for key in ["round_robin", "least_backup"] {
        if section.has(key) {
            section.value(key);
            section.warn(Some(key), "records go to any partition at random");
            partitioner = Partitioner::Random;
        }
    }
    if section.value("extension").is_some_and(|value| !value.is_null()) {
        section.problem(Some("extension"), "there are no extensions that choose partitions");
    }
    partitioner
}
