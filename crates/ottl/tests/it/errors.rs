//! The text of errors.

use std::fmt::Write;

use expect_test::expect_file;
use spandrel_ottl::{Condition, Context, Functions, Statement};

#[test]
fn messages_say_where_and_what() {
    let functions = Functions::standard();
    let mut out = String::new();
    for text in [
        "",
        "set",
        "set(",
        "set(name",
        "set(name,",
        "set(name, )",
        "set(name, \"x\"",
        "set(name, \"x)",
        "set(name, 'x')",
        "set(name, \"\\d\")",
        "set(name, 0x123)",
        "set(name, 99999999999999999999)",
        "set(name, \"x\") when true",
        "set(name, \"x\") where",
        "set(name, \"x\") where name",
        "set(name, \"x\") where name == ",
        "set(name, \"x\") where (name == \"a\"",
        "set(name, \"x\") where name == \"a\" or",
        "set(name, \"x\") where nam == \"a\"",
        "set(name, \"x\") where IsMatch(name)",
        "set(name, \"x\") where IsMatch(name, \"a\", \"b\")",
        "set(name, \"x\") where IsMatch(name, patern=\"a\")",
        "set(name, \"x\") where IsMatch(name, pattern=\"a\", target=name)",
        "set(name, \"x\") where IsMatch(target=name, \"a\")",
        "set(name, \"x\") where Ismatch(name, \"a\")",
        "set(name, \"x\") where kind == SPAN_KIND_CLENT",
        "set(name, \"x\") where name[0] == 1",
        "set(name, \"x\") where attributes[1.5] == 1",
        "set(name, \"x\") where attributes[\"a\"].b == 1",
        "set(name, \"x\") where log.body == 1",
        "set(name, \"x\") where spanevent.name == \"a\"",
        "set(name, \"x\") where resource.cache[\"a\"] == 1",
        "set(name, \"x\") where resource.name == \"a\"",
        "set(name, (x) => x)",
        "set(name, [1, 2)",
        "set(name, {\"a\" 1})",
        "set(name, {a: 1})",
        "set(name, trace_state[\"a\"][\"b\"])",
        "delete_key(resource.attributes)",
        "truncate_all(attributes, \"5\")",
        "keep_keys(attributes, \"a\")",
        "replace_pattern(name, \"[\", \"\")",
    ] {
        let error = Statement::compile(text, Context::Span, &functions).unwrap_err();
        writeln!(out, "{text}\n{}^ {}", " ".repeat(error.offset), error.message).unwrap();
    }
    expect_file!["../data/messages.txt"].assert_eq(&out);
}

#[test]
fn places_are_lines_and_columns() {
    let text = "name == \"x\"\n  and \u{201c}";
    let error = Condition::compile(text, Context::Span, &Functions::standard()).unwrap_err();
    assert_eq!(error.line_and_column(text), (2, 7));
    assert_eq!(error.line_and_column(""), (1, 1));
}
