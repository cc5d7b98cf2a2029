//! The loop: a write when a slot begins, reads when a trace has reached an age.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use prost::Message;
use spandrel_base::clock::{Clock, SystemClock};
use spandrel_model::TraceId;
use spandrel_telemetry::{CheckFault, CheckLabels, CheckRequest, CheckerMetrics};

use super::RunArgs;
use super::read::{Finding, read};
use super::slots::{Plan, Slots, StateFile};
use super::tally::Tally;
use crate::api_client::ApiClient;
use crate::duration::format_nanos;
use crate::otlp_client::{ExportError, OtlpClient};
use crate::output;
use crate::query::format_time_seconds;

/// Reads and writes under way at once; more wait.
const UNDER_WAY_MAX: usize = 16;
/// A checker with nothing to wait for looks again after this time.
const IDLE: Duration = Duration::from_secs(1);

/// What to do with which installation.
pub(super) struct Checker {
    plan: Plan,
    metrics: CheckerMetrics,
    clock: SystemClock,
    push: OtlpClient,
    api: ApiClient,
    /// Ascending, Unix nanoseconds.
    ages: Vec<u64>,
    recheck_nanos: u64,
    duration: Option<Duration>,
    patience: Duration,
}

/// A read that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    /// Unix nanoseconds.
    at: u64,
    slot: u64,
    /// Whether it is the first one of its trace.
    is_first: bool,
}

/// What has become of a request.
enum Event {
    Pushed(u64, Result<(), ExportError>),
    Read(u64, CheckRequest, anyhow::Result<Finding>),
}

/// What changes while it runs.
struct Running<'c> {
    checker: &'c Checker,
    acked: Slots,
    state_file: StateFile,
    due: BinaryHeap<Reverse<Due>>,
    under_way: FuturesUnordered<BoxFuture<'c, Event>>,
    /// What the last read found fault with.
    faulty: HashSet<(u64, CheckRequest)>,
    /// Why the last request of each kind failed, of those that did.
    last_failures: HashMap<CheckRequest, String>,
    next_slot: u64,
    /// Until when to write, Unix nanoseconds.
    write_until: u64,
}

impl Checker {
    pub(super) fn new(args: &RunArgs, plan: Plan, metrics: CheckerMetrics) -> anyhow::Result<Self> {
        let nanos = |duration: &Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let mut ages: Vec<u64> = args.check_after.iter().map(nanos).collect();
        ages.sort_unstable();
        ages.dedup();
        Ok(Self {
            plan,
            metrics,
            clock: SystemClock::new(),
            push: args.otlp_client()?,
            api: args.api_client()?,
            ages,
            recheck_nanos: nanos(&args.recheck_for),
            duration: args.duration,
            patience: args.interval,
        })
    }

    /// Runs until `stop` returns, or until the duration is over and every trace was read once.
    pub(super) async fn run(
        &self,
        acked: Slots,
        state_file: StateFile,
        stop: impl Future<Output = &'static str>,
    ) -> anyhow::Result<Tally> {
        let now = self.clock.now_unix_nanos();
        let nanos = self.duration.map(|duration| u64::try_from(duration.as_nanos()));
        let duration = nanos.transpose()?.unwrap_or(u64::MAX);
        let mut running = Running {
            checker: self,
            acked,
            state_file,
            due: BinaryHeap::new(),
            under_way: FuturesUnordered::new(),
            faulty: HashSet::new(),
            last_failures: HashMap::new(),
            next_slot: self.plan.slot_at(now) + 1,
            write_until: now.saturating_add(duration),
        };
        running.take_up(now);
        let mut stop = std::pin::pin!(stop);
        while let Some(wait) = running.start_what_is_due()? {
            tokio::select! {
                // The signal first, or a server that hangs would keep it waiting.
                biased;
                _signal = &mut stop => break,
                Some(event) = running.under_way.next() => running.handle(event)?,
                () = tokio::time::sleep(wait) => {}
            }
        }
        let unread = running.due.iter().filter(|due| due.0.is_first).count() as u64;
        Ok(Tally { plan: self.plan, metrics: self.metrics.clone(), unread })
    }

    async fn push(&self, slot: u64) -> Result<(), ExportError> {
        let request = self.plan.run.request(slot, 1, self.plan.start_of(slot));
        let request = Bytes::from(request.encode_to_vec());
        let response = self.push.export(&request, self.patience, &AtomicU64::new(0)).await?;
        match response.partial_success {
            Some(partial) if partial.rejected_spans > 0 => {
                Err(ExportError::Rejected(partial.error_message))
            }
            _ => Ok(()),
        }
    }
}

impl<'c> Running<'c> {
    /// Goes on with the reads of traces that an earlier checker wrote.
    fn take_up(&mut self, now: u64) {
        let oldest_age = self.checker.ages.last().copied().unwrap_or(0);
        let first = self.checker.plan.slot_at(now.saturating_sub(oldest_age));
        let slots: Vec<u64> = self.acked.within(first..u64::MAX).collect();
        for slot in slots {
            self.schedule(slot, now);
        }
    }

    /// Notes the reads of a trace that lie in the future.
    fn schedule(&mut self, slot: u64, now: u64) {
        let start = self.checker.plan.start_of(slot);
        for (number, age) in self.checker.ages.iter().enumerate() {
            let at = start.saturating_add(*age);
            if at >= now || number == 0 {
                self.due.push(Reverse(Due { at, slot, is_first: number == 0 }));
            }
        }
    }

