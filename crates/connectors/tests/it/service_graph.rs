//! `service_graph`: edges from halves in any order, late ones, virtual nodes and the store's limits.

use std::sync::Arc;
use std::time::Duration;

use spandrel_base::clock::ManualClock;
use spandrel_connectors::service_graph::{ServiceGraphConnector, ServiceGraphSettings};
use spandrel_pipeline::{Component, TraceConsumer};
use spandrel_proto::otlp::metrics::metric::Data;
use spandrel_proto::otlp::trace::{ResourceSpans, Span};
use spandrel_telemetry::{Metrics, ServiceGraphCounters};

use crate::fixtures::{
    START, Sink, batch, clock, context, lines, resource, settings, span, status,
};

const CLIENT: i32 = 3;
const SERVER: i32 = 2;
const PRODUCER: i32 = 4;
const CONSUMER: i32 = 5;

struct Test {
    connector: ServiceGraphConnector,
    sink: Arc<Sink>,
    clock: Arc<ManualClock>,
    metrics: Metrics,
}

impl Test {
    fn new(yaml: &str) -> Self {
        let (sink, clock) = (Arc::new(Sink::default()), clock());
        let yaml = format!("latency_histogram_buckets: [5ms, 50ms]\n{yaml}");
        let settings = settings(&yaml, ServiceGraphSettings::read);
        let context = context(&clock);
        let metrics = context.metrics.clone();
        let connector = ServiceGraphConnector::new(settings, sink.clone(), context).unwrap();
        Self { connector, sink, clock, metrics }
    }

    async fn send(&self, spans: Vec<ResourceSpans>) {
        self.connector.consume(batch(spans)).await.unwrap();
    }

    /// `total`, `failed`, `server` and `client` of every edge, without the common parts of names and labels.
    async fn flushed(&self) -> Vec<String> {
        self.connector.flush().await;
        let short =
            |line: &String| line.replace("traces_service_graph_request_", "").replace("{|", "{");
        self.sink.take_lines().iter().map(short).collect()
    }

    /// Requests counted for each edge.
    async fn totals(&self) -> Vec<String> {
        let lines = self.flushed().await;
        lines.into_iter().filter_map(|line| line.strip_prefix("total").map(str::to_owned)).collect()
    }

    fn counters(&self) -> [u64; 3] {
        let ServiceGraphCounters { total_edges, expired_edges, dropped_spans } =
            self.metrics.connectors().service_graph("connector");
        [total_edges.get(), expired_edges.get(), dropped_spans.get()]
    }
}

/// A span that is the parent of those with the same number and a parent.
fn half(kind: i32, number: u8, attributes: &str) -> Span {
    let mut made = span("op", kind, attributes);
    match kind {
        CLIENT | PRODUCER => made.span_id = vec![number; 8].into(),
        _ => {
            made.span_id = vec![number + 100; 8].into();
            made.parent_span_id = vec![number; 8].into();
        }
    }
    made
}

fn of(service: &str, spans: Vec<Span>) -> ResourceSpans {
    resource(&format!("service.name={service}"), spans)
}

#[tokio::test]
async fn client_and_server_make_an_edge_in_either_order() {
    for server_first in [false, true] {
        let test = Test::new("");
        let mut client = half(CLIENT, 1, "");
        client.end_time_unix_nano = START + 60_000_000;
        let mut halves =
            vec![vec![of("front", vec![client])], vec![of("back", vec![half(SERVER, 1, "")])]];
        if server_first {
            halves.reverse();
        }
        for half in halves {
            test.send(half).await;
        }
        let labels = "{client=front,connection_type=,failed=false,server=back}";
        assert_eq!(
            test.flushed().await,
            [
                format!("client{labels} [0, 0, 1] 0.06"),
                format!("server{labels} [0, 1, 0] 0.01"),
                format!("total{labels} 1"),
            ]
        );
        assert_eq!(test.counters(), [1, 0, 0]);
        // Cumulative.
        assert_eq!(test.totals().await, [format!("{labels} 1")]);
    }
}

