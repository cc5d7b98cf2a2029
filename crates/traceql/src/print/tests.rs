//! Canonical text parses back, for random trees and for whatever random text parses.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::ast::*;
use crate::attribute::{Attribute, Intrinsic, Scope};
use crate::parser::{parse, parse_identifier};
use crate::token::TokenKind;
use crate::value::{Kind, Static, Status};

fn number() -> impl Strategy<Value = Static> {
    let duration = -i64::MAX..=i64::MAX;
    prop_oneof![
        any::<i64>().prop_map(Static::Int),
        prop_oneof![Just(i64::MIN), Just(0), Just(-1)].prop_map(Static::Int),
        any::<f64>().prop_map(Static::Float),
        prop_oneof![Just(0.0), Just(-0.0), Just(1e21), Just(1e-7)].prop_map(Static::Float),
        duration.prop_map(Static::Duration),
        (-5_000_000_000_i64..5_000_000_000).prop_map(Static::Duration),
    ]
}

fn literal() -> impl Strategy<Value = Static> {
    prop_oneof![
        Just(Static::Nil),
        number(),
        any::<String>().prop_map(Static::String),
        "[a-z`\"\\\\\r\n]{0,6}".prop_map(Static::String),
        any::<bool>().prop_map(Static::Bool),
        prop_oneof![Just(Status::Error), Just(Status::Ok)].prop_map(Static::Status),
        prop_oneof![Just(Kind::Server), Just(Kind::Unspecified)].prop_map(Static::Kind),
    ]
}

fn attribute() -> impl Strategy<Value = Attribute> {
    let name = prop_oneof![
        "[a-z][a-z0-9.+/%-]{0,8}",
        "[a-z\"\\\\ {}()=0-9]{1,6}",
        Just("span.x".to_owned()),
        any::<String>().prop_filter("a name", |name| !name.is_empty()),
    ];
    let scope = proptest::sample::select(vec![
        (Scope::None, false),
        (Scope::Span, false),
        (Scope::Resource, false),
        (Scope::Event, false),
        (Scope::Link, false),
        (Scope::Instrumentation, false),
        (Scope::None, true),
        (Scope::Span, true),
        (Scope::Resource, true),
    ]);
    prop_oneof![
        proptest::sample::select(&Intrinsic::ALL[..]).prop_map(Attribute::Intrinsic),
        (scope, name).prop_map(|((scope, parent), name)| Attribute::Scoped { scope, parent, name }),
    ]
}

fn unary_op() -> impl Strategy<Value = UnaryOp> {
    use UnaryOp::*;
    proptest::sample::select(vec![Not, Neg, Exists, NotExists])
}

fn comparison() -> impl Strategy<Value = BinaryOp> {
    use BinaryOp::*;
    proptest::sample::select(vec![Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual])
}

fn series_op() -> impl Strategy<Value = BinaryOp> {
    proptest::sample::select(vec![BinaryOp::Add, BinaryOp::Sub, BinaryOp::Mul, BinaryOp::Div])
}

fn binary_op() -> impl Strategy<Value = BinaryOp> {
    use BinaryOp::*;
    let others = proptest::sample::select(vec![Mod, Pow, Regex, NotRegex, And, Or]);
    prop_oneof![series_op(), comparison(), others]
}

fn field() -> impl Strategy<Value = FieldExpr> {
    let leaf = prop_oneof![
        literal().prop_map(FieldExpr::Static),
        attribute().prop_map(FieldExpr::Attribute),
        attribute().prop_map(FieldExpr::Attribute),
    ];
    leaf.prop_recursive(6, 40, 2, |inner| {
        prop_oneof![
            (unary_op(), inner.clone()).prop_map(|(op, operand)| FieldExpr::unary(op, operand)),
            (binary_op(), inner.clone(), inner)
                .prop_map(|(op, lhs, rhs)| FieldExpr::binary(op, lhs, rhs)),
        ]
    })
}

fn small_field() -> impl Strategy<Value = FieldExpr> {
    attribute().prop_map(FieldExpr::Attribute)
}

fn spanset_op() -> impl Strategy<Value = SpansetOp> {
    use {Relation as R, StructuralMode as M};
    let relation =
        proptest::sample::select(vec![R::Child, R::Parent, R::Descendant, R::Ancestor, R::Sibling]);
    let mode = proptest::sample::select(vec![M::Matching, M::Not, M::Union]);
    let structural =
        (relation, mode).prop_map(|(relation, mode)| SpansetOp::Structural { relation, mode });
    prop_oneof![Just(SpansetOp::And), Just(SpansetOp::Or), structural]
}

