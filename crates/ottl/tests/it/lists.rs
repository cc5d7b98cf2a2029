//! Lists of texts: error modes, conditions of groups, and walking over traces.

use spandrel_ottl::{Client, Conditions, Context, ErrorMode, Functions, Statements, View};
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span, span::Event};

fn traces() -> Vec<ResourceSpans> {
    let event = |name: &str| Event { name: name.to_owned(), ..Event::default() };
    let span =
        |name: &str, events: Vec<Event>| Span { name: name.to_owned(), events, ..Span::default() };
    let scope = ScopeSpans {
        spans: vec![span("a", vec![event("x"), event("y")]), span("b", vec![])],
        ..ScopeSpans::default()
    };
    vec![ResourceSpans { scope_spans: vec![scope], ..ResourceSpans::default() }]
}

fn statements(texts: &[&str], context: Context, mode: ErrorMode) -> Statements {
    Statements::compile(texts, context, &Functions::standard(), mode).unwrap()
}

fn names(traces: &[ResourceSpans]) -> Vec<String> {
    let spans = traces.iter().flat_map(|r| &r.scope_spans).flat_map(|s| &s.spans);
    let parts = spans.flat_map(|span| {
        std::iter::once(span.name.clone()).chain(span.events.iter().map(|e| e.name.clone()))
    });
    parts.collect()
}

const FAILING: [&str; 3] = [
    r#"set(name, Concat([name, "1"], ""))"#,
    r#"set(name, Substring(name, 9, 9))"#,
    r#"set(name, Concat([name, "2"], ""))"#,
];

#[test]
fn error_modes_go_on_or_stop() {
    for (mode, expected, fails) in [
        (ErrorMode::Ignore, ["a12", "x", "y", "b12"], false),
        (ErrorMode::Silent, ["a12", "x", "y", "b12"], false),
        (ErrorMode::Propagate, ["a1", "x", "y", "b"], true),
    ] {
        let mut traces = traces();
        let list = statements(&FAILING, Context::Span, mode);
        let outcome = list.execute_on(&mut traces, Client::default());
        assert_eq!((names(&traces), outcome.is_err()), (expected.map(String::from).into(), fails));
    }
    let error = statements(&FAILING, Context::Span, ErrorMode::Propagate)
        .execute_on(&mut traces(), Client::default())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        r#""set(name, Substring(name, 9, 9))": Substring: 9 and 9 exceed a text of 2"#
    );
    assert_eq!(ErrorMode::from_name("propagate"), Some(ErrorMode::Propagate));
    assert_eq!(ErrorMode::from_name("stop"), None);
}

#[test]
fn every_context_is_walked() {
    for (context, text, expected) in [
        (
            Context::SpanEvent,
            r#"set(name, Concat([span.name, name, event_index], ""))"#,
            ["a", "ax0", "ay1", "b"],
        ),
        (Context::Span, r#"set(span.name, "n") where Len(events) == 2"#, ["n", "x", "y", "b"]),
        (Context::Scope, r#"set(scope.name, "lib")"#, ["a", "x", "y", "b"]),
        (Context::Resource, r#"set(attributes["r"], 1)"#, ["a", "x", "y", "b"]),
    ] {
        let mut traces = traces();
        let list = statements(&[text], context, ErrorMode::Propagate);
        list.execute_on(&mut traces, Client::default()).unwrap();
        assert_eq!(names(&traces), expected, "{text}");
        let resource = traces[0].resource.clone().unwrap_or_default();
        let scope = traces[0].scope_spans[0].scope.clone().unwrap_or_default();
        assert_eq!(resource.attributes.len(), usize::from(context == Context::Resource));
        assert_eq!(scope.name, if context == Context::Scope { "lib" } else { "" });
    }
}

#[test]
fn a_cache_lives_as_long_as_the_item() {
    let mut traces = traces();
    let texts = [r#"set(cache["n"], Concat([name, cache["n"]], ""))"#, r#"set(name, cache["n"])"#];
    let list = statements(&texts, Context::Span, ErrorMode::Propagate);
    list.execute_on(&mut traces, Client::default()).unwrap();
    assert_eq!(names(&traces), ["a<nil>", "x", "y", "b<nil>"]);
}

#[test]
fn conditions_of_a_group_are_joined_by_or() {
    let functions = Functions::standard();
    let when =
        |texts: &[&str], mode| Conditions::compile(texts, Context::Span, &functions, mode).unwrap();
    let change = || statements(&[r#"set(name, "n")"#], Context::Span, ErrorMode::Propagate);
    for (conditions, expected) in [
        (&[][..], ["n", "x", "y", "n"]),
        (&["false"], ["a", "x", "y", "b"]),
        (&[r#"name == "b""#, r#"name == "c""#], ["a", "x", "y", "n"]),
        (&[r#"HasPrefix(attributes["none"], "x")"#, r#"name == "b""#], ["a", "x", "y", "n"]),
    ] {
        let mut traces = traces();
        let list = change().when(when(conditions, ErrorMode::Silent));
        list.execute_on(&mut traces, Client::default()).unwrap();
        assert_eq!(names(&traces), expected, "{conditions:?}");
    }
    let failing = when(&[r#"HasPrefix(attributes["none"], "x")"#], ErrorMode::Propagate);
    let traces = traces();
    let span = &traces[0].scope_spans[0].spans[0];
    assert!(failing.any(&View::of(&traces[0]).with_span(span)).is_err());
    assert!(!failing.is_empty() && failing.context() == Context::Span);
}
