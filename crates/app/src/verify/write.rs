//! Sends the traces of a run and journals what became of them.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::future::try_join_all;
use prost::Message;
use spandrel_base::clock::{Clock, SystemClock};

use super::WriteArgs;
use super::content::Run;
use super::journal::Journal;
use crate::otlp_client::{ExportError, OtlpClient};
use crate::output::{self, grouped};

/// What the requests of this process have come to.
struct Writer<'a> {
    args: &'a WriteArgs,
    run: Run,
    client: OtlpClient,
    journal: Journal,
    clock: SystemClock,
    deadline: Duration,
    next_trace: AtomicU64,
    end_trace: u64,
    acked_traces: AtomicU64,
    unacked_traces: AtomicU64,
    rejected_traces: AtomicU64,
    retries: AtomicU64,
}

pub(super) async fn run(args: WriteArgs) -> anyhow::Result<ExitCode> {
    let clock = SystemClock::new();
    let seed = args.seed.unwrap_or_else(|| clock.now_unix_nanos());
    let (journal, record) =
        Journal::open(&args.journal, Run { seed, spans_per_trace: args.spans })?;
    let first = record.next_trace();
    let writer = Writer {
        client: OtlpClient::new(&args.otlp)?,
        run: record.run,
        journal,
        deadline: clock.monotonic().saturating_add(args.duration),
        clock,
        next_trace: AtomicU64::new(first),
        end_trace: args.count.map_or(u64::MAX, |count| first.saturating_add(count)),
        acked_traces: AtomicU64::new(0),
        unacked_traces: AtomicU64::new(0),
        rejected_traces: AtomicU64::new(0),
        retries: AtomicU64::new(0),
        args: &args,
    };
    try_join_all((0..args.concurrency).map(|_| writer.send_batches())).await?;
    writer.report()
}

impl Writer<'_> {
    /// One request after another until time or count is over.
    async fn send_batches(&self) -> anyhow::Result<()> {
        while self.clock.monotonic() < self.deadline {
            let first = self.next_trace.fetch_add(self.args.batch, Ordering::Relaxed);
            let Some(left) = self.end_trace.checked_sub(first).filter(|left| *left > 0) else {
                break;
            };
            self.send_batch(first, self.args.batch.min(left)).await?;
        }
        Ok(())
    }

    async fn send_batch(&self, first: u64, traces: u64) -> anyhow::Result<()> {
        let start = self.clock.now_unix_nanos();
        let request = Bytes::from(self.run.request(first, traces, start).encode_to_vec());
        self.journal.sent(first, traces, start)?;
        let result = self.client.export(&request, self.args.patience, &self.retries).await;
        let (count, complaint) = match result {
            Ok(response) => match response.partial_success {
                Some(partial) if partial.rejected_spans > 0 => {
                    (&self.rejected_traces, partial.error_message)
                }
                _ => {
                    self.journal.acked(first)?;
                    (&self.acked_traces, String::new())
                }
            },
            Err(ExportError::Rejected(message)) => (&self.rejected_traces, message),
            Err(ExportError::Unavailable { message, .. }) => (&self.unacked_traces, message),
        };
        if count.fetch_add(traces, Ordering::Relaxed) == 0 && !complaint.is_empty() {
            output::note(&format!("not acknowledged: {complaint}\n"));
        }
        Ok(())
    }

    fn report(&self) -> anyhow::Result<ExitCode> {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let spans = |traces| get(traces) * u64::from(self.run.spans_per_trace);
        if self.args.json {
            let json = serde_json::json!({
                "run": self.run.name(),
                "ackedTraces": get(&self.acked_traces),
                "ackedSpans": spans(&self.acked_traces),
                "unackedTraces": get(&self.unacked_traces),
                "rejectedTraces": get(&self.rejected_traces),
                "retries": get(&self.retries),
            });
            output::print(&format!("{json}\n"))?;
        } else {
            output::print(&format!(
                "run {}: {} traces ({} spans) acknowledged, {} traces not, {} rejected, {} retries\n",
                self.run.name(),
                grouped(get(&self.acked_traces)),
                grouped(spans(&self.acked_traces)),
                grouped(get(&self.unacked_traces)),
                grouped(get(&self.rejected_traces)),
                grouped(get(&self.retries)),
            ))?;
        }
        // A server that dies is part of the test; one that takes nothing, or not everything, is not.
        let good = get(&self.acked_traces) > 0 && get(&self.rejected_traces) == 0;
        Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
