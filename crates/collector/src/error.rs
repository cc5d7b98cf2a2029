//! Why pipelines do not run.

use spandrel_config::{ComponentId, PipelineId};
use spandrel_pipeline::ComponentError;

/// Pipelines cannot be built or started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CollectorError {
    /// A component cannot be made of its settings.
    #[error("{path}: {source}")]
    Build {
        /// The component: `exporters::otlp`.
        path: String,
        /// What is wrong.
        source: ComponentError,
    },
    /// A component cannot be started.
    #[error("{path}: cannot be started: {source}")]
    Start {
        /// The component: `receivers::otlp`, or its pipeline.
        path: String,
        /// What is wrong.
        source: ComponentError,
    },
}

impl CollectorError {
    pub(crate) fn build(kind: &str, id: &ComponentId, source: ComponentError) -> Self {
        Self::Build { path: format!("{kind}::{id}"), source }
    }

    pub(crate) fn start(kind: &str, id: &ComponentId, source: ComponentError) -> Self {
        Self::Start { path: format!("{kind}::{id}"), source }
    }

    pub(crate) fn start_pipeline(id: &PipelineId, source: ComponentError) -> Self {
        Self::Start { path: format!("service::pipelines::{id}"), source }
    }
}