fn operation(op: SpansetOp, lhs: SpansetExpr, rhs: SpansetExpr) -> SpansetExpr {
    SpansetExpr::Operation { op, lhs: Box::new(lhs), rhs: Box::new(rhs) }
}

fn spanset() -> impl Strategy<Value = SpansetExpr> {
    small_field().prop_map(SpansetExpr::Filter).prop_recursive(3, 8, 2, |inner| {
        (spanset_op(), inner.clone(), inner).prop_map(|(op, lhs, rhs)| operation(op, lhs, rhs))
    })
}

fn aggregate() -> impl Strategy<Value = Aggregate> {
    use AggregateFunction::*;
    let function = proptest::sample::select(vec![Avg, Min, Max, Sum]);
    prop_oneof![
        Just(Aggregate::Count),
        (function, small_field())
            .prop_map(|(function, field)| Aggregate::Field { function, field }),
    ]
}

fn scalar() -> impl Strategy<Value = ScalarExpr> {
    let leaf = prop_oneof![
        number().prop_map(ScalarExpr::Static),
        aggregate().prop_map(ScalarExpr::Aggregate),
    ];
    leaf.prop_recursive(3, 8, 2, |inner| {
        (series_op(), inner.clone(), inner)
            .prop_filter_map("a value", |(op, lhs, rhs)| ScalarExpr::operation(op, lhs, rhs))
    })
}

fn scalar_filter() -> impl Strategy<Value = ScalarFilter> {
    (comparison(), scalar(), scalar())
        .prop_map(|(op, lhs, rhs)| ScalarFilter { op, lhs, rhs })
        .prop_filter("an aggregate", |filter| {
            !matches!((&filter.lhs, &filter.rhs), (ScalarExpr::Static(_), ScalarExpr::Static(_)))
        })
}

fn stage() -> impl Strategy<Value = Stage> {
    prop_oneof![
        spanset().prop_map(Stage::Spanset),
        scalar_filter().prop_map(Stage::ScalarFilter),
        field().prop_map(Stage::Group),
        Just(Stage::Coalesce),
        vec(attribute(), 1..3).prop_map(Stage::Select),
    ]
}

/// A pipeline that is no single spanset expression unless `short`.
fn pipeline(short: bool) -> impl Strategy<Value = Pipeline> {
    let first = prop_oneof![
        spanset().prop_map(Stage::Spanset),
        spanset().prop_map(Stage::Spanset),
        scalar_filter().prop_map(Stage::ScalarFilter),
        field().prop_map(Stage::Group),
        vec(attribute(), 1..3).prop_map(Stage::Select),
    ];
    let stages = (first, vec(stage(), usize::from(!short)..3));
    stages.prop_map(|(first, mut stages)| {
        stages.insert(0, first);
        Pipeline { stages }
    })
}

fn piped() -> impl Strategy<Value = SpansetExpr> {
    let operand = || pipeline(false).prop_map(SpansetExpr::Pipeline);
    (spanset_op(), operand(), prop_oneof![operand(), spanset()])
        .prop_map(|(op, lhs, rhs)| operation(op, lhs, rhs))
}

/// Arithmetic of pipelines and numbers; at least one is a pipeline.
fn scalar_pipeline() -> impl Strategy<Value = ScalarExpr> {
    let leaf = (pipeline(true), aggregate()).prop_map(|(pipeline, aggregate)| {
        ScalarExpr::Pipeline { pipeline: Box::new(pipeline), aggregate }
    });
    leaf.prop_recursive(2, 4, 2, |inner| {
        let operand = prop_oneof![inner.clone(), number().prop_map(ScalarExpr::Static)];
        (series_op(), inner, operand, any::<bool>()).prop_filter_map(
            "a value",
            |(op, one, other, flip)| {
                let (lhs, rhs) = if flip { (other, one) } else { (one, other) };
                ScalarExpr::operation(op, lhs, rhs)
            },
        )
    })
}

fn scalar_pipelines() -> impl Strategy<Value = ScalarFilter> {
    let other = prop_oneof![scalar_pipeline(), number().prop_map(ScalarExpr::Static)];
    (comparison(), scalar_pipeline(), other, any::<bool>()).prop_map(|(op, one, other, flip)| {
        let (lhs, rhs) = if flip { (other, one) } else { (one, other) };
        ScalarFilter { op, lhs, rhs }
    })
}

fn metrics_function() -> impl Strategy<Value = MetricsFunction> {
    let quantiles = vec(0.0..=1.0_f64, 1..3);
    prop_oneof![
        Just(MetricsFunction::Rate),
        attribute().prop_map(MetricsFunction::HistogramOverTime),
        attribute().prop_map(MetricsFunction::AvgOverTime),
        (attribute(), quantiles).prop_map(|(attribute, quantiles)| {
            MetricsFunction::QuantileOverTime { attribute, quantiles }
        }),
        (field(), 0..20_i64, proptest::option::of((0..9_i64, 0..9_i64))).prop_map(
            |(selection, top, window)| MetricsFunction::Compare { selection, top, window }
        ),
    ]
}

