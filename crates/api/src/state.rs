//! What every handler needs.

use std::sync::Arc;

use spandrel_base::clock::SharedClock;
use spandrel_query::QueryEngine;
use spandrel_telemetry::Metrics;

use crate::{ApiOptions, Overrides};

/// Shared by all handlers of all dialects; clones are cheap.
#[derive(Clone)]
pub struct ApiState {
    pub(crate) engine: Arc<QueryEngine>,
    pub(crate) clock: SharedClock,
    pub(crate) metrics: Metrics,
    pub(crate) options: ApiOptions,
    pub(crate) overrides: Option<Overrides>,
    #[cfg(feature = "sql")]
    pub(crate) sql: Arc<spandrel_sql::SqlEngine>,
}

impl ApiState {
    /// Handlers ask `engine`, take "now" from `clock` and count requests in `metrics`.
    pub fn new(engine: Arc<QueryEngine>, clock: SharedClock, metrics: Metrics) -> Self {
        Self {
            #[cfg(feature = "sql")]
            sql: Arc::new(spandrel_sql::SqlEngine::new(Arc::clone(&engine))),
            engine,
            clock,
            metrics,
            options: ApiOptions::default(),
            overrides: None,
        }
    }

    /// With these switches.
    #[must_use]
    pub fn with_options(self, options: ApiOptions) -> Self {
        Self { options, ..self }
    }

    /// What answers queries.
    pub fn engine(&self) -> &Arc<QueryEngine> {
        &self.engine
    }

    /// What tenants set for themselves, if they may.
    pub fn overrides(&self) -> Option<&Overrides> {
        self.overrides.as_ref()
    }

    /// With an API by which tenants set overrides of their own; without, it does not exist.
    #[must_use]
    pub fn with_overrides(self, overrides: Overrides) -> Self {
        Self { overrides: Some(overrides), ..self }
    }
}
