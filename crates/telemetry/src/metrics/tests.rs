//! The metrics page as a whole: its names, its format and the accounting on it.

use std::time::Duration;

use super::*;
use crate::{
    Api, DatagramDropReason, Endpoint, FailReason, MemoryClass, ObjectOperation, ObjectOutcome,
    PipelineFate, Receiver, RecordOutcome, RefuseReason, RejectReason, Request, Source,
    TENANTS_MAX, Transport,
};

/// Names and types on the page, but those of the process.
const TYPES: &[&str] = &[
    "spandrel_build info",
    "spandrel_receiver_requests counter",
    "spandrel_receiver_request_duration_seconds histogram",
    "spandrel_receiver_request_wire_bytes counter",
    "spandrel_receiver_request_decompressed_bytes counter",
    "otelcol_receiver_accepted_spans unknown",
    "otelcol_receiver_accepted_spans_total unknown",
    "otelcol_receiver_refused_spans unknown",
    "otelcol_receiver_refused_spans_total unknown",
    "spandrel_receiver_ignored_requests counter",
    "spandrel_receiver_datagrams counter",
    "spandrel_receiver_datagram_bytes counter",
    "spandrel_receiver_dropped_datagrams counter",
    "spandrel_spans_received counter",
    "spandrel_spans_stored counter",
    "spandrel_spans_rejected counter",
    "spandrel_spans_refused counter",
    "spandrel_spans_failed counter",
    "otelcol_connector_servicegraph_total_edges counter",
    "otelcol_connector_servicegraph_expired_edges counter",
    "otelcol_connector_servicegraph_dropped_spans counter",
    "spandrel_pipeline_received_spans counter",
    "spandrel_pipeline_spans counter",
    "spandrel_pipeline_held_spans gauge",
    "spandrel_pipeline_stub_dropped_items counter",
    "spandrel_wal_append_duration_seconds histogram",
    "spandrel_wal_group_records histogram",
    "spandrel_wal_group_bytes histogram",
    "spandrel_wal_disk_bytes gauge",
    "spandrel_wal_replayed_records counter",
    "spandrel_wal_corrupt_records counter",
    "spandrel_live_spans gauge",
    "spandrel_live_bytes gauge",
    "spandrel_live_runs gauge",
    "spandrel_live_acknowledged_to_searchable_seconds histogram",
    "spandrel_block_written counter",
    "spandrel_block_written_bytes counter",
    "spandrel_block_write_duration_seconds histogram",
    "spandrel_block_spans histogram",
    "spandrel_block_flush_failures counter",
    "spandrel_catalog_commit_duration_seconds histogram",
    "spandrel_catalog_refreshes counter",
    "spandrel_catalog_refresh_failures counter",
    "spandrel_compaction_runs counter",
    "spandrel_compaction_merges counter",
    "spandrel_compaction_conflicts counter",
    "spandrel_compaction_failures counter",
    "spandrel_compaction_blocks_in counter",
    "spandrel_compaction_blocks_out counter",
    "spandrel_compaction_in_bytes counter",
    "spandrel_compaction_out_bytes counter",
    "spandrel_compaction_spans_in counter",
    "spandrel_compaction_spans_out counter",
    "spandrel_compaction_copies counter",
    "spandrel_compaction_filtered_spans counter",
    "spandrel_compaction_expired_blocks counter",
    "spandrel_compaction_vacuumed_files counter",
    "spandrel_compaction_merge_duration_seconds histogram",
    "spandrel_objects_requests counter",
    "spandrel_objects_request_duration_seconds histogram",
    "spandrel_objects_read_bytes counter",
    "spandrel_objects_written_bytes counter",
    "spandrel_objects_attempts counter",
    "spandrel_objects_hedges counter",
    "spandrel_objects_cache_lookups counter",
    "spandrel_objects_cache_hit_bytes counter",
    "spandrel_objects_cache_bytes gauge",
    "spandrel_objects_cache_evicted_chunks counter",
    "spandrel_objects_cache_not_kept_chunks counter",
    "spandrel_query_requests counter",
    "spandrel_query_request_duration_seconds histogram",
    "spandrel_query_inspected_bytes counter",
    "spandrel_query_inspected_spans counter",
    "spandrel_query_inspected_blocks counter",
    "spandrel_query_pruned_row_groups counter",
    "spandrel_query_refused counter",
    "otelcol_exporter_sent_spans unknown",
    "otelcol_exporter_sent_spans_total unknown",
    "otelcol_exporter_send_failed_spans unknown",
    "otelcol_exporter_send_failed_spans_total unknown",
    "otelcol_exporter_enqueue_failed_spans unknown",
    "otelcol_exporter_enqueue_failed_spans_total unknown",
    "spandrel_exporter_rejected_spans counter",
    "otelcol_exporter_queue_size gauge",
    "otelcol_exporter_queue_capacity gauge",
    "otelcol_exporter_in_flight_requests gauge",
    "otelcol_exporter_sent_metric_points unknown",
    "otelcol_exporter_sent_metric_points_total unknown",
    "otelcol_exporter_send_failed_metric_points unknown",
    "otelcol_exporter_send_failed_metric_points_total unknown",
    "otelcol_exporter_enqueue_failed_metric_points unknown",
    "otelcol_exporter_enqueue_failed_metric_points_total unknown",
    "spandrel_exporter_rejected_metric_points counter",
    "tempo_metrics_generator_spans_received counter",
    "tempo_metrics_generator_registry_series_added counter",
    "tempo_metrics_generator_registry_series_removed counter",
    "tempo_metrics_generator_registry_series_limited counter",
    "tempo_metrics_generator_registry_label_values_limited counter",
    "tempo_metrics_generator_processor_service_graphs_edges counter",
    "tempo_metrics_generator_processor_service_graphs_expired_edges counter",
    "tempo_metrics_generator_processor_service_graphs_dropped_spans counter",
    "tempo_metrics_generator_registry_collections_failed counter",
    "tempo_metrics_generator_spans_discarded counter",
    "tempo_metrics_generator_registry_active_series gauge",
    "tempo_metrics_generator_registry_max_active_series gauge",
    "spandrel_kafka_received_records counter",
    "spandrel_kafka_received_record_bytes counter",
    "spandrel_kafka_finished_records counter",
    "spandrel_kafka_record_retries counter",
    "spandrel_kafka_paused_partitions gauge",
    "spandrel_kafka_sent_records counter",
    "spandrel_kafka_sent_record_bytes counter",
    "spandrel_kafka_send_failed_records counter",
    "otelcol_loadbalancer_num_resolutions unknown",
    "otelcol_loadbalancer_num_resolutions_total unknown",
    "otelcol_loadbalancer_num_backends gauge",
    "otelcol_loadbalancer_num_backend_updates unknown",
    "otelcol_loadbalancer_num_backend_updates_total unknown",
    "spandrel_limits_file_valid gauge",
    "spandrel_limits_discarded_spans counter",
    "spandrel_limits_reloads counter",
    "spandrel_memory_used_bytes gauge",
    "spandrel_memory_limit_bytes gauge",
];

