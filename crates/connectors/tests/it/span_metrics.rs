//! `span_metrics` against a plain reference on random spans, and case by case.

use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use spandrel_base::clock::ManualClock;
use spandrel_base::memory::MemoryBudget;
use spandrel_connectors::span_metrics::{SpanMetricsConnector, SpanMetricsSettings};
use spandrel_model::TenantId;
use spandrel_pipeline::{Component, ConsumeError, MetricBatch, TraceBatch, TraceConsumer, Traces};
use spandrel_proto::otlp::metrics::metric::Data;
use spandrel_proto::otlp::trace::{ResourceSpans, Span};

use crate::fixtures::{
    START, Sink, batch, clock, context, event, int, pair, resource, settings, span, status,
};
use crate::reference;

/// The labels that all tests leave out because they change.
const EXCLUDE: &str = "exclude_dimensions: [collector.instance.id]";

struct Test {
    connector: SpanMetricsConnector,
    sink: Arc<Sink>,
    clock: Arc<ManualClock>,
}

impl Test {
    fn new(yaml: &str) -> Self {
        Self::with_memory(yaml, MemoryBudget::unlimited())
    }

    fn with_memory(yaml: &str, memory: MemoryBudget) -> Self {
        let (sink, clock) = (Arc::new(Sink::default()), clock());
        let settings = settings(yaml, SpanMetricsSettings::read);
        let context = spandrel_pipeline::ComponentContext { memory, ..context(&clock) };
        let connector = SpanMetricsConnector::new(settings, sink.clone(), context).unwrap();
        Self { connector, sink, clock }
    }

    async fn send(&self, spans: Vec<ResourceSpans>) {
        self.connector.consume(batch(spans)).await.unwrap();
    }

    async fn flushed(&self) -> Vec<String> {
        self.connector.flush().await;
        self.sink.take_lines()
    }

    async fn flushed_batch(&self) -> MetricBatch {
        self.connector.flush().await;
        self.sink.metrics.lock().unwrap().pop().unwrap()
    }
}

fn one_of(list: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    proptest::sample::select(list)
}

fn any_span() -> impl Strategy<Value = Span> {
    let attributes = one_of(&[
        "",
        "http.method=POST",
        "http.method=GET region=eu",
        "region=us",
        "http.method=GET http.method=PUT",
    ]);
    let events = vec(one_of(&["", "exception.type=Io", "exception.type=Parse region=ap"]), 0..3);
    let times = (0..3_u64, 0..100_000_000_u64);
    (one_of(&["GET /", "db", ""]), 0..7_i32, 0..4_i32, attributes, events, times).prop_map(
        |(name, kind, code, attributes, events, (back, length))| {
            let mut made = span(name, kind, attributes);
            made.status = (code > 0).then(|| status(code).unwrap());
            made.events = events.into_iter().map(|attributes| event("e", attributes)).collect();
            // Some end before they start.
            made.start_time_unix_nano = START + back * 50_000_000;
            made.end_time_unix_nano = START + length;
            made
        },
    )
}

fn any_request() -> impl Strategy<Value = Vec<ResourceSpans>> {
    let attributes = one_of(&[
        "service.name=shop",
        "service.name=shop host=1",
        "host=1 service.name=shop",
        "service.name=cart region=eu",
        "service.name=a service.name=cart",
        "host=1",
        "",
    ]);
    let spans = (attributes, vec(any_span(), 0..6));
    vec(spans.prop_map(|(attributes, spans)| resource(attributes, spans)), 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(0x5ba2),
        ..ProptestConfig::default()
    })]

    #[test]
    fn random_spans_are_counted_as_the_reference_counts_them(
        requests in vec(any_request(), 0..4),
        decoded: bool,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let test = Test::new(
                "namespace: ''\n\
                 exclude_dimensions: [collector.instance.id]\n\
                 histogram: {explicit: {buckets: [5ms, 50ms]}}\n\
                 dimensions: [{name: http.method, default: GET}, {name: region}]\n\
                 events: {enabled: true, dimensions: [{name: exception.type}]}",
            );
            for request in &requests {
                let mut sent = batch(request.clone());
                if decoded {
                    sent = sent.with_traces(Traces::Decoded(sent.traces.clone().decoded().unwrap()));
                }
                let n_spans = sent.traces.span_count();
                let accepted = test.connector.consume(sent).await.unwrap();
                assert_eq!(accepted.accepted_spans, n_spans);
            }
            let expected = reference::expected(&requests.concat());
            assert_eq!(test.flushed().await, expected);
            // Cumulative numbers stay.
            assert_eq!(test.flushed().await, expected);
        });
    }
}