#[tokio::test]
async fn an_edge_has_failed_when_either_half_has() {
    let test = Test::new("");
    for (number, failed) in [(1, "client"), (2, "server"), (3, "")] {
        let (mut client, mut server) = (half(CLIENT, number, ""), half(SERVER, number, ""));
        client.status = (failed == "client").then(|| status(2).unwrap());
        server.status = (failed == "server").then(|| status(2).unwrap());
        test.send(vec![of("front", vec![client]), of("back", vec![server])]).await;
    }
    let flushed = test.flushed().await;
    let counts: Vec<_> = flushed
        .iter()
        .filter(|line| line.starts_with("total") || line.starts_with("failed_total"))
        .collect();
    assert_eq!(
        counts,
        [
            "failed_total{client=front,connection_type=,failed=true,server=back} 2",
            "total{client=front,connection_type=,failed=false,server=back} 1",
            "total{client=front,connection_type=,failed=true,server=back} 2",
        ]
    );
}

#[tokio::test]
async fn databases_and_queues_are_connections_of_their_own() {
    let test = Test::new("");
    let spans = vec![half(CLIENT, 1, "db.name=orders"), half(PRODUCER, 2, "")];
    test.send(vec![of("front", spans)]).await;
    test.send(vec![of("worker", vec![half(CONSUMER, 2, "")])]).await;
    assert_eq!(
        test.totals().await,
        [
            "{client=front,connection_type=database,failed=false,server=orders} 1",
            "{client=front,connection_type=messaging_system,failed=false,server=worker} 1",
        ]
    );
    let test = Test::new("database_name_attributes: [db.namespace, db.name]");
    test.send(vec![of("front", vec![half(CLIENT, 1, "db.name=old db.namespace=new")])]).await;
    let expected = "{client=front,connection_type=database,failed=false,server=new} 1";
    assert_eq!(test.totals().await, [expected]);
}

#[tokio::test]
async fn halves_that_stay_alone_become_virtual_nodes() {
    let test = Test::new("virtual_node_extra_label: true");
    let mut root = half(SERVER, 1, "");
    root.parent_span_id = Vec::new().into();
    let back = vec![root, half(SERVER, 2, "")];
    let front = vec![half(CLIENT, 3, "db.system=redis peer.service=cache"), half(CLIENT, 4, "")];
    test.send(vec![of("back", back), of("front", front)]).await;
    test.clock.advance(Duration::from_secs(2));
    test.connector.expire_edges();
    assert_eq!(test.totals().await, [""; 0]);
    test.clock.advance(Duration::from_millis(1));
    test.connector.expire_edges();
    // A server whose parent was not a client says nothing about who that was.
    let node = "connection_type=virtual_node,failed=false";
    assert_eq!(
        test.totals().await,
        [
            format!("{{client=front,{node},server=cache,virtual_node=server}} 1"),
            format!("{{client=front,{node},server=unknown,virtual_node=server}} 1"),
            format!("{{client=user,{node},server=back,virtual_node=client}} 1"),
        ]
    );
    assert_eq!(test.counters(), [4, 4, 0]);
    let test = Test::new("virtual_node_peer_attributes: []");
    test.send(vec![of("front", vec![half(CLIENT, 3, "peer.service=cache")])]).await;
    test.clock.advance(Duration::from_secs(3));
    test.connector.expire_edges();
    assert_eq!(test.totals().await, [""; 0]);
}

#[tokio::test]
async fn a_half_that_comes_too_late_begins_another_edge() {
    let test = Test::new("store: {ttl: 10s}");
    test.send(vec![of("front", vec![half(CLIENT, 1, "peer.service=cache")])]).await;
    test.clock.advance(Duration::from_secs(11));
    test.connector.expire_edges();
    test.send(vec![of("back", vec![half(SERVER, 1, "")])]).await;
    let expected = "{client=front,connection_type=virtual_node,failed=false,server=cache} 1";
    assert_eq!(test.totals().await, [expected]);
    assert_eq!(test.counters(), [2, 1, 0]);
}

