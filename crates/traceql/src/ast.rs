//! The syntax tree of a query.
//!
//! Trees come from the parser, or from the constructors in `build`, which fold constant
//! subexpressions the way the parser does; `Display` (in `print`) then yields a text that parses
//! back to an equal tree. Depth is bounded by [`crate::MAX_DEPTH`] for parsed trees, so recursion
//! over them is safe.

mod build;
mod query;

pub use query::Attributes;

use crate::attribute::Attribute;
use crate::pattern::Pattern;
use crate::value::Static;

/// A whole query.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// What is asked.
    pub root: Root,
    /// `with(key=value, ...)`, in order of appearance.
    pub hints: Vec<Hint>,
}

/// What a query asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Root {
    /// A search for spansets.
    Pipeline(Pipeline),
    /// A comparison of scalar pipelines, `({ .a } | count()) > ({ .b } | count())`.
    ///
    /// It is decided once per trace. Each pipeline reads the whole trace, and its aggregate the
    /// spans of all spansets that it yields, together. A trace for which the comparison is true is
    /// in the result with the spans of all pipelines in it, of which there may be none. Numbers and
    /// nil are as in [`ScalarFilter`].
    ScalarPipelines(ScalarFilter),
    /// A metrics query.
    Metrics(MetricsExpr),
}

/// One `key=value` of `with(...)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Hint {
    /// The hint's name.
    pub key: String,
    /// Its value.
    pub value: Static,
}

/// Stages joined by `|`, at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct Pipeline {
    /// The stages from left to right.
    pub stages: Vec<Stage>,
}

/// One stage of a pipeline.
#[derive(Clone, Debug, PartialEq)]
pub enum Stage {
    /// Spans that satisfy an expression.
    Spanset(SpansetExpr),
    /// Spansets whose aggregates satisfy a comparison.
    ScalarFilter(ScalarFilter),
    /// `by(expr)`.
    Group(FieldExpr),
    /// `coalesce()`.
    Coalesce,
    /// `select(a, b)`, at least one.
    Select(Vec<Attribute>),
}

/// An expression over spansets.
#[derive(Clone, Debug, PartialEq)]
pub enum SpansetExpr {
    /// `{ expr }`; `{ }` is `{ true }`.
    Filter(FieldExpr),
    /// A pipeline as operand: `({ .a } | count() > 1) && (...)`.
    Pipeline(Pipeline),
    /// Two operands combined.
    Operation {
        /// How.
        op: SpansetOp,
        /// Left operand.
        lhs: Box<SpansetExpr>,
        /// Right operand.
        rhs: Box<SpansetExpr>,
    },
}

/// An operator between spansets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SpansetOp {
    /// `&&`: both sides, when neither is empty.
    And,
    /// `||`: either side.
    Or,
    /// A relation in the tree of spans, as seen from the right operand's spans.
    Structural {
        /// The relation.
        relation: Relation,
        /// Which spans it yields.
        mode: StructuralMode,
    },
}

/// How a span of the right operand stands to one of the left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// `>`: a child of it.
    Child,
    /// `<`: its parent.
    Parent,
    /// `>>`: a descendant of it.
    Descendant,
    /// `<<`: an ancestor of it.
    Ancestor,
    /// `~`: a sibling of it.
    Sibling,
}

/// Which spans a structural operator yields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StructuralMode {
    /// Right spans that stand in the relation to some left span.
    Matching,
    /// `!`: right spans that stand in it to no left span.
    Not,
    /// `&`: the spans of both sides that take part.
    Union,
}

/// A comparison of scalars: as a stage, spansets for which it is true pass unchanged.
///
/// Both sides are computed for the same spanset. `count()` is a whole number, the other aggregates
/// skip spans whose field is no number and are nil when none is left. Arithmetic follows the rules
/// of expressions over spans: whole numbers stay whole, and a whole number divided by zero has no
/// value, so it is nil here. A comparison with nil is false.
#[derive(Clone, Debug, PartialEq)]
pub struct ScalarFilter {
    /// One of the six comparisons.
    pub op: BinaryOp,
    /// Left operand.
    pub lhs: ScalarExpr,
    /// Right operand.
    pub rhs: ScalarExpr,
}

/// A number computed per spanset; at least one side of a comparison holds an aggregate.
#[derive(Clone, Debug, PartialEq)]
pub enum ScalarExpr {
    /// A number or duration.
    Static(Static),
    /// An aggregate over the spanset's spans.
    Aggregate(Aggregate),
    /// An aggregate behind a pipeline of its own; only in [`Root::ScalarPipelines`].
    Pipeline {
        /// The pipeline.
        pipeline: Box<Pipeline>,
        /// The aggregate of its spansets.
        aggregate: Aggregate,
    },
    /// Arithmetic.
    Operation {
        /// An arithmetic operator.
        op: BinaryOp,
        /// Left operand.
        lhs: Box<ScalarExpr>,
        /// Right operand.
        rhs: Box<ScalarExpr>,
    },
}

