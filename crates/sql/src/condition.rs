//! What of a `WHERE` prunes: the part that TraceQL can say as well.
//!
//! A condition of SQL becomes one of TraceQL that holds for every row for which it holds, maybe for more: texts and
//! numbers of the same type compare alike in both. Where they do not (order of texts, NaN, negative zero, a text that
//! stands for a number), nothing is said. Bounds of `start_time` become a range of time.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Between, BinaryExpr, Expr, Operator, expr::InList};
use spandrel_query::{TimeRange, ValueKind};
use spandrel_traceql::ast::{BinaryOp, UnaryOp};
use spandrel_traceql::{Attribute, FieldExpr, Intrinsic, Kind, Static, Status};

use crate::columns::{Form, TableColumn};

/// A longer list does not prune.
const LIST_MAX: usize = 1_000;

/// What is implied by some conditions that hold together.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pruning {
    pub(crate) filter: Option<FieldExpr>,
    pub(crate) range: TimeRange,
}

impl Pruning {
    pub(crate) fn of(filters: &[Expr], columns: &[TableColumn]) -> Self {
        let mut pruning = Self { filter: None, range: TimeRange::ALL };
        for expr in filters {
            let own = condition(expr, columns);
            pruning.filter = both(pruning.filter, own);
            narrow(&mut pruning.range, expr, columns);
        }
        pruning
    }

    /// Whether nothing is ruled out.
    pub(crate) fn is_nothing(&self) -> bool {
        self.filter.is_none() && self.range == TimeRange::ALL
    }
}

fn both(left: Option<FieldExpr>, right: Option<FieldExpr>) -> Option<FieldExpr> {
    match (left, right) {
        (Some(left), Some(right)) => Some(FieldExpr::binary(BinaryOp::And, left, right)),
        (left, right) => left.or(right),
    }
}

/// What TraceQL can say of a condition.
fn condition(expr: &Expr, columns: &[TableColumn]) -> Option<FieldExpr> {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            both(condition(left, columns), condition(right, columns))
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            let (left, right) = (condition(left, columns)?, condition(right, columns)?);
            Some(FieldExpr::binary(BinaryOp::Or, left, right))
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let (column, op, value) = comparison(left, *op, right, columns)?;
            compare(column, op, value)
        }
        Expr::Between(Between { expr, negated: false, low, high }) => {
            let low = comparison(expr, Operator::GtEq, low, columns);
            let high = comparison(expr, Operator::LtEq, high, columns);
            let says = |(column, op, value)| compare(column, op, value);
            both(low.and_then(says), high.and_then(says))
        }
        Expr::InList(InList { expr, list, negated: false }) if list.len() <= LIST_MAX => {
            let one = |value: &Expr| {
                let (column, op, value) = comparison(expr, Operator::Eq, value, columns)?;
                compare(column, op, value)
            };
            any_of(&list.iter().map(one).collect::<Option<Vec<_>>>()?)
        }
        Expr::IsNotNull(operand) => {
            let attribute = column_of(operand, columns)?.attribute.as_ref()?;
            let is_scoped = matches!(attribute, Attribute::Scoped { .. });
            let operand = Box::new(FieldExpr::Attribute(attribute.clone()));
            is_scoped.then_some(FieldExpr::Unary { op: UnaryOp::Exists, operand })
        }
        Expr::Column(_) => is_bool(expr, true, columns),
        Expr::IsTrue(operand) => is_bool(operand, true, columns),
        Expr::Not(operand) | Expr::IsFalse(operand) => is_bool(operand, false, columns),
        _ => None,
    }
}

/// One of several, as a tree without long branches.
fn any_of(conditions: &[FieldExpr]) -> Option<FieldExpr> {
    match conditions {
        [] => None,
        [only] => Some(only.clone()),
        several => {
            let (left, right) = several.split_at(several.len() / 2);
            Some(FieldExpr::binary(BinaryOp::Or, any_of(left)?, any_of(right)?))
        }
    }
}

fn is_bool(expr: &Expr, truth: bool, columns: &[TableColumn]) -> Option<FieldExpr> {
    let column = column_of(expr, columns)?;
    compare(column, BinaryOp::Equal, &ScalarValue::Boolean(Some(truth)))
}

fn column_of<'a>(expr: &Expr, columns: &'a [TableColumn]) -> Option<&'a TableColumn> {
    let Expr::Column(column) = expr else { return None };
    columns.iter().find(|known| known.name == column.name)
}

/// A comparison of a column with a value.
fn comparison<'a>(
    left: &'a Expr,
    op: Operator,
    right: &'a Expr,
    columns: &'a [TableColumn],
) -> Option<(&'a TableColumn, BinaryOp, &'a ScalarValue)> {
    let (column, op, value) = match (left, right) {
        (Expr::Column(_), Expr::Literal(value, _)) => (left, op, value),
        (Expr::Literal(value, _), Expr::Column(_)) => (right, op.swap()?, value),
        _ => return None,
    };
    let op = match op {
        Operator::Eq => BinaryOp::Equal,
        Operator::NotEq => BinaryOp::NotEqual,
        Operator::Lt => BinaryOp::Less,
        Operator::LtEq => BinaryOp::LessEqual,
        Operator::Gt => BinaryOp::Greater,
        Operator::GtEq => BinaryOp::GreaterEqual,
        _ => return None,
    };
    Some((column_of(column, columns)?, op, value))
}

