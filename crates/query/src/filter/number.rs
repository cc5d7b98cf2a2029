//! Comparisons of a number attribute with a number literal, without a detour over the language's values.

use spandrel_traceql::ast::BinaryOp;
use spandrel_traceql::{FieldExpr, Static};

/// `attribute op literal` over numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct NumberTest {
    op: BinaryOp,
    literal: Literal,
}

/// Integers and durations compare exactly; anything with a float compares as floats.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Literal {
    Int(i64),
    Float(f64),
}

impl NumberTest {
    /// The test, when the expression is that simple.
    pub(crate) fn of(expr: &FieldExpr) -> Option<Self> {
        let FieldExpr::Binary { op, lhs, rhs } = expr else { return None };
        let (op, literal) = match (&**lhs, &**rhs) {
            (FieldExpr::Attribute(_), FieldExpr::Static(literal)) => (*op, literal),
            (FieldExpr::Static(literal), FieldExpr::Attribute(_)) => (mirrored(*op)?, literal),
            _ => return None,
        };
        if !op.is_comparison() || op.is_regex() {
            return None;
        }
        let literal = match literal {
            Static::Int(number) | Static::Duration(number) => Literal::Int(*number),
            Static::Float(number) => Literal::Float(*number),
            _ => return None,
        };
        Some(Self { op, literal })
    }

    /// Whether an integer or a duration passes.
    #[expect(clippy::cast_precision_loss, reason = "the language compares as floats here")]
    pub(crate) fn int(&self, value: i64) -> bool {
        match self.literal {
            Literal::Int(literal) => holds(self.op, value.partial_cmp(&literal)),
            Literal::Float(_) => self.float(value as f64),
        }
    }

    /// Whether a float passes.
    #[expect(clippy::cast_precision_loss, reason = "the language compares as floats here")]
    pub(crate) fn float(&self, value: f64) -> bool {
        let literal = match self.literal {
            Literal::Int(literal) => literal as f64,
            Literal::Float(literal) => literal,
        };
        holds(self.op, value.partial_cmp(&literal))
    }

    /// Whether some number from `min` to `max` may pass.
    pub(crate) fn may_pass_between(&self, min: i64, max: i64) -> bool {
        match self.op {
            BinaryOp::Less | BinaryOp::LessEqual => self.int(min),
            BinaryOp::Greater | BinaryOp::GreaterEqual => self.int(max),
            BinaryOp::Equal => {
                let above = Self { op: BinaryOp::LessEqual, ..*self };
                let below = Self { op: BinaryOp::GreaterEqual, ..*self };
                above.int(min) && below.int(max)
            }
            _ => true,
        }
    }
}

fn mirrored(op: BinaryOp) -> Option<BinaryOp> {
    Some(match op {
        BinaryOp::Equal | BinaryOp::NotEqual => op,
        BinaryOp::Less => BinaryOp::Greater,
        BinaryOp::LessEqual => BinaryOp::GreaterEqual,
        BinaryOp::Greater => BinaryOp::Less,
        BinaryOp::GreaterEqual => BinaryOp::LessEqual,
        _ => return None,
    })
}

/// `order` is `None` when a float is NaN: then only `!=` holds.
fn holds(op: BinaryOp, order: Option<std::cmp::Ordering>) -> bool {
    match op {
        BinaryOp::Equal => order.is_some_and(std::cmp::Ordering::is_eq),
        BinaryOp::NotEqual => order.is_none_or(std::cmp::Ordering::is_ne),
        BinaryOp::Less => order.is_some_and(std::cmp::Ordering::is_lt),
        BinaryOp::LessEqual => order.is_some_and(std::cmp::Ordering::is_le),
        BinaryOp::Greater => order.is_some_and(std::cmp::Ordering::is_gt),
        BinaryOp::GreaterEqual => order.is_some_and(std::cmp::Ordering::is_ge),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spandrel_traceql::{Attribute, SpanValues};
    use std::borrow::Cow;

    struct One(Static);

    impl SpanValues for One {
        fn value(&self, _: &Attribute) -> Cow<'_, Static> {
            Cow::Borrowed(&self.0)
        }
    }

    #[test]
    fn agrees_with_the_language() {
        let numbers = [i64::MIN, -1, 0, 1, 2, 3, (1 << 53) + 1, i64::MAX];
        let floats = [f64::NAN, f64::NEG_INFINITY, -0.0, 0.0, 1.0, 1.5, 9e18, f64::INFINITY];
        for op in ["=", "!=", "<", "<=", ">", ">="] {
            for literal in ["1", "1.5", "1ns", "9007199254740993", "0.0"] {
                for query in
                    [format!("{{ .a {op} {literal} }}"), format!("{{ {literal} {op} .a }}")]
                {
                    let query = spandrel_traceql::compile(&query).unwrap();
                    let expr = query.spanset_filter().unwrap();
                    let test = NumberTest::of(expr).unwrap();
                    for value in numbers {
                        let span = One(Static::Int(value));
                        let expected = spandrel_traceql::matches(expr, &span).unwrap();
                        assert_eq!(test.int(value), expected, "{query} for {value}");
                    }
                    for value in floats {
                        let span = One(Static::Float(value));
                        let expected = spandrel_traceql::matches(expr, &span).unwrap();
                        assert_eq!(test.float(value), expected, "{query} for {value}");
                    }
                }
            }
        }
    }

    #[test]
    fn ranges_are_ruled_out_only_when_no_number_passes() {
        for op in ["=", "!=", "<", "<=", ">", ">="] {
            let query = spandrel_traceql::compile(&format!("{{ .a {op} 3 }}")).unwrap();
            let test = NumberTest::of(query.spanset_filter().unwrap()).unwrap();
            for (min, max) in [(0, 2), (0, 3), (3, 3), (3, 5), (4, 5), (2, 4)] {
                let passes = (min..=max).any(|value| test.int(value));
                assert!(test.may_pass_between(min, max) || !passes, "{op} {min}..{max}");
                if op != "!=" {
                    assert_eq!(test.may_pass_between(min, max), passes, "{op} {min}..{max}");
                }
            }
        }
    }
}
