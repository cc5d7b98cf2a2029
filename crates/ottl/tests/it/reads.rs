//! What of a span conditions look at.

use spandrel_ottl::{Conditions, Context, ErrorMode, Functions};

/// The numbers of the fields, and the keys of attributes unless all of them are looked at.
fn reads(text: &str, context: Context) -> String {
    let functions = Functions::standard();
    let conditions = Conditions::compile(&[text], context, &functions, ErrorMode::Ignore);
    let reads = conditions.expect(text).reads();
    let fields: Vec<String> =
        (0..32).filter(|number| reads.field(*number)).map(|number| number.to_string()).collect();
    let keys = reads.attribute_keys().map_or("all".to_owned(), |keys| keys.join(","));
    format!("{} [{keys}]", fields.join(" "))
}

#[test]
fn only_what_a_text_names_is_looked_at() {
    for (text, expected) in [
        ("true", " []"),
        (r#"name == "a""#, "5 []"),
        (r#"attributes["a"] == attributes["b"]["c"]"#, "9 [a,b]"),
        (r#"attributes["a"] == "x" and not (attributes["a"] == nil)"#, "9 [a]"),
        ("attributes != nil", "9 [all]"),
        (r#"attributes[attributes["a"]] != nil"#, "9 [all]"),
        (r#"attributes[Concat(["a", name], "")] != nil"#, "5 9 [all]"),
        (r#"IsMatch(span.attributes["a"], "x")"#, "9 [a]"),
        ("end_time - start_time > Duration(\"1s\")", "7 8 []"),
        (r#"kind.string == "Server" or status.code == 2"#, "6 15 []"),
        (r#"trace_state["a"] == "b" and flags == 1"#, "3 16 []"),
        ("IsRootSpan()", "4 []"),
        (r#"trace_id.string != span_id.string"#, "1 2 []"),
        ("Len(events) + dropped_links_count > 3", "11 14 []"),
        (r#"resource.attributes["a"] == scope.name"#, " []"),
        (r#"Any(events, (i, e) => attributes["k"] == i)"#, "9 11 [k]"),
    ] {
        assert_eq!(reads(text, Context::Span), expected, "{text}");
    }
}

#[test]
fn events_are_looked_at_where_conditions_are_about_them() {
    assert_eq!(reads(r#"span.name == "a""#, Context::SpanEvent), "5 11 []");
    assert_eq!(reads(r#"attributes["a"] == "a""#, Context::SpanEvent), "11 []");
}

#[test]
fn functions_of_nothing_may_look_at_everything() {
    assert!(reads("Now() != nil", Context::Span).ends_with("[all]"));
}
