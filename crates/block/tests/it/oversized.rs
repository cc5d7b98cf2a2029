//! Oversized attribute values: where they lie, what the index says of them, and what reading one costs.

use std::ops::Range;

use arrow_array::{Array, RecordBatch};
use spandrel_block::index::{Oversized, TokenValue, TypeSummary, Values, token};
use spandrel_block::read::{SPAN_COLUMNS_LEFT_OUT, Step, assemble_spans};
use spandrel_block::{WriteOptions, schema};
use spandrel_columns::SpanColumns;
use spandrel_model::{AttributeScope, AttributeValue};
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList,
};
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::span::{Event, Link};
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span};

use crate::blocks::{Block, assert_round_trip, assert_round_trip_with, assert_same, expected};
use crate::requests::{pair, run_of, run_of_spans, span, text};

/// Text that does not compress well, different for each seed.
fn noise(seed: u64, bytes: usize) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let letters = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'0' + (state % 64) as u8)
    });
    letters.take(bytes).collect()
}

fn strings(texts: &[String]) -> Value {
    let values = texts.iter().cloned().map(Value::StringValue);
    let values = values.map(|value| AnyValue { value: Some(value) }).collect();
    Value::ArrayValue(ArrayValue { values })
}

/// Ten small spans of one trace for each with a large attribute of `bytes`.
fn run_with_bodies(n_traces: u64, bytes: impl Fn(u64) -> usize) -> SpanColumns {
    let spans = (1..=n_traces).flat_map(|trace| {
        let bytes = bytes(trace);
        (1..=10).map(move |id| {
            let mut span = span(trace, id, if id == 1 { 0 } else { 1 });
            span.attributes = vec![text("http.route", format!("/{id}"))];
            if id == 5 {
                span.attributes.push(text("http.request.body", noise(trace, bytes)));
            }
            span
        })
    });
    run_of_spans(spans.collect())
}

fn summaries(block: &Block, scope: AttributeScope, key: &str) -> Vec<TypeSummary> {
    let directory = block.file.index().attributes().unwrap();
    directory.find(scope, key).unwrap().types.clone()
}

#[test]
fn values_of_every_kind_lie_apart_and_come_back() {
    let spans = (1..=200).map(|id| {
        let long = noise(id % 90, 2_000);
        let pairs = KeyValueList { values: vec![text("inner", long.as_str())] };
        let mut span = span(id, 1, 0);
        span.attributes = match id % 4 {
            0 => vec![text("k", long.as_str())],
            1 => vec![pair("k", Value::BytesValue(long.into_bytes().into()))],
            2 => vec![pair("k", strings(&[long]))],
            _ => vec![pair("k", Value::KvlistValue(pairs))],
        };
        span.attributes.extend([text("small", "x"), text("z", noise(id, 20_000))]);
        span
    });
    let large = |key| text(key, noise(7, 5_000));
    let scope = InstrumentationScope {
        attributes: vec![large("scope.dump"), text("scope.small", "y")],
        ..InstrumentationScope::default()
    };
    let scope_spans =
        ScopeSpans { scope: Some(scope), spans: spans.collect(), ..ScopeSpans::default() };
    let resource = Resource {
        attributes: vec![large("process.environment"), text("service.name", "shop")],
        ..Resource::default()
    };
    let resource_spans = vec![ResourceSpans {
        resource: Some(resource),
        scope_spans: vec![scope_spans],
        ..ResourceSpans::default()
    }];
    let block = assert_round_trip(&run_of(&ExportTraceServiceRequest { resource_spans }), 70);
    let columns: Vec<&str> = block.file.columns().collect();
    for name in [
        schema::SPAN_OVERSIZED,
        schema::SPAN_OVERSIZED_SIZES,
        schema::RESOURCE_OVERSIZED,
        schema::RESOURCE_OVERSIZED_SIZES,
        schema::SCOPE_OVERSIZED,
        schema::SCOPE_OVERSIZED_SIZES,
        "span.small",
        "resource.service.name",
    ] {
        assert!(columns.contains(&name), "{name} of {columns:?}");
    }
    for name in ["span.k", "span.z", schema::SPAN_RESIDUAL, "resource.process.environment"] {
        assert!(!columns.contains(&name), "{name} of {columns:?}");
    }
    let sizes = |scope, key| summaries(&block, scope, key)[0].oversized;
    let of_all = |size| {
        let (least_bytes, greatest_bytes) = (size, size);
        Some(Oversized { count: 200, bytes: 200 * size, least_bytes, greatest_bytes })
    };
    assert_eq!(sizes(AttributeScope::Span, "z"), of_all(20_000));
    assert_eq!(sizes(AttributeScope::Resource, "process.environment"), of_all(5_000));
    assert_eq!(sizes(AttributeScope::Instrumentation, "scope.dump"), of_all(5_000));
    assert_eq!(sizes(AttributeScope::Span, "small"), None);
}

