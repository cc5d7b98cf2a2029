//! How much of the series and exemplars an answer has.

use std::cmp::Reverse;

use crate::Series;
use crate::exemplars::rank;

/// Series that an answer does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeftOut {
    /// How many the answer may have.
    pub max: usize,
    /// How many there were.
    pub all: usize,
}

impl std::fmt::Display for LeftOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { max, all } = self;
        write!(
            f,
            "Response exceeds maximum series limit of {max}, a partial response is returned: {} of {all} \
             series are left out, those with the smallest values; the others are complete. Add topk(n), \
             group by less, or narrow the filter",
            all - max
        )
    }
}

/// Leaves out series when there are more than allowed: those whose values add up to the least, ties by labels.
pub fn limit_series(all: &mut Vec<Series>, max: usize) -> Option<LeftOut> {
    if all.len() <= max {
        return None;
    }
    let left_out = LeftOut { max, all: all.len() };
    let sum = |series: &Series| -> f64 {
        series.values.iter().filter(|value| value.is_finite()).map(|value| value.abs()).sum()
    };
    all.sort_by(|a, b| sum(b).total_cmp(&sum(a)).then_with(|| a.labels.cmp(&b.labels)));
    all.truncate(max);
    all.sort_by(|a, b| a.labels.cmp(&b.labels));
    Some(left_out)
}

/// Leaves so many exemplars in the answer, spread over its series: first the best of each series, then the second,
/// and so on.
pub fn limit_exemplars(all: &mut [Series], max: usize) {
    if all.iter().map(|series| series.exemplars.len()).sum::<usize>() <= max {
        return;
    }
    let mut ranked: Vec<(usize, u64, usize, usize)> = Vec::new();
    for (number, series) in all.iter().enumerate() {
        let spans = series.exemplars.iter().map(|exemplar| exemplar.span);
        let ranks = spans.map(|span| rank(span.trace_id, span.span_id));
        let mut own: Vec<(u64, usize)> = ranks.zip(0..).collect();
        own.sort_unstable();
        ranked.extend(own.iter().enumerate().map(|(place, (rank, i))| (place, *rank, number, *i)));
    }
    ranked.sort_unstable();
    let mut kept: Vec<(usize, usize)> =
        ranked.iter().take(max).map(|(_, _, number, i)| (*number, *i)).collect();
    kept.sort_unstable_by_key(|place| Reverse(*place));
    for (number, series) in all.iter_mut().enumerate() {
        let mut i = 0;
        series.exemplars.retain(|_| {
            let is_kept = kept.last() == Some(&(number, i));
            if is_kept {
                kept.pop();
            }
            i += 1;
            is_kept
        });
    }
}
