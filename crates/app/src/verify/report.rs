//! What a check has found.

use serde::Serialize;

use crate::output::grouped;

/// Details of this many faults are kept.
const EXAMPLES_MAX: usize = 10;

/// Counts of spans unless named otherwise. Faults are what must be zero.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    pub(super) run: String,
    pub(super) acked_traces: u64,
    pub(super) acked_spans: u64,
    /// Fault: acknowledged, and not found by id.
    pub(super) lost: u64,
    /// Fault: acknowledged, and not found by a query.
    pub(super) lost_to_queries: u64,
    /// Fault: found with another content than was sent.
    pub(super) mismatched: u64,
    /// Fault: found, and never sent.
    pub(super) invented: u64,
    /// Found more than once. Allowed: a request whose answer got lost is sent again.
    pub(super) duplicated: u64,
    /// Sent, not acknowledged, and found all the same. Allowed: the answer may have got lost.
    pub(super) unacked_found: u64,
    /// The first faults in words.
    pub(super) examples: Vec<String>,
}

impl Report {
    /// Keeps the words of a fault, if it is among the first.
    pub(super) fn example(&mut self, text: impl FnOnce() -> String) {
        if self.examples.len() < EXAMPLES_MAX {
            self.examples.push(text());
        }
    }

    /// Adds another part of the same check.
    pub(super) fn add(&mut self, part: Self) {
        self.lost += part.lost;
        self.lost_to_queries += part.lost_to_queries;
        self.mismatched += part.mismatched;
        self.invented += part.invented;
        self.duplicated += part.duplicated;
        self.unacked_found += part.unacked_found;
        for text in part.examples {
            self.example(|| text);
        }
    }

    /// Whether every promise was kept.
    pub(super) fn is_good(&self) -> bool {
        self.lost + self.lost_to_queries + self.mismatched + self.invented == 0
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let verdict = if self.is_good() { "every acknowledged span is there" } else { "FAULT" };
        let mut text = format!(
            "run {}: {verdict}\n  acknowledged            {} spans in {} traces\n",
            self.run,
            grouped(self.acked_spans),
            grouped(self.acked_traces),
        );
        for (name, count) in [
            ("lost", self.lost),
            ("lost to queries", self.lost_to_queries),
            ("mismatched", self.mismatched),
            ("invented", self.invented),
            ("found more than once", self.duplicated),
            ("found unacknowledged", self.unacked_found),
        ] {
            text.push_str(&format!("  {name:<22}  {}\n", grouped(count)));
        }
        for example in &self.examples {
            text.push_str(&format!("  - {example}\n"));
        }
        text
    }
}
