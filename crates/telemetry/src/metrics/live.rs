//! Spans that are acknowledged and not yet in a block: how many, and how soon they can be found.

use crate::instrument::{Buckets, Registrar};
use crate::{Gauge, Histogram};

/// Instruments of live spans.
#[derive(Debug, Clone)]
pub struct LiveMetrics {
    /// Spans in memory.
    pub spans: Gauge,
    /// Memory that they and what waits for the log take.
    pub bytes: Gauge,
    /// Runs (sorted parts) they are kept in.
    pub runs: Gauge,
    /// From success to the sender until a query finds the span.
    pub acknowledged_to_searchable: Histogram,
}

impl LiveMetrics {
    pub(crate) fn register(registrar: &mut Registrar<'_>) -> Self {
        Self {
            spans: registrar.gauge("spandrel_live_spans", "Spans searchable in memory"),
            bytes: registrar.gauge(
                "spandrel_live_bytes",
                "Memory of the live spans and of what waits for the write-ahead log",
            ),
            runs: registrar.gauge("spandrel_live_runs", "Runs that hold the live spans"),
            acknowledged_to_searchable: registrar.histogram(
                "spandrel_live_acknowledged_to_searchable_seconds",
                "From success to the sender until queries find the spans",
                Buckets::LOCAL_IO,
            ),
        }
    }
}
