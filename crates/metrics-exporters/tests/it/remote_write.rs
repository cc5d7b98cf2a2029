//! Series on the wire, in both versions, and what answers lead to.

use std::sync::Arc;

use expect_test::expect;
use spandrel_base::clock::ManualClock;
use spandrel_base::memory::MemoryBudget;
use spandrel_config::read_settings;
use spandrel_exporters::Extensions;
use spandrel_metrics_exporters::remote_write::{RemoteWriteExporter, RemoteWriteSettings};
use spandrel_model::TenantId;
use spandrel_pipeline::{
    Account, Component, ComponentContext, ConsumeError, MetricBatch, MetricConsumer,
};
use spandrel_proto::otlp::collector_metrics::ExportMetricsServiceRequest;
use spandrel_proto::otlp::metrics::exponential_histogram_data_point::Buckets;
use spandrel_proto::otlp::metrics::metric::Data;
use spandrel_proto::otlp::metrics::{
    AggregationTemporality, ExponentialHistogram, ExponentialHistogramDataPoint, Metric,
};
use spandrel_telemetry::Metrics;

use crate::fixtures::{START, counter, gauge, histogram, pairs, point, resource};
use crate::receiver::{Receiver, Seen};

const CUMULATIVE: AggregationTemporality = AggregationTemporality::Cumulative;
const STALE: u64 = 0x7ff0_0000_0000_0002;

struct Test {
    receiver: Receiver,
    exporter: RemoteWriteExporter,
    metrics: Metrics,
}

impl Test {
    /// A started exporter with one consumer and these settings.
    async fn new(yaml: &str) -> Self {
        let receiver = Receiver::start().await;
        let (exporter, metrics) = exporter(&receiver, yaml).await;
        Self { receiver, exporter, metrics }
    }

    async fn send(&self, tenant: &str, metrics: Vec<Metric>) -> u64 {
        let batch = batch(tenant, metrics);
        self.exporter.consume_metrics(batch).await.unwrap().accepted_spans
    }

    fn count(&self, name: &str) -> u64 {
        let page = self.metrics.encode();
        let line = page.lines().find(|line| line.starts_with(name)).unwrap_or(" 0").to_owned();
        line.rsplit_once(' ').unwrap().1.parse().unwrap()
    }
}

async fn exporter(receiver: &Receiver, yaml: &str) -> (RemoteWriteExporter, Metrics) {
    let yaml = format!("endpoint: http://{}/api/v1/write\n{yaml}", receiver.address);
    let (settings, _) = read_settings(&yaml, RemoteWriteSettings::read).unwrap();
    let metrics = Metrics::new();
    let context = ComponentContext {
        id: "prometheus_remote_write".into(),
        pipeline: "".into(),
        clock: Arc::new(ManualClock::new(START)),
        metrics: metrics.clone(),
        memory: MemoryBudget::unlimited(),
        data_dir: "unused".into(),
        account: Account::detached(),
    };
    let exporter = RemoteWriteExporter::new(settings, &Extensions::default(), context).unwrap();
    exporter.start().await.unwrap();
    (exporter, metrics)
}

fn batch(tenant: &str, metrics: Vec<Metric>) -> MetricBatch {
    let resource_metrics = vec![resource("service.name=shop service.namespace=eu host=a", metrics)];
    let tenant =
        if tenant.is_empty() { TenantId::single() } else { TenantId::new(tenant).unwrap() };
    MetricBatch::new(tenant, ExportMetricsServiceRequest { resource_metrics })
}

/// The series of requests as text, sorted.
fn shown(seen: &[Seen]) -> String {
    let mut lines = Vec::new();
    for series in seen.iter().flat_map(|seen| seen.v1().timeseries) {
        let time = |timestamp: i64| timestamp - (START / 1_000_000) as i64;
        let samples = series.samples.iter().map(|s| format!(" {}@{}", s.value, time(s.timestamp)));
        let histograms = series.histograms.iter().map(|h| {
            let spans: Vec<_> = h.positive_spans.iter().map(|s| (s.offset, s.length)).collect();
            format!(
                " n={} sum={} schema={} {spans:?} {:?}",
                h.count, h.sum, h.schema, h.positive_deltas
            )
        });
        let exemplars = series.exemplars.iter().map(|e| {
            let labels: Vec<_> =
                e.labels.iter().map(|l| format!("{}={}", l.name, l.value)).collect();
            format!(" # {} {}@{}", labels.join(","), e.value, time(e.timestamp))
        });
        let values: String = samples.chain(histograms).chain(exemplars).collect();
        lines.push(format!("{}{values}\n", series.name()));
    }
    lines.sort();
    lines.concat()
}

