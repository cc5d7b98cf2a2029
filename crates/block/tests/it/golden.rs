//! The golden blocks, one of each format version: every later program reads them.

use std::path::Path;

use bytes::Bytes;
use spandrel_block::schema::{EVENTS, FORMAT_VERSION, LINKS};
use spandrel_columns::SpanColumns;
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{InstrumentationScope, KeyValue};
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::span::{Event, Link};
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span, Status};

use crate::blocks::{Block, assert_few_rows, assert_same, expected};
use crate::requests::{pair, run_of, run_of_spans, span, text};

/// Set to write the golden file anew. Only for a format that no release has written yet.
const WRITE_VARIABLE: &str = "SPANDREL_WRITE_GOLDEN";
const ROW_GROUP_ROWS_MAX: u32 = 60;

#[expect(clippy::disallowed_methods, reason = "a file for the repository, not data to keep")]
fn golden(version: u16) -> Bytes {
    let path = format!("testdata/v{version}/block.parquet");
    let path = Path::new(&path);
    if version == FORMAT_VERSION && std::env::var_os(WRITE_VARIABLE).is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, Block::of(&sample(), ROW_GROUP_ROWS_MAX).bytes).unwrap();
    }
    std::fs::read(path).unwrap().into()
}

#[test]
fn the_golden_block_of_every_version_is_readable() {
    for version in 1..=FORMAT_VERSION {
        let block = Block::open(golden(version)).unwrap();
        assert_same(&block.spans().unwrap(), &expected(&sample()));
        assert_few_rows(&block);
    }
}

/// Of every version, because the sample has something in every column.
#[test]
fn the_golden_blocks_have_the_columns_that_are_written_today() {
    let today = Block::of(&sample(), ROW_GROUP_ROWS_MAX);
    for version in 1..=FORMAT_VERSION {
        let golden = Block::open(golden(version)).unwrap();
        assert_eq!(golden.file.n_row_groups(), today.file.n_row_groups());
        for row_group in 0..golden.file.n_row_groups() {
            let golden = golden.read_all(row_group, None).unwrap().unwrap();
            assert_eq!(golden, today.read_all(row_group, None).unwrap().unwrap());
        }
    }
}

/// Engines put the files of a table together, and a list of structs has one type.
#[test]
fn lists_have_the_same_type_in_every_block() {
    let types = |run: &SpanColumns| {
        let block = Block::of(run, ROW_GROUP_ROWS_MAX);
        let batch = block.read_all(0, None).unwrap().unwrap();
        let schema = batch.schema();
        [EVENTS, LINKS].map(|name| schema.field_with_name(name).unwrap().clone())
    };
    let with_everything = types(&sample());
    let bare = run_of_spans(vec![span(1, 1, 0)]);
    assert_eq!(types(&bare), with_everything);
    let mut poor = span(1, 1, 0);
    poor.events.push(Event { name: "e".into(), ..Event::default() });
    assert_eq!(types(&run_of_spans(vec![poor])), with_everything);
}

/// Something in every column.
fn sample() -> SpanColumns {
    let scope = InstrumentationScope {
        name: "library".into(),
        version: "1.2.3".into(),
        attributes: vec![text("library.language", "rust"), large("library.options")],
        dropped_attributes_count: 1,
    };
    let scope_spans = ScopeSpans {
        scope: Some(scope),
        spans: (0..100).map(sample_span).collect(),
        schema_url: "https://schema.test/scope".into(),
    };
    let bare = ScopeSpans { spans: vec![span(500, 1, 0)], ..ScopeSpans::default() };
    let resource = Resource {
        attributes: vec![
            text("service.name", "shop"),
            pair("process.pid", Value::IntValue(42)),
            large("process.environment"),
        ],
        dropped_attributes_count: 2,
        ..Resource::default()
    };
    run_of(&ExportTraceServiceRequest {
        resource_spans: vec![
            ResourceSpans {
                resource: Some(resource),
                scope_spans: vec![scope_spans],
                schema_url: "https://schema.test/resource".into(),
            },
            ResourceSpans { scope_spans: vec![bare], ..ResourceSpans::default() },
        ],
    })
}

/// A text above the threshold for oversized values.
fn large(key: &str) -> KeyValue {
    text(key, format!("{key} ").repeat(100))
}

/// Ten traces of ten spans; the last span of each has lost its parent.
fn sample_span(i: u64) -> Span {
    let (trace, id) = (i / 10 + 1, i % 10 + 1);
    let mut span = span(trace, id, if id == 10 { 77 } else { id / 2 });
    span.attributes = vec![
        text("http.route", if id.is_multiple_of(2) { "/cart" } else { "/product/{id}" }),
        pair("http.response.status_code", Value::IntValue(200 + id as i64)),
        pair("load", Value::DoubleValue(i as f64 / 8.0)),
        pair("cached", Value::BoolValue(id.is_multiple_of(3))),
    ];
    if i == 33 {
        span.attributes.push(pair("payload", Value::BytesValue(vec![0, 255].into())));
        span.attributes.push(text("rare", "r"));
        span.attributes.push(large("http.request.body"));
        span.attributes.push(pair("dump", Value::BytesValue(vec![7; 3_000].into())));
        span.trace_state = "vendor=1".into();
        span.flags = 0x101;
        (span.dropped_attributes_count, span.dropped_events_count) = (3, 4);
        span.dropped_links_count = 5;
    }
    if id == 9 {
        span.status = Some(Status { message: "declined".into(), code: 2 });
        span.events.push(Event {
            time_unix_nano: span.start_time_unix_nano + 5,
            name: "exception".into(),
            attributes: vec![text("exception.type", "Declined")],
            dropped_attributes_count: 6,
        });
        span.events.push(Event { name: "early".into(), ..Event::default() });
        span.links.push(Link {
            trace_id: vec![9; 16].into(),
            span_id: vec![8; 8].into(),
            trace_state: "other=2".into(),
            attributes: vec![text("why", "retry")],
            dropped_attributes_count: 7,
            flags: 1,
        });
    }
    span.kind = (id % 6) as i32;
    span
}