fn shop(spans: Vec<Span>) -> Vec<ResourceSpans> {
    vec![resource("service.name=shop", spans)]
}

#[tokio::test]
async fn names_labels_and_times_are_those_of_the_collector() {
    let test = Test::new("");
    let mut made = span("GET /", 2, "");
    made.status = status(2);
    test.send(shop(vec![made])).await;
    test.clock.advance(Duration::from_secs(5));
    let batch = test.flushed_batch().await;
    assert_eq!(batch.tenant, TenantId::single());
    let scope = &batch.metrics.resource_metrics[0].scope_metrics[0];
    assert_eq!(scope.scope.as_ref().unwrap().name, "spanmetricsconnector");
    let names: Vec<_> = scope.metrics.iter().map(|m| (m.name.as_str(), m.unit.as_str())).collect();
    assert_eq!(names, [("traces.span.metrics.calls", ""), ("traces.span.metrics.duration", "ms")]);
    let Some(Data::Histogram(histogram)) = &scope.metrics[1].data else { panic!("{scope:?}") };
    let point = &histogram.data_points[0];
    assert_eq!(point.explicit_bounds.len(), 16);
    assert_eq!((point.start_time_unix_nano, point.time_unix_nano), (START, START + 5_000_000_000));
    let keys: Vec<_> = point.attributes.iter().map(|pair| pair.key.as_str()).collect();
    let expected =
        ["service.name", "span.name", "span.kind", "status.code", "collector.instance.id"];
    assert_eq!(keys, expected);
}

#[tokio::test]
async fn deltas_begin_anew_and_continue_in_time() {
    let test = Test::new(&format!(
        "{EXCLUDE}\nhistogram: {{disable: true}}\n\
         aggregation_temporality: AGGREGATION_TEMPORALITY_DELTA"
    ));
    let starts = |batch: &MetricBatch| {
        let metric = &batch.metrics.resource_metrics[0].scope_metrics[0].metrics[0];
        let Some(Data::Sum(sum)) = &metric.data else { panic!("{metric:?}") };
        assert_eq!(sum.aggregation_temporality, 1);
        (sum.data_points[0].start_time_unix_nano, sum.data_points[0].time_unix_nano)
    };
    test.send(shop(vec![span("a", 1, ""), span("a", 1, "")])).await;
    test.clock.advance(Duration::from_secs(60));
    let first = starts(&test.flushed_batch().await);
    assert_eq!(test.flushed().await, [""; 0]);
    test.clock.advance(Duration::from_secs(30));
    test.send(shop(vec![span("a", 1, "")])).await;
    let second = test.flushed_batch().await;
    assert_eq!(first, (START, START + 60_000_000_000));
    assert_eq!(starts(&second), (START + 60_000_000_000, START + 90_000_000_000));
    assert!(crate::fixtures::lines(&second)[0].ends_with(" 1"));
}

#[tokio::test]
async fn what_exceeds_the_cardinality_limit_overflows() {
    let test = Test::new(&format!(
        "{EXCLUDE}\nhistogram: {{disable: true}}\naggregation_cardinality_limit: 2"
    ));
    test.send(shop(["a", "b", "c", "a", "d"].map(|name| span(name, 1, "")).to_vec())).await;
    let common = "service.name=shop,span.kind=SPAN_KIND_INTERNAL";
    let status = "status.code=STATUS_CODE_UNSET";
    assert_eq!(
        test.flushed().await,
        [
            "traces.span.metrics.calls{service.name=shop|otel.metric.overflow=true} 2".to_owned(),
            format!(
                "traces.span.metrics.calls{{service.name=shop|{common},span.name=a,{status}}} 2"
            ),
            format!(
                "traces.span.metrics.calls{{service.name=shop|{common},span.name=b,{status}}} 1"
            ),
        ]
    );
}

/// The counts of `calls` by resource and labels, with all but these labels left out.
async fn calls(test: &Test) -> Vec<String> {
    let lines = test.flushed().await;
    lines.into_iter().filter_map(|line| line.strip_prefix("calls{").map(str::to_owned)).collect()
}

/// No label but those that the test is about.
const BARE: &str = "namespace: ''\nhistogram: {disable: true}\n\
    exclude_dimensions: [collector.instance.id, service.name, span.name, span.kind, status.code]";

