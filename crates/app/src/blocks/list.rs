//! `spandrel blocks list`: one line for each block.

use std::process::ExitCode;

use serde::Serialize;
use spandrel_base::byte_size::ByteSize;
use spandrel_catalog::BlockEntry;
use spandrel_ingest::Store;
use spandrel_model::TenantId;

use super::{extent_nanos, per_span};
use crate::duration::format_nanos;
use crate::output::{self, counted, grouped};
use crate::query::format_time_seconds;
use crate::storage::{Storage, StorageArgs, TenantBlocks};
use crate::table::{self, Align};

/// Which blocks.
#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    storage: StorageArgs,

    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// A block as the catalogue knows it, for programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BlockJson {
    pub(super) tenant: String,
    pub(super) id: String,
    /// In the data directory.
    pub(super) path: String,
    pub(super) format_version: u16,
    pub(super) level: u8,
    pub(super) start_unix_nanos: u64,
    pub(super) end_unix_nanos: u64,
    pub(super) spans: u64,
    pub(super) traces: u64,
    pub(super) bytes: u64,
}

impl BlockJson {
    pub(crate) fn new(tenant: &TenantId, entry: &BlockEntry) -> Self {
        Self {
            tenant: tenant.to_string(),
            id: entry.id.to_string(),
            path: Store::block_path(tenant, entry).to_string(),
            format_version: entry.format_version,
            level: entry.level,
            start_unix_nanos: entry.min_start_unix_nanos,
            end_unix_nanos: entry.max_end_unix_nanos,
            spans: entry.n_spans,
            traces: entry.n_traces,
            bytes: entry.size_bytes,
        }
    }
}

/// Sums over blocks. A trace that lies in several blocks counts in each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
struct Totals {
    blocks: u64,
    spans: u64,
    traces: u64,
    bytes: u64,
}

impl Totals {
    fn of<'a>(entries: impl IntoIterator<Item = &'a BlockEntry>) -> Self {
        entries.into_iter().fold(Self::default(), |sum, entry| Self {
            blocks: sum.blocks + 1,
            spans: sum.spans + entry.n_spans,
            traces: sum.traces + entry.n_traces,
            bytes: sum.bytes + entry.size_bytes,
        })
    }
}

