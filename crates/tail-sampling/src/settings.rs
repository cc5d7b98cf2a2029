//! Settings of `tail_sampling`, under the Collector's keys, and three groups of our own. User documentation:
//! docs/tail-sampling.md.
//!
//! Our own keys, all optional, so that a Collector's file runs unchanged:
//! - `memory_limit_mib`: bytes of buffered spans; by default a share of the process's memory budget.
//! - `spill: {directory, max_size_mib}`: a journal on disk. Spans are written to it before the sender hears success,
//!   so a crash loses none; when memory is short, the oldest are kept there alone.
//! - `use_tracestate`: probabilistic policies decide by OpenTelemetry's randomness and record the threshold (`ot=th`)
//!   in what they keep. The Collector has it behind the gate `processor.tailsamplingprocessor.usetracestate`.
//!
//! Where we differ on purpose: without `num_traces` the number of traces is not bounded, their bytes are; a trace
//! that has to go early is decided on what is there, not forgotten; `num_shards` is chosen by the machine, and rate
//! limits hold over all shards together.

mod policies;
mod policy;

use std::path::PathBuf;
use std::time::Duration;

use spandrel_config::Section;

pub use policies::{PolicyKind, PolicySettings};
pub use policy::{
    AttributeSettings, CompositeSettings, LatencySettings, LimitSettings, NumericRange,
    OttlSettings, ProbabilisticSettings, RateAllocation, SpanCountSettings, TextMatch,
    TraceStateSettings,
};

/// Upstream's bound; more shards than cores help nobody.
const SHARDS_MAX: u64 = 256;
/// Spilled bytes when the file does not say.
const SPILL_MIB: u64 = 4096;

/// The whole section of one `tail_sampling` processor.
#[derive(Debug, Clone)]
pub struct TailSamplingSettings {
    /// From the first span of a trace to its decision.
    pub decision_wait: Duration,
    /// From the root span to the decision, when that comes earlier; zero: the root changes nothing.
    pub decision_wait_after_root_received: Duration,
    /// The most undecided traces; `None`: the byte budget rules alone.
    pub num_traces: Option<u64>,
    /// Over a limit, senders wait instead of the oldest traces being decided early.
    pub block_on_overflow: bool,
    /// The policies, in the order of the file.
    pub policies: Vec<PolicySettings>,
    /// Decisions that are remembered for late spans.
    pub decision_cache: DecisionCacheSettings,
    /// Stop at the first policy that samples.
    pub sample_on_first_match: bool,
    /// When policies are asked.
    pub sampling_strategy: SamplingStrategy,
    /// Undecided traces are given up at shutdown instead of decided.
    pub drop_pending_traces_on_shutdown: bool,
    /// A larger trace is not sampled, at once; zero: no limit.
    pub maximum_trace_size_bytes: u64,
    /// Parts that are worked on at the same time; `None`: as many as there are cores.
    pub num_shards: Option<usize>,
    /// Bytes of buffered spans, in mebibytes; `None`: a share of the process's budget.
    pub memory_limit_mib: Option<u64>,
    /// The journal on disk; `None`: spans are in memory alone.
    pub spill: Option<SpillSettings>,
    /// Probabilistic policies follow and write `ot=th`.
    pub use_tracestate: bool,
}

/// How many decisions are remembered. Zero: as many as the processor thinks fit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DecisionCacheSettings {
    /// Traces that were sampled.
    pub sampled_cache_size: usize,
    /// Traces that were not.
    pub non_sampled_cache_size: usize,
}

/// When policies are asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SamplingStrategy {
    /// About the whole trace, when its time has come.
    #[default]
    TraceComplete,
    /// About each arriving part by itself; what no part decides is not sampled when its time has come.
    SpanIngest,
}

/// Where undecided spans are kept on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpillSettings {
    /// `None`: the component's own directory.
    pub directory: Option<PathBuf>,
    /// The most bytes on disk, in mebibytes.
    pub max_size_mib: u64,
}