/// One event on every instrument that has no series before its first event.
fn touch_open_families(metrics: &Metrics) {
    let request =
        Request { code: 200, wire_bytes: 10, decompressed_bytes: 30, duration: Duration::ZERO };
    metrics.receiver().record_request(Source::OTLP_HTTP, request);
    let (get, ok) = (ObjectOperation::Get, ObjectOutcome::Ok);
    metrics.objects().record_request(get, ok, Duration::from_millis(30));
    let endpoint = Endpoint { api: Api::Tempo, endpoint: "search" };
    metrics.query().record_request(endpoint, 200, Duration::from_millis(3));
    metrics.exporters().exporter("otlp_grpc").queue();
    metrics.exporters().exporter_of_metrics("prometheus_remote_write").queue();
    metrics.generator().tenant("shop").received.inc();
    metrics.load_balancers().record_resolution("static", true);
    metrics.load_balancers().record_update("static", 2);
    metrics.connectors().service_graph("service_graph").total_edges.inc();
    metrics.limits().record_refused("shop", RefuseReason::TenantRate, 3);
    let pipelines = metrics.pipelines();
    pipelines.received("traces").inc();
    pipelines.with_fate("traces", PipelineFate::Sent).inc();
    pipelines.held("traces").add(1);
    pipelines.dropped_by_stub("datadog").inc();
    metrics.receiver().ignored_requests.inc(&Receiver::Datadog);
    let kafka = metrics.kafka().receiver("kafka");
    kafka.received.inc();
    kafka.received_bytes.add(10);
    kafka.retries.inc();
    kafka.paused.set(0);
    kafka.finished(RecordOutcome::Delivered);
    metrics.kafka().exporter("kafka").sent.inc();
    metrics.datagrams().received.inc(&Transport::UdpThriftCompact);
    metrics.datagrams().received_bytes.inc(&Transport::UdpThriftCompact);
    metrics.datagrams().record_dropped(Transport::UdpThriftCompact, DatagramDropReason::ALL[0]);
}

#[test]
fn names_and_types_are_a_public_interface() {
    let metrics = Metrics::new();
    touch_open_families(&metrics);
    let page = metrics.encode();
    let types: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .filter(|line| !line.starts_with("process_") && !line.starts_with("spandrel_process_"))
        .collect();
    assert_eq!(types, TYPES);
}

#[test]
#[cfg(target_os = "linux")]
fn process_metrics_are_read_at_scrape() {
    let page = Metrics::new().encode();
    for name in ["process_resident_memory_bytes", "process_cpu_seconds_total"] {
        let value = value_of(&page, name);
        assert!(value.is_some_and(|value| value >= 0.0), "{name}: {value:?}");
    }
    let uptime = value_of(&page, "spandrel_process_uptime_seconds");
    assert!(uptime.is_some_and(|value| value < 3600.0), "uptime: {uptime:?}");
}

