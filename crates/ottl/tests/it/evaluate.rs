//! What functions and operators do, from tables of texts and results.

use std::fs;

use spandrel_ottl::{
    Condition, Context, Functions, Statement, Target, Value, ValueExpression, View,
};
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::{ResourceSpans, Span, span::Event};

use crate::render::{assert_table, render};

fn span() -> Span {
    Span {
        name: "GET /cart".to_owned(),
        kind: 2,
        start_time_unix_nano: 1_676_419_200_000_000_000,
        events: vec![Event::default(), Event::default()],
        ..Span::default()
    }
}

#[test]
fn values_are_those_of_the_table() {
    let functions = Functions::standard();
    let resource_spans = ResourceSpans::default();
    let span = span();
    let view = View::of(&resource_spans).with_span(&span);
    let evaluate = |text: &str| match ValueExpression::compile(text, Context::Span, &functions) {
        Ok(value) => match value.evaluate(&view) {
            Ok(value) => render(&value),
            Err(error) => format!("error: {error}"),
        },
        Err(error) => format!("refused: {error}"),
    };
    assert_table("values.txt", evaluate);
}

#[test]
fn conditions_are_those_of_the_table() {
    let functions = Functions::standard();
    let resource_spans = ResourceSpans::default();
    let span = span();
    let view = View::of(&resource_spans).with_span(&span);
    let evaluate = |text: &str| match Condition::compile(text, Context::Span, &functions) {
        Ok(condition) => match condition.holds(&view) {
            Ok(holds) => holds.to_string(),
            Err(error) => format!("error: {error}"),
        },
        Err(error) => format!("refused: {error}"),
    };
    assert_table("conditions.txt", evaluate);
}

/// A line has the attributes before, a bar, and the statement; the result is the attributes after.
#[test]
fn editors_do_what_the_table_says() {
    let functions = Functions::standard();
    let evaluate = |text: &str| {
        let (before, statement) = text.split_once(" | ").unwrap();
        let before = ValueExpression::compile(before, Context::Span, &functions).unwrap();
        let resource_spans = ResourceSpans::default();
        let Ok(Value::Map(attributes)) = before.evaluate(&View::of(&resource_spans)) else {
            panic!("{text}");
        };
        let mut span = Span { attributes: attributes.into_owned(), ..span() };
        let statement = match Statement::compile(statement, Context::Span, &functions) {
            Ok(statement) => statement,
            Err(error) => return format!("refused: {error}"),
        };
        let (mut resource, mut schema_url) = (Some(Resource::default()), String::new());
        let mut target = Target::of(&mut resource, &mut schema_url).with_span(&mut span);
        let error = statement.execute(&mut target).err();
        let after = render(&Value::Map(span.attributes.into()));
        match error {
            Some(error) => format!("{after} error: {error}"),
            None if span.name == "GET /cart" => after,
            None => format!("{after} name {:?}", span.name),
        }
    };
    assert_table("editors.txt", evaluate);
}

#[test]
fn every_function_has_a_line_in_a_table() {
    let tables: String = ["values.txt", "conditions.txt", "editors.txt"]
        .iter()
        .map(|name| fs::read_to_string(format!("tests/data/{name}")).unwrap())
        .collect();
    // What is different each time has a test of its own below.
    let random = ["Now", "UUID", "UUIDv7"];
    let missing: Vec<&str> = Functions::standard()
        .names()
        .filter(|name| !tables.contains(&format!("{name}(")) && !random.contains(name))
        .collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn what_differs_each_time_is_of_its_form() {
    let functions = Functions::standard();
    for (text, expected) in [
        (r#"IsMatch(UUID(), "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-")"#, true),
        (r#"IsMatch(UUIDv7(), "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-")"#, true),
        ("UUID() == UUID()", false),
        (r#"Now() > Time("2024-01-01", "%Y-%m-%d")"#, true),
        (r#"Now() - start_time > Duration("1h")"#, true),
    ] {
        let condition = Condition::compile(text, Context::Span, &functions).unwrap();
        let resource_spans = ResourceSpans::default();
        let span = span();
        let view = View::of(&resource_spans).with_span(&span);
        assert_eq!(condition.holds(&view), Ok(expected), "{text}");
    }
}
