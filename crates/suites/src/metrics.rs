//! `metrics.json`: series of metrics queries. Each case has a time of its own here, far from the others', so that
//! all can be in one store.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::otlp::{START_UNIX_NANOS, attribute, request, resource_spans, span, text, typed};

/// Between the times of two cases; a multiple of every step, and more than spans may lie apart that are looked at
/// together.
const NANOS_PER_CASE: u64 = 3_600_000_000_000;

/// What stands where the data has zero, Unix nanoseconds.
///
/// # Panics
/// When there are more cases than fit into 64 bits.
pub fn start_of_case(number: usize) -> u64 {
    START_UNIX_NANOS + u64::try_from(number).unwrap() * NANOS_PER_CASE
}

/// The spans of a case, one request for each of its lists; every span is a trace.
///
/// # Panics
/// When the case has another shape.
pub fn requests(case: &Value, number: usize) -> Vec<Value> {
    let mut trace_id = u128::try_from(number + 1).unwrap() << 64;
    let lists = case["spans"].as_array().unwrap().iter();
    let lists = lists.map(|list| {
        let spans = list.as_array().unwrap().iter().map(|json| {
            trace_id += 1;
            let start = start_of_case(number) + json["startTimeUnixNano"].as_u64().unwrap();
            let mut one = span(trace_id, 1, start);
            let end = start + json["durationNanos"].as_u64().unwrap();
            one["endTimeUnixNano"] = json!(end.to_string());
            let attributes = json["attributes"].as_object().unwrap().iter();
            let attributes = attributes
                .map(|(name, value)| attribute(name.strip_prefix("span.").unwrap(), &typed(value)));
            one["attributes"] = attributes.collect();
            one
        });
        let spans: Vec<Value> = spans.collect();
        request(&[resource_spans(&[text("service.name", "metrics")], &json!({}), &spans)])
    });
    lists.collect()
}

/// A number of the data, which writes in quotes what JSON has no number for.
///
/// # Panics
/// When it is none.
pub fn number(value: &Value) -> f64 {
    match value.as_str() {
        Some("NaN") => f64::NAN,
        Some("+Inf" | "Infinity") => f64::INFINITY,
        Some("-Inf" | "-Infinity") => f64::NEG_INFINITY,
        _ => value.as_f64().unwrap(),
    }
}

/// Equal but for rounding; what is no number equals itself.
pub fn is_same(got: f64, wanted: f64) -> bool {
    got == wanted || got.is_nan() && wanted.is_nan() || (got - wanted).abs() <= 1e-9 * wanted.abs()
}

/// Values by the labels of their series, as Tempo's JSON has them, and the end of the interval in milliseconds.
type Values = BTreeMap<(BTreeSet<String>, u64), f64>;

/// Whether the answer of Tempo's API has the series of a case.
///
/// # Errors
/// What it has instead.
///
/// # Panics
/// When the case or the answer has another shape.
pub fn judge(case: &Value, number_of_case: usize, answer: &Value) -> Result<(), String> {
    let after_millis = start_of_case(number_of_case) / 1_000_000;
    let got = answered(answer, case["instant"] == true, after_millis);
    let wanted = expected(case, number_of_case);
    let same = got.len() == wanted.len()
        && wanted.iter().all(|(key, value)| got.get(key).is_some_and(|got| is_same(*got, *value)));
    if same { Ok(()) } else { Err(format!("wanted {wanted:?}\n    got    {got:?}")) }
}

fn expected(case: &Value, number_of_case: usize) -> Values {
    let step = case["request"]["step"].as_u64().unwrap();
    let mut values = Values::new();
    for series in case["series"].as_array().unwrap() {
        let labels = series["labels"].as_object().unwrap().iter();
        let labels = labels.map(|(name, value)| match value["type"].as_str() {
            // An absent value has a word in answers. Durations do not occur.
            Some("nil") => text(name, "nil"),
            _ => attribute(name, &typed(value)),
        });
        let labels: BTreeSet<String> = labels.map(shown_label).collect();
        for (i, value) in (1..).zip(series["values"].as_array().unwrap()) {
            let end = (start_of_case(number_of_case) + i * step) / 1_000_000;
            let end = if case["instant"] == true { 0 } else { end };
            values.insert((labels.clone(), end), number(value));
        }
    }
    values.retain(|_, value| !value.is_nan());
    values
}

/// One text for equal labels: a whole float may be written without a point.
fn shown_label(mut label: Value) -> String {
    if let Some(float) = label["value"].get_mut("doubleValue") {
        *float = json!(number(float));
    }
    label.to_string()
}

/// A chart begins one interval early, before the time of the case. A zero may be left out.
fn answered(answer: &Value, is_instant: bool, after_millis: u64) -> Values {
    let value_of = |holder: &Value| holder.get("value").map_or(0.0, number);
    let list = |of: &Value, key: &str| of[key].as_array().cloned().unwrap_or_default();
    let mut values = Values::new();
    for series in list(answer, "series") {
        let labels: BTreeSet<String> =
            list(&series, "labels").into_iter().map(shown_label).collect();
        if is_instant {
            values.insert((labels.clone(), 0), value_of(&series));
        }
        for sample in list(&series, "samples") {
            let millis: u64 = sample["timestampMs"].as_str().unwrap().parse().unwrap();
            if millis > after_millis {
                values.insert((labels.clone(), millis), value_of(&sample));
            }
        }
    }
    values
}
