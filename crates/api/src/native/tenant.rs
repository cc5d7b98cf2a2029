//! `GET /api/ui/tenant`: what an operator asks about a tenant.
//!
//! What is counted is counted since the process was started. Spans, live spans, limits and blocks are the tenant's own;
//! the log and compaction are those of the process, whose tenants share them.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use http::HeaderMap;
use serde::Serialize;
use spandrel_query::{ReadLimits, TenantStatus};
use spandrel_telemetry::Metrics;

use crate::ApiState;
use crate::tempo::Failure;
use crate::tenant::Tenants;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tenant {
    tenant: String,
    received: Spans,
    stored: u64,
    failed: u64,
    /// Spans by reason.
    rejected: BTreeMap<&'static str, u64>,
    refused: BTreeMap<&'static str, u64>,
    /// In force now; null is no limit.
    limits: BTreeMap<&'static str, Option<u64>>,
    retention_seconds: Option<u64>,
    live: SpansBytes,
    log: Log,
    blocks: Blocks,
    compaction: BTreeMap<&'static str, u64>,
    version: &'static str,
    uptime_seconds: u64,
}

#[derive(Debug, Serialize)]
struct Spans {
    spans: u64,
}

#[derive(Debug, Serialize)]
struct SpansBytes {
    spans: u64,
    bytes: u64,
}

#[derive(Debug, Serialize)]
struct Log {
    bytes: u64,
}

#[derive(Debug, Serialize)]
struct Blocks {
    count: u64,
    spans: u64,
    bytes: u64,
}

pub(super) async fn tenant(
    State(state): State<ApiState>,
    headers: HeaderMap,
) -> Result<Json<Tenant>, Failure> {
    let tenants = Tenants::of(&headers, &state)?;
    let tenant = tenants.only()?;
    let status = state.engine.tenant_status(tenant).await?;
    let retention = match &state.overrides {
        Some(overrides) => overrides.retention_in_force(tenant),
        None => state.retention,
    };
    let limits = limits(&status);
    let TenantStatus { spans, n_blocks, block_spans, block_bytes, .. } = status;
    Ok(Json(Tenant {
        tenant: tenant.to_string(),
        received: Spans { spans: spans.received() },
        stored: spans.stored,
        failed: spans.failed,
        rejected: spans.rejected,
        refused: spans.refused,
        limits,
        retention_seconds: retention.map(|age| age.as_secs()),
        live: SpansBytes { spans: spans.live_spans, bytes: spans.live_bytes },
        log: Log { bytes: state.metrics.wal().disk_bytes.get().max(0).cast_unsigned() },
        blocks: Blocks { count: n_blocks, spans: block_spans, bytes: block_bytes },
        compaction: compaction(&state.metrics),
        version: env!("CARGO_PKG_VERSION"),
        uptime_seconds: state.clock.monotonic().saturating_sub(state.started).as_secs(),
    }))
}

fn limits(status: &TenantStatus) -> BTreeMap<&'static str, Option<u64>> {
    let seconds = |limit: Option<Duration>| limit.map(|limit| limit.as_secs());
    let ReadLimits { max_search_duration, max_metrics_duration, max_bytes_per_tag_values_query } =
        status.read_limits;
    let bytes = max_bytes_per_tag_values_query.map(|bytes| bytes as u64);
    status
        .limits
        .named()
        .into_iter()
        .chain([
            ("max_search_duration_seconds", seconds(max_search_duration)),
            ("max_metrics_duration_seconds", seconds(max_metrics_duration)),
            ("max_bytes_per_tag_values_query", bytes),
        ])
        .collect()
}

fn compaction(metrics: &Metrics) -> BTreeMap<&'static str, u64> {
    let counters = metrics.compaction();
    BTreeMap::from([
        ("runs", counters.runs.get()),
        ("merges", counters.merges.get()),
        ("conflicts", counters.conflicts.get()),
        ("failures", counters.failures.get()),
        ("blocksIn", counters.blocks_in.get()),
        ("blocksOut", counters.blocks_out.get()),
        ("bytesIn", counters.bytes_in.get()),
        ("bytesOut", counters.bytes_out.get()),
        ("spansIn", counters.spans_in.get()),
        ("spansOut", counters.spans_out.get()),
        ("copies", counters.copies.get()),
        ("filteredSpans", counters.filtered_spans.get()),
        ("expiredBlocks", counters.expired_blocks.get()),
        ("vacuumedFiles", counters.vacuumed_files.get()),
    ])
}
