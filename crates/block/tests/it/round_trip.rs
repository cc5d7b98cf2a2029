//! Runs of random requests come back from a block span for span.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use spandrel_block::WriteOptions;
use spandrel_columns::SpanColumns;
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList,
};
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::span::{Event, Link};
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span, Status};

use crate::blocks::{assert_round_trip, assert_round_trip_with};
use crate::requests::{run_of, shop_run};

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        rng_seed: RngSeed::Fixed(59),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn random_requests(
        request in request(),
        row_group_rows_max in 1_u32..40,
        oversized_bytes in prop_oneof![Just(1024_usize), 0..12_usize],
    ) {
        let run = run_of(&request);
        assert_round_trip_with(&run, &WriteOptions { row_group_rows_max, oversized_bytes });
    }
}

#[test]
fn the_demo_shop_in_one_row_group() {
    let block = assert_round_trip(&shop_run(20_000), u32::MAX);
    assert_eq!(block.file.n_row_groups(), 1);
    assert!(block.file.has_column("span.http.route"));
    assert!(block.file.has_column("span.http.response.status_code:int"));
    assert!(block.file.has_column("resource.service.name"));
}

#[test]
fn the_demo_shop_in_many_row_groups() {
    let block = assert_round_trip(&shop_run(5_000), 300);
    assert!(block.file.n_row_groups() > 15);
}

#[test]
fn runs_that_were_merged() {
    let mut merged = SpanColumns::default();
    for start in [0, 3] {
        let mut run = shop_run(1_000);
        run.truncate(900 - start);
        merged.append(&run);
    }
    assert_round_trip(&merged, 500);
}

fn request() -> impl Strategy<Value = ExportTraceServiceRequest> {
    vec(resource_spans(), 0..4)
        .prop_map(|resource_spans| ExportTraceServiceRequest { resource_spans })
}

prop_compose! {
    fn resource_spans()(
        attributes in prop::option::of(attributes()),
        dropped_attributes_count in count(),
        scope_spans in vec(scope_spans(), 0..3),
        schema_url in short_text(),
    ) -> ResourceSpans {
        let resource = attributes.map(|attributes| Resource {
            attributes,
            dropped_attributes_count,
            ..Resource::default()
        });
        ResourceSpans { resource, scope_spans, schema_url }
    }
}

prop_compose! {
    fn scope_spans()(
        scope in prop::option::of((short_text(), short_text(), attributes(), count())),
        spans in vec(span(), 0..12),
        schema_url in short_text(),
    ) -> ScopeSpans {
        let scope = scope.map(|(name, version, attributes, dropped_attributes_count)| {
            InstrumentationScope { name, version, attributes, dropped_attributes_count }
        });
        ScopeSpans { scope, spans, schema_url }
    }
}

prop_compose! {
    // Few ids, so that traces have shape, parents go missing and ids repeat.
    fn span()(
        (trace, id, parent) in (1_u8..6, 1_u8..20, 0_u8..22),
        (start, duration) in times(),
        (kind, code) in (0..7, 0..4),
        (name, trace_state, message) in (short_text(), short_text(), short_text()),
        attributes in attributes(),
        events in vec(event(), 0..3),
        links in vec(link(), 0..3),
        (flags, counts) in (count(), [count(), count(), count()]),
        status in any::<bool>(),
    ) -> Span {
        Span {
            trace_id: vec![trace; 16].into(),
            span_id: vec![id; 8].into(),
            parent_span_id: if parent == 0 { vec![] } else { vec![parent; 8] }.into(),
            trace_state,
            flags,
            name,
            kind,
            start_time_unix_nano: start,
            end_time_unix_nano: start.saturating_add_signed(duration),
            attributes,
            dropped_attributes_count: counts[0],
            events,
            dropped_events_count: counts[1],
            links,
            dropped_links_count: counts[2],
            status: status.then_some(Status { message, code }),
        }
    }
}

fn times() -> impl Strategy<Value = (u64, i64)> {
    prop_oneof![
        8 => (0_u64..1000, -10_i64..1000),
        1 => (0..=i64::MAX.cast_unsigned(), any::<i64>()),
    ]
}

prop_compose! {
    fn event()(
        time_unix_nano in prop_oneof![0_u64..1000, any::<u64>()],
        name in short_text(),
        attributes in attributes(),
        dropped_attributes_count in count(),
    ) -> Event {
        Event { time_unix_nano, name, attributes, dropped_attributes_count }
    }
}

prop_compose! {
    fn link()(
        (trace, id) in (1_u8..6, 1_u8..20),
        trace_state in short_text(),
        flags in count(),
        attributes in attributes(),
        dropped_attributes_count in count(),
    ) -> Link {
        Link {
            trace_id: vec![trace; 16].into(),
            span_id: vec![id; 8].into(),
            trace_state,
            attributes,
            dropped_attributes_count,
            flags,
        }
    }
}

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    let pair =
        (key(), prop::option::of(any_value())).prop_map(|(key, value)| KeyValue { key, value });
    vec(pair, 0..6)
}

fn key() -> impl Strategy<Value = String> {
    const ODD: [&str; 10] =
        ["", "a", "b", "a:int", "a:string", "a.b", "a\nb", "a\0", "\u{1f50d}", "service.name"];
    prop_oneof![
        8 => prop::sample::select(&ODD[..]).prop_map(str::to_owned),
        1 => any::<String>(),
        1 => (190_usize..230).prop_map(|length| "k".repeat(length)),
    ]
}

fn any_value() -> impl Strategy<Value = AnyValue> {
    let leaf = prop_oneof![
        4 => short_text().prop_map(Value::StringValue),
        1 => (0_usize..40_000).prop_map(|length| Value::StringValue("x".repeat(length))),
        2 => any::<i64>().prop_map(Value::IntValue),
        2 => any::<bool>().prop_map(Value::BoolValue),
        2 => prop::sample::select(&[0.0, -0.0, 0.1, f64::NAN, f64::NEG_INFINITY][..])
            .prop_map(Value::DoubleValue),
        1 => vec(any::<u8>(), 0..8).prop_map(|bytes| Value::BytesValue(bytes.into())),
    ];
    let value = |value: Option<Value>| AnyValue { value };
    let leaf = prop::option::weighted(0.95, leaf).prop_map(value);
    leaf.prop_recursive(3, 12, 4, move |inner| {
        let pair =
            (key(), inner.clone()).prop_map(|(key, value)| KeyValue { key, value: Some(value) });
        prop_oneof![
            vec(inner, 0..4).prop_map(|values| Value::ArrayValue(ArrayValue { values })),
            vec(pair, 0..4).prop_map(|values| Value::KvlistValue(KeyValueList { values })),
        ]
        .prop_map(move |nested| value(Some(nested)))
    })
}

fn short_text() -> impl Strategy<Value = String> {
    const KNOWN: [&str; 5] = ["", "GET", "\u{e4}\u{f6}\u{fc}", "a\0b", "shop"];
    prop_oneof![
        4 => prop::sample::select(&KNOWN[..]).prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

fn count() -> impl Strategy<Value = u32> {
    prop_oneof![4 => Just(0_u32), 1 => 1_u32..4, 1 => any::<u32>()]
}