    /// Starts requests; returns how long nothing will be due, or `None` when all is done.
    fn start_what_is_due(&mut self) -> anyhow::Result<Option<Duration>> {
        let now = self.checker.clock.now_unix_nanos();
        let plan = self.checker.plan;
        let writes = now < self.write_until;
        if writes && now >= plan.start_of(self.next_slot) {
            let slot = plan.slot_at(now);
            self.next_slot = slot + 1;
            self.start_push(slot);
            self.start_recheck(now);
        }
        if !writes {
            self.due.retain(|due| due.0.is_first);
            if self.due.is_empty() && self.under_way.is_empty() {
                return Ok(None);
            }
        }
        while self.under_way.len() < UNDER_WAY_MAX {
            let Some(Reverse(due)) = self.due.peek().copied().filter(|due| due.0.at <= now) else {
                break;
            };
            self.due.pop();
            self.start_reads(due.slot);
        }
        let write_at = if writes { plan.start_of(self.next_slot) } else { u64::MAX };
        let read_at = self.due.peek().map_or(u64::MAX, |due| due.0.at);
        let read_at = if self.under_way.len() < UNDER_WAY_MAX { read_at } else { u64::MAX };
        let wait = Duration::from_nanos(write_at.min(read_at).saturating_sub(now));
        Ok(Some(wait.min(IDLE)))
    }

    fn start_push(&self, slot: u64) {
        let checker = self.checker;
        let push = async move { Event::Pushed(slot, checker.push(slot).await) };
        self.under_way.push(push.boxed());
    }

    fn start_reads(&self, slot: u64) {
        let checker = self.checker;
        for request in [CheckRequest::TraceById, CheckRequest::Search] {
            let read = async move {
                Event::Read(slot, request, read(&checker.api, checker.plan, slot, request).await)
            };
            self.under_way.push(read.boxed());
        }
    }

    /// Reads one of the traces that have reached the last age.
    fn start_recheck(&mut self, now: u64) {
        let plan = self.checker.plan;
        let forget_age = self.checker.recheck_nanos;
        self.acked.forget_before(plan.slot_at(now.saturating_sub(forget_age)));
        let oldest_age = self.checker.ages.last().copied().unwrap_or(0);
        let end = plan.slot_at(now.saturating_sub(oldest_age));
        // The nanoseconds of the clock are as random as this needs.
        if let Some(slot) = self.acked.choose_before(end, now / 1_000) {
            self.start_reads(slot);
        }
        let known_from = plan.slot_at(now.saturating_sub(forget_age.max(oldest_age)));
        self.faulty.retain(|(slot, _)| *slot >= known_from);
    }

    fn handle(&mut self, event: Event) -> anyhow::Result<()> {
        let (metrics, plan) = (&self.checker.metrics, self.checker.plan);
        let now = self.checker.clock.now_unix_nanos();
        match event {
            Event::Pushed(slot, Ok(())) => {
                self.last_failures.remove(&CheckRequest::Push);
                metrics.written_traces.inc();
                metrics.last_write_unix_seconds.set(now / 1_000_000_000);
                self.acked.insert(slot..slot + 1);
                self.state_file.write(plan, &self.acked)?;
                self.schedule(slot, now);
            }
            Event::Pushed(slot, Err(error)) => {
                metrics.request_failures.inc(&CheckRequest::Push);
                self.complain(slot, CheckRequest::Push, error.to_string());
            }
            Event::Read(slot, request, Err(error)) => {
                metrics.request_failures.inc(&request);
                self.complain(slot, request, format!("{error:#}"));
            }
            Event::Read(slot, request, Ok(finding)) => {
                metrics.checks.inc(&request);
                self.last_failures.remove(&request);
                let was_faulty = self.faulty.contains(&(slot, request));
                let fault = match finding {
                    Some((fault, text)) => {
                        self.faulty.insert((slot, request));
                        self.say(
                            slot,
                            name(request),
                            &format!("{}: {text}", fault.as_str().to_uppercase()),
                        );
                        fault
                    }
                    None if was_faulty => {
                        self.faulty.remove(&(slot, request));
                        self.say(slot, name(request), "LATE: it is there now");
                        CheckFault::Late
                    }
                    None => return Ok(()),
                };
                metrics.faults.inc(&CheckLabels { request, fault });
            }
        }
        Ok(())
    }

    /// Says why a request failed, unless the last one that failed did for the same reason.
    fn complain(&mut self, slot: u64, request: CheckRequest, text: String) {
        if self.last_failures.get(&request) != Some(&text) {
            self.say(slot, name(request), &format!("the request failed: {text}"));
            self.last_failures.insert(request, text);
        }
    }

    fn say(&self, slot: u64, what: &str, text: &str) {
        let now = self.checker.clock.now_unix_nanos();
        let plan = self.checker.plan;
        let age = i64::try_from(now.saturating_sub(plan.start_of(slot))).unwrap_or(i64::MAX);
        output::note(&format!(
            "{} trace {}, {} old, {what}: {text}\n",
            format_time_seconds(now),
            TraceId(plan.run.trace_id(slot)),
            format_nanos(age),
        ));
    }
}

fn name(request: CheckRequest) -> &'static str {
    match request {
        CheckRequest::Push => "push",
        CheckRequest::TraceById => "by id",
        CheckRequest::Search => "by search",
    }
}
