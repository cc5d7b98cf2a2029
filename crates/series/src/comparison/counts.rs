//! What a marked comparison has counted, value by value.

use spandrel_traceql::Static;

use super::values::AttributeValues;
use super::{Area, Comparison};

/// Some spans: how many of them there are on each side, and which they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SpanCounts {
    /// Selected ones.
    pub selection: u64,
    /// All others.
    pub baseline: u64,
    /// The sum of the marks of the spans: equal for equal sets of spans.
    pub mark: u64,
}

impl SpanCounts {
    /// Adds spans of one side.
    pub fn add(&mut self, area: Area, spans: u64) {
        match area {
            Area::Selection => self.selection += spans,
            Area::Baseline => self.baseline += spans,
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.selection += other.selection;
        self.baseline += other.baseline;
        self.mark = self.mark.wrapping_add(other.mark);
    }
}

/// The spans that have an attribute.
#[derive(Debug, Clone, PartialEq)]
pub struct AttributeCounts {
    /// Its name as it is written in a query.
    pub name: String,
    /// By value; none when there are too many.
    pub values: Vec<(Static, SpanCounts)>,
    /// Spans with one of too many values, without a mark.
    pub others: SpanCounts,
}

/// Everything that was counted.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ComparisonCounts {
    /// All spans.
    pub all: SpanCounts,
    /// By name.
    pub attributes: Vec<AttributeCounts>,
}

impl Comparison {
    /// What was counted, all intervals together.
    pub fn counts(self) -> ComparisonCounts {
        let attributes = self.attributes.into_iter();
        let mut attributes: Vec<_> =
            attributes.map(|(name, values)| counts_of(name, values)).collect();
        attributes.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        ComparisonCounts { all: self.all, attributes }
    }
}

fn counts_of(name: String, mut attribute: AttributeValues) -> AttributeCounts {
    attribute.join();
    let mut counts = vec![SpanCounts::default(); attribute.values.len().max(1)];
    for (counts, mark) in counts.iter_mut().zip(&attribute.marks) {
        counts.mark = *mark;
    }
    for cell in &attribute.cells {
        let area = if cell.is_in(Area::Selection) { Area::Selection } else { Area::Baseline };
        counts[cell.value as usize].add(area, cell.spans);
    }
    let others = if attribute.is_cut {
        counts.first().copied().unwrap_or_default()
    } else {
        SpanCounts::default()
    };
    let values = attribute.values.into_iter();
    let values = values.map(|(value, number)| (value, counts[number as usize])).collect();
    AttributeCounts { name, values, others }
}
