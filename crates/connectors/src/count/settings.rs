//! The settings of `count`.

use spandrel_config::{Section, ValueKind};
use spandrel_ottl::{Conditions, Context, ErrorMode, Functions, Kind, parse_syntax};
use spandrel_proto::otlp::common::AnyValue;
use spandrel_proto::otlp::common::any_value::Value;

/// All settings; what is about other signals is read and not kept.
#[derive(Debug, Clone)]
pub struct CountSettings {
    /// Counters of spans.
    pub spans: Vec<CountMetric>,
    /// Counters of span events.
    pub spanevents: Vec<CountMetric>,
}

/// One counter.
#[derive(Debug, Clone)]
pub struct CountMetric {
    /// Its name.
    pub name: String,
    /// What it says about itself.
    pub description: String,
    /// One of these must hold for what is counted; there may be none.
    pub conditions: Conditions,
    /// Attributes by which it counts. What lacks one that has no default is not counted.
    pub attributes: Vec<CountAttribute>,
}

/// An attribute by which a counter counts.
#[derive(Debug, Clone, PartialEq)]
pub struct CountAttribute {
    /// Its key, and the name of the label.
    pub key: String,
    /// The value of what does not have it.
    pub default_value: Option<AnyValue>,
}

impl CountSettings {
    /// Reads and checks the settings.
    pub fn read(section: &mut Section<'_>) -> Self {
        let mut list = |key, context, name: &str, description: &str| {
            if section.has(key) {
                section
                    .named_sections(key, |name, section| read_metric(name, section, context))
                    .into_iter()
                    .map(|(_, metric)| metric)
                    .collect()
            } else {
                vec![CountMetric {
                    name: name.to_owned(),
                    description: description.to_owned(),
                    conditions: no_conditions(context),
                    attributes: Vec::new(),
                }]
            }
        };
        let spans =
            list("spans", Context::Span, "trace.span.count", "The number of spans observed.");
        let spanevents = list(
            "spanevents",
            Context::SpanEvent,
            "trace.span.event.count",
            "The number of span events observed.",
        );
        for key in ["metrics", "datapoints", "logs", "profiles"] {
            if section.has(key) {
                section.warn(Some(key), "only spans and span events are counted");
                section.named_sections(key, |_, section| read_other_signal(section));
            }
        }
        Self { spans, spanevents }
    }
}

fn no_conditions(context: Context) -> Conditions {
    let none: [&str; 0] = [];
    Conditions::compile(&none, context, &Functions::standard(), ErrorMode::Ignore)
        .expect("no text has no mistake")
}

fn read_metric(name: &str, section: &mut Section<'_>, context: Context) -> CountMetric {
    if name.is_empty() {
        section.problem(None, "metric name missing");
    }
    let conditions: Vec<String> = section.or("conditions", Vec::new());
    let compiled =
        Conditions::compile(&conditions, context, &Functions::standard(), ErrorMode::Ignore);
    let conditions = compiled.unwrap_or_else(|error| {
        section.problem(Some("conditions"), error.to_string());
        no_conditions(context)
    });
    CountMetric {
        name: name.to_owned(),
        description: section.or("description", String::new()),
        conditions,
        attributes: section.sections("attributes", read_attribute).into_iter().flatten().collect(),
    }
}

fn read_attribute(section: &mut Section<'_>) -> Option<CountAttribute> {
    let key: Option<String> = section.required("key");
    let default_value = section.value("default_value").and_then(|value| {
        let default = match value.kind {
            // A value that is there and says nothing is none, as in the Collector.
            ValueKind::Null => return None,
            ValueKind::String(text) if text.is_empty() => return None,
            ValueKind::String(text) => Value::StringValue(text),
            ValueKind::Bool(truth) => Value::BoolValue(truth),
            ValueKind::Int(number) => Value::IntValue(number),
            ValueKind::Float(number) => Value::DoubleValue(number),
            ValueKind::List(_) | ValueKind::Map(_) => {
                section.problem(Some("default_value"), "must be text, a number, true or false");
                return None;
            }
        };
        Some(AnyValue { value: Some(default) })
    });
    let key = key.filter(|key| !key.is_empty())?;
    Some(CountAttribute { key, default_value })
}

/// Checks what can be checked of a counter that nothing will feed.
fn read_other_signal(section: &mut Section<'_>) {
    section.get::<String>("description");
    let conditions: Vec<String> = section.or("conditions", Vec::new());
    for condition in &conditions {
        if let Err(error) = parse_syntax(Kind::Condition, condition, &Functions::standard()) {
            section.problem(Some("conditions"), error.to_string());
        }
    }
    section.sections("attributes", read_attribute);
}
