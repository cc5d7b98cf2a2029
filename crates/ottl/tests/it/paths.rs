//! Every path, read and written.

use std::collections::BTreeMap;

use spandrel_ottl::{Client, Context, Functions, Statement, Target, ValueExpression};
use spandrel_proto::otlp::common::{AnyValue, InstrumentationScope, KeyValue, any_value};
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::span::{Event, Link};
use spandrel_proto::otlp::trace::{Span, Status};

use crate::render::{assert_table, render};

fn attributes(key: &str) -> Vec<KeyValue> {
    let value = Some(any_value::Value::StringValue("v".to_owned()));
    vec![KeyValue { key: key.to_owned(), value: Some(AnyValue { value }) }]
}

fn span() -> Span {
    let event = Event {
        time_unix_nano: 1_676_419_201_000_000_000,
        name: "event".to_owned(),
        attributes: attributes("e"),
        dropped_attributes_count: 6,
    };
    Span {
        trace_id: (0..16).collect::<Vec<u8>>().into(),
        span_id: (1..9).collect::<Vec<u8>>().into(),
        trace_state: "a=1,b=2".to_owned(),
        parent_span_id: (2..10).collect::<Vec<u8>>().into(),
        flags: 257,
        name: "span".to_owned(),
        kind: 3,
        start_time_unix_nano: 1_676_419_200_000_000_000,
        end_time_unix_nano: 1_676_419_202_000_000_000,
        attributes: attributes("s"),
        dropped_attributes_count: 3,
        events: vec![Event::default(), event],
        dropped_events_count: 4,
        links: vec![Link::default()],
        dropped_links_count: 5,
        status: Some(Status { message: "bad".to_owned(), code: 2 }),
    }
}

/// `context path` reads; `context path = value` writes and reads.
fn run(text: &str) -> String {
    let functions = Functions::standard();
    let (context, rest) = text.split_once(' ').unwrap();
    let context = Context::from_name(context).unwrap();
    let (path, value) = match rest.split_once(" = ") {
        Some((path, value)) => (path, Some(value)),
        None => (rest, None),
    };
    let mut resource = Some(Resource {
        attributes: attributes("r"),
        dropped_attributes_count: 1,
        ..Resource::default()
    });
    let mut scope = Some(InstrumentationScope {
        name: "lib".to_owned(),
        version: "1.0".to_owned(),
        attributes: attributes("i"),
        dropped_attributes_count: 2,
    });
    let (mut resource_url, mut scope_url) = ("https://r/1".to_owned(), "https://s/1".to_owned());
    let mut span = span();
    let metadata =
        BTreeMap::from([("x-tenant".to_owned(), vec!["acme".to_owned(), "b".to_owned()])]);
    let auth = BTreeMap::from([("subject".to_owned(), "me".to_owned())]);
    let address = Some("10.0.0.1:4317".parse().unwrap());
    let client = Client { address, metadata: Some(&metadata), auth: Some(&auth) };
    let mut target = Target::of(&mut resource, &mut resource_url)
        .with_scope(&mut scope, &mut scope_url)
        .with_span(&mut span)
        .with_event(1)
        .with_client(client);
    if let Some(value) = value {
        let statement =
            match Statement::compile(&format!("set({path}, {value})"), context, &functions) {
                Ok(statement) => statement,
                Err(error) => return format!("refused: {error}"),
            };
        if let Err(error) = statement.execute(&mut target) {
            return format!("error: {error}");
        }
    }
    match ValueExpression::compile(path, context, &functions) {
        Ok(expression) => match expression.evaluate(&target.view()) {
            Ok(value) => render(&value),
            Err(error) => format!("error: {error}"),
        },
        Err(error) => format!("refused: {error}"),
    }
}

#[test]
fn paths_read_and_write_their_fields() {
    assert_table("paths.txt", run);
}

/// Nothing is there: paths give nil or what is empty, and writing makes what is missing.
#[test]
fn what_is_absent_is_empty() {
    let functions = Functions::standard();
    let (mut resource, mut schema_url) = (None, String::new());
    let mut target = Target::of(&mut resource, &mut schema_url);
    for (path, context, expected) in [
        ("resource.attributes", Context::Resource, "{}"),
        ("resource.attributes[\"a\"]", Context::Resource, "nil"),
        ("scope.name", Context::Scope, "\"\""),
        ("span.name", Context::Span, "nil"),
        ("spanevent.name", Context::SpanEvent, "nil"),
        ("otelcol.client.addr", Context::Resource, "nil"),
        ("otelcol.client.metadata[\"x\"][0]", Context::Resource, "nil"),
    ] {
        let value = ValueExpression::compile(path, context, &functions).unwrap();
        assert_eq!(render(&value.evaluate(&target.view()).unwrap()), expected, "{path}");
    }
    let set = |text, context| Statement::compile(text, context, &functions).unwrap();
    set(r#"set(attributes["a"], 1)"#, Context::Resource).execute(&mut target).unwrap();
    let error = set(r#"set(span.name, "x")"#, Context::Span).execute(&mut target).unwrap_err();
    assert_eq!(error.to_string(), "there is no span here");
    assert_eq!(resource.unwrap().attributes.len(), 1);
}