#[test]
fn the_index_tells_of_small_and_large_texts_under_one_key() {
    let length = |trace| [10, 1_024, 1_025, 30_000][trace as usize % 4];
    let run = run_with_bodies(400, length);
    let block = assert_round_trip(&run, 1_000);
    assert!(block.file.has_column("span.http.request.body"));
    let types = summaries(&block, AttributeScope::Span, "http.request.body");
    let [summary] = &*types else { panic!("{types:?}") };
    assert!(matches!(summary.values, Values::Strings(_)));
    assert_eq!((summary.count, summary.distinct, summary.column), (400, 400, true));
    let wanted = Oversized {
        count: 200,
        bytes: 100 * 1_025 + 100 * 30_000,
        least_bytes: 1_025,
        greatest_bytes: 30_000,
    };
    assert_eq!(summary.oversized, Some(wanted));
    let directory = block.file.index().attributes().unwrap();
    let entry = directory.find(AttributeScope::Span, "http.request.body").unwrap();
    assert_eq!(entry.oversized(), Some(wanted));
    assert_eq!(directory.find(AttributeScope::Span, "http.route").unwrap().oversized(), None);
    // Every text has its token, however long it is.
    let filters = block.file.index().token_filters().unwrap();
    for trace in 1..=400 {
        let body = noise(trace, length(trace));
        let token = token(AttributeScope::Span, "http.request.body", TokenValue::Str(&body));
        assert!(filters.row_groups_with(token).next().is_some(), "{trace}");
    }
}

#[test]
fn a_threshold_of_its_own_is_kept_as_far_as_columns_go() {
    let run = run_with_bodies(100, |trace| trace as usize * 300);
    for (oversized_bytes, least) in [(0, 300), (2_999, 3_000), (3_000, 3_300), (usize::MAX, 16_500)]
    {
        let options = WriteOptions { oversized_bytes, ..WriteOptions::default() };
        let block = assert_round_trip_with(&run, &options);
        let [summary] = &*summaries(&block, AttributeScope::Span, "http.request.body") else {
            panic!("more than texts")
        };
        assert_eq!(summary.oversized.unwrap().least_bytes, least);
    }
}

#[test]
fn large_values_of_events_and_links_are_counted_and_stay() {
    let dump = || vec![text("exception.stacktrace", noise(3, 4_000))];
    let mut span = span(1, 1, 0);
    span.events = vec![Event { attributes: dump(), ..Event::default() }];
    span.links = vec![Link {
        trace_id: vec![1; 16].into(),
        span_id: vec![1; 8].into(),
        attributes: vec![pair("dump", strings(&[noise(4, 4_000)]))],
        ..Link::default()
    }];
    let block = assert_round_trip(&run_of_spans(vec![span]), 10);
    assert!(!block.file.has_column(schema::SPAN_OVERSIZED));
    let event = summaries(&block, AttributeScope::Event, "exception.stacktrace");
    assert_eq!(event[0].oversized, Oversized::of([4_000]));
    let link = summaries(&block, AttributeScope::Link, "dump");
    assert_eq!(link[0].oversized.unwrap().count, 1);
}

/// The batch of some rows, and how many bytes of each place were asked for.
fn read_counted(block: &Block, columns: &[&str], rows: Range<u32>) -> (RecordBatch, u64) {
    let columns = columns.iter().copied();
    let mut decoder = block.file.decoder(0, columns, Some(&[rows])).unwrap();
    let mut bytes = 0;
    loop {
        match decoder.step().unwrap() {
            Step::Done(batch) => return (batch.unwrap(), bytes),
            Step::Needs(ranges) => {
                bytes += ranges.iter().map(|range| range.end - range.start).sum::<u64>();
                let slice = |r: &Range<u64>| block.bytes.slice(r.start as usize..r.end as usize);
                let slices = ranges.iter().map(slice).collect();
                decoder.push(ranges, slices).unwrap();
            }
        }
    }
}

