//! Evaluations per second of typical texts on one span.
//!
//! `cargo run --release -p spandrel-ottl --example evaluate`

use std::hint::black_box;
use std::io::Write;
use std::time::Duration;

use spandrel_ottl::{Condition, Context, Functions, Statement, Target, View};
use spandrel_proto::otlp::common::{AnyValue, KeyValue, any_value::Value};
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::{ResourceSpans, Span};

const CONDITIONS: [&str; 4] = [
    r#"attributes["http.route"] == "/cart" and kind == SPAN_KIND_SERVER"#,
    r#"IsMatch(name, "^GET /health.*")"#,
    r#"resource.attributes["service.name"] == "checkout" or status.code == STATUS_CODE_ERROR"#,
    r#"end_time - start_time > Duration("500ms")"#,
];

const STATEMENTS: [&str; 3] = [
    r#"set(attributes["peer.service"], "cart") where attributes["http.route"] == "/cart""#,
    r#"replace_pattern(attributes["url.full"], "/users/\\d+", "/users/{id}")"#,
    r#"keep_keys(attributes, ["http.route", "url.full", "peer.service"])"#,
];

fn text(key: &str, text: &str) -> KeyValue {
    let value = Some(Value::StringValue(text.to_owned()));
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value }) }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let functions = Functions::standard();
    let mut span = Span {
        name: "GET /cart".to_owned(),
        kind: 2,
        end_time_unix_nano: 1_000_000_000,
        attributes: (0..10).map(|index| text(&format!("attribute.{index}"), "value")).collect(),
        ..Span::default()
    };
    span.attributes.push(text("http.route", "/cart"));
    span.attributes.push(text("url.full", "https://shop.example/users/1234/cart"));
    let attributes = vec![text("host.name", "h"), text("service.name", "frontend")];
    let resource = Some(Resource { attributes, ..Resource::default() });
    let mut resource_spans = ResourceSpans { resource, ..ResourceSpans::default() };

    for condition in CONDITIONS {
        let condition = Condition::compile(condition, Context::Span, &functions)?;
        let view = View::of(&resource_spans).with_span(&span);
        report(condition.text(), || {
            let _ = black_box(condition.holds(&view));
        })?;
    }
    for statement in STATEMENTS {
        let statement = Statement::compile(statement, Context::Span, &functions)?;
        let ResourceSpans { resource, schema_url, .. } = &mut resource_spans;
        report(statement.text(), || {
            let mut target = Target::of(resource, schema_url).with_span(&mut span);
            let _ = black_box(statement.execute(&mut target));
        })?;
    }
    Ok(())
}

/// Runs for half a second.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn report(text: &str, mut run: impl FnMut()) -> std::io::Result<()> {
    let start = std::time::Instant::now();
    let mut count = 0_u32;
    while start.elapsed() < Duration::from_millis(500) {
        for _ in 0..1000 {
            run();
        }
        count += 1000;
    }
    let per_second = f64::from(count) / start.elapsed().as_secs_f64() / 1e6;
    writeln!(std::io::stdout(), "{per_second:8.2} million/s  {text}")
}