#[tokio::test]
async fn every_kind_of_metric_becomes_series() {
    let yaml = "remote_write_queue: {num_consumers: 1}\nexternal_labels: {cluster: x, job: y}\n\
        send_metadata: true\ndisable_scope_info: true\n";
    let test = Test::new(yaml).await;
    let calls = counter("calls", CUMULATIVE, vec![point("http.method=GET", 3, START + 1_000_000)]);
    let size = gauge("size", "By", vec![point("", 7, START + 1_000_000)]);
    let latency = histogram("latency", CUMULATIVE, ("", [1, 2, 0], 31.5), START + 2_000_000);
    assert_eq!(test.send("", vec![calls, size, latency]).await, 3);
    let seen = test.receiver.seen(2).await;
    let [first, metadata] = seen.as_slice() else { panic!("{seen:?}") };
    expect![[r#"
        __name__=calls_total,cluster=x,http_method=GET,job=eu/shop 3@1
        __name__=latency_milliseconds_bucket,cluster=x,job=eu/shop,le=+Inf 3@2
        __name__=latency_milliseconds_bucket,cluster=x,job=eu/shop,le=5 1@2
        __name__=latency_milliseconds_bucket,cluster=x,job=eu/shop,le=50 3@2 # span_id=0909090909090909,trace_id=07070707070707070707070707070707 12.5@500
        __name__=latency_milliseconds_count,cluster=x,job=eu/shop 3@2
        __name__=latency_milliseconds_sum,cluster=x,job=eu/shop 31.5@2
        __name__=size_bytes,cluster=x,job=eu/shop 7@1
        __name__=target_info,cluster=x,host=a,job=eu/shop 1@2
    "#]]
    .assert_eq(&shown(std::slice::from_ref(first)));
    let families: Vec<_> =
        metadata.v1().metadata.into_iter().map(|m| (m.name, m.kind, m.unit)).collect();
    let family = |name: &str, kind, unit: &str| (name.to_owned(), kind, unit.to_owned());
    let expected = [
        family("calls_total", 1, ""),
        family("latency_milliseconds", 3, "ms"),
        family("size_bytes", 2, "By"),
        family("target_info", 6, ""),
    ];
    assert_eq!(families, expected);
    let headers = ["content-type", "content-encoding", "x-prometheus-remote-write-version"];
    let sent = headers.map(|name| first.header(name).to_owned());
    assert_eq!(sent, ["application/x-protobuf", "snappy", "0.1.0"]);
    assert!(first.header("user-agent").starts_with("spandrel/"));
}

#[tokio::test]
async fn version_2_refers_to_texts_and_says_when_counting_began() {
    let yaml = "remote_write_queue: {num_consumers: 1}\ndisable_scope_info: true\n\
        target_info: {enabled: false}\nprotobuf_message: io.prometheus.write.v2.Request\n";
    let test = Test::new(yaml).await;
    let mut begun = point("a=b", 3, START + 5_000_000);
    begun.start_time_unix_nano = START + 1_000_000;
    let mut calls = counter("calls", CUMULATIVE, vec![begun]);
    calls.description = "Calls".to_owned();
    test.send("", vec![calls]).await;
    let seen = test.receiver.seen(1).await;
    assert_eq!(
        seen[0].header("content-type"),
        "application/x-protobuf;proto=io.prometheus.write.v2.Request"
    );
    assert_eq!(seen[0].header("x-prometheus-remote-write-version"), "2.0.0");
    let request = seen[0].v2();
    assert_eq!(request.symbols[0], "");
    let [series] = request.timeseries.as_slice() else { panic!("{request:?}") };
    let texts: Vec<_> =
        series.labels_refs.iter().map(|at| request.symbols[*at as usize].as_str()).collect();
    assert_eq!(texts, ["__name__", "calls_total", "a", "b", "job", "eu/shop"]);
    let start = (START / 1_000_000) as i64;
    assert_eq!(series.created_timestamp, start + 1);
    let metadata = series.metadata.as_ref().unwrap();
    assert_eq!((metadata.kind, request.symbols[metadata.help as usize].as_str()), (1, "Calls"));
    assert_eq!((series.samples[0].value, series.samples[0].timestamp), (3.0, start + 5));
}

#[tokio::test]
async fn exponential_histograms_are_native_ones() {
    let yaml = "remote_write_queue: {num_consumers: 1}\ndisable_scope_info: true\n\
        target_info: {enabled: false}\n";
    let test = Test::new(yaml).await;
    let native = |scale, flags| {
        let buckets = Buckets { offset: -2, bucket_counts: vec![1, 0, 0, 0, 3] };
        let point = ExponentialHistogramDataPoint {
            attributes: pairs("a=b"),
            time_unix_nano: START + 1_000_000,
            count: 4,
            sum: Some(10.0),
            scale,
            flags,
            positive: Some(buckets),
            ..ExponentialHistogramDataPoint::default()
        };
        let data_points = vec![point];
        let data = ExponentialHistogram { data_points, aggregation_temporality: CUMULATIVE.into() };
        let data = Some(Data::ExponentialHistogram(data));
        Metric { name: "h".to_owned(), data, ..Metric::default() }
    };
    test.send("", vec![native(3, 0)]).await;
    // Finer than Prometheus knows: two neighbors become one.
    test.send("", vec![native(9, 0)]).await;
    // Coarser than Prometheus knows.
    assert_eq!(test.send("", vec![native(-9, 0)]).await, 0);
    assert_eq!(test.count("spandrel_exporter_rejected_metric_points_total"), 1);
    expect![[r#"
        __name__=h,a=b,job=eu/shop n=4 sum=10 schema=3 [(-1, 1), (3, 1)] [1, 2]
        __name__=h,a=b,job=eu/shop n=4 sum=10 schema=8 [(0, 1), (1, 1)] [1, 2]
    "#]]
    .assert_eq(&shown(&test.receiver.seen(2).await));
    test.send("", vec![native(3, 1)]).await;
    let ended = test.receiver.seen(3).await[2].v1();
    let histogram = &ended.timeseries[0].histograms[0];
    assert_eq!((histogram.sum.to_bits(), histogram.count), (STALE, 0));
}

#[tokio::test]
async fn what_has_ended_is_marked_and_deltas_are_rejected() {
    let yaml = "remote_write_queue: {num_consumers: 1}\ndisable_scope_info: true\n\
        target_info: {enabled: false}\n";
    let test = Test::new(yaml).await;
    let mut ended = point("", 0, START);
    (ended.flags, ended.value) = (1, None);
    let delta = counter("d", AggregationTemporality::Delta, vec![point("", 1, START)]);
    assert_eq!(test.send("", vec![counter("c", CUMULATIVE, vec![ended]), delta]).await, 1);
    let seen = test.receiver.seen(1).await;
    let request = seen[0].v1();
    assert_eq!(request.timeseries.len(), 1);
    assert_eq!(request.timeseries[0].samples[0].value.to_bits(), STALE);
    assert_eq!(test.count("spandrel_exporter_rejected_metric_points_total"), 1);
}

/// Scenario: a receiver is overloaded, then broken, then takes the request; then it refuses one for good.
#[tokio::test]
async fn what_may_help_is_tried_again_and_what_cannot_is_given_up() {
    let yaml = "remote_write_queue: {num_consumers: 1}\ntarget_info: {enabled: false}\n\
        retry_on_failure: {initial_interval: 1ms}\n";
    let test = Test::new(yaml).await;
    test.receiver.answer(429, &[("retry-after", "0")]);
    test.receiver.answer(500, &[]);
    let calls = |value| vec![counter("calls", CUMULATIVE, vec![point("", value, START)])];
    test.send("team-a", calls(1)).await;
    let seen = test.receiver.seen(3).await;
    assert!(seen.windows(2).all(|pair| pair[0].body == pair[1].body));
    assert_eq!(seen[0].header("x-scope-orgid"), "team-a");
    test.receiver.answer(400, &[]);
    test.send("", calls(2)).await;
    test.send("", calls(3)).await;
    let seen = test.receiver.seen(5).await;
    let values: Vec<f64> =
        seen.iter().map(|seen| seen.v1().timeseries[0].samples[0].value).collect();
    assert_eq!(values, [1.0, 1.0, 1.0, 2.0, 3.0]);
    assert_eq!(seen[3].header("x-scope-orgid"), "");
    test.exporter.shutdown().await;
    assert_eq!(test.count("otelcol_exporter_send_failed_metric_points{"), 1);
    assert_eq!(test.count("otelcol_exporter_sent_metric_points{"), 2);
}

#[tokio::test]
async fn requests_are_no_larger_than_allowed_and_a_series_stays_with_its_consumer() {
    for message in ["prometheus.WriteRequest", "io.prometheus.write.v2.Request"] {
        let yaml = format!(
            "remote_write_queue: {{num_consumers: 3}}\ntarget_info: {{enabled: false}}\n\
             max_batch_size_bytes: 1500\nprotobuf_message: {message}\n"
        );
        let test = Test::new(&yaml).await;
        let points =
            |time| (0..100).map(|i| point(&format!("a=value-{i}"), i, START + time)).collect();
        test.send("", vec![counter("calls", CUMULATIVE, points(1_000_000))]).await;
        test.exporter.shutdown().await;
        let seen = test.receiver.seen(1).await;
        assert!(seen.len() > 5, "{}", seen.len());
        assert!(seen.iter().all(|seen| seen.body.len() < 1800));
        assert_eq!(test.count("otelcol_exporter_sent_metric_points{"), 100);
    }
}

/// Guarantees: what a receiver did not take before the process stopped is sent by the next one.
#[tokio::test]
async fn the_queue_on_disk_survives_the_process() {
    let dir = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    let wal = format!("wal: {{directory: '{}'}}\n", dir.path().display());
    let yaml = format!(
        "remote_write_queue: {{num_consumers: 1}}\n{wal}retry_on_failure: {{initial_interval: 1h, max_interval: 1h, max_elapsed_time: 0}}\n"
    );
    receiver.answer(503, &[]);
    {
        let (exporter, _) = exporter(&receiver, &yaml).await;
        let calls = counter("calls", CUMULATIVE, vec![point("", 1, START)]);
        exporter.consume_metrics(batch("", vec![calls])).await.unwrap();
        receiver.seen(1).await;
        exporter.shutdown().await;
    }
    let (exporter, _) = exporter(&receiver, &yaml).await;
    let seen = receiver.seen(2).await;
    assert_eq!(seen[0].body, seen[1].body);
    exporter.shutdown().await;
}

#[tokio::test]
async fn a_full_queue_refuses() {
    let yaml = "remote_write_queue: {num_consumers: 1, queue_size: 1}\n\
        target_info: {enabled: false}\nretry_on_failure: {initial_interval: 1h, max_interval: 1h, max_elapsed_time: 0}\n";
    let test = Test::new(yaml).await;
    test.receiver.answer(503, &[]);
    let calls = || vec![counter("calls", CUMULATIVE, vec![point("", 1, START)])];
    test.send("", calls()).await;
    test.receiver.seen(1).await;
    let refused = test.exporter.consume_metrics(batch("", calls())).await;
    assert!(matches!(refused, Err(ConsumeError::Unavailable { .. })), "{refused:?}");
    assert_eq!(test.count("otelcol_exporter_enqueue_failed_metric_points{"), 1);
}

#[test]
fn settings_are_checked() {
    for (yaml, mistake) in [
        ("", "endpoint"),
        ("endpoint: http://x\nremote_write_queue: {queue_size: 0}", "queue_size"),
        ("endpoint: http://x\nwal: {buffer_size: 3}", "directory"),
        ("endpoint: http://x\nprotobuf_message: other", "protobuf_message"),
        ("endpoint: http://x\nmax_batch_size_bytes: 0", "max_batch_size_bytes"),
        ("endpoint: http://x\nexternal_label: {}", "external_labels"),
    ] {
        let problems = read_settings(yaml, RemoteWriteSettings::read).unwrap_err();
        assert!(problems.to_string().contains(mistake), "{yaml}: {problems}");
    }
    let yaml = "http: {endpoint: http://x, timeout: 9s}\nremote_write_queue: {enabled: false}\n\
        namespace: n\nadd_metric_suffixes: false\nmax_batch_request_parallelism: 3\n\
        resource_to_telemetry_conversion: {enabled: true}";
    let (settings, _) = read_settings(yaml, RemoteWriteSettings::read).unwrap();
    assert_eq!((settings.queue, settings.client.timeout.as_secs()), (None, 9));
    assert!(!settings.naming.suffixes && settings.resource_labels.wants("host.name"));
}
