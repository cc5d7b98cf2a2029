//! What every handler needs.

use std::sync::Arc;
use std::time::Duration;

use spandrel_base::clock::SharedClock;
use spandrel_pipeline::TraceConsumer;
use spandrel_query::QueryEngine;
use spandrel_telemetry::Metrics;

use crate::native::{LinkStore, LinkTemplates};
use crate::{ApiOptions, Overrides};

/// Shared by all handlers of all dialects; clones are cheap.
#[derive(Clone)]
pub struct ApiState {
    pub(crate) engine: Arc<QueryEngine>,
    pub(crate) clock: SharedClock,
    pub(crate) metrics: Metrics,
    pub(crate) options: ApiOptions,
    pub(crate) overrides: Option<Overrides>,
    pub(crate) links: LinkStore,
    pub(crate) link_templates: LinkTemplates,
    /// Where receivers hand their spans, for traces that are made here.
    pub(crate) consumer: Option<Arc<dyn TraceConsumer>>,
    /// The age at which the operator has spans given up.
    pub(crate) retention: Option<Duration>,
    /// When it was made, by the monotonic clock.
    pub(crate) started: Duration,
    #[cfg(feature = "sql")]
    pub(crate) sql: Arc<spandrel_sql::SqlEngine>,
}

impl ApiState {
    /// Handlers ask `engine`, take "now" from `clock` and count requests in `metrics`.
    pub fn new(engine: Arc<QueryEngine>, clock: SharedClock, metrics: Metrics) -> Self {
        Self {
            #[cfg(feature = "sql")]
            sql: Arc::new(spandrel_sql::SqlEngine::new(Arc::clone(&engine))),
            links: LinkStore::new(Arc::clone(engine.objects())),
            link_templates: LinkTemplates::default(),
            engine,
            started: clock.monotonic(),
            clock,
            metrics,
            options: ApiOptions::default(),
            overrides: None,
            consumer: None,
            retention: None,
        }
    }

    /// With these switches.
    #[must_use]
    pub fn with_options(self, options: ApiOptions) -> Self {
        Self { options, ..self }
    }

    /// With links that lead from spans to elsewhere.
    #[must_use]
    pub fn with_link_templates(self, link_templates: LinkTemplates) -> Self {
        Self { link_templates, ..self }
    }

    /// What answers queries.
    pub fn engine(&self) -> &Arc<QueryEngine> {
        &self.engine
    }

    /// What tenants set for themselves, if they may.
    pub fn overrides(&self) -> Option<&Overrides> {
        self.overrides.as_ref()
    }

    /// With a consumer that takes test traces; without, there are none.
    #[must_use]
    pub fn with_consumer(self, consumer: Arc<dyn TraceConsumer>) -> Self {
        Self { consumer: Some(consumer), ..self }
    }

    /// With the age at which the operator has spans given up, to be told to whoever asks.
    #[must_use]
    pub fn with_retention(self, retention: Option<Duration>) -> Self {
        Self { retention, ..self }
    }

    /// With an API by which tenants set overrides of their own; without, it does not exist.
    #[must_use]
    pub fn with_overrides(self, overrides: Overrides) -> Self {
        Self { overrides: Some(overrides), ..self }
    }
}
