//! What every handler needs.

use std::sync::Arc;

use spandrel_base::clock::SharedClock;
use spandrel_query::QueryEngine;
use spandrel_telemetry::Metrics;

/// Shared by all handlers of all dialects; clones are cheap.
#[derive(Clone)]
pub struct ApiState {
    pub(crate) engine: Arc<QueryEngine>,
    pub(crate) clock: SharedClock,
    pub(crate) metrics: Metrics,
}

impl ApiState {
    /// Handlers ask `engine`, take "now" from `clock` and count requests in `metrics`.
    pub fn new(engine: Arc<QueryEngine>, clock: SharedClock, metrics: Metrics) -> Self {
        Self { engine, clock, metrics }
    }
}
