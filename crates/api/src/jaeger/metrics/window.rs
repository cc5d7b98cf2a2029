//! Figures of the latest steps together. Durations cannot be taken out of a sum that is cut into buckets once
//! more, so the window keeps partial sums instead: two merges a step, however wide it is.

use spandrel_query::Figures;

/// The latest steps, up to a number of them.
#[derive(Debug)]
pub(super) struct Window {
    width: usize,
    /// Sums of older steps, each from one step on to the newest of the older ones; the widest is last.
    older: Vec<Figures>,
    newer: Vec<Figures>,
    newer_sum: Figures,
}

impl Window {
    pub(super) fn new(width: usize) -> Self {
        let (older, newer) = (Vec::new(), Vec::new());
        Self { width: width.max(1), older, newer, newer_sum: Figures::default() }
    }

    /// Adds a step, drops the one that has become too old, and sums up.
    pub(super) fn push(&mut self, step: &Figures) -> Figures {
        if self.older.len() + self.newer.len() >= self.width {
            self.drop_oldest();
        }
        self.newer_sum.merge(step);
        self.newer.push(step.clone());
        let mut sum = self.older.last().cloned().unwrap_or_default();
        sum.merge(&self.newer_sum);
        sum
    }

    fn drop_oldest(&mut self) {
        if self.older.is_empty() {
            let mut sum = Figures::default();
            for mut step in self.newer.drain(..).rev() {
                step.merge(&sum);
                sum = step.clone();
                self.older.push(step);
            }
            self.newer_sum = Figures::default();
        }
        self.older.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_the_sum_of_its_steps() {
        let step = |calls: u64| {
            let mut figures = Figures::default();
            figures.counts.calls = calls;
            figures.durations.record(calls);
            figures
        };
        for width in [1, 2, 3, 7, 100] {
            let mut window = Window::new(width);
            for i in 0..50_u64 {
                let sum = window.push(&step(i));
                let steps = (0..=i).rev().take(width);
                assert_eq!(sum.counts.calls, steps.clone().sum::<u64>(), "{width} {i}");
                assert_eq!(sum.durations.count(), steps.count() as u64);
            }
        }
    }
}
