//! Spanset filters over the attributes and values of the test data.

use proptest::prelude::*;
use proptest::sample::select;

/// Conditions of a filter, as text. Not all of them are valid: types may clash.
pub(crate) fn filter() -> impl Strategy<Value = String> {
    let whole = prop_oneof![1 => Just(String::new()), 30 => condition()];
    whole.prop_map(|condition| format!("{{ {condition} }}"))
}

fn condition() -> impl Strategy<Value = String> {
    leaf().prop_recursive(3, 8, 2, |inner| {
        let pair = (inner.clone(), select(vec!["&&", "||"]), inner.clone());
        prop_oneof![
            3 => pair.prop_map(|(left, op, right)| format!("({left} {op} {right})")),
            1 => inner.prop_map(|operand| format!("!({operand})")),
        ]
    })
}

fn leaf() -> impl Strategy<Value = String> {
    let dynamic = (attribute(), comparison(), literal());
    let flipped = (literal(), comparison(), attribute());
    let between = (attribute(), comparison(), attribute());
    let nil = (attribute(), select(vec!["=", "!="]));
    let arithmetic = (attribute(), select(vec!["+", "-", "*", "/", "%"]), number(), comparison());
    let sum = (attribute(), attribute(), comparison(), number());
    let as_truth = (attribute(), comparison(), literal(), select(vec!["true", "false", ".a"]));
    prop_oneof![
        6 => dynamic.prop_map(|(a, op, l)| format!("{a} {op} {l}")),
        6 => intrinsic(),
        2 => flipped.prop_map(|(l, op, a)| format!("{l} {op} {a}")),
        3 => between.prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        3 => nil.prop_map(|(a, op)| format!("{a} {op} nil")),
        2 => (attribute(), regex()).prop_map(|(a, regex)| format!("{a} {regex}")),
        1 => (arithmetic, number()).prop_map(|((a, op, n, c), m)| format!("{a} {op} {n} {c} {m}")),
        1 => sum.prop_map(|(a, b, c, n)| format!("{a} + {b} {c} {n}")),
        1 => attribute(),
        1 => attribute().prop_map(|a| format!("!{a}")),
        1 => (attribute(), comparison(), number()).prop_map(|(a, c, n)| format!("-{a} {c} {n}")),
        1 => as_truth.prop_map(|(a, op, l, truth)| format!("({a} {op} {l}) = {truth}")),
        1 => select(vec!["true", "false", "1 = 1"]).prop_map(str::to_owned),
    ]
}

pub(crate) fn attribute() -> impl Strategy<Value = String> {
    let scopes = [".", ".", "span.", "resource.", "event.", "link.", "instrumentation."];
    let scoped = (select(scopes.to_vec()), select(vec!["a", "a", "b", "c", "gone"]));
    prop_oneof![
        8 => scoped.prop_map(|(scope, key)| format!("{scope}{key}")),
        1 => select(vec![".service.name", "resource.service.name"]).prop_map(str::to_owned),
        1 => select(vec!["parent.a", "parent.span.b", "parent.resource.a", "parent.service.name"])
            .prop_map(str::to_owned),
        1 => select(vec![
            "name", "duration", "rootName", "rootServiceName", "traceDuration", "statusMessage",
            "span:childCount", "nestedSetLeft", "nestedSetParent", "event:name",
            "event:timeSinceStart", "instrumentation:name", "status", "kind",
        ])
        .prop_map(str::to_owned),
    ]
}

/// Conditions on intrinsics whose types fit.
fn intrinsic() -> impl Strategy<Value = String> {
    let texts = vec![
        "name",
        "statusMessage",
        "rootName",
        "rootServiceName",
        "event:name",
        "instrumentation:name",
        "instrumentation:version",
        "resource.service.name",
    ];
    let words =
        vec!["buy", "pay", "GET /x", "half", "boom", "shop", "cart", "exception", "lib", "1.0", ""];
    let ids = prop_oneof![
        (1..13_u8).prop_map(|n| format!("\"{n:x}\"")),
        (1..8_u8).prop_map(|n| format!("\"{n:016x}\"")),
        (1..13_u8).prop_map(|n| format!("\"{n:032x}\"")),
        Just("\"03000000000000000000000000000003\"".to_owned()),
        Just("\"not hex\"".to_owned()),
    ];
    let id = select(vec!["span:id", "span:parentID", "trace:id", "link:traceID", "link:spanID"]);
    let durations = select(vec!["duration", "traceDuration", "event:timeSinceStart"]);
    let times = select(vec!["0ms", "1ms", "1s", "2s", "1500000", "0", "10s", "2.5s"]);
    let numbers = vec!["span:childCount", "nestedSetLeft", "nestedSetRight", "nestedSetParent"];
    let statuses = select(vec!["error", "ok", "unset"]);
    let kinds = select(vec!["unspecified", "internal", "server", "client", "producer", "consumer"]);
    let equality = || select(vec!["=", "!="]);
    prop_oneof![
        4 => (select(texts.clone()), comparison(), select(words))
            .prop_map(|(a, op, word)| format!("{a} {op} \"{word}\"")),
        1 => (select(texts), regex()).prop_map(|(a, regex)| format!("{a} {regex}")),
        2 => (id, equality(), ids).prop_map(|(a, op, id)| format!("{a} {op} {id}")),
        3 => (durations, comparison(), times).prop_map(|(a, op, t)| format!("{a} {op} {t}")),
        3 => (select(numbers), comparison(), -1..8_i8)
            .prop_map(|(a, op, n)| format!("{a} {op} {n}")),
        1 => (equality(), statuses).prop_map(|(op, word)| format!("status {op} {word}")),
        1 => (equality(), kinds).prop_map(|(op, word)| format!("kind {op} {word}")),
    ]
}

fn regex() -> impl Strategy<Value = String> {
    let patterns = select(vec!["x", ".*", "b.y|pay", "[a-z]+", "x*", ""]);
    (select(vec!["=~", "!~"]), patterns).prop_map(|(op, pattern)| format!("{op} \"{pattern}\""))
}

fn comparison() -> impl Strategy<Value = &'static str> {
    select(vec!["=", "=", "!=", "<", "<=", ">", ">="])
}

pub(crate) fn number() -> impl Strategy<Value = &'static str> {
    select(vec!["0", "1", "2", "3", "-1", "1.0", "1.5", "0.0", "1ns"])
}

fn literal() -> impl Strategy<Value = &'static str> {
    let texts = vec!["\"x\"", "\"y\"", "\"\"", "\"shop\"", "\"gone\"", "true", "false", "error"];
    let numbers = vec!["9007199254740993", "9007199254740992.0", "1s", "-0.0"];
    prop_oneof![3 => number(), 3 => select(texts), 1 => select(numbers)]
}