#[tokio::test]
async fn dimensions_come_from_the_span_then_its_resource_then_the_default() {
    let test = Test::new(&format!(
        "{BARE}\ndimensions:\n- {{name: a, default: none}}\n- glob: 'http.*'\n- {{name: n}}"
    ));
    let mut numbered = span("x", 1, "http.method=GET http.route=/r");
    numbered.attributes.push(pair("n", int(7)));
    let spans = vec![span("x", 1, "a=span"), span("x", 1, ""), numbered];
    test.send(vec![resource("service.name=s a=resource http.method=ignored", spans)]).await;
    test.send(shop(vec![span("x", 1, "")])).await;
    let of_resource = "a=resource,http.method=ignored,service.name=s";
    assert_eq!(
        calls(&test).await,
        [
            format!("{of_resource}|a=resource,http.method=GET,http.route=/r,n=7}} 1"),
            format!("{of_resource}|a=resource,http.method=ignored}} 1"),
            format!("{of_resource}|a=span,http.method=ignored}} 1"),
            "service.name=shop|a=none} 1".to_owned(),
        ]
    );
}

#[tokio::test]
async fn metrics_may_have_dimensions_of_their_own() {
    let test = Test::new(
        "namespace: ''\ncalls_dimensions: [{name: a}]\n\
         histogram: {explicit: {buckets: [1s]}, dimensions: [{name: b}]}\n\
         exclude_dimensions: [collector.instance.id, service.name, span.name, span.kind, status.code]",
    );
    test.send(shop(vec![span("x", 1, "a=1 b=1"), span("x", 1, "a=2 b=1")])).await;
    assert_eq!(
        test.flushed().await,
        [
            "calls{service.name=shop|a=1} 1",
            "calls{service.name=shop|a=2} 1",
            "duration{service.name=shop|b=1} [2, 0] 20",
        ]
    );
}

#[tokio::test]
async fn sampled_spans_count_for_those_that_were_not_kept() {
    let test = Test::new(&format!("{BARE}\nenable_metrics_sampling_method: true"));
    let sampled = |threshold: &str| {
        let mut span = span("x", 1, "");
        span.trace_state = format!("vendor=1,ot=th:{threshold}");
        span
    };
    test.send(shop(vec![sampled("8"), sampled("c"), span("x", 1, "")])).await;
    assert_eq!(
        calls(&test).await,
        [
            "service.name=shop|sampling.method=counted} 1",
            "service.name=shop|sampling.method=extrapolated} 6",
        ]
    );
}

#[tokio::test]
async fn scopes_become_dimensions_when_they_are_named() {
    let test = Test::new(&format!("{BARE}\ninclude_instrumentation_scope: [lib]"));
    test.send(shop(vec![span("x", 1, "")])).await;
    let scope = "span.instrumentation.scope.name=lib,span.instrumentation.scope.version=1.2";
    assert_eq!(calls(&test).await, [format!("service.name=shop|{scope}}} 1")]);
}

#[tokio::test]
async fn exemplars_are_bounded_and_of_one_interval() {
    let test =
        Test::new(&format!("{EXCLUDE}\nexemplars: {{enabled: true, max_per_data_point: 2}}"));
    let mut foreign = span("x", 1, "");
    foreign.trace_id = vec![0; 16].into();
    test.send(shop(vec![foreign, span("x", 1, ""), span("x", 1, ""), span("x", 1, "")])).await;
    for expected in [2, 0] {
        let batch = test.flushed_batch().await;
        for metric in &batch.metrics.resource_metrics[0].scope_metrics[0].metrics {
            let exemplars = match metric.data.as_ref().unwrap() {
                Data::Sum(sum) => &sum.data_points[0].exemplars,
                Data::Histogram(histogram) => &histogram.data_points[0].exemplars,
                other => panic!("{other:?}"),
            };
            assert_eq!(exemplars.len(), expected);
            assert!(exemplars.iter().all(|exemplar| exemplar.trace_id[..] == [7; 16]));
        }
    }
}

#[tokio::test]
async fn exponential_histograms_are_in_the_unit_that_is_set() {
    let test = Test::new(
        "namespace: ''\nhistogram: {unit: s, exponential: {max_size: 2}}\n\
         exclude_dimensions: [collector.instance.id, service.name, span.name, span.kind, status.code]",
    );
    let lasting = |millis: u64| {
        let mut span = span("x", 1, "");
        span.end_time_unix_nano = START + millis * 1_000_000;
        span
    };
    test.send(shop(vec![lasting(0), lasting(500), lasting(1000), lasting(2000)])).await;
    // 0.5 in (0.25, 0.5], 1 and 2 in (0.5, 2] do not fit into two buckets at scale 0, and do at -1.
    let expected = "duration{service.name=shop|} scale -1 zero 1 from -1 [2, 1] 3.5";
    assert_eq!(test.flushed().await[1], expected);
}

