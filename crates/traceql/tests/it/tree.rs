//! Syntax trees as text in the form of the constructor calls that the conformance data holds.

use serde_json::Value;
use spandrel_traceql::ast::{
    Aggregate, AggregateFunction, BinaryOp, MetricsAggregate, MetricsExpr, MetricsFunction,
    MetricsSource, Pipeline, Relation, Root, ScalarExpr, ScalarFilter, SecondStage, SpansetExpr,
    SpansetOp, Stage, StructuralMode, UnaryOp,
};
use spandrel_traceql::{Attribute, FieldExpr, Intrinsic, Query, Scope, Static};

/// Whether two trees are the same; the data leaves the calls around a lone part of a query out.
pub(crate) fn same(wanted: &str, got: &str) -> bool {
    let around = [("", ""), ("newPipeline(", ")"), ("newPipeline(newSpansetFilter(", "))")];
    around.iter().any(|(before, after)| format!("{before}{wanted}{after}") == got)
}

/// The text of a call tree in the data.
pub(crate) fn of_json(value: &Value) -> String {
    let list = |values: &Value| -> String {
        let items = values.as_array().map_or(&[][..], Vec::as_slice);
        items.iter().map(of_json).collect::<Vec<_>>().join(", ")
    };
    match value {
        Value::Object(object) if object.contains_key("$call") => {
            let args = &object["args"];
            match object["$call"].as_str() {
                // A method call: the receiver, then the arguments.
                None => {
                    format!("withHints({}, {})", of_json(&object["$call"]["args"][0]), list(args))
                }
                Some("newRootExprWithMetrics" | "newRootExprWithMetricsTwoStage" | "w") => {
                    let stages = args.get(2).map_or_else(String::new, |s| list(&s["items"]));
                    let [pipeline, aggregate] = [of_json(&args[0]), of_json(&args[1])];
                    format!("metrics({pipeline}, {aggregate}, [{stages}])")
                }
                Some("chainMathSecondStage") => {
                    let stages = list(&args[1]["items"]);
                    let source = of_json(&args[0]);
                    let before = source.strip_suffix(", [])").unwrap_or(&source);
                    format!("{before}, [{stages}])")
                }
                Some("newRootExpr") => list(args),
                Some("newMetricsAggregateWithAttr" | "newAverageOverTimeMetricsAggregator") => {
                    format!("measure({})", list(args))
                }
                Some(name) => format!("{name}({})", list(args)),
            }
        }
        Value::Object(object) if object.contains_key("$id") => {
            let name = object["$id"].as_str().unwrap_or_default();
            unit(name).map_or_else(|| name.to_owned(), |nanos| nanos.to_string())
        }
        // A product, such as five seconds.
        Value::Object(object) if object.contains_key("$op") => {
            let factors = object["args"].as_array().map_or(&[][..], Vec::as_slice);
            let factors: Option<Vec<i64>> =
                factors.iter().map(|factor| of_json(factor).parse().ok()).collect();
            factors.map_or_else(String::new, |all| all.iter().product::<i64>().to_string())
        }
        Value::Object(object) if object.contains_key("items") => {
            format!("[{}]", list(&object["items"]))
        }
        Value::String(text) => text.clone(),
        Value::Null => "[]".to_owned(),
        other => other.to_string(),
    }
}

/// The nanoseconds of a constant of Go's.
fn unit(name: &str) -> Option<i64> {
    Some(match name {
        "time.Nanosecond" => 1,
        "time.Microsecond" => 1_000,
        "time.Millisecond" => 1_000_000,
        "time.Second" => 1_000_000_000,
        "time.Minute" => 60_000_000_000,
        "time.Hour" => 3_600_000_000_000,
        _ => return None,
    })
}

pub(crate) fn of_query(query: &Query) -> String {
    let root = match &query.root {
        Root::Pipeline(pipeline) => match pipeline.stages.as_slice() {
            [Stage::Spanset(expr @ SpansetExpr::Operation { .. })] => spanset(expr),
            _ => self::pipeline(pipeline),
        },
        Root::ScalarPipelines(filter) => scalar_filter(filter),
        Root::Metrics(expr) => metrics(expr),
    };
    if query.hints.is_empty() {
        return root;
    }
    let hints = query.hints.iter().map(|hint| {
        let value = literal(&hint.value);
        format!("newHint({}, {value})", hint.key)
    });
    format!("withHints({root}, newHints([{}]))", hints.collect::<Vec<_>>().join(", "))
}

fn pipeline(pipeline: &Pipeline) -> String {
    let stages = pipeline.stages.iter().map(|stage| match stage {
        Stage::Spanset(expr) => spanset(expr),
        Stage::ScalarFilter(filter) => scalar_filter(filter),
        Stage::Group(expr) => format!("newGroupOperation({})", field(expr)),
        Stage::Coalesce => "newCoalesceOperation()".to_owned(),
        Stage::Select(attributes) => {
            format!("newSelectOperation({})", self::attributes(attributes))
        }
    });
    format!("newPipeline({})", stages.collect::<Vec<_>>().join(", "))
}

