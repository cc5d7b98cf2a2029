//! `spandrel demo`: the traffic of a simulated web shop, sent as OTLP.

mod progress;
mod rate;

use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use prost::Message;
use spandrel_base::clock::{Clock, SystemClock};
use spandrel_base::task::TaskSet;
use spandrel_demo::{Export, Shop, TrafficGenerator, TrafficSettings};
use tokio::sync::Semaphore;

use crate::demo::progress::Progress;
use crate::demo::rate::Rate;
use crate::duration::parse_duration;
use crate::otlp_client::{OtlpArgs, OtlpClient};
use crate::output;
use crate::signal::Interrupts;

/// How long to wait for a server before the first request.
const START_PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait for a server that has gone away.
const RETRY_PATIENCE: Duration = Duration::from_secs(60);
/// Requests under way at once.
const IN_FLIGHT: u32 = 16;

/// What to send.
#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {
    #[command(flatten)]
    otlp: OtlpArgs,

    /// Traces per second; `2000spans` for spans per second, `max` for as fast as it goes
    #[arg(long, default_value = "20", value_parser = Rate::parse)]
    rate: Rate,

    /// Stop after this time [default: never]
    #[arg(long, value_parser = parse_duration)]
    duration: Option<Duration>,

    /// Stop after this many traces [default: never]
    #[arg(long)]
    traces: Option<u64>,

    /// The same seed plays the same traces, trace ids included [default: the time]
    #[arg(long)]
    seed: Option<u64>,

    /// Print what was sent as JSON at the end
    #[arg(long)]
    json: bool,
}

/// Sends until it is done or told to stop.
pub(crate) async fn run(args: DemoArgs) -> anyhow::Result<ExitCode> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let client = OtlpClient::new(&args.otlp)?;
    client.wait_for_listener(START_PATIENCE).await?;
    let seed = args.seed.unwrap_or_else(|| clock.now_unix_nanos());
    let start = clock.now_unix_nanos();
    let settings = TrafficSettings {
        start_unix_nanos: start,
        traces_per_second: args.rate.traces_per_second(),
        export_interval_nanos: 1_000_000_000,
        ..TrafficSettings::default()
    };
    let traffic = TrafficGenerator::new(Shop::new(seed), settings)
        .with_traces_max(args.traces.unwrap_or(u64::MAX));
    output::note(&format!(
        "sending {} to {} (seed {seed}); Ctrl-C stops\n",
        args.rate, args.otlp.endpoint
    ));
    let progress = Arc::new(Progress::new(Arc::clone(&clock)));
    let mut feed = Feed {
        sender: Sender::new(client, Arc::clone(&progress)),
        clock,
        is_paced: args.rate != Rate::Max,
        duration: args.duration.unwrap_or(Duration::MAX),
    };
    let mut interrupts = Interrupts::listen()?;
    let second = TaskSet::new();
    let stop = async {
        interrupts.next().await;
        output::note("\nfinishing the traces under way, Ctrl-C again to stop at once\n");
        second.spawn("second signal", async { interrupts.exit_on_next().await });
    };
    // The work first; the progress line never ends by itself.
    tokio::select! {
        biased;
        () = feed.run(traffic, stop) => {}
        () = progress.show() => {}
    }
    output::note(&format!("\r{}\n", progress.line()));
    if args.json {
        output::print(&format!("{}\n", progress.json(seed)))?;
    }
    Ok(if progress.all_accepted() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Takes traffic at its pace and hands it to the sender.
struct Feed {
    sender: Sender,
    clock: Arc<dyn Clock>,
    is_paced: bool,
    duration: Duration,
}

impl Feed {
    /// Sends until the traffic ends, the time is over or `stop` returns, then what exporters still hold.
    async fn run(&mut self, mut traffic: TrafficGenerator, stop: impl Future<Output = ()>) {
        let deadline = self.clock.monotonic().saturating_add(self.duration);
        let mut stop = pin!(stop);
        loop {
            if self.clock.monotonic() >= deadline {
                break;
            }
            let Some(export) = traffic.next() else { break };
            let sent = self.send(export);
            tokio::select! {
                // The signal first, or a server that blocks would keep it waiting. The export that is
                // given up here is the only one whose traces are incomplete.
                biased;
                () = &mut stop => break,
                () = sent => {}
            }
        }
        for export in traffic.finish() {
            self.send(export).await;
        }
        self.sender.finish().await;
    }

    async fn send(&self, export: Export) {
        if self.is_paced {
            let ahead = export.unix_nanos.saturating_sub(self.clock.now_unix_nanos());
            tokio::time::sleep(Duration::from_nanos(ahead)).await;
        }
        self.sender.send(export).await;
    }
}

/// Has a bounded number of requests under way.
struct Sender {
    client: OtlpClient,
    progress: Arc<Progress>,
    slots: Arc<Semaphore>,
    tasks: TaskSet,
}

impl Sender {
    fn new(client: OtlpClient, progress: Arc<Progress>) -> Self {
        let slots = Arc::new(Semaphore::new(IN_FLIGHT as usize));
        Self { client, progress, slots, tasks: TaskSet::new() }
    }

    /// Returns when the request is under way.
    async fn send(&self, export: Export) {
        let slot = Arc::clone(&self.slots).acquire_owned().await;
        let slot = slot.expect("the semaphore is never closed");
        let spans = export.span_count as u64;
        let (client, progress) = (self.client.clone(), Arc::clone(&self.progress));
        self.tasks.spawn("export", async move {
            let request = Bytes::from(export.request.encode_to_vec());
            let result = client.export(&request, RETRY_PATIENCE, progress.retries()).await;
            progress.account(spans, request.len() as u64, result);
            drop(slot);
        });
    }

    /// Returns when no request is under way.
    async fn finish(&self) {
        // All slots are free only then.
        drop(self.slots.acquire_many(IN_FLIGHT).await);
    }
}