/// An aggregate over the spans of a spanset.
#[derive(Clone, Debug, PartialEq)]
pub enum Aggregate {
    /// `count()`.
    Count,
    /// `avg(f)`, `min(f)`, `max(f)`, `sum(f)`.
    Field {
        /// Which.
        function: AggregateFunction,
        /// What of each span; spans where it is nil are skipped.
        field: FieldExpr,
    },
}

/// An aggregate function with an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AggregateFunction {
    /// Mean.
    Avg,
    /// Smallest.
    Min,
    /// Largest.
    Max,
    /// Sum.
    Sum,
}

/// An expression over one span.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum FieldExpr {
    /// A literal or folded constant.
    Static(Static),
    /// A value of the span.
    Attribute(Attribute),
    /// One operand.
    Unary {
        /// The operator.
        op: UnaryOp,
        /// Its operand.
        operand: Box<FieldExpr>,
    },
    /// Two operands.
    Binary {
        /// The operator.
        op: BinaryOp,
        /// Left operand.
        lhs: Box<FieldExpr>,
        /// Right operand.
        rhs: Box<FieldExpr>,
    },
    /// The regular expression on the right of `=~` or `!~`, and nowhere else.
    Pattern(Pattern),
}

/// An operator with one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `!x`.
    Not,
    /// `-x`.
    Neg,
    /// `x != nil`.
    Exists,
    /// `x = nil`.
    NotExists,
}

/// An operator with two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `+`.
    Add,
    /// `-`.
    Sub,
    /// `*`.
    Mul,
    /// `/`.
    Div,
    /// `%`.
    Mod,
    /// `^`.
    Pow,
    /// `=`.
    Equal,
    /// `!=`.
    NotEqual,
    /// `<`.
    Less,
    /// `<=`.
    LessEqual,
    /// `>`.
    Greater,
    /// `>=`.
    GreaterEqual,
    /// `=~`.
    Regex,
    /// `!~`.
    NotRegex,
    /// `&&`.
    And,
    /// `||`.
    Or,
}

/// A metrics query: series, then what is done to them.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricsExpr {
    /// Where the series come from.
    pub source: MetricsSource,
    /// What follows, from left to right.
    pub stages: Vec<SecondStage>,
}

/// Where series come from.
#[derive(Clone, Debug, PartialEq)]
pub enum MetricsSource {
    /// Spans counted or measured over time.
    Aggregate {
        /// Which spans.
        pipeline: Pipeline,
        /// What of them.
        aggregate: MetricsAggregate,
    },
    /// Two sets of series combined.
    Math {
        /// One of `+ - * /`.
        op: BinaryOp,
        /// Left operand.
        lhs: Box<MetricsExpr>,
        /// Right operand.
        rhs: Box<MetricsExpr>,
    },
    /// Series combined with a number.
    ScalarMath {
        /// One of `+ - * /`.
        op: BinaryOp,
        /// The number.
        scalar: f64,
        /// True when the number stands on the left.
        scalar_on_left: bool,
        /// The series.
        operand: Box<MetricsExpr>,
    },
}

/// A metrics function and how its series are split.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricsAggregate {
    /// The function.
    pub function: MetricsFunction,
    /// `by(...)`, empty without.
    pub by: Vec<Attribute>,
}

/// What is computed per interval.
#[derive(Clone, Debug, PartialEq)]
pub enum MetricsFunction {
    /// `rate()`: spans per second.
    Rate,
    /// `count_over_time()`: spans.
    CountOverTime,
    /// `min_over_time(x)`.
    MinOverTime(Attribute),
    /// `max_over_time(x)`.
    MaxOverTime(Attribute),
    /// `avg_over_time(x)`.
    AvgOverTime(Attribute),
    /// `sum_over_time(x)`.
    SumOverTime(Attribute),
    /// `quantile_over_time(x, q, ...)`, one series per quantile.
    QuantileOverTime {
        /// What is measured.
        attribute: Attribute,
        /// The quantiles, each within 0 to 1 once validated, at least one.
        quantiles: Vec<f64>,
    },
    /// `histogram_over_time(x)`.
    HistogramOverTime(Attribute),
    /// `compare({ selection }, top, start, end)`.
    Compare {
        /// The spans that are compared with the rest.
        selection: FieldExpr,
        /// How many values per attribute, 10 unless given.
        top: i64,
        /// When the selection applies, in nanoseconds since the epoch; always unless given.
        window: Option<(i64, i64)>,
    },
}

/// What is done to finished series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SecondStage {
    /// `| topk(n)`.
    TopK(i64),
    /// `| bottomk(n)`.
    BottomK(i64),
    /// `> 5`: points that do not satisfy it are dropped.
    Filter {
        /// One of the six comparisons.
        op: BinaryOp,
        /// What points are compared with; durations in seconds.
        value: f64,
    },
}
