//! A number of spans, each of which may stand for several.

use crate::ExactSum;

/// Spans by their weights; those of weight 1 cost no more than a counter.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Amount {
    spans: u64,
    /// What the weights are above 1, together.
    more: Option<Box<ExactSum>>,
}

impl Amount {
    /// Adds spans of weight 1.
    pub fn add(&mut self, spans: u64) {
        self.spans = self.spans.saturating_add(spans);
    }

    /// Adds one span.
    pub fn add_weighted(&mut self, weight: f64) {
        self.add(1);
        if weight != 1.0 {
            self.more.get_or_insert_default().add(weight - 1.0);
        }
    }

    /// Adds another amount.
    pub fn merge(&mut self, other: &Self) {
        self.add(other.spans);
        if let Some(more) = &other.more {
            self.more.get_or_insert_default().merge(more);
        }
    }

    /// The sum of the weights.
    #[expect(clippy::cast_precision_loss, reason = "values are floats")]
    pub fn value(&self) -> f64 {
        match &self.more {
            None => self.spans as f64,
            Some(more) => {
                let mut sum = ExactSum::clone(more);
                sum.add_whole(i128::from(self.spans));
                sum.value()
            }
        }
    }

    /// Whether there is no span.
    pub fn is_zero(&self) -> bool {
        self.spans == 0
    }
}
