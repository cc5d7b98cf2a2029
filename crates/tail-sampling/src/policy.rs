//! Policies at work: each is asked about a trace and says whether to sample it.

mod attribute;
mod latency;
mod limit;
mod ottl;
mod probability;
mod set;

use std::cell::OnceCell;
use std::time::Duration;

use spandrel_model::TraceId;
use spandrel_retention::Threshold;

use crate::facts::{Facts, Wanted};
use crate::fragment::Content;
use crate::settings::{PolicyKind, PolicySettings, SpanCountSettings, TraceStateSettings};

pub(crate) use probability::randomness_of;
pub(crate) use set::{Decision, PolicyCounts, PolicySet};

use attribute::AttributePolicy;
use limit::{Composite, TokenBucket};
use ottl::OttlPolicy;
use probability::Probability;

/// What a policy says about a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Yes, by a condition that lets this share of such traces pass: all of them unless chance was involved.
    Sampled(Threshold),
    /// Not by me.
    NotSampled,
    /// No, whatever others say.
    Dropped,
}

/// Why a policy has no answer.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub(crate) struct PolicyError(pub(crate) String);

/// A trace, or a part of one, that policies are asked about.
pub(crate) struct Subject<'t> {
    pub(crate) trace_id: TraceId,
    pub(crate) spans: u64,
    pub(crate) bytes: u64,
    pub(crate) contents: &'t [&'t Content],
    /// The monotonic clock, for rates.
    pub(crate) now: Duration,
    facts: OnceCell<Facts<'t>>,
    decoded: OnceCell<Result<ottl::Decoded, PolicyError>>,
}

/// A policy and what it remembers. Rates are behind locks and count for all shards.
pub(crate) enum Policy {
    AlwaysSample,
    Latency(crate::settings::LatencySettings),
    Attribute(AttributePolicy),
    StatusCode(u8),
    Probabilistic(Probability),
    RateLimiting(TokenBucket),
    BytesLimiting(TokenBucket),
    SpanCount(SpanCountSettings),
    TraceState(TraceStateSettings),
    TraceFlags,
    Ottl(OttlPolicy),
    And(Vec<Self>),
    Not(Box<Self>),
    Drop(Vec<Self>),
    Composite(Composite),
}

impl<'t> Subject<'t> {
    pub(crate) fn new(
        trace_id: TraceId,
        (spans, bytes): (u64, u64),
        contents: &'t [&'t Content],
        now: Duration,
    ) -> Self {
        let (facts, decoded) = (OnceCell::new(), OnceCell::new());
        Self { trace_id, spans, bytes, contents, now, facts, decoded }
    }

    fn facts(&self, wanted: &Wanted) -> &Facts<'t> {
        self.facts.get_or_init(|| Facts::read(self.contents, wanted))
    }
}

impl Policy {
    /// `use_tracestate` is the setting of that name; what the policy looks at is added to `wanted`.
    pub(crate) fn new(
        settings: &PolicySettings,
        use_tracestate: bool,
        wanted: &mut Wanted,
    ) -> Self {
        let mut all = |subs: &[PolicySettings]| {
            subs.iter().map(|sub| Self::new(sub, use_tracestate, wanted)).collect::<Vec<_>>()
        };
        match &settings.kind {
            PolicyKind::AlwaysSample => Self::AlwaysSample,
            PolicyKind::Latency(latency) => {
                wanted.spans = true;
                Self::Latency(*latency)
            }
            PolicyKind::NumericAttribute(numeric) => {
                Self::Attribute(AttributePolicy::numeric(numeric, wanted))
            }
            PolicyKind::StringAttribute(text) => {
                Self::Attribute(AttributePolicy::text(text, wanted))
            }
            PolicyKind::BooleanAttribute(boolean) => {
                Self::Attribute(AttributePolicy::boolean(boolean, wanted))
            }
            PolicyKind::StatusCode(codes) => {
                wanted.spans = true;
                Self::StatusCode(*codes)
            }
            PolicyKind::Probabilistic(share) => {
                wanted.spans |= use_tracestate;
                Self::Probabilistic(Probability::new(share, use_tracestate))
            }
            PolicyKind::RateLimiting(limit) => Self::RateLimiting(TokenBucket::new(*limit)),
            PolicyKind::BytesLimiting(limit) => Self::BytesLimiting(TokenBucket::new(*limit)),
            PolicyKind::SpanCount(count) => Self::SpanCount(*count),
            PolicyKind::TraceState(state) => {
                wanted.spans = true;
                Self::TraceState(state.clone())
            }
            PolicyKind::TraceFlags => {
                wanted.spans = true;
                Self::TraceFlags
            }
            PolicyKind::OttlCondition(conditions) => {
                wanted.decoded = true;
                Self::Ottl(OttlPolicy::new(conditions))
            }
            PolicyKind::And(subs) => Self::And(all(subs)),
            PolicyKind::Drop(subs) => Self::Drop(all(subs)),
            PolicyKind::Not(sub) => Self::Not(Box::new(Self::new(sub, use_tracestate, wanted))),
            PolicyKind::Composite(composite) => {
                let subs = composite.allocations.iter().map(|allocation| {
                    let policy = Self::new(&allocation.policy, use_tracestate, wanted);
                    (policy, allocation.spans_per_second)
                });
                let subs = subs.collect();
                Self::Composite(Composite::new(subs, composite.max_total_spans_per_second))
            }
        }
    }

