//! What became of every span of a pipeline.
//!
//! # Invariant
//! At rest, `received = sent + filtered + sampled_out + refused + failed + held`, per pipeline.

use prometheus_client::encoding::EncodeLabelSet;

use crate::instrument::{CounterFamily, GaugeFamily, Registrar};
use crate::label::label_enum;
use crate::{Counter, Gauge};

label_enum! {
    /// What became of a span in a pipeline.
    pub enum PipelineFate("fate") {
        /// It was handed to exporters or connectors.
        Sent = "sent",
        /// A component removed it because the configuration says so.
        Filtered = "filtered",
        /// Sampling did not choose it.
        SampledOut = "sampled_out",
        /// It was not taken; the sender knows.
        Refused = "refused",
        /// It had been acknowledged and is lost.
        Failed = "failed",
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PipelineLabels {
    pipeline: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FateLabels {
    pipeline: String,
    fate: PipelineFate,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StubLabels {
    component: String,
}

/// Accounts by pipeline; which there are, the configuration says.
#[derive(Debug, Clone)]
pub struct PipelineMetrics {
    received: CounterFamily<PipelineLabels>,
    fates: CounterFamily<FateLabels>,
    held: GaugeFamily<PipelineLabels>,
    dropped_by_stubs: CounterFamily<StubLabels>,
}

impl PipelineMetrics {
    pub(crate) fn register(registrar: &mut Registrar<'_>) -> Self {
        Self {
            received: registrar.counters(
                "spandrel_pipeline_received_spans",
                "Spans that entered a pipeline",
                &[],
            ),
            fates: registrar.counters(
                "spandrel_pipeline_spans",
                "Spans that left a pipeline, by what became of them",
                &[],
            ),
            held: registrar.gauges(
                "spandrel_pipeline_held_spans",
                "Acknowledged spans that are in a pipeline",
                &[],
            ),
            dropped_by_stubs: registrar.counters(
                "spandrel_pipeline_stub_dropped_items",
                "Spans and data points that were given to a component that this program does not have",
                &[],
            ),
        }
    }

    /// Spans that entered the pipeline `id`.
    pub fn received(&self, id: &str) -> Counter {
        self.received.series(&PipelineLabels { pipeline: id.to_owned() })
    }

    /// Spans of the pipeline `id` with this fate.
    pub fn with_fate(&self, id: &str, fate: PipelineFate) -> Counter {
        self.fates.series(&FateLabels { pipeline: id.to_owned(), fate })
    }

    /// What was given to a component that this program does not have.
    pub fn dropped_by_stub(&self, component: &str) -> Counter {
        self.dropped_by_stubs.series(&StubLabels { component: component.to_owned() })
    }

    /// Spans that the pipeline `id` has acknowledged and holds.
    pub fn held(&self, id: &str) -> Gauge {
        self.held.series(&PipelineLabels { pipeline: id.to_owned() })
    }
}
