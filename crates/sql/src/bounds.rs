//! The range of time that a whole query looks at, as far as its text says it.
//!
//! Types of attributes, and which blocks are opened at all, have to be known before a query is planned. So bounds of
//! `start_time` are taken from the `WHERE` of each `SELECT` that reads from the table and from nothing else; where one
//! has none, or cannot be understood alone, the query looks at everything.

use std::ops::ControlFlow;

use datafusion::common::DFSchema;
use datafusion::execution::SessionState;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, ExprWithAlias, Ident, Query, Select, VisitMut, VisitorMut,
};
use spandrel_query::TimeRange;

use crate::columns::{START_TIME, TableColumn, schema};
use crate::condition::Pruning;
use crate::wildcard::{Relation, relations_of};

/// `now()` goes on while a query is planned.
const SLACK_NANOS: i64 = 60_000_000_000;

/// The range that all rows of interest start in.
pub(crate) fn range_of(
    statement: &mut impl VisitMut,
    state: &SessionState,
    columns: &[TableColumn],
) -> TimeRange {
    let mut bounds = Bounds { state, columns, range: None };
    let _: ControlFlow<()> = statement.visit(&mut bounds);
    let Some(range) = bounds.range else { return TimeRange::ALL };
    TimeRange {
        start_unix_nanos: range.start_unix_nanos.saturating_sub(SLACK_NANOS),
        end_unix_nanos: range.end_unix_nanos.saturating_add(SLACK_NANOS),
    }
}

struct Bounds<'a> {
    state: &'a SessionState,
    columns: &'a [TableColumn],
    /// What all until now look at together; `None` before the first one.
    range: Option<TimeRange>,
}

impl VisitorMut for Bounds<'_> {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        let relations = relations_of(select);
        if !relations.iter().any(|relation| relation.is_table) {
            return ControlFlow::Continue(());
        }
        let own = match (relations.as_slice(), &select.selection) {
            ([Relation { is_table: true, .. }], Some(condition)) => self.of_condition(condition),
            _ => TimeRange::ALL,
        };
        let all = self.range.unwrap_or(own);
        self.range = Some(TimeRange {
            start_unix_nanos: all.start_unix_nanos.min(own.start_unix_nanos),
            end_unix_nanos: all.end_unix_nanos.max(own.end_unix_nanos),
        });
        ControlFlow::Continue(())
    }
}

impl Bounds<'_> {
    fn of_condition(&self, condition: &Expr) -> TimeRange {
        match condition {
            Expr::Nested(inner) => self.of_condition(inner),
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                let (left, right) = (self.of_condition(left), self.of_condition(right));
                TimeRange {
                    start_unix_nanos: left.start_unix_nanos.max(right.start_unix_nanos),
                    end_unix_nanos: left.end_unix_nanos.min(right.end_unix_nanos),
                }
            }
            condition => self.of_part(condition).unwrap_or(TimeRange::ALL),
        }
    }

    /// What one of several conditions says, if it is about the start alone.
    fn of_part(&self, condition: &Expr) -> Option<TimeRange> {
        let mut expr = condition.clone();
        if expr.visit(&mut OnlyStart).is_break() {
            return None;
        }
        let fields = DFSchema::try_from(schema(self.columns)).ok()?;
        let expr = ExprWithAlias { expr, alias: None };
        let expr = self.state.create_logical_expr_from_sql_expr(expr, &fields).ok()?;
        let context = SimplifyContext::builder()
            .with_schema(fields.clone().into())
            .with_current_time()
            .build();
        let simplifier = ExprSimplifier::new(context);
        let expr = simplifier.coerce(expr, &fields).and_then(|expr| simplifier.simplify(expr));
        Some(Pruning::of(&[expr.ok()?], self.columns).range)
    }
}

/// Goes on as long as the start is the only column; drops its qualifiers.
struct OnlyStart;

impl VisitorMut for OnlyStart {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        ControlFlow::Break(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let name = match expr {
            Expr::Identifier(name) => name,
            Expr::CompoundIdentifier(names) => match names.last() {
                Some(name) => name,
                None => return ControlFlow::Break(()),
            },
            _ => return ControlFlow::Continue(()),
        };
        if !name.value.eq_ignore_ascii_case(START_TIME) {
            return ControlFlow::Break(());
        }
        *expr = Expr::Identifier(Ident::new(START_TIME));
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use spandrel_query::{ValueKind, ValueType};

    use super::*;
    use crate::columns::fixed;
    use crate::statement::{Inner, parse};

    const SECOND: i64 = 1_000_000_000;
    /// 2026-01-01.
    const NEW_YEAR: i64 = 1_767_225_600 * SECOND;

    /// Seconds from 2026-01-01, without the slack.
    fn range(query: &str) -> (Option<i64>, Option<i64>) {
        let columns = fixed(ValueType { kind: ValueKind::Text, mixed: false });
        let mut statement = parse(query).unwrap();
        let state = crate::session::base();
        let range = range_of(&mut Inner(&mut statement), &state, &columns);
        let seconds = |nanos: i64, slack: i64| (nanos - NEW_YEAR + slack) / SECOND;
        (
            (range.start_unix_nanos > i64::MIN)
                .then(|| seconds(range.start_unix_nanos, SLACK_NANOS)),
            (range.end_unix_nanos < i64::MAX).then(|| seconds(range.end_unix_nanos, -SLACK_NANOS)),
        )
    }

    #[test]
    fn bounds_of_all_selects_count_together() {
        for (query, expected) in [
            ("SELECT 1", (None, None)),
            ("SELECT 1 FROM spans", (None, None)),
            ("SELECT 1 FROM spans WHERE start_time >= '2026-01-01T00:00:05Z'", (Some(5), None)),
            (
                "SELECT 1 FROM spans s WHERE (s.start_time >= '2026-01-01T00:00:05Z' AND name = 'x') \
                 AND start_time <= timestamp '2026-01-01T00:00:00Z' + interval '1 minute'",
                (Some(5), Some(60)),
            ),
            (
                "SELECT 1 FROM spans WHERE start_time >= '2026-01-01T00:00:05Z' OR name = 'x'",
                (None, None),
            ),
            (
                "SELECT 1 FROM spans a, spans b WHERE a.start_time >= '2026-01-01T00:00:05Z'",
                (None, None),
            ),
            (
                "WITH x AS (SELECT * FROM spans WHERE start_time >= '2026-01-01T00:00:05Z') SELECT 1 FROM x",
                (Some(5), None),
            ),
            (
                "SELECT 1 FROM spans WHERE start_time >= '2026-01-01T00:00:05Z' \
                 UNION SELECT 1 FROM spans WHERE start_time >= '2026-01-01T00:00:02Z'",
                (Some(2), None),
            ),
            (
                "SELECT 1 FROM spans WHERE start_time >= '2026-01-01T00:00:05Z' \
                 AND trace_id IN (SELECT trace_id FROM spans)",
                (None, None),
            ),
        ] {
            assert_eq!(range(query), expected, "{query}");
        }
        let (start, end) =
            range("SELECT 1 FROM spans WHERE start_time > now() - interval '1 hour'");
        assert!(start.is_some() && end.is_none());
    }
}
