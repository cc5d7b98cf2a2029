//! What a metrics function needs to know of spans, and what it makes of that.

use std::borrow::Cow;

use spandrel_traceql::ast::{MetricsAggregate, MetricsFunction};
use spandrel_traceql::{Attribute, Static, StaticType};

/// What is kept per interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// How many spans: `rate`, `count_over_time`.
    Count,
    /// The least value.
    Min,
    /// The greatest value.
    Max,
    /// The sum of the values, and how many: `sum_over_time`, `avg_over_time`.
    Sum,
    /// How many values in each bucket: `histogram_over_time`, `quantile_over_time`.
    Histogram,
}

impl Function {
    /// What the function of a query keeps; `None` for `compare`, which is kept in a
    /// [`Comparison`](crate::Comparison).
    pub fn of(function: &MetricsFunction) -> Option<Self> {
        Some(match function {
            MetricsFunction::Rate | MetricsFunction::CountOverTime => Self::Count,
            MetricsFunction::MinOverTime(_) => Self::Min,
            MetricsFunction::MaxOverTime(_) => Self::Max,
            MetricsFunction::AvgOverTime(_) | MetricsFunction::SumOverTime(_) => Self::Sum,
            MetricsFunction::QuantileOverTime { .. } | MetricsFunction::HistogramOverTime(_) => {
                Self::Histogram
            }
            MetricsFunction::Compare { .. } => return None,
        })
    }
}

/// The attribute that a function measures.
pub fn measured(function: &MetricsFunction) -> Option<&Attribute> {
    match function {
        MetricsFunction::Rate
        | MetricsFunction::CountOverTime
        | MetricsFunction::Compare { .. } => None,
        MetricsFunction::MinOverTime(attribute)
        | MetricsFunction::MaxOverTime(attribute)
        | MetricsFunction::AvgOverTime(attribute)
        | MetricsFunction::SumOverTime(attribute)
        | MetricsFunction::HistogramOverTime(attribute)
        | MetricsFunction::QuantileOverTime { attribute, .. } => Some(attribute),
    }
}

/// What one unit of what is kept is in a finished series: nanoseconds become seconds.
pub(crate) fn unit(aggregate: &MetricsAggregate) -> f64 {
    let measured = measured(&aggregate.function).map(Attribute::static_type);
    if measured == Some(StaticType::Duration) { 1e9 } else { 1.0 }
}

/// The value that a span is grouped or measured by. Of the events or links of a span it is the first one that has
/// the attribute.
pub(crate) fn one_value(value: Cow<'_, Static>) -> Static {
    match value.into_owned() {
        Static::Several(values) => {
            values.into_iter().find(|value| !value.is_nil()).unwrap_or(Static::Nil)
        }
        value => value,
    }
}
