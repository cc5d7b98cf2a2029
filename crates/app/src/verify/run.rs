//! `spandrel verify run`: writes known traces without end and reads them back, by id and by search.
//!
//! Time is divided into slots of one interval. The trace of a slot follows from the seed and the slot's
//! number, and its spans begin when the slot does; so nothing has to be remembered of a trace but that it
//! was acknowledged, and a checker that starts again goes on checking what an earlier one wrote.
//! Only what Tempo has is asked for: OTLP, trace by id (v2) and search with TraceQL.

mod checker;
mod page;
mod read;
mod slots;
mod tally;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use spandrel_base::clock::{Clock, SystemClock};
use spandrel_base::task::TaskSet;
use spandrel_model::TenantId;
use spandrel_telemetry::CheckerMetrics;

use super::content::Run;
use crate::address::parse_address;
use crate::api_client::{ApiClient, EndpointArgs};
use crate::duration::parse_duration;
use crate::otlp_client::{Compression, OtlpArgs, OtlpClient, Protocol};
use crate::output;
use crate::signal::Interrupts;
use crate::storage::parse_tenant;
use checker::Checker;
use slots::{Plan, Slots, StateFile};

/// What to write where, and when to read it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  spandrel verify run
  spandrel verify run --push http://tempo:4317 --query http://tempo:3200 --check-after 30s,10m
  spandrel verify run --state checker.state --interval 1s --duration 1h --json

Ends with a summary; the exit status is 1 when an acknowledged trace was missing, incomplete
or wrong. Counters to alert on: spandrel_verify_faults_total by request and fault,
spandrel_verify_request_failures_total by request.")]
pub(crate) struct RunArgs {
    /// Where to send OTLP
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:4317")]
    push: String,

    /// How to send it [default: http for port 4318 and URLs with a path, else grpc]
    #[arg(long, value_enum)]
    protocol: Option<Protocol>,

    /// Where Tempo's HTTP API is
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:3200")]
    query: String,

    /// Whose traces they are [default: none named]
    #[arg(long, value_parser = parse_tenant)]
    tenant: Option<TenantId>,

    /// Write a trace this often
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "10s")]
    interval: Duration,

    /// Read a trace at these ages
    #[arg(long, value_name = "DURATIONS", value_parser = parse_duration, value_delimiter = ',', default_value = "5s,1m,10m")]
    check_after: Vec<Duration>,

    /// Also read a random older trace every interval, up to this age; stay below the retention
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "1h")]
    recheck_for: Duration,

    /// Spans of a trace
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    spans: u32,

    /// What the content follows from [default: the time]
    #[arg(long)]
    seed: Option<u64>,

    /// Remember here what was acknowledged; a checker that starts again goes on with it
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,

    /// Also check what a checker with this seed and interval has written for this long
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, requires = "seed")]
    written_for: Option<Duration>,

    /// Stop writing after this time, and end when every trace was read once [default: never]
    #[arg(long, value_parser = parse_duration)]
    duration: Option<Duration>,

    /// Where to serve /metrics
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9464", value_parser = parse_address)]
    metrics: SocketAddr,

    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

/// Writes and reads until it is told to stop.
pub(crate) async fn run(args: RunArgs) -> anyhow::Result<ExitCode> {
    let clock = SystemClock::new();
    let now = clock.now_unix_nanos();
    if args.interval < Duration::from_millis(10) {
        bail!("an interval is at least 10ms");
    }
    let fresh = Plan {
        run: Run { seed: args.seed.unwrap_or(now), spans_per_trace: args.spans },
        interval_nanos: u64::try_from(args.interval.as_nanos())?,
    };
    let (state_file, plan, mut acked) = match &args.state {
        Some(path) => StateFile::open(path, fresh, args.seed.is_some())?,
        None => (StateFile::none(), fresh, Slots::default()),
    };
    if let Some(written_for) = args.written_for {
        let since = now.saturating_sub(u64::try_from(written_for.as_nanos())?);
        acked.insert(plan.slot_at(since) + 1..plan.slot_at(now));
    }
    let metrics = CheckerMetrics::new();
    let tasks = TaskSet::new();
    let page = page::serve(args.metrics, metrics.clone(), &tasks).await;
    let page = page.with_context(|| {
        format!("cannot listen at {} for /metrics; --metrics names another address", args.metrics)
    })?;
    output::note(&format!(
        "run {}: a trace every {:?} to {}, read from {}; metrics at http://{page}/metrics; Ctrl-C stops\n",
        plan.run.name(),
        Duration::from_nanos(plan.interval_nanos),
        args.push,
        args.query,
    ));
    let checker = Checker::new(&args, plan, metrics)?;
    let mut interrupts = Interrupts::listen()?;
    let tally = checker.run(acked, state_file, interrupts.next()).await?;
    let text = if args.json { format!("{}\n", tally.json()) } else { tally.text() };
    output::print(&text)?;
    Ok(if tally.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl RunArgs {
    fn otlp_client(&self) -> anyhow::Result<OtlpClient> {
        OtlpClient::new(&OtlpArgs {
            endpoint: self.push.clone(),
            protocol: self.protocol,
            compression: Compression::None,
            tenant: self.tenant.clone(),
        })
    }

    fn api_client(&self) -> anyhow::Result<ApiClient> {
        ApiClient::new(&EndpointArgs { endpoint: self.query.clone(), tenant: self.tenant.clone() })
    }
}
