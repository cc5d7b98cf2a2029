//! Bounds of the start that become known while a query runs: of the newest twenty rows, the twentieth bounds all that
//! are still to come. What is read newest first is then not read any more.

use std::sync::Arc;

use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{BinaryExpr, Column, IsNullExpr, Literal};
use datafusion::physical_expr_common::physical_expr::snapshot_physical_expr;
use spandrel_query::TimeRange;

use crate::columns::START_TIME;
use crate::table::intersection;

/// What no row starts in.
const NOTHING: TimeRange = TimeRange { start_unix_nanos: i64::MAX, end_unix_nanos: i64::MIN };

/// What of a range the conditions leave now.
pub(super) fn narrowed(
    range: TimeRange,
    conditions: &[Arc<dyn PhysicalExpr>],
) -> Result<TimeRange> {
    conditions.iter().try_fold(range, |range, condition| {
        let now = snapshot_physical_expr(Arc::clone(condition))?;
        Ok(intersection(range, of(&now)))
    })
}

/// The range that a row must start in for the condition to hold.
fn of(condition: &Arc<dyn PhysicalExpr>) -> TimeRange {
    if let Some(IsNullExpr { .. }) = condition.downcast_ref::<IsNullExpr>() {
        let operand = condition.children();
        return match operand.as_slice() {
            [operand] if is_start(operand) => NOTHING,
            _ => TimeRange::ALL,
        };
    }
    let Some(binary) = condition.downcast_ref::<BinaryExpr>() else { return TimeRange::ALL };
    let (left, right) = (binary.left(), binary.right());
    match binary.op() {
        Operator::And => intersection(of(left), of(right)),
        Operator::Or => {
            let (left, right) = (of(left), of(right));
            TimeRange {
                start_unix_nanos: left.start_unix_nanos.min(right.start_unix_nanos),
                end_unix_nanos: left.end_unix_nanos.max(right.end_unix_nanos),
            }
        }
        op if is_start(left) => nanos(right).map_or(TimeRange::ALL, |nanos| bounded(*op, nanos)),
        _ => TimeRange::ALL,
    }
}

fn is_start(expr: &Arc<dyn PhysicalExpr>) -> bool {
    expr.downcast_ref::<Column>().is_some_and(|column| column.name() == START_TIME)
}

fn nanos(expr: &Arc<dyn PhysicalExpr>) -> Option<i64> {
    match expr.downcast_ref::<Literal>()?.value() {
        ScalarValue::TimestampNanosecond(nanos, _) => *nanos,
        _ => None,
    }
}

fn bounded(op: Operator, nanos: i64) -> TimeRange {
    let (from, to) = match op {
        Operator::Eq => (nanos, nanos),
        Operator::Gt | Operator::GtEq => (nanos, i64::MAX),
        Operator::Lt | Operator::LtEq => (i64::MIN, nanos),
        _ => (i64::MIN, i64::MAX),
    };
    TimeRange { start_unix_nanos: from, end_unix_nanos: to }
}

#[cfg(test)]
mod tests {
    use datafusion::physical_expr::expressions::lit;

    use super::*;

    #[test]
    fn conditions_bound_the_start() {
        let column = |name| Arc::new(Column::new(name, 0)) as Arc<dyn PhysicalExpr>;
        let at = |nanos| lit(ScalarValue::TimestampNanosecond(Some(nanos), Some("UTC".into())));
        let both =
            |left, op, right| Arc::new(BinaryExpr::new(left, op, right)) as Arc<dyn PhysicalExpr>;
        let newer = |nanos| both(column(START_TIME), Operator::Gt, at(nanos));
        let null = Arc::new(IsNullExpr::new(column(START_TIME))) as Arc<dyn PhysicalExpr>;
        let other = both(column("end_time"), Operator::Gt, at(9));
        for (condition, expected) in [
            (newer(5), (5, i64::MAX)),
            (both(null, Operator::Or, newer(5)), (5, i64::MAX)),
            (both(newer(5), Operator::Or, other.clone()), (i64::MIN, i64::MAX)),
            (both(newer(5), Operator::And, other), (5, i64::MAX)),
            (
                both(newer(5), Operator::Or, both(column(START_TIME), Operator::Eq, at(3))),
                (3, i64::MAX),
            ),
            (both(column(START_TIME), Operator::Lt, at(5)), (i64::MIN, 5)),
        ] {
            let range = narrowed(TimeRange::ALL, &[condition]).unwrap();
            assert_eq!((range.start_unix_nanos, range.end_unix_nanos), expected);
        }
    }
}
