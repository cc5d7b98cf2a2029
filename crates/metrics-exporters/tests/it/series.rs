//! What becomes of values that follow each other.

use std::time::Duration;

use spandrel_base::memory::MemoryBudget;
use spandrel_model::TenantId;
use spandrel_pipeline::{MetricBatch, MetricConsumer};
use spandrel_proto::otlp::collector_metrics::ExportMetricsServiceRequest;
use spandrel_proto::otlp::metrics::AggregationTemporality::{Cumulative, Delta, Unspecified};

use crate::fixtures::{START, Test, counter, gauge, histogram, point, resource};

const PLAIN: &str = "without_scope_info: true";

fn shop(
    metric: spandrel_proto::otlp::metrics::Metric,
) -> Vec<spandrel_proto::otlp::metrics::ResourceMetrics> {
    vec![resource("service.name=shop", vec![metric])]
}

#[tokio::test]
async fn deltas_add_up_and_late_ones_are_left_out() {
    let test = Test::new(PLAIN);
    for (value, seconds) in [(3, 10), (4, 20), (100, 15), (5, 20)] {
        let at = START + seconds * 1_000_000_000;
        test.send(shop(counter("spans", Delta, vec![point("a=x", value, at)]))).await;
        let deltas = ("a=x", [1, 0, value as u64], 2.0);
        test.send(shop(histogram("duration", Delta, deltas, at))).await;
    }
    assert_eq!(
        test.samples(),
        [
            r#"duration_milliseconds_bucket{a="x",job="shop",le="5"} 3"#,
            r#"duration_milliseconds_bucket{a="x",job="shop",le="50"} 3"#,
            r#"duration_milliseconds_bucket{a="x",job="shop",le="+Inf"} 15"#,
            r#"duration_milliseconds_sum{a="x",job="shop"} 6"#,
            r#"duration_milliseconds_count{a="x",job="shop"} 15"#,
            r#"spans_total{a="x",job="shop"} 12"#,
        ]
    );
}

#[tokio::test]
async fn of_cumulative_values_the_last_is_shown() {
    let test = Test::new(PLAIN);
    for (value, at) in [(3, START), (9, START + 2), (4, START + 1)] {
        test.send(shop(counter("spans", Cumulative, vec![point("", value, at)]))).await;
        test.send(shop(gauge("load", "", vec![point("", -value, at)]))).await;
    }
    assert_eq!(test.samples(), [r#"load{job="shop"} -9"#, r#"spans_total{job="shop"} 9"#]);
}

#[tokio::test]
async fn instances_that_look_the_same_are_added_up() {
    let test = Test::new(PLAIN);
    for (pod, value) in [("p1", 3), ("p2", 4), ("p1", 5)] {
        let attributes = format!("service.name=shop k8s.pod.name={pod}");
        let calls = counter("calls", Cumulative, vec![point("", value, START)]);
        test.send(vec![resource(&attributes, vec![calls])]).await;
    }
    assert_eq!(test.samples(), [r#"calls_total{job="shop"} 9"#]);
}

#[tokio::test]
async fn series_expire_without_updates_and_end_when_they_say_so() {
    let test = Test::new(&format!("{PLAIN}\nmetric_expiration: 1m"));
    let calls = |name: &str| shop(counter(name, Cumulative, vec![point("", 1, START)]));
    test.send(calls("a")).await;
    test.clock.advance(Duration::from_secs(30));
    test.send(calls("b")).await;
    test.clock.advance(Duration::from_secs(30));
    assert_eq!(test.samples().len(), 2);
    test.clock.advance(Duration::from_secs(1));
    assert_eq!(test.samples(), [r#"b_total{job="shop"} 1"#]);
    let mut ended = point("", 1, START);
    ended.flags = 1;
    test.send(shop(counter("b", Cumulative, vec![ended]))).await;
    assert_eq!(test.samples(), [""; 0]);
}

#[tokio::test]
async fn a_name_has_one_type() {
    let test = Test::new(PLAIN);
    test.send(shop(gauge("a.total", "", vec![point("", 1, START)]))).await;
    test.send(shop(counter("a", Cumulative, vec![point("", 2, START)]))).await;
    assert_eq!(test.samples(), [r#"a_total{job="shop"} 2"#]);
}

#[tokio::test]
async fn keys_that_become_one_name_share_a_label() {
    let test = Test::new(PLAIN);
    let labels = "http.method=GET http_method=PUT job=mine";
    test.send(shop(counter("a", Cumulative, vec![point(labels, 1, START)]))).await;
    assert_eq!(test.samples(), [r#"a_total{http_method="GET;PUT",job="shop"} 1"#]);
}

#[tokio::test]
async fn numbers_without_a_meaning_are_left_out() {
    let test = Test::new(PLAIN);
    test.send(shop(counter("a", Unspecified, vec![point("", 1, START)]))).await;
    let mut updown = counter("b", Delta, vec![point("", 1, START)]);
    if let Some(spandrel_proto::otlp::metrics::metric::Data::Sum(sum)) = &mut updown.data {
        sum.is_monotonic = false;
    }
    test.send(shop(updown)).await;
    assert_eq!(test.samples(), [""; 0]);
}

#[tokio::test]
async fn without_memory_new_series_are_rejected() {
    let memory = MemoryBudget::new("test", 4000);
    let test = Test::with_memory(PLAIN, memory.clone());
    let mut rejected = 0;
    for number in 0..20 {
        let attributes = format!("n={number}");
        let calls = counter("calls", Cumulative, vec![point(&attributes, 1, START)]);
        rejected += test.send(shop(calls)).await.rejected_spans;
    }
    let shown = test.samples().len() as u64;
    assert!(shown > 0 && rejected > 0 && shown + rejected == 20, "{shown} {rejected}");
    assert!(memory.used() <= 4000);
    // What is there can still be updated.
    let calls = counter("calls", Cumulative, vec![point("n=0", 7, START)]);
    assert_eq!(test.send(shop(calls)).await.rejected_spans, 0);
    assert!(test.samples().contains(&r#"calls_total{job="shop",n="0"} 7"#.to_owned()));
}

#[tokio::test]
async fn tenants_are_told_apart() {
    let test = Test::new(PLAIN);
    for tenant in ["one", "two"] {
        let resource_metrics = shop(counter("calls", Cumulative, vec![point("", 1, START)]));
        let request = ExportMetricsServiceRequest { resource_metrics };
        let batch = MetricBatch::new(TenantId::new(tenant).unwrap(), request);
        test.exporter.consume_metrics(batch).await.unwrap();
    }
    assert_eq!(
        test.samples(),
        [r#"calls_total{job="shop",tenant="one"} 1"#, r#"calls_total{job="shop",tenant="two"} 1"#,]
    );
}