fn second_stage() -> impl Strategy<Value = SecondStage> {
    let value = any::<f64>().prop_filter("not NaN", |value| !value.is_nan());
    prop_oneof![
        (0..i64::MAX).prop_map(SecondStage::TopK),
        (0..i64::MAX).prop_map(SecondStage::BottomK),
        (comparison(), value).prop_map(|(op, value)| SecondStage::Filter { op, value }),
    ]
}

fn metrics() -> impl Strategy<Value = MetricsExpr> {
    let leaf = (pipeline(true), metrics_function(), vec(attribute(), 0..3)).prop_map(
        |(pipeline, function, by)| MetricsSource::Aggregate {
            pipeline,
            aggregate: MetricsAggregate { function, by },
        },
    );
    let stages = |source| {
        (source, vec(second_stage(), 0..3))
            .prop_map(|(source, stages)| MetricsExpr { source, stages })
    };
    let scalar = prop_oneof![any::<f64>(), Just(-0.0), Just(3.0)]
        .prop_filter("not NaN", |scalar: &f64| !scalar.is_nan());
    stages(leaf.boxed()).prop_recursive(2, 4, 2, move |inner| {
        let math = (series_op(), inner.clone(), inner.clone()).prop_map(|(op, lhs, rhs)| {
            MetricsSource::Math { op, lhs: Box::new(lhs), rhs: Box::new(rhs) }
        });
        let with_scalar = (series_op(), scalar.clone(), any::<bool>(), inner).prop_map(
            |(op, scalar, scalar_on_left, operand)| MetricsSource::ScalarMath {
                op,
                scalar,
                scalar_on_left,
                operand: Box::new(operand),
            },
        );
        stages(prop_oneof![math, with_scalar].boxed())
    })
}

fn query() -> impl Strategy<Value = Query> {
    let root = prop_oneof![
        field().prop_map(|expr| Root::Pipeline(Pipeline {
            stages: vec![Stage::Spanset(SpansetExpr::Filter(expr))]
        })),
        pipeline(true).prop_map(Root::Pipeline),
        piped().prop_map(|expr| Root::Pipeline(Pipeline { stages: vec![Stage::Spanset(expr)] })),
        scalar_pipelines().prop_map(Root::ScalarPipelines),
        metrics().prop_map(Root::Metrics),
    ];
    let hint = ("[a-z_]{20}", "[a-z]{0,4}".prop_map(Static::String))
        .prop_map(|(key, value)| Hint { key, value });
    (root, vec(hint, 0..2)).prop_map(|(root, hints)| Query { root, hints })
}

/// Token texts and fragments in a random order.
fn soup() -> impl Strategy<Value = String> {
    let fragments: Vec<String> = [
        "{ ", " }", "(", ")", "|", "{ .a }", "{ }", ".a ", "span.b ", "1", "2.5", "3s", "`x`", "=",
        "!=", "=~", "&&", "||", ">>", "!~", "-", "+", "*", "^", "!", ",", "by(", "rate()",
    ]
    .into_iter()
    .map(str::to_owned)
    .chain(TokenKind::keywords().map(|kind| format!("{} ", kind.text())))
    .collect();
    vec(proptest::sample::select(fragments), 0..12).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(4),
        ..ProptestConfig::default()
    })]

    #[test]
    fn random_trees_round_trip(query in query()) {
        let text = query.to_string();
        prop_assert_eq!(parse(&text), Ok(query), "{}", text);
    }

    #[test]
    fn random_attributes_round_trip(attribute in attribute()) {
        let text = attribute.to_string();
        prop_assert_eq!(parse_identifier(&text), Ok(attribute), "{}", text);
    }

    #[test]
    fn whatever_parses_round_trips(text in soup()) {
        if let Ok(query) = parse(&text) {
            let printed = query.to_string();
            prop_assert_eq!(parse(&printed), Ok(query), "{}", printed);
        }
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in vec(any::<u8>(), 0..200)) {
        drop(parse(&String::from_utf8_lossy(&bytes)));
        drop(parse(&format!("{{ {}", String::from_utf8_lossy(&bytes))));
    }

    #[test]
    fn arbitrary_patterns_do_not_panic(pattern in "[a-c\\[\\](){},*+?|^$.\\\\QEdwxpP0-9:&~-]{0,16}") {
        let pattern = crate::pattern::Pattern::new(pattern);
        prop_assert_eq!(pattern.check().is_ok(), pattern.matches("a1").is_some());
    }
}
