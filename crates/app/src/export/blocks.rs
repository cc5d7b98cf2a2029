//! Whole traces straight out of blocks.

use std::sync::Arc;

use anyhow::bail;
use spandrel_base::cpu;
use spandrel_catalog::BlockEntry;
use spandrel_model::Trace;
use spandrel_query::{QueryError, TimeRange, TraceFilter};

use super::{Sink, Wanted};
use crate::storage::{Storage, StorageArgs, TenantBlocks, TraceReader};

/// Parts of a trace that lie in blocks further than this from the range of time are left out.
const NEAR_NANOS: i64 = 3_600 * 1_000_000_000;

/// The blocks of one tenant.
pub(super) struct BlockSource {
    storage: Storage,
    blocks: TenantBlocks,
}

impl BlockSource {
    pub(super) async fn open(args: &StorageArgs, wanted: &Wanted) -> anyhow::Result<Self> {
        let storage = Storage::open(args).await?;
        let mut tenants = storage.blocks(args).await?;
        if tenants.len() > 1 {
            let names: Vec<&str> = tenants.iter().map(|of| of.tenant.as_str()).collect();
            bail!("a file has no tenants; name one with --tenant: {}", names.join(", "));
        }
        let Some(mut blocks) = tenants.pop() else {
            bail!("{} holds no blocks yet", args.data_dir.display());
        };
        blocks.entries.retain(|entry| is_near(entry, wanted.range));
        Ok(Self { storage, blocks })
    }

    pub(super) async fn export(self, wanted: &Wanted, sink: &mut Sink) -> anyhow::Result<()> {
        let query = spandrel_traceql::compile(&wanted.query)?;
        let filter = Arc::new(TraceFilter::new(&query, wanted.range)?);
        let n_blocks = self.blocks.entries.len();
        let progress = |number| sink.progress.update(|| format!("{number} of {n_blocks} indexes"));
        let mut reader = TraceReader::open(self.storage, self.blocks, progress).await?;
        for number in 0..reader.n_blocks() {
            let source = reader.opened(number).await?;
            for run in source.runs()? {
                let traces = reader.traces(number, &source, &run).await?;
                let filter = Arc::clone(&filter);
                let kept = cpu::run(move || accepted(traces, &filter)).await??;
                for trace in kept {
                    sink.add(trace)?;
                }
            }
        }
        Ok(())
    }
}

/// Traces that the filter lets pass.
fn accepted(traces: Vec<Trace>, filter: &TraceFilter) -> Result<Vec<Trace>, QueryError> {
    let mut kept = Vec::new();
    for trace in traces {
        if filter.accepts(&trace)? {
            kept.push(trace);
        }
    }
    Ok(kept)
}

fn is_near(entry: &BlockEntry, range: TimeRange) -> bool {
    let signed = |nanos: u64| i64::try_from(nanos).unwrap_or(i64::MAX);
    let wider = TimeRange {
        start_unix_nanos: range.start_unix_nanos.saturating_sub(NEAR_NANOS),
        end_unix_nanos: range.end_unix_nanos.saturating_add(NEAR_NANOS),
    };
    wider.overlaps(signed(entry.min_start_unix_nanos), signed(entry.max_end_unix_nanos))
}