pub(super) async fn run(args: ListArgs) -> anyhow::Result<ExitCode> {
    let tenants = Storage::open(&args.storage).await?.blocks(&args.storage).await?;
    if args.json {
        output::print(&format!("{}\n", json(&tenants)))?;
    } else if tenants.iter().all(|tenant| tenant.entries.is_empty()) {
        output::note("there are no blocks yet; a server writes the first one within minutes\n");
    } else {
        output::print(&text(&tenants))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn all(tenants: &[TenantBlocks]) -> impl Iterator<Item = &BlockEntry> {
    tenants.iter().flat_map(|tenant| tenant.entries.iter().map(AsRef::as_ref))
}

fn json(tenants: &[TenantBlocks]) -> serde_json::Value {
    let blocks = tenants.iter().flat_map(|TenantBlocks { tenant, entries }| {
        entries.iter().map(move |entry| BlockJson::new(tenant, entry))
    });
    serde_json::json!({
        "blocks": blocks.collect::<Vec<_>>(),
        "totals": Totals::of(all(tenants)),
    })
}

fn text(tenants: &[TenantBlocks]) -> String {
    let mut out = String::new();
    for TenantBlocks { tenant, entries } in tenants.iter().filter(|t| !t.entries.is_empty()) {
        let rows: Vec<_> = entries.iter().map(|entry| row(entry)).collect();
        let headings = [
            ("BLOCK", Align::Left),
            ("START (UTC)", Align::Left),
            ("LENGTH", Align::Right),
            ("LEVEL", Align::Right),
            ("SPANS", Align::Right),
            ("TRACES", Align::Right),
            ("SIZE", Align::Right),
            ("B/SPAN", Align::Right),
        ];
        out.push_str(&table::render(headings, &rows, usize::MAX));
        out.push_str(&format!(
            "tenant {tenant}: {}\n\n",
            sentence(Totals::of(entries.iter().map(AsRef::as_ref)))
        ));
    }
    if tenants.iter().filter(|tenant| !tenant.entries.is_empty()).count() > 1 {
        out.push_str(&format!("all tenants: {}\n\n", sentence(Totals::of(all(tenants)))));
    }
    out.pop();
    out
}

fn row(entry: &BlockEntry) -> [String; 8] {
    [
        entry.id.to_string(),
        format_time_seconds(entry.min_start_unix_nanos),
        format_nanos(extent_nanos(entry)),
        entry.level.to_string(),
        grouped(entry.n_spans),
        grouped(entry.n_traces),
        ByteSize(entry.size_bytes).to_string(),
        per_span(entry.size_bytes, entry.n_spans),
    ]
}

fn sentence(totals: Totals) -> String {
    let Totals { blocks, spans, traces, bytes } = totals;
    format!(
        "{}, {}, {}, {}, {} bytes per span",
        counted(blocks, "block"),
        counted(spans, "span"),
        counted(traces, "trace"),
        ByteSize(bytes),
        per_span(bytes, spans),
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use expect_test::expect;
    use spandrel_catalog::BlockId;

    use super::*;

    fn entry(number: u8, start_seconds: u64, n_spans: u64) -> Arc<BlockEntry> {
        let id = BlockId::from_bytes([number; 16]);
        Arc::new(BlockEntry {
            id,
            path: format!("blocks/2026-01-01/{id}.parquet"),
            size_bytes: n_spans * 38 + 1_000,
            n_spans,
            n_traces: n_spans / 9,
            min_start_unix_nanos: (1_767_225_600 + start_seconds) * 1_000_000_000,
            max_end_unix_nanos: (1_767_225_600 + start_seconds + 300) * 1_000_000_000,
            max_trace_start_unix_nanos: 0,
            max_received_unix_nanos: 0,
            format_version: 1,
            level: number,
            tail: None,
        })
    }

    fn tenants() -> Vec<TenantBlocks> {
        let team = |name, entries| TenantBlocks { tenant: TenantId::new(name).unwrap(), entries };
        vec![
            team("a", vec![entry(1, 0, 1_234_567), entry(0, 300, 10)]),
            team("b", vec![entry(2, 60, 0)]),
            team("c", vec![]),
        ]
    }

    #[test]
    fn blocks_are_listed_by_tenant_with_totals() {
        expect![[r#"
            BLOCK                                 START (UTC)          LENGTH  LEVEL      SPANS   TRACES      SIZE  B/SPAN
            01010101-0101-0101-0101-010101010101  2026-01-01 00:00:00   5m00s      1  1 234 567  137 174  44.7 MiB    38.0
            00000000-0000-0000-0000-000000000000  2026-01-01 00:05:00   5m00s      0         10        1   1.3 KiB   138.0
            tenant a: 2 blocks, 1 234 577 spans, 137 175 traces, 44.7 MiB, 38.0 bytes per span

            BLOCK                                 START (UTC)          LENGTH  LEVEL  SPANS  TRACES    SIZE  B/SPAN
            02020202-0202-0202-0202-020202020202  2026-01-01 00:01:00   5m00s      2      0       0  1000 B       -
            tenant b: 1 block, 0 spans, 0 traces, 1000 B, - bytes per span

            all tenants: 3 blocks, 1 234 577 spans, 137 175 traces, 44.7 MiB, 38.0 bytes per span
        "#]]
        .assert_eq(&text(&tenants()));
    }

    #[test]
    fn json_has_exact_numbers() {
        let json = json(&tenants()[1..2]);
        assert_eq!(
            json,
            serde_json::json!({
                "blocks": [{
                    "tenant": "b",
                    "id": "02020202-0202-0202-0202-020202020202",
                    "path": "tenants/b/blocks/2026-01-01/02020202-0202-0202-0202-020202020202.parquet",
                    "formatVersion": 1,
                    "level": 2,
                    "startUnixNanos": 1_767_225_660_000_000_000_u64,
                    "endUnixNanos": 1_767_225_960_000_000_000_u64,
                    "spans": 0,
                    "traces": 0,
                    "bytes": 1000,
                }],
                "totals": { "blocks": 1, "spans": 0, "traces": 0, "bytes": 1000 },
            })
        );
    }
}