fn spanset(expr: &SpansetExpr) -> String {
    match expr {
        SpansetExpr::Filter(expr) => format!("newSpansetFilter({})", field(expr)),
        SpansetExpr::Pipeline(pipeline) => self::pipeline(pipeline),
        SpansetExpr::Operation { op, lhs, rhs } => {
            let name = match op {
                SpansetOp::And => "And".to_owned(),
                SpansetOp::Or => "Union".to_owned(),
                SpansetOp::Structural { relation, mode } => {
                    let mode = match mode {
                        StructuralMode::Matching => "",
                        StructuralMode::Not => "Not",
                        StructuralMode::Union => "Union",
                    };
                    let relation = match relation {
                        Relation::Child => "Child",
                        Relation::Parent => "Parent",
                        Relation::Descendant => "Descendant",
                        Relation::Ancestor => "Ancestor",
                        Relation::Sibling => "Sibling",
                    };
                    format!("{mode}{relation}")
                }
            };
            format!("newSpansetOperation(OpSpanset{name}, {}, {})", spanset(lhs), spanset(rhs))
        }
    }
}

fn scalar_filter(filter: &ScalarFilter) -> String {
    let ScalarFilter { op, lhs, rhs } = filter;
    format!("newScalarFilter({}, {}, {})", operator(*op), scalar(lhs), scalar(rhs))
}

fn scalar(expr: &ScalarExpr) -> String {
    match expr {
        ScalarExpr::Static(value) => literal(value),
        ScalarExpr::Aggregate(aggregate) => self::aggregate(aggregate),
        ScalarExpr::Pipeline { pipeline, aggregate } => {
            let stages = self::pipeline(pipeline);
            let stages = stages.strip_suffix(')').unwrap_or(&stages);
            format!("{stages}, {})", self::aggregate(aggregate))
        }
        ScalarExpr::Operation { op, lhs, rhs } => {
            format!("newScalarOperation({}, {}, {})", operator(*op), scalar(lhs), scalar(rhs))
        }
    }
}

fn aggregate(aggregate: &Aggregate) -> String {
    let Aggregate::Field { function, field: of } = aggregate else {
        return "newAggregate(aggregateCount, [])".to_owned();
    };
    let name = match function {
        AggregateFunction::Avg => "Avg",
        AggregateFunction::Min => "Min",
        AggregateFunction::Max => "Max",
        AggregateFunction::Sum => "Sum",
    };
    format!("newAggregate(aggregate{name}, {})", field(of))
}

fn field(expr: &FieldExpr) -> String {
    match expr {
        FieldExpr::Static(value) => literal(value),
        FieldExpr::Attribute(attribute) => self::attribute(attribute),
        FieldExpr::Pattern(pattern) => format!("NewStaticString({})", pattern.source()),
        FieldExpr::Unary { op, operand } => {
            let name = match op {
                UnaryOp::Not => "OpNot",
                UnaryOp::Neg => "OpSub",
                UnaryOp::Exists => "OpExists",
                UnaryOp::NotExists => "OpNotExists",
            };
            format!("newUnaryOperation({name}, {})", field(operand))
        }
        FieldExpr::Binary { op, lhs, rhs } => {
            format!("newBinaryOperation({}, {}, {})", operator(*op), field(lhs), field(rhs))
        }
    }
}

fn operator(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "OpAdd",
        BinaryOp::Sub => "OpSub",
        BinaryOp::Mul => "OpMult",
        BinaryOp::Div => "OpDiv",
        BinaryOp::Mod => "OpMod",
        BinaryOp::Pow => "OpPower",
        BinaryOp::Equal => "OpEqual",
        BinaryOp::NotEqual => "OpNotEqual",
        BinaryOp::Less => "OpLess",
        BinaryOp::LessEqual => "OpLessEqual",
        BinaryOp::Greater => "OpGreater",
        BinaryOp::GreaterEqual => "OpGreaterEqual",
        BinaryOp::Regex => "OpRegex",
        BinaryOp::NotRegex => "OpNotRegex",
        BinaryOp::And => "OpAnd",
        BinaryOp::Or => "OpOr",
    }
}

fn attributes(list: &[Attribute]) -> String {
    format!("[{}]", list.iter().map(attribute).collect::<Vec<_>>().join(", "))
}

fn attribute(attribute: &Attribute) -> String {
    match attribute {
        Attribute::Intrinsic(intrinsic) => format!("NewIntrinsic({})", self::intrinsic(*intrinsic)),
        Attribute::Scoped { scope: Scope::None, parent: false, name } => {
            format!("NewAttribute({name})")
        }
        Attribute::Scoped { scope, parent, name } => {
            format!("NewScopedAttribute(AttributeScope{scope:?}, {parent}, {name})")
        }
    }
}

