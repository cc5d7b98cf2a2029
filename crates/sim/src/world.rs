//! A world: its processes, its object store, and the steps that happen in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all};
use parking_lot::Mutex;
use spandrel_base::clock::Clock as _;
use spandrel_pipeline::{ConsumeError, TraceBatch, TraceConsumer as _};
use spandrel_telemetry::Source;

use crate::bucket::Bucket;
use crate::clock::SimClock;
use crate::ledger::Ledger;
use crate::process::{GRACE, Host, Running, RunningNode, Shared};
use crate::random::Random;
use crate::sabotage::Sabotage;
use crate::schedule::{Process, Setup, Step};
use crate::tables::tenants;
use crate::totals::Totals;
use crate::traffic::Batch;

/// Nodes learn at least this often what others have committed, well within the grace time of a vacuum.
const REFRESH: Duration = Duration::from_secs(20 * 60);
/// A flush that is asked for may take this long; time stands still meanwhile.
const FLUSH_DEADLINE: Duration = Duration::from_secs(3_600);

/// Everything that one seed makes.
pub(crate) struct World {
    pub(crate) shared: Shared,
    pub(crate) nodes: Vec<Host>,
    pub(crate) compactors: Vec<Host>,
    pub(crate) ledger: Mutex<Ledger>,
    pub(crate) totals: Mutex<Totals>,
    pub(crate) random: Mutex<Random>,
    is_down: AtomicBool,
}

