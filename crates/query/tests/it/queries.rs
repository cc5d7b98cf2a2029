//! Searches of the whole language over the attributes and values of the test data.

use proptest::prelude::*;
use proptest::sample::select;

use crate::filters::{attribute, filter, number};

/// A query, as text. Not all of them are valid: types may clash.
pub(crate) fn query() -> BoxedStrategy<String> {
    prop_oneof![
        2 => filter(),
        2 => spansets(),
        6 => pipeline(),
        1 => scalar_pipelines(),
    ]
    .boxed()
}

/// Filters that some spans of most traces pass, and any others.
fn spanset() -> BoxedStrategy<String> {
    let plain = vec![
        "{ }",
        "{ .a != nil }",
        "{ .a = nil }",
        "{ .b != nil }",
        "{ name = `buy` }",
        "{ name != `half` }",
        "{ kind = server }",
        "{ status = error }",
        "{ status != ok }",
        "{ duration > 0ms }",
        "{ duration < 1s }",
        "{ resource.service.name = `shop` }",
        "{ span:parentID = `0000000000000001` }",
        "{ parent.a != nil }",
        "{ parent.service.name = nil }",
        "{ parent.resource.service.name = resource.service.name }",
        "{ span:childCount = 0 }",
        "{ nestedSetParent < 0 }",
        "{ rootName = `buy` }",
        "{ rootName != `buy` && .a != nil }",
        "{ rootServiceName = `shop` || status = error }",
        "{ rootServiceName = `` }",
        "{ false }",
    ];
    prop_oneof![3 => select(plain).prop_map(str::to_owned), 1 => filter()].boxed()
}

/// Filters joined by operators.
fn spansets() -> BoxedStrategy<String> {
    let joined = |inner: BoxedStrategy<String>| {
        (inner.clone(), operator(), inner, any::<bool>()).prop_map(|(left, op, right, parens)| {
            match parens {
                true => format!("({left} {op} {right})"),
                false => format!("{left} {op} {right}"),
            }
        })
    };
    spanset().prop_recursive(3, 6, 2, joined).boxed()
}

fn operator() -> impl Strategy<Value = &'static str> {
    let structural = vec![
        ">", "<", ">>", "<<", "~", "!>", "!<", "!>>", "!<<", "!~", "&>", "&<", "&>>", "&<<", "&~",
    ];
    prop_oneof![2 => select(vec!["&&", "||"]), 5 => select(structural)]
}

/// Spansets, or pipelines joined by operators, and what follows.
pub(crate) fn pipeline() -> BoxedStrategy<String> {
    let first = prop_oneof![
        4 => spansets(),
        2 => (staged(), operator(), staged())
            .prop_map(|(left, op, right)| format!("({left}) {op} ({right})")),
        1 => staged().prop_map(|inner| format!("({inner})")),
    ];
    let begins = prop_oneof![8 => first, 1 => by()];
    (begins, proptest::collection::vec(stage(), 0..4)).prop_map(join).boxed()
}

fn staged() -> BoxedStrategy<String> {
    (spansets(), proptest::collection::vec(stage(), 1..3)).prop_map(join).boxed()
}

fn join((first, stages): (String, Vec<String>)) -> String {
    stages.into_iter().fold(first, |text, stage| format!("{text} | {stage}"))
}

fn stage() -> BoxedStrategy<String> {
    prop_oneof![
        2 => spansets(),
        3 => by(),
        1 => Just("coalesce()".to_owned()),
        1 => (attribute(), attribute()).prop_map(|(a, b)| format!("select({a}, {b})")),
        5 => scalar_filter(),
    ]
    .boxed()
}

fn by() -> BoxedStrategy<String> {
    let expressions = prop_oneof![
        6 => attribute(),
        1 => attribute().prop_map(|a| format!("{a} = nil")),
        1 => (attribute(), number()).prop_map(|(a, n)| format!("{a} + {n}")),
        1 => select(vec!["name", "status", "kind", "rootName", "resource.service.name"])
            .prop_map(str::to_owned),
    ];
    expressions.prop_map(|expression| format!("by({expression})")).boxed()
}

fn aggregate() -> BoxedStrategy<String> {
    let fields = prop_oneof![
        3 => attribute(),
        3 => Just("duration".to_owned()),
        1 => Just("event:timeSinceStart".to_owned()),
        1 => (attribute(), number()).prop_map(|(a, n)| format!("{a} * {n}")),
    ];
    let of_field = (select(vec!["avg", "min", "max", "sum"]), fields);
    prop_oneof![
        2 => Just("count()".to_owned()),
        3 => of_field.prop_map(|(function, field)| format!("{function}({field})")),
    ]
    .boxed()
}

fn comparison() -> impl Strategy<Value = &'static str> {
    select(vec!["=", "!=", "<", "<=", ">", ">="])
}

fn bound() -> impl Strategy<Value = &'static str> {
    select(vec!["0", "1", "2", "3", "4", "1ms", "1s", "1.5", "-1"])
}

fn scalar_filter() -> BoxedStrategy<String> {
    let sums = (aggregate(), select(vec!["+", "-", "*"]), aggregate(), comparison(), bound());
    prop_oneof![
        4 => (aggregate(), comparison(), bound()).prop_map(|(a, op, n)| format!("{a} {op} {n}")),
        1 => (bound(), comparison(), aggregate()).prop_map(|(n, op, a)| format!("{n} {op} {a}")),
        1 => (aggregate(), comparison(), aggregate())
            .prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        1 => sums.prop_map(|(a, op, b, c, n)| format!("{a} {op} {b} {c} {n}")),
    ]
    .boxed()
}

fn scalar_pipelines() -> BoxedStrategy<String> {
    let scalar = || {
        (spansets(), proptest::option::of(stage()), aggregate()).prop_map(|(first, stage, a)| {
            match stage {
                Some(stage) => format!("({first} | {stage} | {a})"),
                None => format!("({first} | {a})"),
            }
        })
    };
    prop_oneof![
        (scalar(), comparison(), bound()).prop_map(|(a, op, n)| format!("{a} {op} {n}")),
        (scalar(), comparison(), scalar()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (scalar(), select(vec!["+", "-"]), scalar(), comparison(), bound())
            .prop_map(|(a, op, b, c, n)| format!("{a} {op} {b} {c} {n}")),
    ]
    .boxed()
}
