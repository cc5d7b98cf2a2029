//! Records of Kafka: what came out of topics, what went into them, what could not.
//!
//! The labels `receiver` and `exporter` are component ids of the configuration, so they bound the number of series.
//!
//! # Invariant
//! Of a receiver that has finished, every record that it has received is counted with one outcome.

use prometheus_client::encoding::EncodeLabelSet;

use crate::instrument::{CounterFamily, GaugeFamily, Registrar};
use crate::label::label_enum;
use crate::{Counter, Gauge};

label_enum! {
    /// What became of a record that was received.
    pub enum RecordOutcome("outcome") {
        /// The pipeline took its spans.
        Delivered = "delivered",
        /// It is not what the encoding says; it is left out.
        Malformed = "malformed",
        /// The pipeline refused its spans for good; it is left out.
        Rejected = "rejected",
        /// The pipeline took its spans at no attempt; it is left out.
        GivenUp = "given_up",
        /// It was not finished when its partition went to somebody else or the receiver stopped. Whoever reads the
        /// partition next reads it again.
        Returned = "returned",
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReceiverLabels {
    receiver: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    receiver: String,
    outcome: RecordOutcome,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ExporterLabels {
    exporter: String,
}

/// Instruments of receivers and exporters of Kafka.
#[derive(Debug, Clone)]
pub struct KafkaMetrics {
    received: CounterFamily<ReceiverLabels>,
    received_bytes: CounterFamily<ReceiverLabels>,
    outcomes: CounterFamily<OutcomeLabels>,
    retries: CounterFamily<ReceiverLabels>,
    paused: GaugeFamily<ReceiverLabels>,
    sent: CounterFamily<ExporterLabels>,
    sent_bytes: CounterFamily<ExporterLabels>,
    send_failed: CounterFamily<ExporterLabels>,
}

/// The series of one receiver.
#[derive(Debug, Clone)]
pub struct KafkaReceiverSeries {
    /// Records that came from the brokers.
    pub received: Counter,
    /// Bytes of their values, decompressed.
    pub received_bytes: Counter,
    /// Attempts to hand a record on, after the first.
    pub retries: Counter,
    /// Partitions that are not read now because what was read is not finished.
    pub paused: Gauge,
    outcomes: CounterFamily<OutcomeLabels>,
    receiver: String,
}

/// The series of one exporter.
#[derive(Debug, Clone)]
pub struct KafkaExporterSeries {
    /// Records that a broker took.
    pub sent: Counter,
    /// Bytes of their values, uncompressed.
    pub sent_bytes: Counter,
    /// Attempts to send a record that failed.
    pub send_failed: Counter,
}

impl KafkaMetrics {
    pub(crate) fn register(registrar: &mut Registrar<'_>) -> Self {
        Self {
            received: registrar.counters(
                "spandrel_kafka_received_records",
                "Records that a receiver got from brokers",
                &[],
            ),
            received_bytes: registrar.counters(
                "spandrel_kafka_received_record_bytes",
                "Values of records that a receiver got from brokers, decompressed",
                &[],
            ),
            outcomes: registrar.counters(
                "spandrel_kafka_finished_records",
                "What became of records that a receiver got from brokers",
                &[],
            ),
            retries: registrar.counters(
                "spandrel_kafka_record_retries",
                "Attempts to hand a record on, after the first",
                &[],
            ),
            paused: registrar.gauges(
                "spandrel_kafka_paused_partitions",
                "Partitions that are not read now because what was read is not finished",
                &[],
            ),
            sent: registrar.counters(
                "spandrel_kafka_sent_records",
                "Records of an exporter that a broker took",
                &[],
            ),
            sent_bytes: registrar.counters(
                "spandrel_kafka_sent_record_bytes",
                "Values of records of an exporter that a broker took, uncompressed",
                &[],
            ),
            send_failed: registrar.counters(
                "spandrel_kafka_send_failed_records",
                "Attempts of an exporter to send a record that failed",
                &[],
            ),
        }
    }

    /// The series of the receiver with this component id.
    pub fn receiver(&self, component: &str) -> KafkaReceiverSeries {
        let labels = ReceiverLabels { receiver: component.to_owned() };
        KafkaReceiverSeries {
            received: self.received.series(&labels),
            received_bytes: self.received_bytes.series(&labels),
            retries: self.retries.series(&labels),
            paused: self.paused.series(&labels),
            outcomes: self.outcomes.clone(),
            receiver: labels.receiver,
        }
    }

    /// The series of the exporter with this component id.
    pub fn exporter(&self, component: &str) -> KafkaExporterSeries {
        let labels = ExporterLabels { exporter: component.to_owned() };
        KafkaExporterSeries {
            sent: self.sent.series(&labels),
            sent_bytes: self.sent_bytes.series(&labels),
            send_failed: self.send_failed.series(&labels),
        }
    }
}

impl KafkaReceiverSeries {
    /// Counts a record whose fate is known.
    pub fn finished(&self, outcome: RecordOutcome) {
        self.outcomes.inc(&OutcomeLabels { receiver: self.receiver.clone(), outcome });
    }

    /// How many records had this fate.
    pub fn with_outcome(&self, outcome: RecordOutcome) -> u64 {
        self.outcomes.get(&OutcomeLabels { receiver: self.receiver.clone(), outcome })
    }
}
