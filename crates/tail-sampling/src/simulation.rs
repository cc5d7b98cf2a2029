//! What a processor would do with traces that are there already: its policies, asked about one whole trace after the
//! other. Nothing waits, nothing is sent on, and time is what the caller says.

use std::time::Duration;

use spandrel_base::clock::ManualClock;
use spandrel_otlp::DecodeError;

use crate::fragment::{Content, Fragment};
use crate::policy::{Decision, PolicyCounts, PolicySet, Subject};
use crate::settings::TailSamplingSettings;
use crate::split::split;

/// What one policy said about a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// Sample it.
    Sampled,
    /// Not by me.
    NotSampled,
    /// Drop it, whatever others say.
    Dropped,
    /// It could not tell, as an OTTL condition that fails.
    Failed,
    /// It was not asked, because others had decided before.
    NotAsked,
}

/// What becomes of a trace, and who said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simulated {
    /// Whether it is sent on.
    pub is_sampled: bool,
    /// Whether it is larger than `maximum_trace_size_bytes`, so that no policy was asked.
    pub is_too_large: bool,
    /// Its spans.
    pub spans: u64,
    /// Its size as it arrives, without what requests have around it.
    pub bytes: u64,
    /// What the policies said, in the order of the settings.
    pub said: Vec<Said>,
}

/// The policies of a processor. What they remember, as rates, they remember from trace to trace.
pub struct Simulation {
    policies: PolicySet,
    /// By the place in the settings, the place in the order of asking.
    asked_at: Vec<usize>,
    trace_bytes_max: u64,
    /// Only how long policies take is measured by it, and nobody looks.
    clock: ManualClock,
}

impl Simulation {
    /// The policies of these settings, with full rates.
    pub fn new(settings: &TailSamplingSettings) -> Self {
        let policies = PolicySet::new(settings, "");
        let place = |name: &str| policies.names().position(|asked| **asked == *name);
        let names = settings.policies.iter().map(|policy| policy.name.as_str());
        Self {
            asked_at: names.map(|name| place(name).unwrap_or(usize::MAX)).collect(),
            trace_bytes_max: match settings.maximum_trace_size_bytes {
                0 => u64::MAX,
                max => max,
            },
            policies,
            clock: ManualClock::new(0),
        }
    }

    /// Asks about a whole trace, given as an `ExportTraceServiceRequest` with nothing else in it. `now` is when it is
    /// decided; it counts for rates alone, and should not go back.
    ///
    /// # Errors
    /// [`DecodeError`] when the request is damaged.
    pub fn ask(&self, request: &[u8], now: Duration) -> Result<Simulated, DecodeError> {
        let pieces = split(request)?;
        let fragments = || pieces.iter().map(|piece| &piece.fragment);
        let spans: u64 = fragments().map(|fragment| fragment.spans).sum();
        let bytes: u64 = fragments().map(|fragment| fragment.encoded_bytes as u64).sum();
        let mut counts = self.policies.no_counts();
        let is_too_large = bytes > self.trace_bytes_max;
        let decision = if is_too_large {
            Decision::NotSampled
        } else {
            let contents: Vec<&Content> = fragments().filter_map(Fragment::content).collect();
            let trace_id = pieces.first().map(|piece| piece.trace_id).unwrap_or_default();
            let subject = Subject::new(trace_id, (spans, bytes), &contents, now);
            self.policies.decide(&subject, &self.clock, &mut counts)
        };
        let said = self.asked_at.iter().map(|at| counts.get(*at).map_or(Said::NotAsked, said));
        let is_sampled = matches!(decision, Decision::Sampled(_));
        Ok(Simulated { is_sampled, is_too_large, spans, bytes, said: said.collect() })
    }
}

/// From the counts of one trace.
fn said(counts: &PolicyCounts) -> Said {
    let [sampled, _, dropped] = counts.traces;
    if counts.executions == 0 {
        Said::NotAsked
    } else if counts.errors > 0 {
        Said::Failed
    } else if dropped > 0 {
        Said::Dropped
    } else if sampled > 0 {
        Said::Sampled
    } else {
        Said::NotSampled
    }
}
