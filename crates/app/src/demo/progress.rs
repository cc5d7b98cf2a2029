//! What has been sent, and the line that shows it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use spandrel_base::clock::Clock;
use spandrel_proto::otlp::collector_trace::ExportTraceServiceResponse;

use crate::otlp_client::ExportError;
use crate::output::{self, grouped};

/// How often the line is renewed on a terminal, and how often a new one is written elsewhere.
const RENEW: Duration = Duration::from_secs(1);
const REPEAT: Duration = Duration::from_secs(10);

/// Counts; shared by all requests.
pub(super) struct Progress {
    clock: Arc<dyn Clock>,
    started: Duration,
    /// Spans of requests that were acknowledged, without rejected ones.
    accepted: AtomicU64,
    /// Bytes of those requests, before compression.
    bytes: AtomicU64,
    /// Spans that the server takes never.
    rejected: AtomicU64,
    /// Spans that were given up after many attempts.
    failed: AtomicU64,
    retries: AtomicU64,
}

impl Progress {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        let started = clock.monotonic();
        let zero = AtomicU64::default;
        Self {
            clock,
            started,
            accepted: zero(),
            bytes: zero(),
            rejected: zero(),
            failed: zero(),
            retries: zero(),
        }
    }

    /// New attempts.
    pub(super) fn retries(&self) -> &AtomicU64 {
        &self.retries
    }

    /// Counts a request, and tells the user why one was not accepted.
    pub(super) fn account(
        &self,
        spans: u64,
        bytes: u64,
        result: Result<ExportTraceServiceResponse, ExportError>,
    ) {
        let (rejected, failed, complaint) = match result {
            Ok(response) => {
                let partial = response.partial_success.unwrap_or_default();
                let rejected = u64::try_from(partial.rejected_spans).unwrap_or(0).min(spans);
                (rejected, 0, partial.error_message)
            }
            Err(ExportError::Rejected(message)) => (spans, 0, message),
            Err(ExportError::Unavailable { message, .. }) => (0, spans, message),
        };
        let accepted = spans - rejected - failed;
        self.accepted.fetch_add(accepted, Ordering::Relaxed);
        self.bytes.fetch_add(if accepted > 0 { bytes } else { 0 }, Ordering::Relaxed);
        let before = self.rejected.fetch_add(rejected, Ordering::Relaxed)
            + self.failed.fetch_add(failed, Ordering::Relaxed);
        // Once; the counts say the rest.
        if before == 0 && !complaint.is_empty() {
            output::note(&format!("\nthe server says: {complaint}\n"));
        }
    }

    /// Whether nothing was rejected or given up.
    pub(super) fn all_accepted(&self) -> bool {
        self.rejected.load(Ordering::Relaxed) + self.failed.load(Ordering::Relaxed) == 0
    }

    /// Writes the line again and again.
    pub(super) async fn show(&self) {
        let (pause, before, after) =
            if output::notes_are_seen() { (RENEW, "\r", "") } else { (REPEAT, "", "\n") };
        loop {
            tokio::time::sleep(pause).await;
            output::note(&format!("{before}{}{after}", self.line()));
        }
    }

    fn seconds(&self) -> f64 {
        self.clock.monotonic().saturating_sub(self.started).as_secs_f64()
    }

    /// The counts for people, with blanks at the end to cover an older and longer line.
    pub(super) fn line(&self) -> String {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let (seconds, accepted) = (self.seconds(), get(&self.accepted));
        let mut line = format!(
            "{} spans in {seconds:.0} s, {} spans/s, {:.1} MB",
            grouped(accepted),
            grouped((accepted as f64 / seconds.max(0.001)) as u64),
            get(&self.bytes) as f64 / 1e6,
        );
        for (count, name) in
            [(&self.retries, "retries"), (&self.rejected, "rejected"), (&self.failed, "given up")]
        {
            if get(count) > 0 {
                line.push_str(&format!(", {} {name}", grouped(get(count))));
            }
        }
        line + "    "
    }

    /// The counts for programs.
    pub(super) fn json(&self, seed: u64) -> serde_json::Value {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        serde_json::json!({
            "seed": seed,
            "seconds": self.seconds(),
            "acceptedSpans": get(&self.accepted),
            "acceptedBytes": get(&self.bytes),
            "rejectedSpans": get(&self.rejected),
            "failedSpans": get(&self.failed),
            "retries": get(&self.retries),
        })
    }
}

#[cfg(test)]
mod tests {
    use spandrel_base::clock::ManualClock;
    use spandrel_proto::otlp::collector_trace::ExportTracePartialSuccess;

    use super::*;

    #[test]
    fn every_span_is_counted_once() {
        let clock = Arc::new(ManualClock::new(0));
        let progress = Progress::new(Arc::clone(&clock) as Arc<dyn Clock>);
        let unavailable = || ExportError::Unavailable { message: String::new(), retry_after: None };
        let partial = ExportTracePartialSuccess { rejected_spans: 10, ..Default::default() };
        progress.account(1_500, 500_000, Ok(ExportTraceServiceResponse::default()));
        assert!(progress.all_accepted());
        progress.account(
            100,
            1_000,
            Ok(ExportTraceServiceResponse { partial_success: Some(partial) }),
        );
        progress.account(7, 70, Err(unavailable()));
        clock.advance(Duration::from_secs(2));
        assert!(!progress.all_accepted());
        assert_eq!(
            progress.line().trim_end(),
            "1 590 spans in 2 s, 795 spans/s, 0.5 MB, 10 rejected, 7 given up"
        );
    }
}