#[test]
fn samples_carry_labels_and_suffixes() {
    let metrics = Metrics::new();
    touch_open_families(&metrics);
    metrics.receiver().record_accepted_spans(Source::OTLP_GRPC, 7);
    metrics.receiver().record_refused_spans(Source::OTLP_HTTP, 2);
    metrics.live().bytes.set(512);
    metrics.wal().group_records.observe_count(3);
    metrics.memory().used.set(&MemoryClass::Ingest, 77);
    let page = metrics.encode();
    let expected = [
        ("otelcol_receiver_accepted_spans{receiver=\"otlp\",transport=\"grpc\"}", 7.0),
        ("otelcol_receiver_accepted_spans_total{receiver=\"otlp\",transport=\"grpc\"}", 7.0),
        ("otelcol_receiver_refused_spans{receiver=\"otlp\",transport=\"http\"}", 2.0),
        (
            "spandrel_receiver_requests_total{receiver=\"otlp\",transport=\"http\",code=\"200\"}",
            1.0,
        ),
        ("spandrel_receiver_request_wire_bytes_total", 10.0),
        ("spandrel_receiver_request_decompressed_bytes_total", 30.0),
        ("spandrel_spans_rejected_total{reason=\"invalid_trace_id\"}", 0.0),
        ("spandrel_query_requests_total{api=\"tempo\",endpoint=\"search\",code=\"200\"}", 1.0),
        ("spandrel_live_bytes", 512.0),
        ("spandrel_limits_discarded_spans_total{tenant=\"shop\",reason=\"tenant_rate\"}", 3.0),
        ("spandrel_limits_reloads_total{outcome=\"failed\"}", 0.0),
        ("spandrel_limits_file_valid", 1.0),
        ("spandrel_memory_used_bytes{class=\"ingest\"}", 77.0),
        ("spandrel_memory_limit_bytes{class=\"query\"}", 0.0),
        ("spandrel_wal_group_records_bucket{le=\"2.0\"}", 0.0),
        ("spandrel_wal_group_records_bucket{le=\"4.0\"}", 1.0),
    ];
    for (series, value) in expected {
        assert_eq!(value_of(&page, series), Some(value), "{series} in\n{page}");
    }
    assert!(page.ends_with("# EOF\n"), "{page}");
}

#[test]
fn accounting_sums_every_series_and_balances() {
    let metrics = Metrics::new();
    metrics.spans().received.add(&Source::OTLP_GRPC, 10);
    metrics.spans().received.add(&Source::OTLP_HTTP, 5);
    assert_eq!(metrics.accounting().unaccounted(), 15);

    let spans = metrics.spans();
    spans.stored.add(6);
    spans.rejected.add(&RejectReason::InvalidTraceId, 1);
    spans.rejected.add(&RejectReason::TooLarge, 2);
    spans.refused.add(&RefuseReason::WalFull, 3);
    spans.refused.add(&RefuseReason::DiskFull, 1);
    spans.failed.add(&FailReason::Internal, 2);
    // A reason that the sums leave out would be a span without a fate.
    for reason in RejectReason::ALL {
        spans.rejected.add(reason, 1);
    }
    for reason in RefuseReason::ALL {
        spans.refused.add(reason, 1);
    }
    let n_reasons = (RejectReason::ALL.len() + RefuseReason::ALL.len()) as u64;
    spans.received.add(&Source::OTLP_GRPC, n_reasons);
    assert_eq!(metrics.accounting().unaccounted(), 0);
    let expected = SpanAccounting {
        received: 15 + n_reasons,
        stored: 6,
        rejected: 3 + RejectReason::ALL.len() as u64,
        refused: 4 + RefuseReason::ALL.len() as u64,
        failed: 2,
    };
    assert_eq!(metrics.accounting(), expected);
    assert_eq!(metrics.accounting().unaccounted(), 0);

    spans.stored.inc();
    assert_eq!(metrics.accounting().unaccounted(), -1);
}

/// Whoever may choose tenant names cannot make series without end.
#[test]
fn only_so_many_tenants_have_series_of_their_own() {
    let metrics = Metrics::new();
    let record = |tenant: usize| {
        let tenant = format!("tenant-{tenant}");
        metrics.limits().record_rejected(&tenant, RejectReason::TraceBytes, 1);
    };
    (0..TENANTS_MAX + 50).for_each(record);
    record(7);
    let page = metrics.encode();
    let series = "spandrel_limits_discarded_spans_total";
    assert_eq!(page.lines().filter(|line| line.starts_with(series)).count(), TENANTS_MAX + 1);
    let value = |tenant: &str| {
        value_of(&page, &format!("{series}{{tenant=\"{tenant}\",reason=\"trace_bytes\"}}"))
    };
    assert_eq!((value("tenant-7"), value("<other>")), (Some(2.0), Some(50.0)));
}

#[test]
fn clones_share_series() {
    let metrics = Metrics::new();
    metrics.clone().spans().stored.add(4);
    assert_eq!(metrics.spans().stored.get(), 4);
    assert_eq!(Metrics::new().spans().stored.get(), 0);
}

/// The value of the sample whose name and labels are exactly `series`.
fn value_of(page: &str, series: &str) -> Option<f64> {
    page.lines()
        .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))
        .and_then(|value| value.parse().ok())
}
