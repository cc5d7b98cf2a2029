//! Runs of unusual size or shape.

use spandrel_columns::SpanColumns;
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span};

use crate::blocks::{Block, assert_round_trip};
use crate::requests::{pair, run_of_spans, shop_run, span, text};

#[test]
fn an_empty_run_is_a_block_without_rows() {
    let block = assert_round_trip(&SpanColumns::default(), 100);
    assert_eq!((block.file.n_rows(), block.file.n_row_groups()), (0, 0));
    assert_eq!(block.file.index().facts().unwrap().n_traces, 0);
    assert!(block.file.index().traces().unwrap().is_empty());
}

#[test]
fn a_single_span() {
    let block = assert_round_trip(&run_of_spans(vec![span(1, 1, 0)]), 100);
    assert_eq!((block.file.n_rows(), block.file.n_row_groups()), (1, 1));
}

#[test]
fn a_trace_larger_than_a_row_group_stays_whole() {
    let mut spans: Vec<Span> = (1..=1000).map(|id| span(1, id, id / 3)).collect();
    spans.extend((2..30).map(|trace| span(trace, 1, 0)));
    let block = assert_round_trip(&run_of_spans(spans), 10);
    let sizes = (0..block.file.n_row_groups()).map(|i| block.file.row_group_rows(i).len());
    assert_eq!(sizes.clone().filter(|size| *size > 10).collect::<Vec<_>>(), [1000]);
    assert_eq!(sizes.sum::<usize>(), 1028);
    for row in 0..block.file.n_rows() {
        let row_group = block.file.row_group_of(row);
        assert!(block.file.row_group_rows(row_group).contains(&row));
    }
}

#[test]
fn parents_that_are_missing_and_ids_that_repeat() {
    let mut spans = vec![span(1, 1, 0), span(1, 2, 99), span(1, 2, 1), span(1, 3, 3)];
    // A cycle, a child of an id that two spans share, and two whole copies.
    spans.extend([span(2, 1, 2), span(2, 2, 1), span(1, 4, 2), span(1, 4, 2), span(1, 4, 2)]);
    let block = assert_round_trip(&run_of_spans(spans), 100);
    assert!(block.file.has_column("parent_span_id"));
}

#[test]
fn every_span_starts_within_the_times_of_the_block() {
    let mut backwards = span(1, 1, 0);
    (backwards.start_time_unix_nano, backwards.end_time_unix_nano) = (2_000, 500);
    let mut forwards = span(1, 2, 1);
    (forwards.start_time_unix_nano, forwards.end_time_unix_nano) = (1_000, 1_500);
    let facts = |spans| {
        let block = assert_round_trip(&run_of_spans(spans), 100);
        let facts = block.file.index().facts().unwrap();
        (facts.min_start_unix_nanos, facts.max_end_unix_nanos)
    };
    assert_eq!(facts(vec![forwards.clone(), backwards.clone()]), (1_000, 2_000));
    assert_eq!(facts(vec![backwards]), (2_000, 2_000));
    assert_eq!(facts(vec![forwards]), (1_000, 1_500));
}

#[test]
fn more_keys_than_columns() {
    let spans = (1..=80).map(|id| {
        let mut span = span(id, id, 0);
        span.attributes = (0..500)
            .map(|key| pair(format!("key {key}"), Value::IntValue(key + id as i64)))
            .collect();
        span
    });
    let block = assert_round_trip(&run_of_spans(spans.collect()), 30);
    assert_eq!(block.file.attribute_columns().count(), 400);
    assert!(block.file.has_column("span_attributes"));
}

#[test]
fn keys_that_cannot_name_a_column() {
    let keys = ["", "a:int", "a:double", "a:bool", "tab\tkey", &"long ".repeat(60)];
    let spans = (1..=100).map(|id| {
        let mut span = span(id, id, 0);
        span.attributes = keys.iter().map(|key| text(*key, format!("value {}", id % 3))).collect();
        span.attributes.push(pair("a", Value::IntValue(7)));
        span
    });
    let block = assert_round_trip(&run_of_spans(spans.collect()), 1000);
    let columns: Vec<_> = block.file.attribute_columns().map(|column| column.0).collect();
    assert_eq!(columns, ["span.a:int"]);
}

#[test]
fn a_key_may_have_values_of_every_type() {
    let spans = (1..=400).map(|id| {
        let value = match id % 5 {
            0 => Value::IntValue(id as i64),
            1 => Value::DoubleValue(id as f64 / 7.0),
            2 => Value::BoolValue(id % 2 == 0),
            3 => Value::StringValue(format!("{id}")),
            _ => Value::BytesValue(vec![id as u8; 3].into()),
        };
        let mut span = span(id, id, 0);
        span.attributes = vec![pair("k", value)];
        span
    });
    let block = assert_round_trip(&run_of_spans(spans.collect()), 150);
    let columns: Vec<_> = block.file.attribute_columns().map(|column| column.0).collect();
    assert_eq!(columns, ["span.k", "span.k:int", "span.k:double", "span.k:bool"]);
}

#[test]
fn texts_of_megabytes() {
    let spans = (1..=100).map(|id| {
        let mut span = span(id, id, 0);
        let length = if id == 50 { 5 << 20 } else { 16 * 1024 + 1 - (id % 3) as usize };
        span.attributes = vec![text("exception.stacktrace", "\u{e4}x".repeat(length / 3))];
        span
    });
    assert_round_trip(&run_of_spans(spans.collect()), 1000);
}

#[test]
fn small_and_oversized_values_under_one_key() {
    let spans = (1..=300).map(|id| {
        let bytes = Value::BytesValue(vec![id as u8; if id % 7 == 0 { 3000 } else { 3 }].into());
        let mut span = span(id, id, 0);
        span.attributes = vec![
            text("http.body", "x".repeat(if id % 3 == 0 { 2000 + id as usize % 5 } else { 5 })),
            pair("payload", bytes),
        ];
        span
    });
    let block = assert_round_trip(&run_of_spans(spans.collect()), 100);
    for name in ["span.http.body", "span_attributes", "span_oversized"] {
        assert!(block.file.has_column(name), "{name}");
    }
}

#[test]
fn resources_and_scopes_without_anything() {
    let resource_spans = (0..3)
        .map(|i| {
            let spans = vec![span(i + 1, 1, 0)];
            let schema_url = if i == 1 { "https://schema.test/1" } else { "" }.to_owned();
            let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
            ResourceSpans { scope_spans, schema_url, ..ResourceSpans::default() }
        })
        .collect();
    let run = crate::requests::run_of(&ExportTraceServiceRequest { resource_spans });
    assert_round_trip(&run, 100);
}

#[test]
fn a_key_of_one_row_group_is_null_in_the_others() {
    let spans = (1..=300).map(|id| {
        let mut span = span(id, id, 0);
        span.name = format!("{:03}", id / 100);
        let key = if id < 100 { "first" } else { "others" };
        span.attributes = vec![text(key, "value")];
        span
    });
    let block = assert_round_trip(&run_of_spans(spans.collect()), 50);
    let last = block.file.n_row_groups() - 1;
    let batch = block.read(last, ["span.first", "no.such.column"], None).unwrap().unwrap();
    assert_eq!(batch.num_columns(), 1);
    assert_eq!(batch.column(0).null_count(), batch.num_rows());
}

#[test]
fn writing_is_deterministic() {
    let run = shop_run(2_000);
    assert_eq!(Block::of(&run, 500).bytes, Block::of(&run, 500).bytes);
}
