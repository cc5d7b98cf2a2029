//! The cases of `../shared/suites/jaeger`. Without the files the tests say so and pass.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use serde_json::{Value, json};
use spandrel_insight::{
    AdjustOptions, Figures, Group, GroupBy, SpanTree, adjust, critical_path, statistics,
};
use spandrel_model::{Attribute, AttributeValue, Event, Resource, Span, SpanId, SpanKind};

use crate::shapes::{resource, span, text, trace};

const FOLDER: &str = "../../../shared/suites/jaeger";

/// A file of the suite.
fn load(name: &str) -> Option<Value> {
    let file = fs::read(format!("{FOLDER}/{name}")).ok();
    if file.is_none() {
        println!("skipped: ../shared/suites/jaeger/{name} is not there");
    }
    file.map(|file| serde_json::from_slice(&file).unwrap())
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Small numbers are the first byte of an id, 99 is the last.
fn skew_id(value: &Value) -> Option<SpanId> {
    let number = u8::try_from(value.as_u64()?).unwrap();
    let place = if number == 99 { 7 } else { 0 };
    let mut bytes = [0; 8];
    bytes[place] = number;
    Some(SpanId(bytes))
}

const MILLIS: u64 = 1_000_000;

fn skew_span(case: &Value) -> Span {
    let start = case["start"].as_u64().unwrap() * MILLIS;
    let mut one = span(0, 0, start, start + case["duration"].as_u64().unwrap() * MILLIS);
    one.span_id = skew_id(&case["id"]).unwrap();
    one.parent_span_id = skew_id(&case["parent"]);
    let host = case["host"].as_str().unwrap_or_default().to_owned();
    let ip = AttributeValue::Array(vec![AttributeValue::String(host)]);
    let attributes = vec![Attribute { key: "host.ip".to_owned(), value: ip }];
    one.resource = Resource { attributes, ..Resource::default() }.into();
    one.events = list(&case["events"]).iter().map(|time| event(time.as_u64().unwrap())).collect();
    one
}

fn event(millis: u64) -> Event {
    Event {
        time_unix_nanos: millis * MILLIS,
        name: String::new(),
        attributes: Vec::new(),
        dropped_attributes_count: 0,
    }
}

#[test]
fn clock_skew() {
    let Some(suite) = load("clock_skew_cases.json") else { return };
    let cases = list(&suite["cases"]);
    for case in cases {
        let name = &case["name"];
        let spans = list(&case["spans"]);
        let max = Duration::from_millis(case["maxAdjustMs"].as_u64().unwrap());
        let options = AdjustOptions { clock_skew_max: max };
        let adjusted = adjust(trace(spans.iter().map(skew_span).collect()), options);
        assert_eq!(adjusted.trace.spans.len(), spans.len(), "{name}");
        for (is, case) in adjusted.trace.spans.iter().zip(spans) {
            let start = case["expectStart"].as_u64().unwrap() * MILLIS;
            assert_eq!(is.start_unix_nanos, start, "{name}");
            let duration = case["duration"].as_u64().unwrap() * MILLIS;
            assert_eq!(is.end_unix_nanos, start + duration, "{name}");
            if let Some(times) = case["expectEvents"].as_array() {
                let moved = is.events.iter().map(|event| event.time_unix_nanos / MILLIS);
                let wanted = times.iter().map(|time| time.as_u64().unwrap());
                assert!(moved.eq(wanted), "{name}");
            }
        }
        if let Some(wanted) = case["expectFirstWarning"].as_str() {
            let warnings: Vec<&String> = adjusted.warnings.iter().flatten().collect();
            assert_eq!(warnings.first().map(|text| text.as_str()), Some(wanted), "{name}");
        }
        for (warnings, case) in adjusted.warnings.iter().zip(spans) {
            if case["expectStart"] != case["start"] {
                assert_eq!(warnings.len(), 1, "{name}: {warnings:?}");
            }
        }
    }
    println!("{} cases of clock skew", cases.len());
}

fn path_spans(case: &Value) -> (Vec<Span>, Vec<String>) {
    let cases = list(&case["spans"]);
    let names: Vec<String> =
        cases.iter().map(|span| span["spanID"].as_str().unwrap().to_owned()).collect();
    let number =
        |name: &str| names.iter().position(|one| one == name).map_or(999, |n| n as u64 + 1);
    let spans = cases.iter().zip(1..).map(|(case, own)| {
        let parent = case["parent"].as_str().filter(|_| case["refType"] == "CHILD_OF");
        let start = case["startTime"].as_u64().unwrap();
        let end = start + case["duration"].as_u64().unwrap();
        let mut one = span(own, parent.map_or(0, number), start, end);
        let kind = case["kind"].as_str().unwrap_or_default();
        let named = |one: &SpanKind| one.as_str() == kind;
        one.kind = SpanKind::ALL.into_iter().find(named).unwrap_or_default();
        one
    });
    (spans.collect(), names)
}

#[test]
fn critical_paths() {
    let Some(suite) = load("critical_path_cases.json") else { return };
    let (cases, faults) = (list(&suite["cases"]), list(&suite["quirks"]));
    for (case, wanted) in cases
        .iter()
        .map(|case| (case, &case["expected"]))
        .chain(faults.iter().map(|case| (case, &case["better"])))
    {
        let (spans, names) = path_spans(case);
        let sections = critical_path(&spans, &SpanTree::new(&spans));
        let sections: Vec<Value> = sections
            .iter()
            .map(|section| {
                json!({
                    "spanID": names[section.span],
                    "start": section.start_unix_nanos,
                    "end": section.end_unix_nanos,
                })
            })
            .collect();
        assert_eq!(&Value::Array(sections), wanted, "{}", case["name"]);
    }
    println!("{} cases of critical paths, {} better than Jaeger", cases.len(), faults.len());
}

/// A trace in Jaeger's JSON, as far as statistics need it.
fn jaeger_trace(json: &Value) -> Vec<Span> {
    let processes = json["processes"].as_object().unwrap();
    let resources: HashMap<&String, _> = processes
        .iter()
        .map(|(key, process)| {
            (key, resource(&[("service.name", process["serviceName"].as_str().unwrap())]))
        })
        .collect();
    let spans = list(&json["spans"]).iter().map(|json| {
        let start = json["startTime"].as_u64().unwrap() * 1_000;
        let mut one = span(0, 0, start, start + json["duration"].as_u64().unwrap() * 1_000);
        one.span_id = hex(&json["spanID"]);
        let parent = list(&json["references"]).iter().find(|one| one["refType"] == "CHILD_OF");
        one.parent_span_id = parent.map(|parent| hex(&parent["spanID"]));
        one.name = json["operationName"].as_str().unwrap().to_owned();
        one.resource = resources[&json["processID"].as_str().unwrap().to_owned()].clone();
        let tag = |tag: &Value| match &tag["value"] {
            Value::String(value) => text(tag["key"].as_str().unwrap(), value),
            value => text(tag["key"].as_str().unwrap(), &value.to_string()),
        };
        one.attributes = list(&json["tags"]).iter().map(tag).collect();
        one
    });
    spans.collect()
}

fn hex(id: &Value) -> SpanId {
    SpanId::from_hex(id.as_str().unwrap()).unwrap()
}

fn group_by(name: &Value) -> Option<GroupBy> {
    Some(match name.as_str()? {
        "Service Name" => GroupBy::Service,
        "Operation Name" | "Span Name" => GroupBy::Operation,
        key => GroupBy::Attribute(key.to_owned()),
    })
}

/// Rounded as the table shows it: milliseconds with two digits.
fn shown(figures: &Figures) -> HashMap<&'static str, f64> {
    let count = figures.count as f64;
    let millis = |nanos: f64| (nanos / 10_000.0).round() / 100.0;
    HashMap::from([
        ("count", count),
        ("total", millis(figures.total_nanos as f64)),
        ("avg", millis(figures.total_nanos as f64 / count)),
        ("min", millis(figures.min_nanos as f64)),
        ("max", millis(figures.max_nanos as f64)),
        ("selfTotal", millis(figures.self_total_nanos as f64)),
        ("selfAvg", millis(figures.self_total_nanos as f64 / count)),
        ("selfMin", millis(figures.self_min_nanos as f64)),
        ("selfMax", millis(figures.self_max_nanos as f64)),
        ("percent", (figures.self_percent * 100.0).round() / 100.0),
    ])
}