#[test]
fn opening_one_trace_reads_little_of_the_others() {
    let run = run_with_bodies(2_000, |_| 10_000);
    let block = Block::of(&run, u32::MAX);
    let columns = block.file.columns().filter(|name| !SPAN_COLUMNS_LEFT_OUT.contains(name));
    let columns: Vec<&str> = columns.collect();
    let all: u64 = block.file.column_bytes().iter().map(|column| column.1).sum();
    for trace in [0, 700, 1_999] {
        let rows = trace * 10..trace * 10 + 10;
        let (batch, bytes) = read_counted(&block, &columns, rows.clone());
        let spans = assemble_spans(&batch).unwrap();
        let expected = &expected(&run)[rows.start as usize..rows.end as usize];
        assert_same(&spans, expected);
        let (_, of_bodies) = read_counted(&block, &[schema::SPAN_OVERSIZED], rows);
        assert!(of_bodies <= 64 << 10, "{of_bodies} of {all}");
        assert!(bytes < all / 50, "{bytes} of {all}");
    }
}

#[test]
fn a_value_of_megabytes_is_read_alone_and_not_copied() {
    let large = 5 << 20;
    let run = run_with_bodies(500, |trace| if trace == 250 { large } else { 3_000 });
    let block = Block::of(&run, u32::MAX);
    let batch = block.read(0, [schema::SPAN_OVERSIZED_SIZES], None).unwrap().unwrap();
    assert_eq!(batch.column(0).len() - batch.column(0).null_count(), 500);
    let row = (0..5_000).find(|row| {
        let (batch, _) = read_counted(&block, &[schema::SPAN_OVERSIZED], *row..row + 1);
        batch.column(0).is_valid(0) && batch.column(0).get_array_memory_size() > large
    });
    let row = row.expect("the value is somewhere");
    let (batch, bytes) = read_counted(&block, &[schema::SPAN_OVERSIZED], row..row + 1);
    assert!(bytes < 5 << 20, "{bytes}");
    // What is in memory is its page.
    let memory = batch.column(0).get_array_memory_size();
    assert!(memory < large + (256 << 10), "{memory}");
    let (batch, bytes) = read_counted(&block, &[schema::SPAN_OVERSIZED], 44..45);
    assert!(bytes < 100 << 10 && batch.get_array_memory_size() < 200 << 10, "{bytes}");
}

#[test]
fn what_a_resource_has_once_is_stored_and_read_once() {
    let spans: Vec<Span> = (1..=20_000).map(|id| span(id, 1, 0)).collect();
    let large = 1 << 20;
    let resource_spans = spans.chunks(10_000).zip(0..).map(|(spans, number)| {
        let resource = Resource {
            attributes: vec![text("process.environment", noise(number, large))],
            ..Resource::default()
        };
        let scope_spans = vec![ScopeSpans { spans: spans.to_vec(), ..ScopeSpans::default() }];
        ResourceSpans { resource: Some(resource), scope_spans, ..ResourceSpans::default() }
    });
    let run = run_of(&ExportTraceServiceRequest { resource_spans: resource_spans.collect() });
    let block = Block::of(&run, u32::MAX);
    assert!(block.bytes.len() < 3 * large, "{}", block.bytes.len());
    let batch = block.read(0, [schema::RESOURCE_OVERSIZED], None).unwrap().unwrap();
    let memory = batch.get_array_memory_size();
    assert!(memory < 3 * large, "{memory}");
    let spans = block.spans().unwrap();
    let first = noise(0, large);
    let has_first = |resource: &spandrel_model::Resource| match &resource.attributes[..] {
        [attribute] => attribute.value == AttributeValue::String(first.clone()),
        others => panic!("{others:?}"),
    };
    let n_first = spans.chunk_by(|a, b| std::sync::Arc::ptr_eq(&a.resource, &b.resource));
    let n_first = n_first.filter(|spans| has_first(&spans[0].resource)).map(<[_]>::len);
    assert_eq!(n_first.sum::<usize>(), 10_000);
    assert!(std::sync::Arc::ptr_eq(&spans[0].resource, &spans[1].resource));
}

#[test]
fn values_that_come_again_and_again_share_a_dictionary() {
    let spans = (1..=5_000).map(|id| {
        let mut span = span(id, 1, 0);
        let body: KeyValue = text("db.query.text", noise(id * 7 % 40, 3_000));
        span.attributes = vec![body];
        span
    });
    let block = assert_round_trip(&run_of_spans(spans.collect()), u32::MAX);
    let bytes = block.file.column_bytes();
    let oversized = bytes.iter().find(|column| column.0 == schema::SPAN_OVERSIZED).unwrap();
    assert!(oversized.1 < 40 * 3_000 + 10_000, "{oversized:?}");
}
