//! The Collector's receiver and exporter of Kafka, over librdkafka.
//!
//! [`KafkaReceiver`] reads topics as a member of a consumer group and commits an offset only when the pipeline has
//! taken everything before it. [`KafkaExporter`] is a transport below the queue, batches and retries that all
//! exporters share. librdkafka has threads and buffers of its own; their memory is bounded by its settings
//! (`docs/pipelines.md` says how), and what is copied out of it is taken from the component's budget.

mod client;
mod decode;
mod encode;
mod encoding;
mod exporter;
mod receiver;
mod settings;

pub use encoding::Encoding;
pub use exporter::{KafkaExporter, KafkaTransport};
pub use receiver::KafkaReceiver;
pub use settings::client::{Authentication, ClientSettings, Mechanism};
pub use settings::exporter::{Compression, KafkaExporterSettings, Partitioner};
pub use settings::receiver::{InitialOffset, KafkaReceiverSettings, Marking};
