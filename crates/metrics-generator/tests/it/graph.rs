//! Service graphs: pairs, databases, virtual nodes, and what stays alone.

use std::time::Duration;

use expect_test::expect;

use crate::fixtures::{CLIENT, SERVER, Test, failed, resource, span, with};

const ONLY_GRAPH: &str =
    "overrides: {defaults: {metrics_generator: {processors: [service-graphs]}}}";

#[test]
fn requests_databases_and_virtual_nodes_are_edges() {
    let test = Test::new(ONLY_GRAPH);
    let shop = vec![
        span("GET /", SERVER, (1, 0), 90),
        span("call", CLIENT, (2, 1), 80),
        with(span("query", CLIENT, (3, 1), 20), "db.system=postgresql server.address=db-1"),
        with(span("pay", CLIENT, (4, 1), 30), "peer.service=bank"),
        span("lost", CLIENT, (6, 1), 30),
    ];
    test.observe(vec![resource("service.name=shop", shop)]);
    let stock = vec![failed(span("call", SERVER, (5, 2), 60))];
    test.observe(vec![resource("service.name=stock", stock)]);
    test.advance(Duration::from_secs(11));
    test.generator.collect(true);
    expect![[r#"
        traces_service_graph_request_failed_total{client="shop",connection_type="database",server="db-1"} 0.0
        traces_service_graph_request_failed_total{client="shop",connection_type="virtual_node",server="bank"} 0.0
        traces_service_graph_request_failed_total{client="shop",server="stock"} 1.0
        traces_service_graph_request_failed_total{client="user",connection_type="virtual_node",server="shop"} 0.0
    "#]]
    .assert_eq(&test.lines("traces_service_graph_request_failed_total"));
    expect![[r#"
        traces_service_graph_request_total{client="shop",connection_type="database",server="db-1"} 1.0
        traces_service_graph_request_total{client="shop",connection_type="virtual_node",server="bank"} 1.0
        traces_service_graph_request_total{client="shop",server="stock"} 1.0
        traces_service_graph_request_total{client="user",connection_type="virtual_node",server="shop"} 1.0
    "#]]
    .assert_eq(&test.lines("traces_service_graph_request_total"));
    let seconds = |end: &str| {
        test.lines(&format!(
            "traces_service_graph_request_{end}_seconds_sum{{client=\"shop\",server=\"stock\"}}"
        ))
    };
    assert!(seconds("server").ends_with(" 0.06\n"), "{}", seconds("server"));
    assert!(seconds("client").ends_with(" 0.08\n"), "{}", seconds("client"));
    expect![[r#"
        traces_service_graph_unpaired_spans_total{client="shop"} 2.0
        traces_service_graph_unpaired_spans_total{server="shop"} 1.0
    "#]]
    .assert_eq(&test.lines("traces_service_graph_unpaired"));
    assert_eq!(test.own("tempo_metrics_generator_processor_service_graphs_expired_edges_total"), 3);
}

#[test]
fn dimensions_of_both_ends_and_the_end_that_is_missing_are_labels() {
    let test = Test::new(
        "metrics_generator: {processor: {service_graphs: {dimensions: [zone], wait: 1s, \
         enable_client_server_prefix: true, enable_virtual_node_label: true}}}\n\
         overrides: {defaults: {metrics_generator: {processors: [service-graphs-request]}}}",
    );
    test.observe(vec![
        resource("service.name=a zone=z1", vec![span("x", CLIENT, (2, 1), 1)]),
        resource("service.name=b zone=z2", vec![span("x", SERVER, (3, 2), 1)]),
        resource("service.name=a zone=z1", vec![span("y", SERVER, (4, 0), 1)]),
    ]);
    test.advance(Duration::from_secs(2));
    test.generator.collect(true);
    expect![[r#"
        traces_service_graph_request_total{client="a",client_zone="z1",server="b",server_zone="z2"} 1.0
        traces_service_graph_request_total{client="user",connection_type="virtual_node",server="a",server_zone="z1",virtual_node="client"} 1.0
    "#]]
    .assert_eq(&test.lines("traces_service_graph_request_total"));
    assert_eq!(test.lines("traces_service_graph_request_server_seconds"), "");
}

#[test]
fn messages_have_the_time_between_and_a_full_store_says_so() {
    let test = Test::new(
        "metrics_generator: {processor: {service_graphs: {max_items: 1, \
         enable_messaging_system_latency_histogram: true}}}\n\
         overrides: {defaults: {metrics_generator: {processors: [service-graphs]}}}",
    );
    let mut send = span("send", 4, (2, 1), 500);
    send.end_time_unix_nano -= 400_000_000;
    test.observe(vec![
        resource("service.name=a", vec![send, span("no room", CLIENT, (9, 1), 1)]),
        resource("service.name=b", vec![span("receive", 5, (3, 2), 100)]),
    ]);
    let begin = "traces_service_graph_request_messaging_system_seconds_sum";
    expect![[r#"
        traces_service_graph_request_messaging_system_seconds_sum{client="a",connection_type="messaging_system",server="b"} 0.3
    "#]]
    .assert_eq(&test.lines(begin));
    assert_eq!(
        test.lines("traces_service_graph_dropped"),
        "traces_service_graph_dropped_spans_total 1.0\n"
    );
}
