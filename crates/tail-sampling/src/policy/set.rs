//! All policies of a processor, and how their verdicts become one decision.
//!
//! Policies of type `drop` are asked first and end the matter. A trace is sampled when any other policy samples it.
//! A policy that fails is counted and passed over.

use std::sync::Arc;
use std::time::Duration;

use spandrel_base::clock::Clock;
use spandrel_retention::Threshold;

use super::{Policy, Subject, Verdict};
use crate::facts::Wanted;
use crate::settings::TailSamplingSettings;

/// One trace in so many has the time of its policies measured.
const TIMED_EVERY: u64 = 64;

/// What becomes of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Sent on; this is the lowest threshold among the policies that sampled it, the one that alone decided.
    Sampled(Threshold),
    NotSampled,
    /// Not sampled, because of a policy of type `drop`.
    Dropped,
}

/// The policies of a processor.
pub(crate) struct PolicySet {
    /// In the order in which they are asked.
    policies: Vec<NamedPolicy>,
    pub(crate) wanted: Wanted,
    sample_on_first_match: bool,
}

struct NamedPolicy {
    /// As metrics name it.
    name: Arc<str>,
    policy: Policy,
}

/// What one policy said, since the counts were last handed over.
#[derive(Debug, Clone, Default)]
pub(crate) struct PolicyCounts {
    /// Traces by verdict: sampled, not sampled, dropped.
    pub(crate) traces: [u64; 3],
    pub(crate) spans: [u64; 3],
    pub(crate) bytes: [u64; 3],
    pub(crate) executions: u64,
    pub(crate) errors: u64,
    /// Estimated from some of the executions.
    pub(crate) busy: Duration,
}

impl PolicySet {
    /// `prefix` goes in front of the names in metrics.
    pub(crate) fn new(settings: &TailSamplingSettings, prefix: &str) -> Self {
        let mut wanted = Wanted::default();
        let mut policies: Vec<NamedPolicy> = Vec::new();
        for policy in &settings.policies {
            let name = format!("{prefix}{}", policy.name).into();
            let policy = Policy::new(policy, settings.use_tracestate, &mut wanted);
            policies.push(NamedPolicy { name, policy });
        }
        // Stable: otherwise in the order of the file.
        policies.sort_by_key(|named| !named.policy.is_drop());
        Self { policies, wanted, sample_on_first_match: settings.sample_on_first_match }
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.policies.iter().map(|named| &named.name)
    }

    /// Counts for every policy, all zero.
    pub(crate) fn no_counts(&self) -> Vec<PolicyCounts> {
        vec![PolicyCounts::default(); self.policies.len()]
    }

    /// Asks the policies about a trace. `counts` are those of [`PolicySet::no_counts`].
    pub(crate) fn decide(
        &self,
        subject: &Subject<'_>,
        clock: &dyn Clock,
        counts: &mut [PolicyCounts],
    ) -> Decision {
        let mut lowest: Option<Threshold> = None;
        for (named, counts) in self.policies.iter().zip(counts) {
            counts.executions += 1;
            let timed_from =
                counts.executions.is_multiple_of(TIMED_EVERY).then(|| clock.monotonic());
            let verdict = named.policy.evaluate(subject, &self.wanted);
            if let Some(start) = timed_from {
                let took = clock.monotonic().saturating_sub(start);
                counts.busy += took.saturating_mul(TIMED_EVERY as u32);
            }
            let Ok(verdict) = verdict else {
                counts.errors += 1;
                continue;
            };
            counts.add(verdict, subject);
            match verdict {
                Verdict::Dropped => return Decision::Dropped,
                Verdict::NotSampled => {}
                Verdict::Sampled(threshold) => {
                    lowest = Some(lowest.map_or(threshold, |lowest| lowest.min(threshold)));
                    // Of a share that chance let pass the others may sample more.
                    if self.sample_on_first_match && threshold == Threshold::ALL {
                        break;
                    }
                }
            }
        }
        lowest.map_or(Decision::NotSampled, Decision::Sampled)
    }
}

impl PolicyCounts {
    fn add(&mut self, verdict: Verdict, subject: &Subject<'_>) {
        let place = match verdict {
            Verdict::Sampled(_) => 0,
            Verdict::NotSampled => 1,
            Verdict::Dropped => 2,
        };
        let amounts = [
            (&mut self.traces, 1),
            (&mut self.spans, subject.spans),
            (&mut self.bytes, subject.bytes),
        ];
        for (counts, amount) in amounts {
            if let Some(count) = counts.get_mut(place) {
                *count += amount;
            }
        }
    }
}
