//! The context of texts that say it by the prefixes of their paths.

use spandrel_ottl::{Condition, Context, Functions, Statement, infer_condition, infer_statements};

#[test]
fn the_narrowest_named_context_wins() {
    let functions = Functions::standard();
    for (text, expected) in [
        (r#"span.name == "x""#, "span"),
        (r#"resource.attributes["a"] == "x""#, "resource"),
        (r#"resource.attributes["a"] == "x" and span.name == "y""#, "span"),
        (r#"IsMatch(spanevent.name, ".*grpc.*")"#, "spanevent"),
        (r#"scope.name == instrumentation_scope.name"#, "scope"),
        (r#"span.attributes[spanevent.name] == 1"#, "spanevent"),
        // Enums and functions need a narrower one than the paths say.
        (r#"resource.attributes["k"] == SPAN_KIND_CLIENT"#, "span"),
        (r#"resource.attributes["k"] == 1 and IsRootSpan()"#, "span"),
        ("IsRootSpan()", "span"),
        ("Any(resource.attributes, (k, v) => v == 1)", "resource"),
    ] {
        let context = infer_condition(text, &functions).unwrap();
        assert_eq!(context.name(), expected, "{text}");
        Condition::compile(text, context, &functions).unwrap();
    }
}

#[test]
fn texts_without_a_context_are_refused() {
    let functions = Functions::standard();
    for (text, expected) in [
        ("true", "offset 0: cannot tell the context: write paths with it, such as `span.name`"),
        (
            r#"attributes["a"] == 1"#,
            r#"offset 0: `attributes["a"]` says no context: write it as in `span.attributes["a"]`"#,
        ),
        (
            "resource.attributes[\"a\"] == name",
            "offset 28: `name` says no context: write it as in `span.name`",
        ),
        (
            "true and log.severity_number < 5",
            "offset 9: `log.severity_number` belongs to another signal than traces",
        ),
        (
            "spanevent.name == \"a\" and IsRootSpan()",
            "offset 0: no context from spanevent on has all functions and enums used",
        ),
        ("IsRoot()", "offset 0: unknown function `IsRoot`: did you mean `IsRootSpan`?"),
        ("span.name ==", "offset 12: expected a value, found the end"),
    ] {
        assert_eq!(infer_condition(text, &functions).unwrap_err().to_string(), expected, "{text}");
    }
}

#[test]
fn statements_and_conditions_of_a_group_share_a_context() {
    let functions = Functions::standard();
    let statements = [r#"set(resource.attributes["a"], "b")"#];
    let alone = infer_statements(&statements, &[""; 0], &functions);
    assert_eq!(alone, Ok(Context::Resource));
    let with = infer_statements(&statements, &[r#"span.name == "x""#], &functions);
    assert_eq!(with, Ok(Context::Span));
}

#[test]
fn bare_paths_are_rewritten() {
    let functions = Functions::standard();
    let statement =
        r#"set(attributes["a"], resource.attributes["b"]) where name == "x" and kind > 1"#;
    let statement = Statement::compile(statement, Context::Span, &functions).unwrap();
    assert_eq!(
        statement.rewritten(),
        Some(
            r#"set(span.attributes["a"], resource.attributes["b"]) where span.name == "x" and span.kind > 1"#
        )
    );
    let condition = r#"Any(attributes, (k, v) => k == name and v == attributes[k])"#;
    let condition = Condition::compile(condition, Context::SpanEvent, &functions).unwrap();
    assert_eq!(
        condition.rewritten(),
        Some(
            r#"Any(spanevent.attributes, (k, v) => k == spanevent.name and v == spanevent.attributes[k])"#
        )
    );
    let prefixed = Condition::compile("span.name == scope.name", Context::Span, &functions);
    assert_eq!(prefixed.unwrap().rewritten(), None);
}