impl TailSamplingSettings {
    /// Reads and checks the section.
    pub fn read(section: &mut Section<'_>) -> Self {
        // A hint for allocations, which we do not need; the check of its type remains.
        let _ = section.get::<u64>("expected_new_traces_per_sec");
        section.ignore(&["tail_storage"], "`spill` keeps spans on disk without an extension");
        let settings = Self {
            decision_wait: section.or("decision_wait", Duration::from_secs(30)),
            decision_wait_after_root_received: section
                .or("decision_wait_after_root_received", Duration::ZERO),
            num_traces: section.get("num_traces"),
            block_on_overflow: section.or("block_on_overflow", false),
            policies: policies::read(section),
            decision_cache: section
                .section("decision_cache", DecisionCacheSettings::read)
                .unwrap_or_default(),
            sample_on_first_match: section.or("sample_on_first_match", false),
            sampling_strategy: read_strategy(section),
            drop_pending_traces_on_shutdown: section.or("drop_pending_traces_on_shutdown", false),
            maximum_trace_size_bytes: section.or("maximum_trace_size_bytes", 0),
            num_shards: read_num_shards(section),
            memory_limit_mib: section.get("memory_limit_mib"),
            spill: section.optional("spill", SpillSettings::read),
            use_tracestate: section.or("use_tracestate", false),
        };
        settings.check(section);
        settings
    }

    fn check(&self, section: &mut Section<'_>) {
        if self.num_traces == Some(0) {
            section.problem(Some("num_traces"), "must be at least 1; leave it out for no limit");
        }
        if self.memory_limit_mib == Some(0) {
            section.problem(Some("memory_limit_mib"), "must be at least 1");
        }
        if self.decision_wait_after_root_received > self.decision_wait {
            let advice = "is longer than decision_wait and has no effect";
            section.warn(Some("decision_wait_after_root_received"), advice);
        }
        if self.sampling_strategy == SamplingStrategy::SpanIngest {
            for policy in &self.policies {
                if let Some(what) = policy.kind.needs_whole_traces() {
                    let name = &policy.name;
                    let message = format!(
                        "policy `{name}`: {what} needs whole traces and cannot be used with \
                         sampling_strategy: span-ingest"
                    );
                    section.problem(Some("policies"), message);
                }
            }
        }
    }
}

impl DecisionCacheSettings {
    fn read(section: &mut Section<'_>) -> Self {
        Self {
            sampled_cache_size: section.or("sampled_cache_size", 0),
            non_sampled_cache_size: section.or("non_sampled_cache_size", 0),
        }
    }
}

impl SpillSettings {
    fn read(section: &mut Section<'_>) -> Self {
        let max_size_mib = section.or("max_size_mib", SPILL_MIB);
        if max_size_mib == 0 {
            section.problem(Some("max_size_mib"), "must be at least 1");
        }
        Self { directory: section.get("directory"), max_size_mib }
    }
}

fn read_strategy(section: &mut Section<'_>) -> SamplingStrategy {
    match section.get::<String>("sampling_strategy").as_deref() {
        None | Some("trace-complete") => SamplingStrategy::TraceComplete,
        Some("span-ingest") => SamplingStrategy::SpanIngest,
        Some(other) => {
            let message = format!("`{other}` is neither trace-complete nor span-ingest");
            section.problem(Some("sampling_strategy"), message);
            SamplingStrategy::TraceComplete
        }
    }
}

fn read_num_shards(section: &mut Section<'_>) -> Option<usize> {
    let shards: u64 = section.get("num_shards")?;
    if !(1..=SHARDS_MAX).contains(&shards) {
        section.problem(Some("num_shards"), format!("must be 1 to {SHARDS_MAX}"));
    }
    usize::try_from(shards.clamp(1, SHARDS_MAX)).ok()
}
