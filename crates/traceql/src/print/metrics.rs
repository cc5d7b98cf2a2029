//! Canonical spelling of metrics queries.

use std::fmt;

use super::write_joined;
use crate::ast::{MetricsAggregate, MetricsExpr, MetricsFunction, MetricsSource, SecondStage};
use crate::value::display_number;

impl fmt::Display for MetricsExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            MetricsSource::Aggregate { pipeline, aggregate } => {
                write!(f, "{pipeline} | {aggregate}")?;
            }
            MetricsSource::Math { op, lhs, rhs } => write!(f, "({lhs}) {} ({rhs})", op.as_str())?,
            MetricsSource::ScalarMath { op, scalar, scalar_on_left, operand } => {
                let (op, scalar) = (op.as_str(), display_number(*scalar));
                if *scalar_on_left {
                    write!(f, "{scalar} {op} ({operand})")?;
                } else {
                    write!(f, "({operand}) {op} {scalar}")?;
                }
            }
        }
        self.stages.iter().try_for_each(|stage| write!(f, " {stage}"))
    }
}

impl fmt::Display for MetricsAggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.function)?;
        if self.by.is_empty() {
            return Ok(());
        }
        f.write_str("by(")?;
        write_joined(f, &self.by)?;
        f.write_str(")")
    }
}

impl fmt::Display for MetricsFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rate => f.write_str("rate()"),
            Self::CountOverTime => f.write_str("count_over_time()"),
            Self::MinOverTime(attribute) => write!(f, "min_over_time({attribute})"),
            Self::MaxOverTime(attribute) => write!(f, "max_over_time({attribute})"),
            Self::AvgOverTime(attribute) => write!(f, "avg_over_time({attribute})"),
            Self::SumOverTime(attribute) => write!(f, "sum_over_time({attribute})"),
            Self::HistogramOverTime(attribute) => write!(f, "histogram_over_time({attribute})"),
            Self::QuantileOverTime { attribute, quantiles } => {
                write!(f, "quantile_over_time({attribute}")?;
                for quantile in quantiles {
                    write!(f, ",{}", display_quantile(*quantile))?;
                }
                f.write_str(")")
            }
            Self::Compare { selection, top, window } => {
                write!(f, "compare({{ {selection} }},{top}")?;
                if let Some((start, end)) = window {
                    write!(f, ",{start},{end}")?;
                }
                f.write_str(")")
            }
        }
    }
}

/// Five decimals, or as many as it takes.
fn display_quantile(quantile: f64) -> String {
    let short = format!("{quantile:.5}");
    if short.parse() == Ok(quantile) { short } else { display_number(quantile) }
}

impl fmt::Display for SecondStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TopK(limit) => write!(f, "| topk({limit})"),
            Self::BottomK(limit) => write!(f, "| bottomk({limit})"),
            Self::Filter { op, value } => write!(f, "{} {}", op.as_str(), display_number(*value)),
        }
    }
}
