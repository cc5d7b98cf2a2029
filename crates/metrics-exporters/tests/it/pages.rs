//! Whole pages, as files beside this one.

use expect_test::expect_file;
use spandrel_metrics_exporters::prometheus::PageFormat;
use spandrel_pipeline::Component;
use spandrel_proto::otlp::metrics::AggregationTemporality::Cumulative;
use spandrel_proto::otlp::metrics::metric::Data;
use spandrel_proto::otlp::metrics::summary_data_point::ValueAtQuantile;
use spandrel_proto::otlp::metrics::{Metric, ResourceMetrics, Summary, SummaryDataPoint};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::fixtures::{START, Test, counter, gauge, histogram, pairs, point, resource};

/// What `span_metrics` makes, and one of everything else.
fn everything() -> Vec<ResourceMetrics> {
    let labels = "service.name=shop span.kind=SPAN_KIND_SERVER http.method=GET";
    let mut calls =
        counter("traces.span.metrics.calls", Cumulative, vec![point(labels, 1_000_000, START)]);
    calls.description = "Calls,\nby \"route\" and \\".to_owned();
    let summary = SummaryDataPoint {
        attributes: pairs("a=x"),
        time_unix_nano: START,
        count: 4,
        sum: 2.5,
        quantile_values: vec![ValueAtQuantile { quantile: 0.5, value: 0.25 }],
        ..SummaryDataPoint::default()
    };
    let summary = Metric {
        name: "rpc.latency".to_owned(),
        unit: "s".to_owned(),
        data: Some(Data::Summary(Summary { data_points: vec![summary] })),
        ..Metric::default()
    };
    let duration = (labels, [1, 2, 1], 92.5);
    vec![
        resource(
            "service.name=shop service.namespace=eu service.instance.id=i-1 host.name=h1 k8s.pod.name=p",
            vec![
                calls,
                histogram("traces.span.metrics.duration", Cumulative, duration, START),
                gauge("disk.usage", "1", vec![point("path=/a\"b", -3, START)]),
            ],
        ),
        resource("service.name=cart", vec![summary]),
    ]
}

#[tokio::test]
async fn text_is_what_prometheus_reads() {
    let test = Test::new("");
    test.send(everything()).await;
    expect_file!["pages/text.txt"].assert_eq(&test.page());
}

#[tokio::test]
async fn open_metrics_has_exemplars() {
    let test = Test::new("enable_open_metrics: true\nsend_timestamps: true");
    test.send(everything()).await;
    let page = test.page_in(PageFormat::OpenMetrics);
    expect_file!["pages/open_metrics.txt"].assert_eq(&page);
}

#[tokio::test]
async fn settings_change_names_and_labels() {
    let test = Test::new(
        "namespace: test-space\nconst_labels: {label1: value1, another label: spaced value}\n\
         send_timestamps: true\nadd_metric_suffixes: false\nwithout_scope_info: true\n\
         resource_to_telemetry_conversion: {enabled: true, exclude_service_attributes: true}",
    );
    test.send(everything()).await;
    expect_file!["pages/settings.txt"].assert_eq(&test.page());
}

/// Kind and number of samples of a `MetricFamily`, and the rest of the page.
fn family(page: &[u8]) -> (String, &[u8]) {
    #[derive(Clone, PartialEq, prost::Message)]
    struct Family {
        #[prost(string, tag = "1")]
        name: String,
        #[prost(int32, tag = "3")]
        kind: i32,
        #[prost(bytes = "vec", repeated, tag = "4")]
        metrics: Vec<Vec<u8>>,
    }
    let mut rest = page;
    let family: Family = prost::Message::decode_length_delimited(&mut rest).unwrap();
    (format!("{} {} {}", family.name, family.kind, family.metrics.len()), rest)
}

#[tokio::test]
async fn protobuf_has_every_family() {
    let test = Test::new("");
    test.exporter.start().await.unwrap();
    test.send(everything()).await;
    let accept = "Accept: application/vnd.google.protobuf;\
        proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,text/plain\r\n";
    let answer = get_bytes(&test, "/metrics", accept).await;
    let head_end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() + 4;
    let head = String::from_utf8_lossy(&answer[..head_end]).into_owned();
    assert!(head.contains("content-type: application/vnd.google.protobuf; proto="), "{head}");
    let page = test.exporter.page(PageFormat::Protobuf);
    assert!(answer[head_end..] == page[..]);
    let mut families = Vec::new();
    let mut rest = &page[..];
    while !rest.is_empty() {
        let (family, behind) = family(rest);
        families.push(family);
        rest = behind;
    }
    assert_eq!(
        families,
        [
            "disk_usage_ratio 1 1",
            "rpc_latency_seconds 2 1",
            "target_info 1 1",
            "traces_span_metrics_calls_total 0 1",
            "traces_span_metrics_duration_milliseconds 4 1",
        ]
    );
    test.exporter.shutdown().await;
}

#[tokio::test]
async fn names_may_stay_as_they_are() {
    let test = Test::new("translation_strategy: NoTranslation\nwithout_scope_info: true");
    test.send(everything()).await;
    expect_file!["pages/no_translation.txt"].assert_eq(&test.page());
}

/// The answer to a request with these headers.
async fn get(test: &Test, path: &str, headers: &str) -> String {
    String::from_utf8(get_bytes(test, path, headers).await).unwrap()
}

async fn get_bytes(test: &Test, path: &str, headers: &str) -> Vec<u8> {
    let address = test.exporter.local_address().unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn the_listener_answers_in_the_format_that_is_asked_for() {
    let test = Test::new("enable_open_metrics: true\nresponse_headers: {x-answer: yes}");
    test.exporter.start().await.unwrap();
    test.send(everything()).await;
    let text = get(&test, "/metrics", "").await;
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
    assert!(text.contains("content-type: text/plain; version=0.0.4; charset=utf-8"), "{text}");
    assert!(text.contains("x-answer: yes\r\n"), "{text}");
    assert!(text.ends_with(&test.page()), "{text}");
    let accept = "Accept: application/openmetrics-text;version=1.0.0,text/plain\r\n";
    let open = get(&test, "/metrics", accept).await;
    assert!(open.contains("content-type: application/openmetrics-text; version=1.0.0"), "{open}");
    assert!(open.ends_with("# EOF\n"), "{open}");
    assert!(get(&test, "/", "").await.starts_with("HTTP/1.1 404"));
    test.exporter.shutdown().await;
    let address = test.exporter.local_address().unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn names_are_escaped_for_who_cannot_read_them() {
    let test = Test::new("translation_strategy: NoTranslation\nwithout_scope_info: true");
    test.exporter.start().await.unwrap();
    test.send(everything()).await;
    let old = get(&test, "/metrics", "").await;
    assert!(old.contains("; escaping=underscores\r\n"), "{old}");
    assert!(old.contains("\ntraces_span_metrics_calls{http_method=\"GET\","), "{old}");
    let new = get(&test, "/metrics", "Accept: text/plain;escaping=allow-utf-8\r\n").await;
    assert!(new.contains("; escaping=allow-utf-8\r\n") && new.ends_with(&test.page()), "{new}");
    test.exporter.shutdown().await;
}

#[tokio::test]
async fn open_metrics_is_not_given_unless_enabled() {
    let test = Test::new("");
    test.exporter.start().await.unwrap();
    let answer = get(&test, "/metrics", "Accept: application/openmetrics-text\r\n").await;
    assert!(answer.contains("content-type: text/plain"), "{answer}");
    test.exporter.shutdown().await;
}
