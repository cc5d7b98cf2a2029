//! Aggregates of spansets, and filters that compare them.
//!
//! Only numbers are aggregated: values that are absent, of another type or not a number are passed over,
//! and each of several values counts. A sum, smallest or largest of whole numbers is a whole number, of
//! durations a duration; a mean of whole numbers is a float; types that are mixed become floats, durations
//! in nanoseconds, as in arithmetic. What has no value (no number at all) is nil, which no comparison
//! holds for.

use spandrel_traceql::ast::{Aggregate, AggregateFunction, BinaryOp, ScalarExpr, ScalarFilter};
use spandrel_traceql::{EvalError, FieldExpr, Static, binary, eval};

use crate::TraceValues;
use crate::pipeline::{Spanset, coalesced, union};

impl TraceValues<'_> {
    /// The spansets for which the comparison holds, with the values of its aggregates.
    pub(crate) fn scalar_filter(
        &self,
        filter: &ScalarFilter,
        spansets: Vec<Spanset>,
    ) -> Result<Vec<Spanset>, EvalError> {
        let mut kept = Vec::new();
        for mut spanset in spansets {
            let left = self.scalar(&filter.lhs, &mut spanset)?;
            let right = self.scalar(&filter.rhs, &mut spanset)?;
            if binary(filter.op, &left, &right)? == Static::Bool(true) {
                kept.push(spanset);
            }
        }
        Ok(kept)
    }

    /// A comparison of aggregates of pipelines. Each is over all spans of its pipeline, of which there may be
    /// none; found are the spans of all of them.
    pub(crate) fn scalar_pipelines(
        &self,
        filter: &ScalarFilter,
    ) -> Result<Vec<Spanset>, EvalError> {
        let mut found = Spanset { spans: Vec::new(), attributes: Vec::new() };
        let left = self.scalar(&filter.lhs, &mut found)?;
        let right = self.scalar(&filter.rhs, &mut found)?;
        let holds = binary(filter.op, &left, &right)? == Static::Bool(true);
        Ok(if holds && !found.spans.is_empty() { vec![found] } else { Vec::new() })
    }

    /// The value of a scalar for a spanset, to which the values of aggregates are added.
    fn scalar(&self, scalar: &ScalarExpr, spanset: &mut Spanset) -> Result<Static, EvalError> {
        match scalar {
            ScalarExpr::Static(value) => Ok(value.clone()),
            ScalarExpr::Operation { op, lhs, rhs } => {
                let left = self.scalar(lhs, spanset)?;
                binary(*op, &left, &self.scalar(rhs, spanset)?)
            }
            ScalarExpr::Aggregate(aggregate) => {
                let value = self.aggregate(aggregate, &spanset.spans)?;
                spanset.set(aggregate.to_string().into(), value.clone());
                Ok(value)
            }
            ScalarExpr::Pipeline { pipeline, aggregate } => {
                let own = coalesced(self.pipeline(pipeline)?);
                let value = self.aggregate(aggregate, &own.spans)?;
                spanset.spans = union(&spanset.spans, &own.spans);
                spanset.set(scalar.to_string().into(), value.clone());
                Ok(value)
            }
        }
    }

    /// The value of an aggregate over some spans.
    ///
    /// # Errors
    /// [`EvalError`] when its argument has no value for a span although its types fit.
    fn aggregate(&self, aggregate: &Aggregate, spans: &[u32]) -> Result<Static, EvalError> {
        match aggregate {
            Aggregate::Count => Ok(Static::Int(i64::try_from(spans.len()).unwrap_or(i64::MAX))),
            Aggregate::Field { function, field } => {
                let mut numbers = Numbers::default();
                for &index in spans {
                    self.add(field, index, &mut numbers)?;
                }
                Ok(numbers.value(*function))
            }
        }
    }

    fn add(&self, field: &FieldExpr, index: u32, to: &mut Numbers) -> Result<(), EvalError> {
        match eval(field, &self.span(index as usize))? {
            Static::Several(values) => values.iter().for_each(|value| to.add(value)),
            value => to.add(&value),
        }
        Ok(())
    }
}

/// Numbers on the way to an aggregate.
#[derive(Debug, Default)]
struct Numbers {
    count: u64,
    n_ints: u64,
    n_durations: u64,
    /// Of whole numbers and durations: exact, whatever their number.
    whole: i128,
    /// Of all of them, in their order.
    float: f64,
    min: Option<Static>,
    max: Option<Static>,
}

impl Numbers {
    fn add(&mut self, value: &Static) {
        let Some(number) = value.as_float().filter(|number| !number.is_nan()) else { return };
        self.count += 1;
        self.float += number;
        match value {
            Static::Int(whole) => {
                (self.n_ints, self.whole) = (self.n_ints + 1, self.whole + i128::from(*whole))
            }
            Static::Duration(nanos) => {
                (self.n_durations, self.whole) =
                    (self.n_durations + 1, self.whole + i128::from(*nanos));
            }
            _ => {}
        }
        if self.min.as_ref().is_none_or(|min| is_less(value, min)) {
            self.min = Some(value.clone());
        }
        if self.max.as_ref().is_none_or(|max| is_less(max, value)) {
            self.max = Some(value.clone());
        }
    }

    fn value(self, function: AggregateFunction) -> Static {
        if self.count == 0 {
            return Static::Nil;
        }
        let saturated = |whole: i128| {
            i64::try_from(whole).unwrap_or(if whole < 0 { i64::MIN } else { i64::MAX })
        };
        let count = i128::from(self.count);
        match function {
            AggregateFunction::Min => self.min.unwrap_or(Static::Nil),
            AggregateFunction::Max => self.max.unwrap_or(Static::Nil),
            AggregateFunction::Sum if self.n_ints == self.count => {
                Static::Int(saturated(self.whole))
            }
            AggregateFunction::Sum if self.n_durations == self.count => {
                Static::Duration(saturated(self.whole))
            }
            AggregateFunction::Sum => Static::Float(self.float),
            AggregateFunction::Avg if self.n_durations == self.count => {
                Static::Duration(saturated(self.whole / count))
            }
            AggregateFunction::Avg if self.n_ints == self.count => {
                Static::Float(self.whole as f64 / self.count as f64)
            }
            AggregateFunction::Avg => Static::Float(self.float / self.count as f64),
        }
    }
}

/// The order of numbers of all types; whole numbers compare exactly.
fn is_less(a: &Static, b: &Static) -> bool {
    binary(BinaryOp::Less, a, b) == Ok(Static::Bool(true))
}
