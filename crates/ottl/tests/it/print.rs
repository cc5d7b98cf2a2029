//! Printing what was read, and reading it again.

use proptest::prelude::*;
use spandrel_ottl::{Kind, print_syntax};

fn literal() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|value| value.to_string()),
        (-1e9..1e9_f64).prop_map(|value| format!("{value:?}")),
        "[a-z\\\\\"\n\u{e9}]{0,5}".prop_map(|text| {
            let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            format!("\"{text}\"")
        }),
        Just("nil".to_owned()),
        Just("true".to_owned()),
        Just("0x00fF".to_owned()),
        Just("SPAN_KIND_CLIENT".to_owned()),
    ]
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        (0..1000_i64).prop_map(|value| value.to_string()),
        Just("span.attributes[\"a\"][0]".to_owned()),
        Just("Len(name)".to_owned()),
    ]
}

fn calculation() -> impl Strategy<Value = String> {
    number().prop_recursive(4, 24, 2, |inner| {
        let op = prop::sample::select(vec!["+", "-", "*", "/"]);
        prop_oneof![
            (inner.clone(), op, inner.clone()).prop_map(|(l, op, r)| format!("({l}) {op} ({r})")),
            inner.clone().prop_map(|inner| format!("-({inner})")),
            inner.prop_map(|inner| format!("- -{inner}")),
        ]
    })
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![literal(), calculation()].prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|v| format!("[{}]", v.join(","))),
            inner.clone().prop_map(|value| format!("{{\"k\": {value}}}")),
            inner.clone().prop_map(|value| format!("Concat([{value}], delimiter = \",\")[0]")),
            inner.prop_map(|value| format!("Filter([{value}], (k, v) => k == 1 or v != {value})")),
        ]
    })
}

fn condition() -> impl Strategy<Value = String> {
    let compare = (value(), prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">="]), value());
    let leaf = prop_oneof![
        compare.prop_map(|(left, op, right)| format!("{left} {op} {right}")),
        Just("IsRootSpan()".to_owned()),
        Just("false".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 2, |inner| {
        let op = prop::sample::select(vec!["and", "or"]);
        prop_oneof![
            (inner.clone(), op, inner.clone()).prop_map(|(l, op, r)| format!("({l}) {op} ({r})")),
            inner.prop_map(|inner| format!("not ({inner})")),
        ]
    })
}

proptest! {
    #[test]
    fn printed_conditions_read_the_same(text in condition()) {
        let printed = print_syntax(Kind::Condition, &text).unwrap();
        prop_assert_eq!(print_syntax(Kind::Condition, &printed).unwrap(), printed);
    }

    #[test]
    fn printed_values_read_the_same(text in value()) {
        let printed = print_syntax(Kind::Value, &text).unwrap();
        prop_assert_eq!(print_syntax(Kind::Value, &printed).unwrap(), printed);
    }
}

#[test]
fn as_few_parentheses_as_needed_are_printed() {
    for (kind, text, expected) in [
        (
            Kind::Condition,
            "((a == 1) or (b == 2)) and (not (c == 3))",
            "(a == 1 or b == 2) and not c == 3",
        ),
        (Kind::Condition, "(a==1 and b==2) or c==3", "a == 1 and b == 2 or c == 3"),
        (Kind::Value, "1 - (2 - 3)", "1 - (2 - 3)"),
        (Kind::Value, "(1 - 2) - 3", "1 - 2 - 3"),
        (Kind::Value, "(1*2)+3", "1 * 2 + 3"),
        (Kind::Value, "1*(2+3)", "1 * (2 + 3)"),
        (Kind::Value, "100000000000000000000.0", "1.0e20"),
        (Kind::Statement, "set( name,\"x\" )where true", "set(name, \"x\") where true"),
        (
            Kind::Statement,
            "flatten(body,resolveConflicts =true)",
            "flatten(body, resolveConflicts=true)",
        ),
        (Kind::Value, "Split(a.b[\"c\"], \",\")[0]", "Split(a.b[\"c\"], \",\")[0]"),
    ] {
        assert_eq!(print_syntax(kind, text).unwrap(), expected, "{text}");
    }
}
