//! Aggregates by definition: all numbers are collected, then looked at.

use spandrel_traceql::ast::{Aggregate, AggregateFunction, BinaryOp};
use spandrel_traceql::{EvalError, Static, binary, eval};

use crate::naive::NaiveTrace;

/// The value of an aggregate over some spans, nil when there is no number.
pub(crate) fn aggregate(
    trace: &NaiveTrace,
    aggregate: &Aggregate,
    spans: &[usize],
) -> Result<Static, EvalError> {
    let Aggregate::Field { function, field } = aggregate else {
        return Ok(Static::Int(spans.len() as i64));
    };
    let mut numbers = Vec::new();
    for &span in spans {
        let value = eval(field, &trace.span(span))?;
        let values = match value {
            Static::Several(values) => values,
            value => vec![value],
        };
        let is_number = |value: &Static| value.as_float().is_some_and(|number| !number.is_nan());
        numbers.extend(values.into_iter().filter(is_number));
    }
    if numbers.is_empty() {
        return Ok(Static::Nil);
    }
    Ok(match function {
        AggregateFunction::Min => first_by(BinaryOp::Less, &numbers),
        AggregateFunction::Max => first_by(BinaryOp::Greater, &numbers),
        AggregateFunction::Sum => sum(&numbers),
        AggregateFunction::Avg => mean(&numbers),
    })
}

/// The first of those that none stands in front of.
fn first_by(op: BinaryOp, numbers: &[Static]) -> Static {
    let mut first = numbers[0].clone();
    for number in numbers {
        if binary(op, number, &first) == Ok(Static::Bool(true)) {
            first = number.clone();
        }
    }
    first
}

/// All of them, if all are whole numbers; and if all are durations.
fn wholes(numbers: &[Static]) -> (Option<Vec<i128>>, Option<Vec<i128>>) {
    let ints = numbers.iter().map(|number| match number {
        Static::Int(n) => Some(i128::from(*n)),
        _ => None,
    });
    let durations = numbers.iter().map(|number| match number {
        Static::Duration(n) => Some(i128::from(*n)),
        _ => None,
    });
    (ints.collect(), durations.collect())
}

fn within_range(number: i128) -> i64 {
    number.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

fn float_sum(numbers: &[Static]) -> f64 {
    let mut sum = 0.0;
    for number in numbers {
        sum += number.as_float().unwrap();
    }
    sum
}

fn sum(numbers: &[Static]) -> Static {
    match wholes(numbers) {
        (Some(ints), _) => Static::Int(within_range(ints.iter().sum())),
        (_, Some(durations)) => Static::Duration(within_range(durations.iter().sum())),
        _ => Static::Float(float_sum(numbers)),
    }
}

fn mean(numbers: &[Static]) -> Static {
    let count = numbers.len();
    match wholes(numbers) {
        (Some(ints), _) => Static::Float(ints.iter().sum::<i128>() as f64 / count as f64),
        (_, Some(durations)) => {
            Static::Duration(within_range(durations.iter().sum::<i128>() / count as i128))
        }
        _ => Static::Float(float_sum(numbers) / count as f64),
    }
}