#[test]
fn tables_of_statistics() {
    let Some(suite) = load("trace_statistics_cases.json") else { return };
    let cases = list(&suite["cases"]);
    let mut n_checked = 0;
    for case in cases {
        let Some(json) = load(case["file"].as_str().unwrap()) else { continue };
        n_checked += 1;
        let spans = jaeger_trace(&json);
        let by = group_by(&case["groupBy"]).unwrap();
        let then_by = group_by(&case["subGroupBy"]);
        let groups = statistics(&spans, &SpanTree::new(&spans), &by, then_by.as_ref());
        // The rows of one case are numbered among the details alone.
        let only_details = then_by == group_by(&json!("app.test-group2"));
        let rows: Vec<&Group> = groups
            .iter()
            .flat_map(|group| [group].into_iter().filter(|_| !only_details).chain(&group.details))
            .collect();
        for wanted in list(&case["rows"]) {
            let index = usize::try_from(wanted["index"].as_u64().unwrap()).unwrap();
            let shown = shown(&rows[index].figures);
            for (name, value) in wanted.as_object().unwrap().iter().filter(|(k, _)| *k != "index") {
                let context = format!("{} row {index} {name}", case["test"]);
                assert_eq!(shown[name.as_str()], value.as_f64().unwrap(), "{context}");
            }
        }
    }
    println!("{n_checked} of {} tables; the others' traces are not there", cases.len());
}

/// The first table of the suite over a trace of the same times, so that it is checked without files too.
#[test]
fn a_table_by_service_and_operation() {
    let customers = resource(&[("service.name", "customers")]);
    let mut spans = vec![
        span(1, 4, 2_840_000, 2_892_000),
        span(4, 3, 1_200_000, 2_939_000),
        span(2, 4, 2_059_000, 2_080_000),
        span(3, 5, 820_000, 3_319_000),
        span(5, 0, 0, 4_902_000),
    ];
    for place in [0, 1, 2] {
        spans[place].resource = customers.clone();
        "query".clone_into(&mut spans[place].name);
    }
    "GET".clone_into(&mut spans[1].name);
    let tree = SpanTree::new(&spans);
    let groups = statistics(&spans, &tree, &GroupBy::Service, Some(&GroupBy::Operation));
    let row = |group: &Group| {
        let shown = shown(&group.figures);
        (group.name.clone().unwrap(), shown["count"], shown["selfTotal"], shown["percent"])
    };
    let rows: Vec<_> = groups.iter().map(row).collect();
    assert_eq!(
        rows,
        [("shop".to_owned(), 2.0, 3.16, 64.52), ("customers".to_owned(), 3.0, 1.74, 35.48)]
    );
    let details: Vec<_> = groups[1].details.iter().map(row).collect();
    assert_eq!(
        details,
        [("GET".to_owned(), 1.0, 1.67, 33.99), ("query".to_owned(), 2.0, 0.07, 1.49)]
    );
}
