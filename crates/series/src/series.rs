//! Finished series.

use crate::{ExemplarSpan, Labels};

/// One series.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// What it is of; no two series of an answer have the same.
    pub labels: Labels,
    /// A value for each interval; NaN where there is none.
    pub values: Vec<f64>,
    /// Spans that stand for some of the values, by time.
    pub exemplars: Vec<Exemplar>,
}

/// A span that stands for a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exemplar {
    /// The span.
    pub span: ExemplarSpan,
    /// The interval of the value.
    pub interval: usize,
    /// What is shown: what was measured of the span, or else the value of the series.
    pub value: f64,
}

impl Series {
    /// Whether no interval has a value.
    pub fn is_empty(&self) -> bool {
        self.values.iter().all(|value| value.is_nan())
    }
}

/// Leaves out series without a value, and exemplars of values that are not there; sorts by labels.
pub(crate) fn tidy(mut all: Vec<Series>) -> Vec<Series> {
    all.retain(|series| !series.is_empty());
    for Series { values, exemplars, .. } in &mut all {
        exemplars.retain(|exemplar| {
            !exemplar.value.is_nan()
                && values.get(exemplar.interval).is_some_and(|value| !value.is_nan())
        });
    }
    all.sort_by(|a, b| a.labels.cmp(&b.labels));
    all
}
