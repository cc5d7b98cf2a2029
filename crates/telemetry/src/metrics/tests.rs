//! The metrics page as a whole: its names, its format and the accounting on it.

use std::time::Duration;

use super::*;
use crate::{Api, Endpoint, FailReason, RefuseReason, RejectReason, Request, Source};

/// One event on every instrument that has no series before its first event.
fn touch_open_families(metrics: &Metrics) {
    let request =
        Request { code: 200, wire_bytes: 10, decompressed_bytes: 30, duration: Duration::ZERO };
    metrics.receiver().record_request(Source::OTLP_HTTP, request);
    let endpoint = Endpoint { api: Api::Tempo, endpoint: "search" };
    metrics.query().record_request(endpoint, 200, Duration::from_millis(3));
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
    assert_eq!(
        types,
        [
            "spandrel_build info",
            "spandrel_receiver_requests counter",
            "spandrel_receiver_request_duration_seconds histogram",
            "spandrel_receiver_request_wire_bytes counter",
            "spandrel_receiver_request_decompressed_bytes counter",
            "otelcol_receiver_accepted_spans unknown",
            "otelcol_receiver_accepted_spans_total unknown",
            "otelcol_receiver_refused_spans unknown",
            "otelcol_receiver_refused_spans_total unknown",
            "spandrel_spans_received counter",
            "spandrel_spans_stored counter",
            "spandrel_spans_rejected counter",
            "spandrel_spans_refused counter",
            "spandrel_spans_failed counter",
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
            "spandrel_query_requests counter",
            "spandrel_query_request_duration_seconds histogram",
            "spandrel_query_inspected_bytes counter",
            "spandrel_query_inspected_spans counter",
            "spandrel_query_inspected_blocks counter",
            "spandrel_query_pruned_row_groups counter",
        ]
    );
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
    let expected = SpanAccounting { received: 15, stored: 6, rejected: 3, refused: 4, failed: 2 };
    assert_eq!(metrics.accounting(), expected);
    assert_eq!(metrics.accounting().unaccounted(), 0);

    spans.stored.inc();
    assert_eq!(metrics.accounting().unaccounted(), -1);
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