#[tokio::test]
async fn resources_are_told_apart_by_key_attributes_and_expire() {
    let test = Test::new(&format!(
        "{BARE}\nresource_metrics_key_attributes: [service.name]\nmetrics_expiration: 1m"
    ));
    for pid in 1..4 {
        let attributes = format!("service.name=shop pid={pid}");
        test.send(vec![resource(&attributes, vec![span("x", 1, "")])]).await;
    }
    assert_eq!(calls(&test).await, ["pid=1,service.name=shop|} 3"]);
    test.clock.advance(Duration::from_secs(30));
    test.send(vec![resource("service.name=cart", vec![span("x", 1, "")])]).await;
    test.clock.advance(Duration::from_secs(30));
    assert_eq!(calls(&test).await.len(), 2);
    assert_eq!(calls(&test).await, ["service.name=cart|} 1"]);
}

#[tokio::test]
async fn series_expire_by_themselves() {
    let test = Test::new(&format!("{BARE}\ndimensions: [{{name: a}}]\nseries_expiration: 1m"));
    test.send(shop(vec![span("x", 1, "a=1")])).await;
    test.clock.advance(Duration::from_secs(59));
    test.send(shop(vec![span("x", 1, "a=2")])).await;
    test.clock.advance(Duration::from_secs(1));
    assert_eq!(calls(&test).await.len(), 2);
    assert_eq!(calls(&test).await, ["service.name=shop|a=2} 1"]);
}

#[tokio::test]
async fn least_recently_used_resources_make_room_and_are_shown_once_more() {
    let test = Test::new(&format!("{BARE}\nresource_metrics_cache_size: 2"));
    for service in ["a", "b", "a", "c", "d", "e"] {
        let attributes = format!("service.name={service}");
        test.send(vec![resource(&attributes, vec![span("x", 1, "")])]).await;
    }
    // b and a made room for c and d; e found none in this interval.
    assert_eq!(
        calls(&test).await,
        [
            "otel.metric.overflow=true|} 1",
            "service.name=a|} 2",
            "service.name=b|} 1",
            "service.name=c|} 1",
            "service.name=d|} 1",
        ]
    );
    let left = ["otel.metric.overflow=true|} 1", "service.name=c|} 1", "service.name=d|} 1"];
    assert_eq!(calls(&test).await, left);
}

#[tokio::test]
async fn without_memory_no_count_is_lost() {
    let memory = MemoryBudget::new("test", 20_000);
    let test = Test::with_memory(&format!("{BARE}\ndimensions: [{{name: a}}]"), memory.clone());
    for number in 0..200 {
        let attributes = format!("a={number}");
        test.send(shop(vec![span("x", 1, &attributes)])).await;
    }
    assert!(memory.used() <= 20_000);
    let counts = calls(&test).await;
    assert!(counts.len() < 100, "{}", counts.len());
    let sum: u64 =
        counts.iter().map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()).sum();
    assert_eq!(sum, 200);
}

#[tokio::test]
async fn tenants_have_metrics_of_their_own() {
    let test = Test::new(BARE);
    for tenant in ["one", "two", "one"] {
        let sent = batch(shop(vec![span("x", 1, "")]));
        let tenant = TenantId::new(tenant).unwrap();
        test.connector.consume(TraceBatch { tenant, ..sent }).await.unwrap();
    }
    test.connector.flush().await;
    let batches = std::mem::take(&mut *test.sink.metrics.lock().unwrap());
    let counts: Vec<_> = batches
        .iter()
        .map(|batch| format!("{} {}", batch.tenant, crate::fixtures::lines(batch)[0]))
        .collect();
    let expected = ["one calls{service.name=shop|} 2", "two calls{service.name=shop|} 1"];
    assert_eq!(counts, expected);
}

#[tokio::test]
async fn damaged_requests_are_malformed() {
    let test = Test::new("");
    let sent = TraceBatch::otlp(TenantId::single(), bytes::Bytes::from_static(b"\x0a\xff"));
    let refused = test.connector.consume(sent).await;
    assert!(matches!(refused, Err(ConsumeError::Malformed(_))), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn a_task_flushes_in_every_interval_and_at_the_end() {
    let test = Test::new(&format!("{BARE}\nmetrics_flush_interval: 15s"));
    test.connector.start().await.unwrap();
    // The task's first interval begins when it runs.
    tokio::task::yield_now().await;
    test.send(shop(vec![span("x", 1, "")])).await;
    tokio::time::advance(Duration::from_secs(14)).await;
    tokio::task::yield_now().await;
    assert_eq!(test.sink.take_lines(), [""; 0]);
    tokio::time::advance(Duration::from_secs(2)).await;
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert_eq!(test.sink.take_lines(), ["calls{service.name=shop|} 1"]);
    test.send(shop(vec![span("y", 1, "")])).await;
    test.connector.shutdown().await;
    assert_eq!(test.sink.take_lines(), ["calls{service.name=shop|} 2"]);
}
