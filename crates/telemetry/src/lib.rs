//! Spandrel's own metrics and logs; the only crate that names a metric.
//!
//! Other crates hold a [`Metrics`] and call typed instruments on it. They cannot invent a name or
//! a label, so a dashboard that works today breaks only by a change in this crate, and the number
//! of series is bounded by what is written here.
//!
//! # Not here
//! Scraping and pushing: `api` serves [`Metrics::encode`] with [`METRICS_CONTENT_TYPE`]. There is
//! no global registry; a process, or a test, has as many `Metrics` as it makes.

mod checker;
mod instrument;
mod label;
pub mod logs;
mod metrics;

pub use checker::{CheckFault, CheckLabels, CheckRequest, CheckerMetrics};
pub use instrument::{Counter, CounterFamily, DurationFamily, Gauge, GaugeFamily, Histogram};
pub use metrics::block::BlockMetrics;
pub use metrics::compaction::CompactionMetrics;
pub use metrics::connectors::{ConnectorMetrics, ServiceGraphCounters};
pub use metrics::datagrams::{DatagramDropReason, DatagramMetrics};
pub use metrics::exporter::{ExporterMetrics, ExporterSeries, LoadBalancerMetrics};
pub use metrics::generator::{GeneratorMetrics, GeneratorSeries};
pub use metrics::kafka::{KafkaExporterSeries, KafkaMetrics, KafkaReceiverSeries, RecordOutcome};
pub use metrics::limits::{LimitMetrics, ReloadOutcome, TENANTS_MAX};
pub use metrics::live::LiveMetrics;
pub use metrics::memory::{MemoryClass, MemoryMetrics};
pub use metrics::objects::{
    AttemptOutcome, CacheResult, HedgeOutcome, ObjectCacheMetrics, ObjectOperation, ObjectOutcome,
    ObjectsMetrics,
};
pub use metrics::pipelines::{PipelineFate, PipelineMetrics};
pub use metrics::processor::{ProcessorMetrics, ProcessorSeries};
pub use metrics::query::{Api, Endpoint, InspectedMetrics, QueryMetrics, QueryRefuseReason};
pub use metrics::receiver::{Receiver, ReceiverMetrics, Request, Source, Transport};
pub use metrics::spans::{FailReason, RefuseReason, RejectReason, SpanAccounting, SpanMetrics};
pub use metrics::tail_sampling::{
    EarlyReason, SamplingDecision, TailSamplingMetrics, TailSamplingSeries,
};
pub use metrics::wal::WalMetrics;
pub use metrics::{METRICS_CONTENT_TYPE, Metrics};
