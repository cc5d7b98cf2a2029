//! The dialect of YAML: anchors, merge keys, duplicates, places, bounds.

use spandrel_config::yaml::{self, DEPTH_MAX};
use spandrel_config::{Value, ValueKind};

/// A value as compact text: `{a: [1, "x", null]}`.
pub(crate) fn show(value: &Value) -> String {
    match &value.kind {
        ValueKind::Null => "null".to_owned(),
        ValueKind::Bool(flag) => flag.to_string(),
        ValueKind::Int(number) => number.to_string(),
        ValueKind::Float(number) => format!("{number:?}"),
        ValueKind::String(text) => format!("{text:?}"),
        ValueKind::List(values) => {
            format!("[{}]", values.iter().map(show).collect::<Vec<_>>().join(", "))
        }
        ValueKind::Map(entries) => {
            let entries =
                entries.iter().map(|(key, value)| format!("{}: {}", key.text, show(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

fn read(text: &str) -> String {
    yaml::parse(text, "a.yaml").map_or_else(|problem| problem.to_string(), |value| show(&value))
}

#[test]
fn values() {
    let table = [
        ("", "null"),
        ("# only a comment\n", "null"),
        ("---\n", "null"),
        ("a: yes\nb: 'no'\nc: on\nd: True", r#"{a: "yes", b: "no", c: "on", d: true}"#),
        ("a: 0750\nb: \"0750\"\nc: 1_000", r#"{a: 488, b: "0750", c: 1000}"#),
        ("a: !!str 12\nb: !custom 12\nc: !!float 1", r#"{a: "12", b: "12", c: 1.0}"#),
        ("1: a\ntrue: b\n2.50: c", r#"{1: "a", true: "b", 2.50: "c"}"#),
        ("a:\nb: ~\nc: ''", r#"{a: null, b: null, c: ""}"#),
        ("a: 1\n---\na: 2\n", "{a: 1}"),
        ("\u{feff}a: 1", "{a: 1}"),
        ("a: |\n  x\n  y\nb: >\n  x\n  y\n", r#"{a: "x\ny\n", b: "x y\n"}"#),
        ("a: ${env:X}\nb: ${env:X:-y}", r#"{a: "${env:X}", b: "${env:X:-y}"}"#),
        ("a: [b, c: 1]", r#"{a: ["b", {c: 1}]}"#),
    ];
    for (text, shown) in table {
        assert_eq!(read(text), shown, "{text}");
    }
}

#[test]
fn anchors_and_merges() {
    let table = [
        ("a: &x {b: 1}\nc: *x", "{a: {b: 1}, c: {b: 1}}"),
        ("a: &x v\n*x : w", r#"{a: "v", v: "w"}"#),
        // What is written wins, wherever it stands.
        ("a: &x {b: 1, c: 1}\nd:\n  <<: *x\n  c: 2", "{a: {b: 1, c: 1}, d: {c: 2, b: 1}}"),
        ("a: &x {b: 1, c: 1}\nd:\n  c: 2\n  <<: *x", "{a: {b: 1, c: 1}, d: {c: 2, b: 1}}"),
        // Of several maps, the earlier one.
        ("a: {<<: [{b: 1}, {b: 2, c: 3}]}", "{a: {b: 1, c: 3}}"),
        ("a: {'<<': {b: 1}}", "{a: {<<: {b: 1}}}"),
        ("a: {<<: 1}", "a.yaml:1:5: <<: must be a map, or a list of maps"),
        ("a: &x [*x]", "a.yaml:1:8: the anchor contains itself"),
    ];
    for (text, shown) in table {
        assert_eq!(read(text), shown, "{text}");
    }
    assert!(read("a: *x").starts_with("a.yaml:1:4: no YAML: "));
}

#[test]
fn wrong_texts_have_a_place() {
    let table = [
        ("a: 1\nb: 2\na: 3", "a.yaml:3:1: a: the key is there twice, first in line 1"),
        ("a: 1\n'a': 3", "a.yaml:2:1: a: the key is there twice, first in line 1"),
        (
            "a: {{ .Values.x }}",
            "a.yaml:1:5: a key must be a text (a value that begins with `{` or `[` must be in quotes; a template must be rendered first)",
        ),
        ("a: !!int x", "a.yaml:1:10: the value does not fit its tag `!!int`"),
    ];
    for (text, message) in table {
        assert_eq!(read(text), message, "{text}");
    }
    for text in ["a: [1", "a: b: c", "a: \"\\q\"", "a:\n\t- b"] {
        let message = read(text);
        assert!(
            message.starts_with("a.yaml:") && message.contains("no YAML: "),
            "{text}: {message}"
        );
    }
}

#[test]
fn places_are_those_of_the_text() {
    let value = yaml::parse("a:\n  b: [x, \u{e4}, &y z]\n", "a.yaml").unwrap();
    let b = value.member("a").unwrap().member("b").unwrap();
    assert_eq!(b.position.to_string(), "a.yaml:2:6");
    let ValueKind::List(values) = &b.kind else { panic!("{b:?}") };
    let places: Vec<String> = values.iter().map(|value| value.position.to_string()).collect();
    assert_eq!(places, ["a.yaml:2:7", "a.yaml:2:10", "a.yaml:2:16"]);
    assert_eq!(value.entries().unwrap()[0].0.position.to_string(), "a.yaml:1:1");
}

#[test]
fn aliases_do_not_explode() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..12 {
        let alias = format!("*a{}, ", i - 1).repeat(10);
        text += &format!("a{i}: &a{i} [{alias}]\n");
    }
    assert!(read(&text).contains("too large"));

    let long = "x".repeat(1 << 20);
    let text = format!("a: &a {long}\nb: [{}]", "*a, ".repeat(100));
    assert!(read(&text).contains("too large"));
}

#[test]
fn depth_is_bounded() {
    let message = format!("nested deeper than {DEPTH_MAX} levels");
    let deep = |n: usize| format!("{}1{}", "[".repeat(n), "]".repeat(n));
    assert!(!read(&deep(DEPTH_MAX - 1)).contains("no YAML"));
    assert!(read(&deep(DEPTH_MAX + 50)).contains("a.yaml:1:"));
    // Each anchor is flat, and contains the one before.
    let mut text = "a0: &a0 [x]\n".to_owned();
    for i in 1..200 {
        text += &format!("a{i}: &a{i} [*a{}]\n", i - 1);
    }
    assert!(read(&text).contains(&message));
}
