//! Span metrics: names, labels, values, limits, and the time of a series.

use std::time::Duration;

use expect_test::expect;
use spandrel_proto::otlp::metrics::metric::Data;

use crate::fixtures::{SERVER, START, Test, failed, resource, span, with};

const BUCKETS: &str =
    "metrics_generator: {processor: {span_metrics: {histogram_buckets: [0.1, 1]}}}";

#[test]
fn spans_are_counted_under_tempos_names() {
    let test = Test::new(BUCKETS);
    let spans = vec![
        span("GET /", SERVER, (1, 0), 50),
        span("GET /", SERVER, (2, 0), 500),
        failed(span("GET /", SERVER, (3, 0), 2000)),
    ];
    test.observe(vec![resource("service.name=shop", spans)]);
    expect![[r#"
        traces_spanmetrics_calls_total{service="shop",span_kind="SPAN_KIND_SERVER",span_name="GET /",status_code="STATUS_CODE_ERROR"} 1.0
        traces_spanmetrics_calls_total{service="shop",span_kind="SPAN_KIND_SERVER",span_name="GET /",status_code="STATUS_CODE_UNSET"} 2.0
        traces_spanmetrics_latency_bucket{service="shop",span_kind="SPAN_KIND_SERVER",span_name="GET /",status_code="STATUS_CODE_ERROR",le="0.1"} 0
        traces_spanmetrics_latency_bucket{service="shop",span_kind="SPAN_KIND_SERVER",span_name="GET /",status_code="STATUS_CODE_ERROR",le="1.0"} 0
        traces_spanmetrics_latency_bucket{service="shop",span_kind="SPAN_KIND_SERVER",span_name="GET /",status_code="STATUS_CODE_ERROR",le="+Inf"} 1 # {traceID="01010101010101010101010101010101"} 2.0 1700000000.000
        traces_spanmetrics_latency_sum{service="shop",span_kind="SPAN_KIND_SERVER",span_name="GET /",status_code="STATUS_CODE_ERROR"} 2.0
        traces_spanmetrics_latency_count{service="shop",span_kind="SPAN_KIND_SERVER",span_name="GET /",status_code="STATUS_CODE_ERROR"} 1
        traces_spanmetrics_latency_bucket{service="shop",span_kind="SPAN_KIND_SERVER",span_name="GET /",status_code="STATUS_CODE_UNSET",le="0.1"} 1 # {traceID="01010101010101010101010101010101"} 0.05 1700000000.000
        traces_spanmetrics_latency_bucket{service="shop",span_kind="SPAN_KIND_SERVER",span_name="GET /",status_code="STATUS_CODE_UNSET",le="1.0"} 2 # {traceID="01010101010101010101010101010101"} 0.5 1700000000.000
        traces_spanmetrics_latency_bucket{service="shop",span_kind="SPAN_KIND_SERVER",span_name="GET /",status_code="STATUS_CODE_UNSET",le="+Inf"} 2
        traces_spanmetrics_latency_sum{service="shop",span_kind="SPAN_KIND_SERVER",span_name="GET /",status_code="STATUS_CODE_UNSET"} 0.55
        traces_spanmetrics_latency_count{service="shop",span_kind="SPAN_KIND_SERVER",span_name="GET /",status_code="STATUS_CODE_UNSET"} 2
    "#]]
    .assert_eq(&[test.lines("traces_spanmetrics_calls"), test.lines("traces_spanmetrics_latency")].concat());
    assert!(test.lines("traces_spanmetrics_size_total").contains("STATUS_CODE_UNSET"));
    assert_eq!(test.own("tempo_metrics_generator_spans_received_total"), 3);
}

#[test]
fn dimensions_targets_and_hosts_are_labels() {
    let test = Test::new(
        "metrics_generator:\n  processor:\n    span_metrics:\n      enable_target_info: true\n\
         \x20     dimensions: [http.method, service]\n\
         \x20     dimension_mappings: [{name: where, source_labels: [cluster, zone], join: /}]\n\
         \x20     intrinsic_dimensions: {span_kind: false, status_code: false}\n\
         overrides:\n  defaults:\n    metrics_generator: {processors: [span-metrics-count, host-info]}\n",
    );
    let call = with(span("a", SERVER, (1, 0), 1), "http.method=GET service=own");
    let attributes = "service.name=shop service.namespace=eu service.instance.id=i1 cluster=c1 \
        zone=z1 host.id=h1";
    test.observe(vec![resource(attributes, vec![call])]);
    expect![[r#"
        traces_host_info{grafana_host_id="h1",host_source="host.id"} 1.0
        traces_spanmetrics_calls_total{__service="own",http_method="GET",instance="i1",job="eu/shop",service="shop",span_name="a",where="c1/z1"} 1.0
        traces_target_info{cluster="c1",host_id="h1",instance="i1",job="eu/shop",zone="z1"} 1.0
    "#]]
    .assert_eq(&test.lines("traces_"));
}

#[test]
fn filters_slack_and_sampling_decide_what_counts() {
    let test = Test::new(
        "metrics_generator:\n  processor:\n    span_metrics:\n\
         \x20     enable_tracestate_span_multiplier: true\n\
         \x20     filter_policies:\n      - include: {match_type: regex, attributes: [{key: name, value: '^keep'}]}\n\
         \x20       exclude: {match_type: strict, attributes: [{key: resource.env, value: dev}]}\n\
         overrides: {defaults: {metrics_generator: {processors: [span-metrics-count]}}}\n",
    );
    let mut sampled = span("keep", SERVER, (1, 0), 1);
    sampled.trace_state = "ot=th:c".to_owned();
    let mut late = span("keep", SERVER, (2, 0), 1);
    late.end_time_unix_nano = START - 31_000_000_000;
    test.observe(vec![
        resource("service.name=a", vec![sampled, late, span("drop", SERVER, (3, 0), 1)]),
        resource("service.name=a env=dev", vec![span("keep", SERVER, (4, 0), 1)]),
    ]);
    let calls = test.lines("traces_spanmetrics_calls_total");
    assert!(calls.ends_with(" 4.0\n") && calls.lines().count() == 1, "{calls}");
    let discarded = |reason: &str| {
        test.own(&format!("tempo_metrics_generator_spans_discarded_total{{tenant=\"single-tenant\",reason=\"{reason}\""))
    };
    assert_eq!(discarded("outside_metrics_ingestion_slack"), 1);
    assert_eq!(discarded("span_metrics_filtered"), 2);
}

#[test]
fn what_exceeds_a_limit_is_counted_together() {
    let test = Test::new(
        "overrides: {defaults: {metrics_generator: {processors: [span-metrics-count], \
         max_active_series: 4, max_cardinality_per_label: 3}}}",
    );
    for name in ["a", "b", "c", "d", "e"] {
        test.observe(vec![resource("service.name=s", vec![span(name, SERVER, (1, 0), 1)])]);
    }
    let calls = test.lines("traces_spanmetrics_calls_total");
    assert!(calls.contains("{metric_overflow=\"true\"} 3.0\n"), "{calls}");
    assert_eq!(calls.lines().count(), 3, "{calls}");
    test.generator.collect(true);
    assert_eq!(test.own("tempo_metrics_generator_registry_series_limited_total"), 3);
    assert_eq!(test.own("tempo_metrics_generator_registry_label_values_limited_total"), 2);
}

/// Guarantees: a series begins with a zero and ends with a mark, so that rates are right after a restart too.
#[test]
fn series_begin_at_zero_and_end_with_a_mark() {
    let test = Test::new(
        "metrics_generator: {registry: {stale_duration: 1m}}\n\
         overrides: {defaults: {metrics_generator: {processors: [span-metrics-count]}}}",
    );
    test.observe(vec![resource("service.name=s", vec![span("a", SERVER, (1, 0), 1)])]);
    test.advance(Duration::from_secs(15));
    let second = 1_000_000_000;
    assert_eq!(points(&test), [(START, Some(0)), (START + 15 * second, Some(1))]);
    test.advance(Duration::from_secs(15));
    assert_eq!(points(&test), [(START + 30 * second, Some(1))]);
    test.advance(Duration::from_secs(30));
    assert_eq!(points(&test), [(START + 60 * second, None)]);
    test.advance(Duration::from_secs(15));
    assert_eq!(points(&test), []);
    assert_eq!(test.own("tempo_metrics_generator_registry_active_series"), 0);
}

/// Times and values of the next collection.
fn points(test: &Test) -> Vec<(u64, Option<i64>)> {
    use spandrel_proto::otlp::metrics::number_data_point::Value;
    let batches = test.generator.collect(false);
    let mut points = Vec::new();
    for metric in
        batches.iter().flat_map(|batch| &batch.metrics.resource_metrics[0].scope_metrics[0].metrics)
    {
        let Some(Data::Sum(sum)) = &metric.data else { panic!("{metric:?}") };
        points.extend(sum.data_points.iter().map(|point| {
            let value = point.value.map(|value| match value {
                Value::AsInt(number) => number,
                Value::AsDouble(_) => unreachable!("calls are whole"),
            });
            (point.time_unix_nano, value)
        }));
    }
    points
}
