//! A Collector's configuration on the command line: reading it, checking it, showing it.

mod show;

use std::process::ExitCode;
use std::sync::Arc;

use spandrel_collector::{Collector, Plan, StubPolicy};
use spandrel_config::{Config, Problems};
use tokio::signal::unix::{SignalKind, signal};

use crate::output;

pub(crate) use show::{ComponentsArgs, PrintConfigArgs, components, print_config};

/// Which configuration, and how strictly.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Pipelines")]
pub(crate) struct ConfigArgs {
    /// Collector YAML: a file, env:NAME or yaml:TEXT; several are merged, later ones win
    #[arg(long, env = "SPANDREL_CONFIG", hide_env = true, value_name = "FILE")]
    pub(crate) config: Vec<String>,

    /// A value on top of that, such as processors.batch.timeout=2s
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,

    /// Refuse component types that are not part of this program, instead of accepting those of the Collector's
    /// other distributions as stubs
    #[arg(long, conflicts_with = "allow_passthrough")]
    pub(crate) strict: bool,

    /// Accept processors too that are not part of this program; spans pass them unchanged
    #[arg(long)]
    pub(crate) allow_passthrough: bool,
}

/// A configuration is wrong.
#[derive(Debug, thiserror::Error)]
#[error("the configuration has {} {}\n{problems}", .problems.len(), if .problems.len() == 1 { "problem" } else { "problems" })]
pub(crate) struct WrongConfig {
    problems: Problems,
}

impl ConfigArgs {
    /// Whether there is a configuration; without one, OTLP is stored.
    pub(crate) fn is_given(&self) -> bool {
        !self.config.is_empty() || !self.set.is_empty()
    }

    fn policy(&self) -> StubPolicy {
        match (self.strict, self.allow_passthrough) {
            (true, _) => StubPolicy::Strict,
            (false, true) => StubPolicy::AllowPassthrough,
            (false, false) => StubPolicy::Accept,
        }
    }

    /// Reads and checks everything, settings of components included.
    pub(crate) fn plan(&self) -> Result<Plan, WrongConfig> {
        #[expect(clippy::disallowed_methods, reason = "which variables there are, the file says")]
        let env = |name: &str| std::env::var(name).ok();
        let inspection = Config::inspect(&self.config, &self.set, &env);
        let mut problems = inspection.problems;
        let planned = match inspection.config {
            Some(config) => Plan::new(config, self.policy()),
            None => Err(Problems::default()),
        };
        match planned {
            Ok(mut plan) if problems.is_empty() => {
                plan.warnings.splice(0..0, inspection.warnings);
                Ok(plan)
            }
            planned => {
                problems.extend(planned.err().map(Problems::into_vec).unwrap_or_default());
                Err(WrongConfig { problems: Problems::new(problems) })
            }
        }
    }
}

/// Puts the configuration into force again at each SIGHUP. One that is wrong is logged and changes nothing.
pub(crate) async fn reload_on_hangup(
    args: ConfigArgs,
    collector: Arc<Collector>,
) -> std::io::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    while hangup.recv().await.is_some() {
        tracing::info!("reading the configuration again");
        match args.plan() {
            Err(wrong) => tracing::error!(%wrong, "the configuration in force stays"),
            Ok(plan) => match collector.reload(plan).await {
                Ok(()) => tracing::info!("the new configuration is in force"),
                Err(error) => tracing::error!(%error, "the configuration in force stays"),
            },
        }
    }
    Ok(())
}

/// Checks a configuration without starting anything
#[derive(Debug, clap::Args)]
pub(crate) struct ValidateArgs {
    #[command(flatten)]
    config: ConfigArgs,
}

/// `spandrel validate`
pub(crate) fn validate(args: &ValidateArgs) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(args.config.is_given(), "nothing to check: name a file with --config");
    let plan = args.config.plan()?;
    for warning in &plan.warnings {
        output::note(&format!("warning: {warning}\n"));
    }
    let stubs = plan.stubs.iter();
    let stubs: String = stubs
        .map(|stub| {
            format!(
                "stub: {} {} is not part of this program: {}\n",
                stub.kind.singular(),
                stub.id,
                stub.effect()
            )
        })
        .collect();
    output::note(&stubs);
    let pipelines: String = plan.describe().into_iter().map(|line| line + "\n").collect();
    output::print(&pipelines)?;
    Ok(ExitCode::SUCCESS)
}
