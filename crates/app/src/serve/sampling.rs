//! How much clients that ask are told to sample.

use std::path::Path;
use std::time::Duration;

use spandrel_server::{AdaptiveOptions, StrategyFile, StrategyOptions};

/// What `--sampling-strategies` says for strategies that follow from what arrives.
const ADAPTIVE: &str = "adaptive";
/// Services without a strategy in the file sample this share, as in Jaeger.
const DEFAULT_PROBABILITY: f64 = 0.001;
const RELOAD_INTERVAL: Duration = Duration::from_secs(10);

/// Jaeger's remote sampling.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Remote sampling")]
pub(crate) struct SamplingArgs {
    /// What clients that ask are told: a file in Jaeger's format or its http:// or https:// address, read again when it
    /// changes, or `adaptive` for about a trace a second of each operation [default: every trace]
    #[arg(long, env = "SPANDREL_SAMPLING_STRATEGIES", hide_env = true, value_name = "FILE")]
    pub(crate) sampling_strategies: Option<String>,
}

impl SamplingArgs {
    pub(crate) fn strategies(&self, data_dir: &Path) -> anyhow::Result<StrategyOptions> {
        Ok(match self.sampling_strategies.as_deref() {
            None => StrategyOptions::Probability(1.0),
            Some(ADAPTIVE) => StrategyOptions::Adaptive {
                options: AdaptiveOptions::default(),
                state_file: data_dir.join("sampling.json"),
            },
            Some(file) => StrategyOptions::File {
                file: StrategyFile::parse(file)?,
                reload_interval: RELOAD_INTERVAL,
                default_probability: DEFAULT_PROBABILITY,
            },
        })
    }
}
