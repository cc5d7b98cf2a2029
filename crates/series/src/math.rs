//! Arithmetic with series.

use std::collections::BTreeMap;

use spandrel_traceql::Static;
use spandrel_traceql::ast::BinaryOp;

use crate::labels::NAME;
use crate::series::tidy;
use crate::{Labels, Series};

/// Combines every value with a number.
pub(crate) fn with_scalar(
    op: BinaryOp,
    scalar: f64,
    scalar_on_left: bool,
    mut all: Vec<Series>,
) -> Vec<Series> {
    let combined = |value: f64| match scalar_on_left {
        true => arithmetic(op, scalar, value),
        false => arithmetic(op, value, scalar),
    };
    for series in &mut all {
        series.values.iter_mut().for_each(|value| *value = combined(*value));
        series.exemplars.iter_mut().for_each(|exemplar| exemplar.value = combined(exemplar.value));
    }
    tidy(all)
}

/// Combines series that have the same labels. A series without labels is combined with every one of the other side;
/// what has no counterpart is left out.
pub(crate) fn with_series(op: BinaryOp, left: &[Series], right: &[Series]) -> Vec<Series> {
    let by_key = |all: &[Series]| -> BTreeMap<Labels, usize> {
        all.iter().enumerate().map(|(i, series)| (series.labels.key(), i)).collect()
    };
    let (left_keys, right_keys) = (by_key(left), by_key(right));
    let none = Labels::default();
    let find = |keys: &BTreeMap<Labels, usize>, key: &Labels| {
        let own = keys.get(key).map(|i| (*i, false));
        own.or_else(|| keys.get(&none).map(|i| (*i, true)))
    };
    let keys = if right_keys.contains_key(&none) { &left_keys } else { &right_keys };
    let mut combined = Vec::new();
    for key in keys.keys() {
        let found = find(&left_keys, key).zip(find(&right_keys, key));
        let Some(((i, left_for_all), (j, right_for_all))) = found else { continue };
        let (a, b) = (&left[i], &right[j]);
        let values = a.values.iter().zip(&b.values);
        let mut exemplars = Vec::new();
        // Those of a series that is combined with many belong to none of them.
        if !left_for_all || right_for_all {
            exemplars.extend_from_slice(&a.exemplars);
        }
        if !right_for_all || left_for_all {
            exemplars.extend_from_slice(&b.exemplars);
        }
        exemplars.sort_by_key(|exemplar| exemplar.interval);
        combined.push(Series {
            labels: labels(op, &a.labels, &b.labels),
            values: values.map(|(a, b)| arithmetic(op, *a, *b)).collect(),
            exemplars,
        });
    }
    tidy(combined)
}

/// Those of both; the name says what was done when both have one, and is dropped otherwise.
fn labels(op: BinaryOp, left: &Labels, right: &Labels) -> Labels {
    let name = match (left.get(NAME), right.get(NAME)) {
        (Some(Static::String(left)), Some(Static::String(right))) => {
            Some(Static::String(format!("({left} {} {right})", op.as_str())))
        }
        _ => None,
    };
    let mut all = Labels(left.0.iter().filter(|label| label.name != NAME).cloned().collect());
    for label in right.0.iter().filter(|label| label.name != NAME) {
        if all.get(&label.name).is_none() {
            all.0.push(label.clone());
        }
    }
    match name {
        Some(name) => all.with(NAME, name),
        None => all,
    }
}

/// A quotient by zero is no value, also where arithmetic of floats has an infinity.
fn arithmetic(op: BinaryOp, left: f64, right: f64) -> f64 {
    match op {
        BinaryOp::Add => left + right,
        BinaryOp::Sub => left - right,
        BinaryOp::Mul => left * right,
        BinaryOp::Div if right != 0.0 => left / right,
        _ => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(labels: Labels, values: &[f64]) -> Series {
        Series { labels, values: values.to_vec(), exemplars: Vec::new() }
    }

    fn text(text: &str) -> Static {
        Static::String(text.to_owned())
    }

    fn shown(all: &[Series]) -> Vec<String> {
        all.iter().map(|s| format!("{} {:?}", s.labels, s.values)).collect()
    }

    #[test]
    fn series_are_joined_by_their_labels_in_any_order() {
        let ab = Labels::of([("a", text("x")), ("b", text("y"))]);
        let ba = Labels::of([("b", text("y")), ("a", text("x"))]);
        let left = [series(ab, &[1.0, 2.0]), series(Labels::of([("a", text("z"))]), &[1.0, 1.0])];
        let right = [series(ba, &[2.0, 0.0])];
        let divided = with_series(BinaryOp::Div, &left, &right);
        assert_eq!(shown(&divided), ["{a=\"x\", b=\"y\"} [0.5, NaN]"]);
    }

    #[test]
    fn a_series_without_labels_goes_with_every_other() {
        let named = |name: &str| Labels::of([(NAME, text(name))]);
        let one = [series(named("rate"), &[10.0])];
        let many = [
            series(Labels::of([("a", text("x"))]), &[5.0]),
            series(Labels::of([("a", text("y"))]), &[2.0]),
        ];
        let on_the_right = with_series(BinaryOp::Sub, &many, &one);
        assert_eq!(shown(&on_the_right), ["{a=\"x\"} [-5.0]", "{a=\"y\"} [-8.0]"]);
        let on_the_left = with_series(BinaryOp::Sub, &one, &many);
        assert_eq!(shown(&on_the_left), ["{a=\"x\"} [5.0]", "{a=\"y\"} [8.0]"]);
        let both = with_series(BinaryOp::Div, &one, &[series(named("count_over_time"), &[4.0])]);
        assert_eq!(shown(&both), ["{__name__=\"(rate / count_over_time)\"} [2.5]"]);
    }
}