    /// Whether it is asked before the others, and ends the matter when it matches.
    pub(crate) fn is_drop(&self) -> bool {
        matches!(self, Self::Drop(_))
    }

    /// What it says. Rates are used up by asking.
    ///
    /// # Errors
    /// [`PolicyError`] when it cannot tell, as an OTTL condition that fails with `error_mode: propagate`.
    pub(crate) fn evaluate(
        &self,
        subject: &Subject<'_>,
        wanted: &Wanted,
    ) -> Result<Verdict, PolicyError> {
        let facts = || subject.facts(wanted);
        let matches = match self {
            Self::AlwaysSample => true,
            Self::Latency(settings) => latency::matches(settings, &facts().spans),
            Self::Attribute(attribute) => attribute.matches(&facts().attributes),
            Self::StatusCode(codes) => facts()
                .spans
                .iter()
                .any(|span| span.status_code < 8 && codes & (1 << span.status_code) != 0),
            Self::Probabilistic(probability) => {
                return Ok(probability.verdict(subject.trace_id, || &facts().spans));
            }
            Self::RateLimiting(bucket) => bucket.take(subject.spans, subject.now),
            Self::BytesLimiting(bucket) => bucket.take(subject.bytes, subject.now),
            Self::SpanCount(SpanCountSettings { min_spans, max_spans }) => {
                *min_spans <= subject.spans && (*max_spans == 0 || subject.spans <= *max_spans)
            }
            Self::TraceState(state) => {
                facts().spans.iter().any(|span| has_entry(span.trace_state, state))
            }
            Self::TraceFlags => facts().spans.iter().any(|span| span.flags & 1 != 0),
            Self::Ottl(ottl) => ottl.matches(subject)?,
            Self::And(subs) => return all_sample(subs, subject, wanted),
            Self::Not(sub) => {
                matches!(sub.evaluate(subject, wanted)?, Verdict::NotSampled)
            }
            Self::Drop(subs) => {
                return Ok(match all_sample(subs, subject, wanted)? {
                    Verdict::Sampled(_) => Verdict::Dropped,
                    other => other,
                });
            }
            Self::Composite(composite) => return composite.verdict(subject, wanted),
        };
        Ok(if matches { Verdict::Sampled(Threshold::ALL) } else { Verdict::NotSampled })
    }
}

/// Sampled when all sample; the highest threshold is the one that all of them passed.
fn all_sample(
    subs: &[Policy],
    subject: &Subject<'_>,
    wanted: &Wanted,
) -> Result<Verdict, PolicyError> {
    let mut highest = Threshold::ALL;
    for sub in subs {
        match sub.evaluate(subject, wanted)? {
            Verdict::Sampled(threshold) => highest = highest.max(threshold),
            other => return Ok(other),
        }
    }
    Ok(Verdict::Sampled(highest))
}

/// Whether a tracestate has the entry with one of the values.
fn has_entry(trace_state: &[u8], wanted: &TraceStateSettings) -> bool {
    let Ok(text) = std::str::from_utf8(trace_state) else { return false };
    let entries = text.split(',').map(|entry| entry.trim_matches([' ', '\t']));
    let mut values =
        entries.filter_map(|entry| entry.strip_prefix(wanted.key.as_str())?.strip_prefix('='));
    values.next().is_some_and(|value| wanted.values.contains(value))
}
