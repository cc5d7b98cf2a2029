//! What actions do, and which are none.

use std::collections::BTreeMap;

use prost::Message as _;
use spandrel_config::read_settings;
use spandrel_proto::otlp::common::{AnyValue, KeyValue, any_value::Value};
use spandrel_proto::otlp::trace::Span;

use super::*;
use crate::testing::{int, span, text};
use crate::wire::SPAN_ATTRIBUTES;

/// Attributes after an action, as text.
fn after(yaml: &str) -> String {
    let read = |section: &mut spandrel_config::Section<'_>| Actions::read(section, "actions");
    let (actions, _) = read_settings(&format!("actions: [{yaml}]"), read).expect(yaml);
    let double = AnyValue { value: Some(Value::DoubleValue(2.5)) };
    let truth = AnyValue { value: Some(Value::BoolValue(true)) };
    let span = span(
        "s",
        [("a", text("x")), ("n", int(7)), ("d", double), ("t", truth), ("url", text("/u/12"))],
    );
    let bytes = span.encode_to_vec();
    let client = Client {
        address: Some("10.0.0.1:99".parse().expect("an address")),
        metadata: BTreeMap::from([("team".to_owned(), vec!["a".to_owned(), "b".to_owned()])]),
        auth: BTreeMap::from([("user".to_owned(), "joe".to_owned())]),
    };
    let prepared = actions.prepare(&client);
    let mut edited = Attributes::default();
    edited.read(&bytes, SPAN_ATTRIBUTES).expect("sound");
    prepared.apply(&mut edited).expect("sound");
    let mut out = Vec::new();
    edited.write(&bytes, SPAN_ATTRIBUTES, &mut out).expect("sound");
    let written = Span::decode(&out[..]).expect("a span");
    assert_eq!(edited.is_changed(), written != span, "{yaml}");
    let rest = Span { attributes: Vec::new(), ..written.clone() };
    assert_eq!(rest, Span { attributes: Vec::new(), ..span });
    let value = |pair: &KeyValue| {
        let value = pair.value.as_ref().and_then(|value| value.value.as_ref());
        value.map_or_else(String::new, |value| match value {
            Value::StringValue(text) => format!("{text:?}"),
            other => values::as_text(other),
        })
    };
    let pairs = written.attributes.iter().map(|pair| format!("{}={}", pair.key, value(pair)));
    pairs.collect::<Vec<_>>().join(" ")
}

#[test]
fn actions() {
    let untouched = r#"a="x" n=7 d=2.5 t=true url="/u/12""#;
    for (yaml, expected) in [
        ("{key: b, action: insert, value: 1}", r#"a="x" n=7 d=2.5 t=true url="/u/12" b=1"#),
        ("{key: a, action: insert, value: 1}", untouched),
        ("{key: a, action: update, value: y}", r#"a="y" n=7 d=2.5 t=true url="/u/12""#),
        ("{key: b, action: update, value: y}", untouched),
        ("{key: a, action: UPSERT, value: [1, b]}", r#"a=[1,"b"] n=7 d=2.5 t=true url="/u/12""#),
        ("{key: a, action: upsert, value: x}", untouched),
        ("{key: a, action: upsert, from_attribute: n}", r#"a=7 n=7 d=2.5 t=true url="/u/12""#),
        ("{key: a, action: upsert, from_attribute: none}", untouched),
        (
            "{key: a, action: upsert, from_attribute: none, default_value: q}",
            r#"a="q" n=7 d=2.5 t=true url="/u/12""#,
        ),
        (
            "{key: a, action: upsert, from_context: metadata.Team}",
            r#"a="a;b" n=7 d=2.5 t=true url="/u/12""#,
        ),
        ("{key: a, action: upsert, from_context: metadata.none}", untouched),
        (
            "{key: a, action: upsert, from_context: auth.user}",
            r#"a="joe" n=7 d=2.5 t=true url="/u/12""#,
        ),
        (
            "{key: a, action: upsert, from_context: client.address}",
            r#"a="10.0.0.1" n=7 d=2.5 t=true url="/u/12""#,
        ),
        ("{key: a, action: delete}", r#"n=7 d=2.5 t=true url="/u/12""#),
        ("{action: delete, pattern: '^.$'}", r#"url="/u/12""#),
        ("{key: none, action: delete}", untouched),
        (
            // `printf x | sha1sum`
            "{key: a, action: hash}",
            r#"a="11f6ad8ec52a2984abaafd7c3b516503785c2072" n=7 d=2.5 t=true url="/u/12""#,
        ),
        (
            // `printf '\7\0\0\0\0\0\0\0' | sha1sum`
            "{action: hash, pattern: '^n$'}",
            r#"a="x" n="67ef7f7d2fcdd3766db20eaf75bfc677edd4c016" d=2.5 t=true url="/u/12""#,
        ),
        (
            "{key: url, action: extract, pattern: '^/(?P<kind>\\w)/(?P<id>\\d+)$'}",
            r#"a="x" n=7 d=2.5 t=true url="/u/12" kind="u" id="12""#,
        ),
        ("{key: a, action: extract, pattern: '^/(?P<kind>\\w)'}", untouched),
        (
            "{key: n, action: convert, converted_type: string}",
            r#"a="x" n="7" d=2.5 t=true url="/u/12""#,
        ),
        (
            "{key: d, action: convert, converted_type: string}",
            r#"a="x" n=7 d="2.5" t=true url="/u/12""#,
        ),
        ("{key: d, action: convert, converted_type: int}", r#"a="x" n=7 d=2 t=true url="/u/12""#),
        ("{key: t, action: convert, converted_type: int}", r#"a="x" n=7 d=2.5 t=1 url="/u/12""#),
        ("{key: a, action: convert, converted_type: int}", untouched),
    ] {
        assert_eq!(after(yaml), expected, "{yaml}");
    }
}

#[test]
fn mistakes() {
    for (yaml, message) in [
        ("actions: []", "at least one action"),
        ("actions: [{key: a}]", "action is required"),
        ("actions: [{key: a, action: upset, value: 1}]", "upsert"),
        ("actions: [{action: upsert, value: 1}]", "key is required"),
        ("actions: [{action: delete}]", "key or pattern is required"),
        ("actions: [{key: a, action: insert}]", "one of value, from_attribute and from_context"),
        ("actions: [{key: a, action: insert, value: 1, from_attribute: b}]", "only one of"),
        ("actions: [{key: a, action: delete, value: 1}]", "means nothing"),
        ("actions: [{key: a, action: upsert, value: 1, pattern: x}]", "means nothing"),
        ("actions: [{key: a, action: extract}]", "pattern is required"),
        ("actions: [{key: a, action: extract, pattern: '(x)'}]", "with names"),
        ("actions: [{key: a, action: extract, pattern: '('}]", "invalid regular expression"),
        ("actions: [{key: a, action: convert}]", "converted_type is required"),
        ("actions: [{key: a, action: convert, converted_type: bool}]", "double"),
    ] {
        let read = |section: &mut spandrel_config::Section<'_>| Actions::read(section, "actions");
        let problems = read_settings(yaml, read).expect_err(yaml).to_string();
        assert!(problems.contains(message), "{problems}");
    }
}
