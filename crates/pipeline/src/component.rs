//! What the parts of a pipeline have in common, and what they are built with.

use std::path::PathBuf;
use std::sync::Arc;

use spandrel_base::clock::SharedClock;
use spandrel_base::memory::MemoryBudget;
use spandrel_telemetry::Metrics;

use crate::{Account, TraceConsumer};

/// A part with a life of its own: started before spans come, stopped after the last.
#[async_trait::async_trait]
pub trait Component: Send + Sync {
    /// Gets ready to take spans.
    async fn start(&self) -> Result<(), ComponentError> {
        Ok(())
    }

    /// Hands on what it holds and ends its tasks. Whoever stops it has a deadline and drops the future then.
    async fn shutdown(&self) {}
}

/// A processor, or an exporter.
pub trait TraceComponent: TraceConsumer + Component {}

impl<T: TraceConsumer + Component> TraceComponent for T {}

/// Why a component cannot be built or started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ComponentError(String);

impl ComponentError {
    /// The message says what to do.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// What a component is given when it is built.
#[derive(Clone)]
pub struct ComponentContext {
    /// Its id as the configuration has it, such as `tail_sampling/slow`.
    pub id: Arc<str>,
    /// The pipeline that it is a part of, such as `traces/front`; empty for what pipelines share.
    pub pipeline: Arc<str>,
    /// Time.
    pub clock: SharedClock,
    /// Where it counts.
    pub metrics: Metrics,
    /// What it may hold in memory is taken from here.
    pub memory: MemoryBudget,
    /// A directory that nobody else uses; not created yet.
    pub data_dir: PathBuf,
    /// The accounts of its pipeline.
    pub account: Account,
}