fn intrinsic(intrinsic: Intrinsic) -> String {
    match intrinsic {
        Intrinsic::RootServiceName => "IntrinsicTraceRootService".to_owned(),
        Intrinsic::RootName => "IntrinsicTraceRootSpan".to_owned(),
        Intrinsic::TraceId => "IntrinsicTraceID".to_owned(),
        Intrinsic::SpanId => "IntrinsicSpanID".to_owned(),
        Intrinsic::SpanParentId => "IntrinsicParentID".to_owned(),
        Intrinsic::LinkTraceId => "IntrinsicLinkTraceID".to_owned(),
        Intrinsic::LinkSpanId => "IntrinsicLinkSpanID".to_owned(),
        other => format!("Intrinsic{other:?}"),
    }
}

fn literal(value: &Static) -> String {
    match value {
        Static::Int(i64::MAX) => "NewStaticInt(math.MaxInt)".to_owned(),
        Static::Int(i64::MIN) => "NewStaticInt(math.MinInt)".to_owned(),
        Static::Duration(nanos) => format!("NewStaticDuration({nanos})"),
        Static::Nil => "NewStaticNil()".to_owned(),
        Static::String(text) => format!("NewStaticString({text})"),
        Static::Status(status) => format!("NewStaticStatus(Status{status:?})"),
        Static::Kind(kind) => format!("NewStaticKind(Kind{kind:?})"),
        Static::Int(_) => format!("NewStaticInt({value})"),
        Static::Float(_) => format!("NewStaticFloat({value})"),
        Static::Bool(_) => format!("NewStaticBool({value})"),
        other => format!("NewStatic({other})"),
    }
}

fn metrics(expr: &MetricsExpr) -> String {
    let stages = expr.stages.iter().map(second_stage).collect::<Vec<_>>().join(", ");
    let source = match &expr.source {
        MetricsSource::Aggregate { pipeline, aggregate } => {
            let [pipeline, aggregate] = [self::pipeline(pipeline), metrics_aggregate(aggregate)];
            return format!("metrics({pipeline}, {aggregate}, [{stages}])");
        }
        MetricsSource::Math { op, lhs, rhs } => {
            format!("newRootExprMath({}, {}, {})", operator(*op), metrics(lhs), metrics(rhs))
        }
        MetricsSource::ScalarMath { op, scalar, scalar_on_left, operand } => {
            let (op, operand) = (operator(*op), metrics(operand));
            format!("newRootExprScalarMath({op}, {scalar}, {operand}, {scalar_on_left})")
        }
    };
    if stages.is_empty() { source } else { format!("chain({source}, [{stages}])") }
}

fn second_stage(stage: &SecondStage) -> String {
    match stage {
        SecondStage::TopK(limit) => format!("newTopKBottomK(OpTopK, {limit},  | )"),
        SecondStage::BottomK(limit) => format!("newTopKBottomK(OpBottomK, {limit},  | )"),
        SecondStage::Filter { op, value } => {
            format!("newMetricsFilter({}, {value},  )", operator(*op))
        }
    }
}

fn metrics_aggregate(aggregate: &MetricsAggregate) -> String {
    let by = attributes(&aggregate.by);
    match &aggregate.function {
        MetricsFunction::Rate => format!("newMetricsAggregate(metricsAggregateRate, {by})"),
        MetricsFunction::CountOverTime => {
            format!("newMetricsAggregate(metricsAggregateCountOverTime, {by})")
        }
        MetricsFunction::MinOverTime(of) => measured("MinOverTime", of, &by),
        MetricsFunction::MaxOverTime(of) => measured("MaxOverTime", of, &by),
        MetricsFunction::SumOverTime(of) => measured("SumOverTime", of, &by),
        MetricsFunction::HistogramOverTime(of) => measured("HistogramOverTime", of, &by),
        MetricsFunction::AvgOverTime(of) => format!("measure({}, {by})", attribute(of)),
        MetricsFunction::QuantileOverTime { attribute: of, quantiles } => {
            let list: Vec<String> = quantiles.iter().map(f64::to_string).collect();
            let list = list.join(", ");
            format!("newMetricsAggregateQuantileOverTime({}, [{list}], {by})", attribute(of))
        }
        MetricsFunction::Compare { selection, top, window } => {
            let (start, end) = window.unwrap_or_default();
            let selection = field(selection);
            format!("newMetricsCompare(newSpansetFilter({selection}), {top}, {start}, {end})")
        }
    }
}

fn measured(function: &str, of: &Attribute, by: &str) -> String {
    format!("measure(metricsAggregate{function}, {}, {by})", attribute(of))
}