#[tokio::test]
async fn a_full_store_drops_spans_until_edges_expire() {
    let test = Test::new("store: {ttl: 1s, max_items: 2}\nvirtual_node_peer_attributes: []");
    test.send(vec![of("front", (1..5).map(|number| half(CLIENT, number, "")).collect())]).await;
    assert_eq!(test.counters(), [2, 0, 2]);
    // The oldest makes room when its time is over, without the task.
    test.clock.advance(Duration::from_secs(2));
    test.send(vec![of("front", vec![half(CLIENT, 5, "")])]).await;
    assert_eq!(test.counters(), [3, 1, 2]);
}

#[tokio::test]
async fn dimensions_are_of_both_ends() {
    let test = Test::new("dimensions: [zone, version]");
    let server = resource("service.name=back zone=2", vec![half(SERVER, 1, "zone=3 version=v1")]);
    test.send(vec![of("front", vec![half(CLIENT, 1, "zone=1")]), server]).await;
    let expected = "{client=front,client_zone=1,connection_type=,failed=false,\
        server=back,server_version=v1,server_zone=2} 1";
    assert_eq!(test.totals().await, [expected]);
}

#[tokio::test]
async fn sampled_edges_count_for_those_that_were_not_kept() {
    let test = Test::new("");
    let sampled = |mut span: Span, threshold: &str| {
        span.trace_state = format!("ot=th:{threshold}");
        span
    };
    let client = sampled(half(CLIENT, 1, ""), "8");
    let server = sampled(half(SERVER, 1, ""), "c");
    test.send(vec![of("front", vec![client]), of("back", vec![server])]).await;
    let expected = "{client=front,connection_type=,failed=false,server=back} 4";
    assert_eq!(test.totals().await, [expected]);
}

#[tokio::test]
async fn spans_of_no_service_and_of_other_kinds_are_no_ends() {
    let test = Test::new("");
    let inner = span("op", 1, "");
    test.send(vec![resource("host=1", vec![half(CLIENT, 1, "")]), of("back", vec![inner])]).await;
    let mut broken = half(CLIENT, 2, "");
    broken.trace_id = vec![1; 3].into();
    test.send(vec![of("front", vec![broken])]).await;
    assert_eq!(test.counters(), [0, 0, 0]);
}

#[tokio::test]
async fn series_end_after_a_quarter_of_an_hour() {
    let test = Test::new("");
    test.send(vec![of("front", vec![half(CLIENT, 1, "db.name=orders")])]).await;
    test.clock.advance(Duration::from_secs(15 * 60 - 1));
    test.connector.expire_series();
    assert_eq!(test.totals().await.len(), 1);
    test.clock.advance(Duration::from_secs(1));
    test.connector.expire_series();
    assert_eq!(test.totals().await, [""; 0]);
}

#[tokio::test]
async fn without_an_interval_every_batch_is_flushed_and_dated_back() {
    let test = Test::new("metrics_flush_interval: 0s\nmetrics_timestamp_offset: 30s");
    test.send(vec![of("front", vec![half(CLIENT, 1, "db.name=orders")])]).await;
    let batch = test.sink.metrics.lock().unwrap().pop().unwrap();
    assert_eq!(lines(&batch).len(), 3);
    let scope = &batch.metrics.resource_metrics[0].scope_metrics[0];
    assert_eq!(scope.scope.as_ref().unwrap().name, "traces_service_graph");
    assert_eq!(scope.metrics[1].unit, "s");
    let Some(Data::Sum(sum)) = &scope.metrics[0].data else { panic!("{scope:?}") };
    let point = &sum.data_points[0];
    let back = START - 30_000_000_000;
    assert_eq!((point.start_time_unix_nano, point.time_unix_nano), (back, back));
}

#[tokio::test(start_paused = true)]
async fn tasks_flush_and_expire() {
    let test = Test::new("metrics_flush_interval: 10s\nstore: {ttl: 1s}");
    test.connector.start().await.unwrap();
    tokio::task::yield_now().await;
    test.send(vec![of("front", vec![half(CLIENT, 1, "peer.service=cache")])]).await;
    test.clock.advance(Duration::from_secs(11));
    for _ in 0..12 {
        tokio::time::advance(Duration::from_secs(1)).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(test.counters(), [1, 1, 0]);
    assert_eq!(test.sink.take_lines().len(), 3);
    test.connector.shutdown().await;
}
