//! Which metrics `spandrel serve` generates from spans; `docs/metrics-from-spans.md` explains the file.

use std::path::{Path, PathBuf};

use spandrel_server::GeneratorSettings;

/// Metrics from spans.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Metrics from spans")]
pub(crate) struct GeneratorArgs {
    /// Generates metrics from the spans that are stored, for the page /metrics/generated and remote write: a YAML file
    /// in the shape of Tempo's `metrics_generator` and `overrides`, or `default` for span metrics and service graphs
    /// [default: none]
    #[arg(long, env = "SPANDREL_METRICS_GENERATOR", hide_env = true, value_name = "FILE")]
    pub(crate) metrics_generator: Option<PathBuf>,
}

impl GeneratorArgs {
    pub(crate) fn settings(&self) -> anyhow::Result<Option<GeneratorSettings>> {
        match self.metrics_generator.as_deref() {
            None => Ok(None),
            Some(path) if path == Path::new("default") => Ok(Some(GeneratorSettings::default())),
            Some(path) => Ok(Some(GeneratorSettings::load(path)?)),
        }
    }
}
