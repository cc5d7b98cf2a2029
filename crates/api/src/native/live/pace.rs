//! How many spans a client is sent: what nobody can read does not travel.

/// Looks in a second.
const LOOKS_PER_SECOND: usize = 4;
const SPANS_PER_SECOND: usize = 50;

/// What may be sent at a look: every look adds its part of a second, and what is not used within one is lost.
#[derive(Debug)]
pub(super) struct Pace {
    /// In parts of a span, so that the part of a look is a whole number.
    parts: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self { parts: SPANS_PER_SECOND * LOOKS_PER_SECOND }
    }
}

impl Pace {
    pub(super) fn spans_max(&self) -> usize {
        self.parts / LOOKS_PER_SECOND
    }

    /// A look is over, at which so many were sent.
    pub(super) fn sent(&mut self, n_spans: usize) {
        let left = self.parts.saturating_sub(n_spans * LOOKS_PER_SECOND);
        self.parts = (left + SPANS_PER_SECOND).min(SPANS_PER_SECOND * LOOKS_PER_SECOND);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_fifty_a_second_for_long() {
        let mut pace = Pace::default();
        assert_eq!(pace.spans_max(), 50);
        let sent: Vec<usize> = (0..9)
            .map(|_| {
                let n_spans = pace.spans_max();
                pace.sent(n_spans);
                n_spans
            })
            .collect();
        assert_eq!(sent, [50, 12, 13, 12, 13, 12, 13, 12, 13]);
        (0..100).for_each(|_| pace.sent(0));
        assert_eq!(pace.spans_max(), 50);
    }
}
