//! What operators are: their spelling, their class, and the types they accept.

use crate::ast::{AggregateFunction, BinaryOp, Relation, SpansetOp, StructuralMode, UnaryOp};
use crate::value::StaticType;

impl BinaryOp {
    /// How it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Mod => "%",
            Self::Pow => "^",
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::Regex => "=~",
            Self::NotRegex => "!~",
            Self::And => "&&",
            Self::Or => "||",
        }
    }

    /// True for `+ - * / % ^`, which yield numbers; the others yield truth values.
    #[must_use]
    pub fn is_arithmetic(self) -> bool {
        matches!(self, Self::Add | Self::Sub | Self::Mul | Self::Div | Self::Mod | Self::Pow)
    }

    /// True for `= != < <= > >=`.
    #[must_use]
    pub fn is_comparison(self) -> bool {
        !self.is_arithmetic() && !self.is_regex() && !self.is_logical()
    }

    /// True for `=~` and `!~`.
    #[must_use]
    pub fn is_regex(self) -> bool {
        matches!(self, Self::Regex | Self::NotRegex)
    }

    /// True for `&&` and `||`.
    #[must_use]
    pub fn is_logical(self) -> bool {
        matches!(self, Self::And | Self::Or)
    }

    /// Whether operands of the two types can stand on its sides.
    #[must_use]
    pub fn accepts(self, lhs: StaticType, rhs: StaticType) -> bool {
        types_match(lhs, rhs) && self.accepts_one(lhs) && self.accepts_one(rhs)
    }

    /// Whether an operand of type `t` can stand on either side, its counterpart aside.
    #[must_use]
    pub fn accepts_one(self, t: StaticType) -> bool {
        let equality = matches!(self, Self::Equal | Self::NotEqual);
        match t {
            StaticType::Dynamic => true,
            StaticType::Int | StaticType::Float | StaticType::Duration => {
                self.is_arithmetic() || self.is_comparison()
            }
            StaticType::String => self.is_comparison() || self.is_regex(),
            StaticType::Bool => equality || self.is_logical(),
            StaticType::Nil | StaticType::Status | StaticType::Kind => equality,
            // Arrays have no literal; what comes from data is checked by evaluation.
            StaticType::IntArray
            | StaticType::FloatArray
            | StaticType::StringArray
            | StaticType::BoolArray => self.is_comparison() || self.is_regex(),
        }
    }
}

/// The operator that is written so.
pub(crate) fn of_text(text: &str) -> Option<BinaryOp> {
    use BinaryOp as B;
    let all = [
        B::Add,
        B::Sub,
        B::Mul,
        B::Div,
        B::Mod,
        B::Pow,
        B::Equal,
        B::NotEqual,
        B::Less,
        B::LessEqual,
        B::Greater,
        B::GreaterEqual,
        B::Regex,
        B::NotRegex,
        B::And,
        B::Or,
    ];
    all.into_iter().find(|op| op.as_str() == text)
}

/// Whether values of the two types can be operands of one operator.
#[must_use]
pub(crate) fn types_match(a: StaticType, b: StaticType) -> bool {
    let any = |t| matches!(t, StaticType::Dynamic | StaticType::Nil);
    a == b || any(a) || any(b) || (a.is_numeric() && b.is_numeric())
}

impl UnaryOp {
    /// Whether the operand can have type `t`.
    #[must_use]
    pub fn accepts(self, t: StaticType) -> bool {
        match self {
            Self::Not => matches!(t, StaticType::Bool | StaticType::Dynamic),
            Self::Neg => t.is_numeric() || t == StaticType::Dynamic,
            Self::Exists | Self::NotExists => true,
        }
    }
}

impl SpansetOp {
    /// How it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        let Self::Structural { relation, mode } = self else {
            return if self == Self::And { "&&" } else { "||" };
        };
        let spellings = match relation {
            Relation::Child => [">", "!>", "&>"],
            Relation::Parent => ["<", "!<", "&<"],
            Relation::Descendant => [">>", "!>>", "&>>"],
            Relation::Ancestor => ["<<", "!<<", "&<<"],
            Relation::Sibling => ["~", "!~", "&~"],
        };
        match (mode, spellings) {
            (StructuralMode::Matching, [matching, _, _]) => matching,
            (StructuralMode::Not, [_, not, _]) => not,
            (StructuralMode::Union, [_, _, union]) => union,
        }
    }
}

impl AggregateFunction {
    /// The keyword.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Avg => "avg",
            Self::Min => "min",
            Self::Max => "max",
            Self::Sum => "sum",
        }
    }
}
