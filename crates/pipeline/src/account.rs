//! Exact accounts of a pipeline: every span that enters it is somewhere.
//!
//! # Invariant
//! At rest, `received = sent + filtered + sampled out + refused + failed + held`. A component that makes spans
//! (a fan-out to two pipelines) makes them in the accounts of those.

use std::sync::Arc;

use spandrel_telemetry::{Counter, Gauge, Metrics, PipelineFate};

/// The accounts of one pipeline; clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Account(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    received: Counter,
    sent: Counter,
    filtered: Counter,
    sampled_out: Counter,
    refused: Counter,
    failed: Counter,
    held: Gauge,
}

/// What an [`Account`] says at a moment, in spans.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// That entered.
    pub received: u64,
    /// That left towards exporters and connectors.
    pub sent: u64,
    /// That a component removed because the configuration says so.
    pub filtered: u64,
    /// That sampling did not choose.
    pub sampled_out: u64,
    /// That were not taken; the sender knows.
    pub refused: u64,
    /// That were acknowledged and lost after.
    pub failed: u64,
    /// That are in the pipeline.
    pub held: u64,
}

impl Totals {
    /// Whether every span that was received is accounted for.
    pub fn adds_up(&self) -> bool {
        let Self { received, sent, filtered, sampled_out, refused, failed, held } = *self;
        received == sent + filtered + sampled_out + refused + failed + held
    }
}

impl Account {
    /// The accounts of the pipeline `id`, as the metrics page shows them.
    pub fn of_pipeline(id: &Arc<str>, metrics: &Metrics) -> Self {
        let pipelines = metrics.pipelines();
        let with_fate = |fate| pipelines.with_fate(id, fate);
        Self(Arc::new(Counters {
            received: pipelines.received(id),
            sent: with_fate(PipelineFate::Sent),
            filtered: with_fate(PipelineFate::Filtered),
            sampled_out: with_fate(PipelineFate::SampledOut),
            refused: with_fate(PipelineFate::Refused),
            failed: with_fate(PipelineFate::Failed),
            held: pipelines.held(id),
        }))
    }

    /// Accounts that no metrics page shows.
    pub fn detached() -> Self {
        Self::default()
    }

    /// Spans entered.
    pub fn received(&self, spans: u64) {
        self.0.received.add(spans);
    }

    /// Spans left towards exporters and connectors.
    pub fn sent(&self, spans: u64) {
        self.0.sent.add(spans);
    }

    /// Spans were removed because the configuration says so.
    pub fn filtered(&self, spans: u64) {
        self.0.filtered.add(spans);
    }

    /// Spans were not chosen by sampling.
    pub fn sampled_out(&self, spans: u64) {
        self.0.sampled_out.add(spans);
    }

    /// Spans were not taken; their sender knows.
    pub fn refused(&self, spans: u64) {
        self.0.refused.add(spans);
    }

    /// Spans that had been acknowledged are lost.
    pub fn failed(&self, spans: u64) {
        self.0.failed.add(spans);
    }

    /// Spans are acknowledged and stay here for a while.
    pub fn hold(&self, spans: u64) {
        self.0.held.add(spans);
    }

    /// Spans that were held are on their way, or counted as something else.
    pub fn release(&self, spans: u64) {
        self.0.held.sub(spans);
    }

    /// All of them now.
    pub fn totals(&self) -> Totals {
        let counters = &self.0;
        Totals {
            received: counters.received.get(),
            sent: counters.sent.get(),
            filtered: counters.filtered.get(),
            sampled_out: counters.sampled_out.get(),
            refused: counters.refused.get(),
            failed: counters.failed.get(),
            held: u64::try_from(counters.held.get()).unwrap_or(0),
        }
    }
}
