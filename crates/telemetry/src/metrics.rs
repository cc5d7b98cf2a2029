//! The metrics of one process, grouped by the stage that updates them.
//!
//! # Names
//! `spandrel_<stage>_<noun>_<unit>[_total]`, except where users already alert on another name:
//! `process_*` as every Prometheus client has them, and the OpenTelemetry Collector's
//! `otelcol_receiver_accepted_spans` and `otelcol_receiver_refused_spans`. A test below lists all
//! of them; changing that list is changing a public interface.

pub(crate) mod block;
pub(crate) mod compaction;
pub(crate) mod connectors;
pub(crate) mod datagrams;
pub(crate) mod exporter;
pub(crate) mod generator;
pub(crate) mod kafka;
pub(crate) mod limits;
pub(crate) mod live;
pub(crate) mod memory;
pub(crate) mod objects;
pub(crate) mod pipelines;
pub(crate) mod process;
pub(crate) mod processor;
pub(crate) mod query;
pub(crate) mod receiver;
pub(crate) mod spans;
pub(crate) mod tail_sampling;
pub(crate) mod wal;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;

use crate::instrument::Registrar;
use block::BlockMetrics;
use compaction::CompactionMetrics;
use connectors::ConnectorMetrics;
use datagrams::DatagramMetrics;
use exporter::{ExporterMetrics, LoadBalancerMetrics};
use generator::GeneratorMetrics;
use kafka::KafkaMetrics;
use limits::LimitMetrics;
use live::LiveMetrics;
use memory::MemoryMetrics;
use objects::ObjectsMetrics;
use pipelines::PipelineMetrics;
use process::ProcessCollector;
use processor::ProcessorMetrics;
use query::QueryMetrics;
use receiver::ReceiverMetrics;
use spans::{SpanAccounting, SpanMetrics};
use tail_sampling::TailSamplingMetrics;
use wal::WalMetrics;

/// The `Content-Type` of what [`Metrics::encode`] returns.
pub const METRICS_CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All metrics of a process; clones share the same series.
#[derive(Debug, Clone)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Registry,
    receiver: ReceiverMetrics,
    datagrams: DatagramMetrics,
    spans: SpanMetrics,
    connectors: ConnectorMetrics,
    pipelines: PipelineMetrics,
    processors: ProcessorMetrics,
    tail_sampling: TailSamplingMetrics,
    wal: WalMetrics,
    live: LiveMetrics,
    block: BlockMetrics,
    compaction: CompactionMetrics,
    objects: ObjectsMetrics,
    query: QueryMetrics,
    exporters: ExporterMetrics,
    generator: GeneratorMetrics,
    kafka: KafkaMetrics,
    load_balancers: LoadBalancerMetrics,
    limits: LimitMetrics,
    memory: MemoryMetrics,
}

impl Metrics {
    /// Creates every metric with value zero.
    pub fn new() -> Self {
        let mut registry = Registry::default();
        process::register_build_info(&mut registry);
        registry.register_collector(Box::new(ProcessCollector));
        let mut registrar = Registrar::new(&mut registry);
        let receiver = ReceiverMetrics::register(&mut registrar);
        let datagrams = DatagramMetrics::register(&mut registrar);
        let spans = SpanMetrics::register(&mut registrar);
        let connectors = ConnectorMetrics::register(&mut registrar);
        let pipelines = PipelineMetrics::register(&mut registrar);
        let processors = ProcessorMetrics::register(&mut registrar);
        let tail_sampling = TailSamplingMetrics::register(&mut registrar);
        let wal = WalMetrics::register(&mut registrar);
        let live = LiveMetrics::register(&mut registrar);
        let block = BlockMetrics::register(&mut registrar);
        let compaction = CompactionMetrics::register(&mut registrar);
        let objects = ObjectsMetrics::register(&mut registrar);
        let query = QueryMetrics::register(&mut registrar);
        let exporters = ExporterMetrics::register(&mut registrar);
        let generator = GeneratorMetrics::register(&mut registrar);
        let kafka = KafkaMetrics::register(&mut registrar);
        let load_balancers = LoadBalancerMetrics::register(&mut registrar);
        let limits = LimitMetrics::register(&mut registrar);
        let memory = MemoryMetrics::register(&mut registrar);
        Self(Arc::new(Inner {
            registry,
            receiver,
            datagrams,
            spans,
            connectors,
            pipelines,
            processors,
            tail_sampling,
            wal,
            live,
            block,
            compaction,
            objects,
            query,
            exporters,
            generator,
            kafka,
            load_balancers,
            limits,
            memory,
        }))
    }

    /// Requests that bring spans.
    pub fn receiver(&self) -> &ReceiverMetrics {
        &self.0.receiver
    }

    /// Spans that come in datagrams.
    pub fn datagrams(&self) -> &DatagramMetrics {
        &self.0.datagrams
    }

    /// What became of every received span.
    pub fn spans(&self) -> &SpanMetrics {
        &self.0.spans
    }

    /// Connectors of the Collector.
    pub fn connectors(&self) -> &ConnectorMetrics {
        &self.0.connectors
    }

    /// What became of every span of a pipeline.
    pub fn pipelines(&self) -> &PipelineMetrics {
        &self.0.pipelines
    }

    /// `tail_sampling` processors.
    pub fn tail_sampling(&self) -> &TailSamplingMetrics {
        &self.0.tail_sampling
    }

    /// Processors of the Collector.
    pub fn processors(&self) -> &ProcessorMetrics {
        &self.0.processors
    }

    /// The write-ahead log.
    pub fn wal(&self) -> &WalMetrics {
        &self.0.wal
    }

    /// Spans that are searchable in memory.
    pub fn live(&self) -> &LiveMetrics {
        &self.0.live
    }

    /// Blocks and the catalog.
    pub fn block(&self) -> &BlockMetrics {
        &self.0.block
    }

    /// Compaction.
    pub fn compaction(&self) -> &CompactionMetrics {
        &self.0.compaction
    }

    /// The object store.
    pub fn objects(&self) -> &ObjectsMetrics {
        &self.0.objects
    }

    /// Queries.
    pub fn query(&self) -> &QueryMetrics {
        &self.0.query
    }

    /// Exporters of the Collector.
    pub fn exporters(&self) -> &ExporterMetrics {
        &self.0.exporters
    }

    /// Metrics that are generated from spans.
    pub fn generator(&self) -> &GeneratorMetrics {
        &self.0.generator
    }

    /// Records of Kafka.
    pub fn kafka(&self) -> &KafkaMetrics {
        &self.0.kafka
    }

    /// Load balancers among the exporters.
    pub fn load_balancers(&self) -> &LoadBalancerMetrics {
        &self.0.load_balancers
    }

    /// The limits of tenants.
    pub fn limits(&self) -> &LimitMetrics {
        &self.0.limits
    }

    /// The memory budget.
    pub fn memory(&self) -> &MemoryMetrics {
        &self.0.memory
    }

    /// The sums behind the promise that no span is lost without a trace.
    pub fn accounting(&self) -> SpanAccounting {
        self.0.spans.accounting()
    }

    /// The metrics page in OpenMetrics text format, ending in `# EOF`.
    #[expect(clippy::missing_panics_doc, reason = "the expect below states why it cannot")]
    pub fn encode(&self) -> String {
        let mut page = String::new();
        text::encode(&mut page, &self.0.registry)
            .expect("writing to a string fails only if an encoder does, and ours do not");
        page
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
