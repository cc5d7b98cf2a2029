//! `spandrel verify`: does an installation return every span that it acknowledged?
//!
//! `write` sends traces whose content follows from a seed and a number, and journals which ones were sent
//! and which acknowledged; the server may be killed meanwhile. `check` reads them all back, by id and by
//! query, and names every span that is lost, different, or was never sent. `run` does both without end,
//! against any installation that takes OTLP and has Tempo's API.

mod check;
mod content;
mod journal;
mod report;
mod run;
mod write;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use crate::api_client::EndpointArgs;
use crate::duration::parse_duration;
use crate::otlp_client::OtlpArgs;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  spandrel verify write --journal run.journal --duration 30s
  spandrel verify check --journal run.journal
  spandrel verify run --interval 10s")]
pub(crate) struct VerifyArgs {
    #[command(subcommand)]
    mode: Mode,
}

#[derive(Debug, clap::Subcommand)]
enum Mode {
    /// Send traces and journal which were acknowledged; goes on with an existing journal
    Write(WriteArgs),
    /// Read back what a journal says was acknowledged
    Check(CheckArgs),
    /// Write known traces without end and read them back, with metrics to alert on
    Run(run::RunArgs),
}

#[derive(Debug, clap::Args)]
struct WriteArgs {
    /// The file to journal to
    #[arg(long, value_name = "FILE")]
    journal: PathBuf,

    #[command(flatten)]
    otlp: OtlpArgs,

    /// Stop after this time
    #[arg(long, value_parser = parse_duration, default_value = "10s")]
    duration: Duration,

    /// Stop after this many traces [default: only by time]
    #[arg(long)]
    count: Option<u64>,

    /// Requests under way at once
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=1024))]
    concurrency: u16,

    /// Traces in a request
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    batch: u64,

    /// Spans of a trace (of a new journal)
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    spans: u32,

    /// What the content follows from (of a new journal) [default: the time]
    #[arg(long)]
    seed: Option<u64>,

    /// How long to try again when the server is away
    #[arg(long, value_parser = parse_duration, default_value = "30s")]
    patience: Duration,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct CheckArgs {
    /// The file that `verify write` journaled to
    #[arg(long, value_name = "FILE")]
    journal: PathBuf,

    #[command(flatten)]
    endpoint: EndpointArgs,

    /// Queries under way at once
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1024))]
    concurrency: u16,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Runs one of the modes.
pub(crate) async fn run(args: VerifyArgs) -> anyhow::Result<ExitCode> {
    match args.mode {
        Mode::Write(args) => write::run(args).await,
        Mode::Check(args) => check::run(args).await,
        Mode::Run(args) => run::run(args).await,
    }
}
