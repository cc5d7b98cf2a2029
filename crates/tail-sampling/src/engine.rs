//! The engine: spans come in, traces wait, decisions go out.
//!
//! Traces are divided among shards by their id; each shard has a lock that is held for as long as it takes to find a
//! trace and to append to it. Policies are evaluated, files read and batches written outside of the locks.
//!
//! # Invariants
//! - Whatever was acknowledged is in exactly one place: a shard, a decision in the making, the output. With a journal
//!   it is on disk as well, until it has been delivered or sampled out.
//! - No trace is forgotten undecided. What has to go early (memory, disk, `num_traces`) is decided on what is there.
//! - Bytes that wait are reserved from one budget; what does not fit is refused before anything of it is taken in.

mod arrive;
mod decide;
mod deliver;
mod pressure;
mod recover;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use spandrel_base::clock::SharedClock;
use spandrel_base::memory::MemoryBudget;
use spandrel_pipeline::{Account, ComponentContext, TraceConsumer};
use spandrel_telemetry::TailSamplingSeries;
use tokio::sync::Notify;

use crate::decision_log::DecisionLog;
use crate::decisions::DecisionCache;
use crate::journal::Journal;
use crate::key::Tenants;
use crate::output::Output;
use crate::policy::PolicySet;
use crate::settings::{SamplingStrategy, TailSamplingSettings};
use crate::shard::Shard;

pub(crate) use arrive::{Refusal, Request};

/// The share of the process's budget that spans may take when the file has no `memory_limit_mib`: 2 in 5.
const MEMORY_SHARE: (usize, usize) = (2, 5);
/// Decisions of each kind that are remembered when the file does not say how many.
const DECISIONS_DEFAULT: usize = 500_000;
/// Traces are decided about at whole multiples of a tick, a tenth of the shortest wait within these bounds.
const TICK_MIN: Duration = Duration::from_millis(50);
const TICK_MAX: Duration = Duration::from_secs(1);

/// Everything of one `tail_sampling` processor but its tasks.
pub(crate) struct Engine {
    settings: TailSamplingSettings,
    policies: PolicySet,
    shards: Vec<Mutex<Shard>>,
    tenants: Tenants,
    pub(crate) output: Output,
    next: Arc<dyn TraceConsumer>,
    journal: RwLock<Option<Arc<Journal>>>,
    decision_log: Mutex<Option<DecisionLog>>,
    decisions_max: usize,
    memory: MemoryBudget,
    /// Traces that wait, in all shards.
    waiting: AtomicUsize,
    /// There may be room again.
    pub(crate) room: Notify,
    clock: SharedClock,
    account: Account,
    counters: TailSamplingSeries,
    pub(crate) tick: Duration,
}

impl Engine {
    pub(crate) fn new(
        settings: TailSamplingSettings,
        next: Arc<dyn TraceConsumer>,
        context: &ComponentContext,
    ) -> Self {
        let memory = memory_of(&settings, &context.memory);
        let n_shards = settings.num_shards.unwrap_or_else(spandrel_base::cpu::cores);
        let cached =
            |configured: usize| if configured == 0 { DECISIONS_DEFAULT } else { configured };
        let cache = settings.decision_cache;
        let (sampled, not_sampled) =
            (cached(cache.sampled_cache_size), cached(cache.non_sampled_cache_size));
        let shard = || {
            let share = |size: usize| size.div_ceil(n_shards);
            let decisions = DecisionCache::new(share(sampled), share(not_sampled));
            Mutex::new(Shard::new(memory.reservation(), decisions))
        };
        // Upstream puts the name of the processor in front of its policies' names.
        let prefix =
            context.id.split_once('/').map_or(String::new(), |(_, name)| format!("{name}."));
        Self {
            policies: PolicySet::new(&settings, &prefix),
            shards: (0..n_shards).map(|_| shard()).collect(),
            tenants: Tenants::default(),
            output: Output::new(memory.reservation()),
            next,
            journal: RwLock::new(None),
            decision_log: Mutex::new(None),
            decisions_max: sampled + not_sampled,
            memory,
            waiting: AtomicUsize::new(0),
            room: Notify::new(),
            clock: Arc::clone(&context.clock),
            account: context.account.clone(),
            counters: context.metrics.tail_sampling().of_processor(&context.id),
            tick: tick_of(&settings),
            settings,
        }
    }

    pub(crate) fn counters(&self) -> &TailSamplingSeries {
        &self.counters
    }

    fn journal(&self) -> Option<Arc<Journal>> {
        self.journal.read().clone()
    }

    pub(crate) fn shards(&self) -> usize {
        self.shards.len()
    }

    /// Bytes of spans in memory.
    pub(crate) fn buffered_bytes(&self) -> usize {
        self.memory.used()
    }

    /// Traces that wait for their decision.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// The first tick at or after `wait` from `now`: a trace never waits less than it should.
    fn due_after(&self, now: Duration, wait: Duration) -> u64 {
        let nanos = now.saturating_add(wait).as_nanos().div_ceil(self.tick.as_nanos().max(1));
        u64::try_from(nanos).unwrap_or(u64::MAX)
    }

    fn is_span_ingest(&self) -> bool {
        self.settings.sampling_strategy == SamplingStrategy::SpanIngest
    }
}

/// What was acknowledged and is lost with the engine is counted.
impl Drop for Engine {
    fn drop(&mut self) {
        if self.journal.get_mut().is_some() {
            // It is on disk, and comes back.
            return;
        }
        let mut lost = self.output.spans();
        for shard in &mut self.shards {
            let taken = shard.get_mut().take_due(u64::MAX, usize::MAX);
            lost += taken.iter().map(|trace| trace.spans).sum::<u64>();
        }
        if lost > 0 {
            tracing::error!(
                spans = lost,
                "spans are lost because tail sampling was stopped before it could hand them on"
            );
            self.account.release(lost);
            self.account.failed(lost);
        }
    }
}

fn memory_of(settings: &TailSamplingSettings, process: &MemoryBudget) -> MemoryBudget {
    let limit = match settings.memory_limit_mib {
        Some(mib) => usize::try_from(mib).unwrap_or(usize::MAX).saturating_mul(1 << 20),
        None => process.limit() / MEMORY_SHARE.1 * MEMORY_SHARE.0,
    };
    process.part("tail_sampling", limit)
}

fn tick_of(settings: &TailSamplingSettings) -> Duration {
    let after_root = settings.decision_wait_after_root_received;
    let shortest = match after_root {
        Duration::ZERO => settings.decision_wait,
        _ => after_root.min(settings.decision_wait),
    };
    (shortest / 10).clamp(TICK_MIN, TICK_MAX)
}
