//! Counts and durations of spans and of calls.

use crate::{Call, Durations, Weight};

/// How many, and how many of them failed; exact, and what they stand for where they were sampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Stored ones.
    pub calls: u64,
    /// Stored ones that failed.
    pub errors: u64,
    /// What the stored ones stand for beyond themselves, in parts of [`Weight::ONE`].
    pub calls_beyond: u64,
    /// The same of those that failed.
    pub errors_beyond: u64,
}

impl Counts {
    /// Counts one.
    pub fn record(&mut self, failed: bool, weight: Weight) {
        self.calls = self.calls.saturating_add(1);
        self.calls_beyond = self.calls_beyond.saturating_add(weight.beyond());
        if failed {
            self.errors = self.errors.saturating_add(1);
            self.errors_beyond = self.errors_beyond.saturating_add(weight.beyond());
        }
    }

    /// Takes one away that was counted before.
    pub fn unrecord(&mut self, failed: bool, weight: Weight) {
        self.calls = self.calls.saturating_sub(1);
        self.calls_beyond = self.calls_beyond.saturating_sub(weight.beyond());
        if failed {
            self.errors = self.errors.saturating_sub(1);
            self.errors_beyond = self.errors_beyond.saturating_sub(weight.beyond());
        }
    }

    /// Counts all of `other` too.
    pub fn merge(&mut self, other: &Self) {
        self.calls = self.calls.saturating_add(other.calls);
        self.errors = self.errors.saturating_add(other.errors);
        self.calls_beyond = self.calls_beyond.saturating_add(other.calls_beyond);
        self.errors_beyond = self.errors_beyond.saturating_add(other.errors_beyond);
    }

    /// How many there were before sampling, unbiased: each stored one counts as the inverse of the probability
    /// with which it was kept.
    pub fn weighted_calls(&self) -> f64 {
        self.calls as f64 + self.calls_beyond as f64 / Weight::ONE as f64
    }

    /// How many failed before sampling, unbiased.
    pub fn weighted_errors(&self) -> f64 {
        self.errors as f64 + self.errors_beyond as f64 / Weight::ONE as f64
    }

    /// The share that failed, from 0 to 1, by weight; 0 when there is none.
    pub fn error_share(&self) -> f64 {
        match self.calls {
            0 => 0.0,
            _ => self.weighted_errors() / self.weighted_calls(),
        }
    }
}

/// Rate, errors and duration of a set of spans.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Figures {
    /// How many spans, and how many failed.
    pub counts: Counts,
    /// How long they took.
    pub durations: Durations,
}

impl Figures {
    /// Counts one span.
    pub fn record(&mut self, nanos: u64, failed: bool, weight: Weight) {
        self.counts.record(failed, weight);
        self.durations.record(nanos);
    }

    /// Takes one span away that was counted before.
    pub fn unrecord(&mut self, nanos: u64, failed: bool, weight: Weight) {
        self.counts.unrecord(failed, weight);
        self.durations.unrecord(nanos);
    }

    /// Counts all spans of `other` too.
    pub fn merge(&mut self, other: &Self) {
        self.counts.merge(&other.counts);
        self.durations.merge(&other.durations);
    }

    /// Apdex: the share of spans that took at most `threshold_nanos`, and half of those that took at most four
    /// times as long. From 0 to 1; `None` without spans. Spans within 3.2 % of a bound may fall on either side.
    /// A span that failed counts by its duration.
    pub fn apdex(&self, threshold_nanos: u64) -> Option<f64> {
        let count = self.durations.count();
        let satisfied = self.durations.at_most(threshold_nanos);
        let tolerated = self.durations.at_most(threshold_nanos.saturating_mul(4)) - satisfied;
        (count > 0).then(|| (satisfied as f64 + tolerated as f64 / 2.0) / count as f64)
    }
}

/// Figures of the calls between two services.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EdgeFigures {
    /// How many calls, and how many failed on either side.
    pub counts: Counts,
    /// How long the spans of the called side took; calls of which no such span is stored have none.
    pub server_durations: Durations,
    /// How long the client or producer spans of the calling side took, once for each call; calls without such
    /// a span have none.
    pub client_durations: Durations,
}

impl EdgeFigures {
    /// Counts one call.
    pub fn record(&mut self, call: &Call) {
        self.counts.record(call.failed, call.weight);
        call.server_nanos.iter().for_each(|nanos| self.server_durations.record(*nanos));
        call.client_nanos.iter().for_each(|nanos| self.client_durations.record(*nanos));
    }

    /// Takes one call away that was counted before.
    pub fn unrecord(&mut self, call: &Call) {
        self.counts.unrecord(call.failed, call.weight);
        call.server_nanos.iter().for_each(|nanos| self.server_durations.unrecord(*nanos));
        call.client_nanos.iter().for_each(|nanos| self.client_durations.unrecord(*nanos));
    }

    /// Counts all calls of `other` too.
    pub fn merge(&mut self, other: &Self) {
        self.counts.merge(&other.counts);
        self.server_durations.merge(&other.server_durations);
        self.client_durations.merge(&other.client_durations);
    }

    /// How long the called side took; where none of its spans is stored, how long the caller waited.
    pub fn durations(&self) -> &Durations {
        match self.server_durations.count() {
            0 => &self.client_durations,
            _ => &self.server_durations,
        }
    }

    /// The same as figures of spans.
    pub fn figures(&self) -> Figures {
        Figures { counts: self.counts, durations: self.durations().clone() }
    }
}