fn compare(column: &TableColumn, op: BinaryOp, value: &ScalarValue) -> Option<FieldExpr> {
    let attribute = column.attribute.as_ref()?;
    let says = |op, value| {
        let attribute = FieldExpr::Attribute(attribute.clone());
        Some(FieldExpr::binary(op, attribute, FieldExpr::Static(value)))
    };
    let is_equality = matches!(op, BinaryOp::Equal | BinaryOp::NotEqual);
    match (column.form, value) {
        (Form::Hex, value) if op == BinaryOp::Equal => says(op, hex(attribute, text_of(value)?)?),
        (Form::Plain(ValueKind::Text), value) if is_equality => {
            says(op, text(attribute, text_of(value)?)?)
        }
        (Form::Plain(ValueKind::Int), ScalarValue::Int64(Some(number))) => {
            says(op, number_of(attribute, *number))
        }
        (Form::Plain(ValueKind::Double), ScalarValue::Float64(Some(number)))
            if op == BinaryOp::Equal && number.is_finite() =>
        {
            says(op, Static::Float(*number))
        }
        (Form::Plain(ValueKind::Bool), ScalarValue::Boolean(Some(truth))) if is_equality => {
            says(op, Static::Bool(*truth))
        }
        (Form::Millis, ScalarValue::Float64(Some(millis))) if millis.is_finite() => {
            let (least, greatest) = nanos_around(*millis);
            match op {
                BinaryOp::Greater | BinaryOp::GreaterEqual => {
                    says(BinaryOp::GreaterEqual, Static::Duration(least))
                }
                BinaryOp::Less | BinaryOp::LessEqual => {
                    says(BinaryOp::LessEqual, Static::Duration(greatest))
                }
                BinaryOp::Equal => both(
                    says(BinaryOp::GreaterEqual, Static::Duration(least)),
                    says(BinaryOp::LessEqual, Static::Duration(greatest)),
                ),
                _ => None,
            }
        }
        _ => None,
    }
}

fn number_of(attribute: &Attribute, number: i64) -> Static {
    match attribute {
        Attribute::Intrinsic(_) => Static::Duration(number),
        Attribute::Scoped { .. } => Static::Int(number),
    }
}

fn text_of(value: &ScalarValue) -> Option<&str> {
    value.try_as_str().flatten()
}

/// An id as the language spells it; `None` for a text that no id is spelled as.
fn hex(attribute: &Attribute, text: &str) -> Option<Static> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let is_trace = *attribute == Attribute::from(Intrinsic::TraceId);
    let n_digits = if is_trace { 32 } else { 16 };
    if text.len() != n_digits || !text.bytes().all(is_digit) {
        return None;
    }
    let text = if is_trace { text.trim_start_matches('0') } else { text };
    Some(Static::String(text.to_owned()))
}

fn text(attribute: &Attribute, text: &str) -> Option<Static> {
    use Kind::{Client, Consumer, Internal, Producer, Server, Unspecified};
    match attribute {
        Attribute::Intrinsic(Intrinsic::Kind) => {
            let kinds = [Unspecified, Internal, Server, Client, Producer, Consumer];
            kinds.into_iter().find(|kind| kind.as_str() == text).map(Static::Kind)
        }
        Attribute::Intrinsic(Intrinsic::Status) => {
            let all = [Status::Error, Status::Ok, Status::Unset];
            all.into_iter().find(|status| status.as_str() == text).map(Static::Status)
        }
        _ => Some(Static::String(text.to_owned())),
    }
}

/// Nanoseconds that surely enclose what is that many milliseconds once it is a float.
fn nanos_around(millis: f64) -> (i64, i64) {
    let nanos = millis * 1e6;
    // Conversions saturate.
    let (floor, ceil) = (nanos.floor() as i64, nanos.ceil() as i64);
    let margin = |n: i64| 1 + (n.saturating_abs() >> 50);
    (floor.saturating_sub(margin(floor)), ceil.saturating_add(margin(ceil)))
}

/// Narrows a range by what a condition says of the start.
fn narrow(range: &mut TimeRange, expr: &Expr, columns: &[TableColumn]) {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            narrow(range, left, columns);
            narrow(range, right, columns);
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => bound(range, left, *op, right, columns),
        Expr::Between(Between { expr, negated: false, low, high }) => {
            bound(range, expr, Operator::GtEq, low, columns);
            bound(range, expr, Operator::LtEq, high, columns);
        }
        _ => {}
    }
}