impl World {
    /// A world in which all processes run. To be called within a runtime whose time is paused.
    pub(crate) async fn new(
        setup: Setup,
        mut random: Random,
        sabotage: Option<Sabotage>,
    ) -> Result<Self, String> {
        let clock = Arc::new(SimClock::new());
        let overwrites = sabotage == Some(Sabotage::OverwritingStore);
        let bucket = Arc::new(Bucket::new(Arc::clone(&clock) as _, overwrites));
        let shared = Shared { setup, sabotage, clock, bucket };
        let mut hosts = |n: usize, is_node: bool| {
            let hosts = (0..n).map(|_| Host::new(&shared, is_node, &mut random));
            hosts.collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())
        };
        let nodes = hosts(shared.setup.n_nodes, true)?;
        let compactors = hosts(shared.setup.n_compactors, false)?;
        let world = Self {
            shared,
            nodes,
            compactors,
            ledger: Mutex::default(),
            totals: Mutex::default(),
            random: Mutex::new(random),
            is_down: AtomicBool::new(false),
        };
        world.start_all().await?;
        Ok(world)
    }

    /// Does a step, and buries who died of it.
    pub(crate) fn step<'a>(&'a self, step: &'a Step) -> BoxFuture<'a, Result<(), String>> {
        async move {
            let done = self.act(step).await;
            for host in self.hosts() {
                self.bury(host);
            }
            done
        }
        .boxed()
    }

    fn act<'a>(&'a self, step: &'a Step) -> BoxFuture<'a, Result<(), String>> {
        async move {
            match step {
                Step::Send { node, batches } => return self.send(*node, batches).await,
                Step::SendAgain { node } => return self.send_again(*node).await,
                Step::Flush { node } => return self.flush(*node).await,
                Step::Compact(process) => return self.compact(*process).await,
                Step::Ask { node } => return self.ask(*node).await,
                Step::Burst { node, batches } => {
                    for batch in batches {
                        self.send(*node, std::slice::from_ref(batch)).await?;
                        self.flush(*node).await?;
                    }
                }
                Step::Together(steps) => {
                    let done = join_all(steps.iter().map(|step| self.act(step))).await;
                    return done.into_iter().collect();
                }
                Step::Advance(time) => return self.advance(*time).await,
                Step::Start(process) => return self.start(self.host(*process)).await,
                Step::Check => return self.check_all(3).await,
                Step::Doom { process, blow, power_cut } => {
                    let host = self.host(*process);
                    host.die_by(*power_cut);
                    if let Some(running) = host.running() {
                        running.life.doom(*blow);
                    }
                }
                Step::Reconnect(process) => {
                    if let Some(running) = self.host(*process).running() {
                        running.life.reconnect();
                    }
                }
                Step::BreakDisk { node, after, part, is_fatal, power_cut } => {
                    let host = &self.nodes[*node];
                    if let (Some(disk), Some(_)) = (&host.disk, host.running()) {
                        host.die_by(*power_cut);
                        disk.arm(*after, *is_fatal, *part);
                    }
                }
                Step::Crash { process, power_cut } => self.crash(self.host(*process), *power_cut),
                Step::Faults { process, per_mille } => self.host(*process).set_faults(*per_mille),
                Step::OneFault { process, fault } => {
                    self.host(*process).plan_fault(*fault);
                }
                Step::Outage { is_down } => self.set_down(*is_down),
            }
            Ok(())
        }
        .boxed()
    }

    pub(crate) fn hosts(&self) -> impl Iterator<Item = &Host> {
        self.nodes.iter().chain(&self.compactors)
    }

    fn host(&self, process: Process) -> &Host {
        match process {
            Process::Node(number) => &self.nodes[number],
            Process::Compactor(number) => &self.compactors[number],
        }
    }

    pub(crate) fn crash(&self, host: &Host, power_cut: bool) {
        if let Some(running) = host.running() {
            host.die_by(power_cut);
            running.life.end_now();
            drop(running);
            self.bury(host);
        }
    }

    fn bury(&self, host: &Host) {
        if let Some(is_power_cut) = host.bury() {
            let mut totals = self.totals.lock();
            totals.crashes += 1;
            totals.power_cuts += u64::from(is_power_cut);
        }
    }

    pub(crate) fn set_down(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::SeqCst);
        self.hosts().for_each(|host| host.faults.set_down(is_down));
    }

    /// Puts the object store into the state that the steps have made.
    pub(crate) fn restore(&self, host: &Host, per_mille: u32) {
        host.set_faults(per_mille);
        host.faults.set_down(self.is_down.load(Ordering::SeqCst));
    }

    /// Whether nothing that is asked of a process may fail.
    pub(crate) fn is_healthy(&self, host: &Host, running: &Running) -> bool {
        running.life.is_connected() && host.per_mille() == 0 && !self.is_down.load(Ordering::SeqCst)
    }

    pub(crate) async fn start_all(&self) -> Result<(), String> {
        for host in self.hosts() {
            self.start(host).await?;
        }
        Ok(())
    }

    async fn start(&self, host: &Host) -> Result<(), String> {
        if host.running().is_some() {
            return Ok(());
        }
        let n_disk_faults = || host.disk.as_ref().map_or(0, |disk| disk.n_faults());
        let faults_before = n_disk_faults();
        let started = host.start(&self.shared).await;
        self.totals.lock().starts += 1;
        if let Err(error) = started {
            self.totals.lock().failed_starts += 1;
            let is_excused = host.per_mille() > 0
                || self.is_down.load(Ordering::SeqCst)
                || n_disk_faults() > faults_before;
            return if is_excused { Ok(()) } else { Err(format!("does not start: {error:?}")) };
        }
        self.refresh(host).await
    }

    async fn send(&self, node: usize, batches: &[Batch]) -> Result<(), String> {
        let Some(running) = self.nodes[node].running() else { return Ok(()) };
        let Some(writer) = &running.node else { return Ok(()) };
        let sends = batches.iter().map(|batch| {
            let number = self.ledger.lock().send(batch.clone());
            self.send_one((node, writer), number, batch)
        });
        join_all(sends).await.into_iter().collect()
    }

    async fn send_again(&self, node: usize) -> Result<(), String> {
        let Some(running) = self.nodes[node].running() else { return Ok(()) };
        let Some(writer) = &running.node else { return Ok(()) };
        let unanswered = self.ledger.lock().oldest_unanswered();
        let Some((number, batch)) = unanswered else { return Ok(()) };
        self.send_one((node, writer), number, &batch).await
    }

    /// Sends a batch as a receiver does, and counts it so.
    async fn send_one(
        &self,
        (node, writer): (usize, &RunningNode),
        number: usize,
        batch: &Batch,
    ) -> Result<(), String> {
        let Some(tenant) = tenants().into_iter().nth(batch.tenant) else { return Ok(()) };
        let answer = writer.store.consume(TraceBatch::otlp(tenant, batch.request())).await;
        let n_spans = batch.spans.len() as u64;
        writer.metrics.spans().received.add(&Source::OTLP_GRPC, n_spans);
        match answer {
            Ok(accepted) if (accepted.accepted_spans, accepted.rejected_spans) == (n_spans, 0) => {
                self.ledger.lock().acknowledge(number, node);
                Ok(())
            }
            Err(
                ConsumeError::OverLimit { spans, .. } | ConsumeError::Unavailable { spans, .. },
            ) if spans == n_spans => {
                self.totals.lock().unanswered_batches += 1;
                Ok(())
            }
            answer => Err(format!("a batch of {n_spans} spans got this answer: {answer:?}")),
        }
    }

    pub(crate) async fn flush(&self, node: usize) -> Result<(), String> {
        let host = &self.nodes[node];
        let Some(running) = host.running() else { return Ok(()) };
        let Some(writer) = &running.node else { return Ok(()) };
        self.totals.lock().flushes += 1;
        let was_healthy = self.is_healthy(host, &running);
        let mut is_flushed = writer.store.flush(FLUSH_DEADLINE).await;
        if !is_flushed && was_healthy {
            // A fault that was planned for a put of a block may have waited until now.
            is_flushed = writer.store.flush(FLUSH_DEADLINE).await;
        }
        writer.flush_failed.store(!is_flushed, Ordering::SeqCst);
        if !is_flushed && was_healthy && self.is_healthy(host, &running) {
            return Err(format!("node {node} does not flush, and nothing is broken"));
        }
        Ok(())
    }

    /// Merges what is due, and vacuums. What fails is tried again later, and nothing may be lost by it; while
    /// nothing is broken, nothing may fail.
    pub(crate) async fn compact(&self, process: Process) -> Result<(), String> {
        let host = self.host(process);
        let Some(running) = host.running() else { return Ok(()) };
        let Some(compactor) = &running.compactor else { return Ok(()) };
        for tenant in tenants() {
            let n_faults = host.faults.injected().len();
            let was_healthy = self.is_healthy(host, &running) && self.is_fresh(&running);
            let report = compactor.run_once(&tenant).await;
            let failed = match &report {
                Ok(report) => (report.failures > 0).then(|| format!("{report:?}")),
                Err(error) => Some(format!("{error:?}")),
            };
            if let Some(failed) = failed
                && was_healthy
                && self.is_healthy(host, &running)
                && host.faults.injected().len() == n_faults
            {
                return Err(format!("{process:?} does not compact {tenant}: {failed}"));
            }
            let Ok(report) = report else { continue };
            let mut totals = self.totals.lock();
            totals.merges += report.merges;
            totals.conflicts += report.conflicts;
            totals.failed_merges += report.failures;
            totals.copies += report.copies;
            totals.vacuumed_files += report.vacuumed_files;
        }
        Ok(())
    }

    /// Whether the blocks that a process knows of have their files, by the grace time of the vacuum. A process
    /// that only compacts looks each time.
    pub(crate) fn is_fresh(&self, running: &Running) -> bool {
        let Some(node) = &running.node else { return true };
        let age = self.shared.clock.monotonic().saturating_sub(*node.refreshed_at.lock());
        age < GRACE / 2
    }

    /// Lets time pass, for timers as well. Nodes learn on the way what others have committed.
    pub(crate) async fn advance(&self, time: Duration) -> Result<(), String> {
        let mut left = time;
        while !left.is_zero() {
            let part = left.min(REFRESH);
            tokio::time::advance(part).await;
            left -= part;
            for host in &self.nodes {
                self.refresh(host).await?;
            }
        }
        Ok(())
    }

    /// Lets a node learn what others have committed, and try again what it could not flush.
    pub(crate) async fn refresh(&self, host: &Host) -> Result<(), String> {
        let Some(running) = host.running() else { return Ok(()) };
        let Some(node) = &running.node else { return Ok(()) };
        let now = self.shared.clock.monotonic();
        if node.flush_failed.load(Ordering::SeqCst) {
            let is_flushed = node.store.flush(FLUSH_DEADLINE).await;
            node.flush_failed.store(!is_flushed, Ordering::SeqCst);
            if !is_flushed {
                return Ok(());
            }
        }
        if let Err(error) = node.store.refresh().await {
            let is_excused = !self.is_healthy(host, &running);
            return if is_excused { Ok(()) } else { Err(format!("no refresh: {error:?}")) };
        }
        *node.refreshed_at.lock() = now;
        Ok(())
    }
}
