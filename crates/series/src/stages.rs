//! What follows a metrics function: `topk`, `bottomk` and comparisons.

use std::cmp::Ordering;

use spandrel_traceql::ast::{BinaryOp, SecondStage};

use crate::Series;
use crate::series::tidy;

/// Applies a stage to finished series.
pub fn apply(stage: SecondStage, all: Vec<Series>) -> Vec<Series> {
    match stage {
        SecondStage::TopK(limit) => best(all, limit, |a, b| b.total_cmp(a)),
        SecondStage::BottomK(limit) => best(all, limit, f64::total_cmp),
        SecondStage::Filter { op, value } => keep(all, |point| holds(op, point, value)),
    }
}

/// Of each interval the best values, ties by labels. What is not among them is taken out.
fn best(mut all: Vec<Series>, limit: i64, order: impl Fn(&f64, &f64) -> Ordering) -> Vec<Series> {
    let limit = usize::try_from(limit).unwrap_or(0);
    all.sort_by(|a, b| a.labels.cmp(&b.labels));
    let n_intervals = all.iter().map(|series| series.values.len()).max().unwrap_or(0);
    let mut ranked: Vec<(f64, usize)> = Vec::with_capacity(all.len());
    for interval in 0..n_intervals {
        let values =
            all.iter().enumerate().filter_map(|(i, s)| Some((*s.values.get(interval)?, i)));
        ranked.clear();
        ranked.extend(values.filter(|(value, _)| !value.is_nan()));
        // A zero has no sign here.
        let by_value = |a: &(f64, usize), b: &(f64, usize)| order(&(a.0 + 0.0), &(b.0 + 0.0));
        ranked.sort_by(|a, b| by_value(a, b).then(a.1.cmp(&b.1)));
        for (_, i) in ranked.iter().skip(limit) {
            all[*i].values[interval] = f64::NAN;
        }
    }
    tidy(all)
}

/// Takes out the values that do not pass.
fn keep(mut all: Vec<Series>, passes: impl Fn(f64) -> bool) -> Vec<Series> {
    for series in &mut all {
        for value in &mut series.values {
            if !passes(*value) {
                *value = f64::NAN;
            }
        }
        series.exemplars.retain(|exemplar| passes(exemplar.value));
    }
    tidy(all)
}

fn holds(op: BinaryOp, point: f64, value: f64) -> bool {
    match op {
        BinaryOp::Equal => point == value,
        BinaryOp::NotEqual => point != value,
        BinaryOp::Less => point < value,
        BinaryOp::LessEqual => point <= value,
        BinaryOp::Greater => point > value,
        BinaryOp::GreaterEqual => point >= value,
        _ => false,
    }
}