fn bound(range: &mut TimeRange, left: &Expr, op: Operator, right: &Expr, columns: &[TableColumn]) {
    let Some((column, op, ScalarValue::TimestampNanosecond(Some(nanos), _))) =
        comparison(left, op, right, columns)
    else {
        return;
    };
    if column.form != Form::Time {
        return;
    }
    let (from, to) = match op {
        BinaryOp::Equal => (*nanos, *nanos),
        BinaryOp::Greater => (nanos.saturating_add(1), i64::MAX),
        BinaryOp::GreaterEqual => (*nanos, i64::MAX),
        BinaryOp::Less => (i64::MIN, nanos.saturating_sub(1)),
        BinaryOp::LessEqual => (i64::MIN, *nanos),
        _ => return,
    };
    range.start_unix_nanos = range.start_unix_nanos.max(from);
    range.end_unix_nanos = range.end_unix_nanos.min(to);
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::{col, lit};
    use spandrel_query::ValueType;

    use super::*;
    use crate::columns::fixed;

    fn columns() -> Vec<TableColumn> {
        let of = |kind, mixed| ValueType { kind, mixed };
        let mut columns = fixed(of(ValueKind::Text, false));
        for (name, of) in [
            ("t", of(ValueKind::Text, false)),
            ("m", of(ValueKind::Text, true)),
            ("i", of(ValueKind::Int, false)),
            ("d", of(ValueKind::Double, false)),
            ("b", of(ValueKind::Bool, false)),
        ] {
            let attribute = Attribute::unscoped(name);
            columns.push(TableColumn::of_attribute(name.to_owned(), attribute, of));
        }
        columns
    }

    fn pruned(expr: Expr) -> Option<String> {
        Pruning::of(&[expr], &columns()).filter.map(|filter| filter.to_string())
    }

    #[test]
    fn conditions_that_both_languages_have_prune() {
        let zeros = "0".repeat(15);
        for (expr, expected) in [
            (col("t").eq(lit("x")), Some(".t = `x`")),
            (lit("x").not_eq(col("t")), Some(".t != `x`")),
            (col("t").gt(lit("x")), None),
            (col("m").eq(lit("5")), None),
            (col("i").lt(lit(5_i64)), Some(".i < 5")),
            (lit(5_i64).lt(col("i")), Some(".i > 5")),
            (col("i").in_list(vec![lit(1_i64), lit(2_i64)], false), Some("(.i = 1) || (.i = 2)")),
            (col("i").in_list(vec![lit(1_i64)], true), None),
            (col("d").eq(lit(1.5)), Some(".d = 1.5")),
            (col("d").gt(lit(1.5)), None),
            (col("b"), Some(".b = true")),
            (Expr::Not(Box::new(col("b"))), Some(".b = false")),
            (col("t").is_not_null(), Some(".t != nil")),
            (col("name").is_not_null(), None),
            (col("kind").eq(lit("server")), Some("kind = server")),
            (col("kind").eq(lit("SERVER")), None),
            (col("status").eq(lit("error")), Some("status = error")),
            (col("service_name").eq(lit("shop")), Some("resource.service.name = `shop`")),
            (col("duration_nanos").gt_eq(lit(5_i64)), Some("duration >= 5ns")),
            (col("duration_ms").gt(lit(1.0)), Some("duration >= 999.999\u{b5}s")),
            (
                col("trace_id").eq(lit(format!("{}1{}", zeros, "a".repeat(16)))),
                Some("trace:id = `1aaaaaaaaaaaaaaaa`"),
            ),
            (col("trace_id").eq(lit("12")), None),
            (col("t").eq(lit("x")).or(col("m").eq(lit("x"))), None),
            (col("t").eq(lit("x")).or(col("i").eq(lit(1_i64))), Some("(.t = `x`) || (.i = 1)")),
            (col("t").eq(lit("x")).and(col("m").eq(lit("x"))), Some(".t = `x`")),
        ] {
            assert_eq!(pruned(expr.clone()).as_deref(), expected, "{expr}");
        }
    }

    #[test]
    fn bounds_of_the_start_are_a_range() {
        let at = |nanos: i64| lit(ScalarValue::TimestampNanosecond(Some(nanos), None));
        let range = |expr: Expr| {
            let TimeRange { start_unix_nanos, end_unix_nanos } =
                Pruning::of(&[expr], &columns()).range;
            (start_unix_nanos, end_unix_nanos)
        };
        let start = || col("start_time");
        assert_eq!(range(start().gt(at(5))), (6, i64::MAX));
        assert_eq!(range(start().gt_eq(at(5)).and(start().lt(at(9)))), (5, 8));
        assert_eq!(range(start().between(at(5), at(9))), (5, 9));
        assert_eq!(range(start().gt(at(5)).or(start().lt(at(3)))), (i64::MIN, i64::MAX));
        assert_eq!(range(col("end_time").gt(at(5))), (i64::MIN, i64::MAX));
    }
}
