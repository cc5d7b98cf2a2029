//! `spandrel blocks inspect`: one block from row groups to top values.

mod report;
mod text;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::bail;
use spandrel_catalog::BlockEntry;
use spandrel_model::TenantId;

use crate::output;
use crate::storage::{Storage, StorageArgs, StoredBlock, TenantBlocks};

/// Which block.
#[derive(Debug, clap::Args)]
pub(super) struct InspectArgs {
    /// The block's id or its first characters
    block: String,

    #[command(flatten)]
    storage: StorageArgs,

    /// Attributes and operations shown; 0 for all
    #[arg(long, value_name = "ROWS", default_value_t = 30)]
    rows: usize,

    /// Print everything as JSON
    #[arg(long)]
    json: bool,

    /// Width of the tables
    #[arg(long, env = "COLUMNS", default_value_t = 120, hide_env = true)]
    width: usize,
}

pub(super) async fn run(args: InspectArgs) -> anyhow::Result<ExitCode> {
    let storage = Storage::open(&args.storage).await?;
    let tenants = storage.blocks(&args.storage).await?;
    let (tenant, entry) = find(&tenants, &args.block)?;
    let block = StoredBlock::open(&storage, tenant, entry).await?;
    let report = report::Report::of(&block)?;
    if args.json {
        output::print(&format!("{}\n", serde_json::to_string_pretty(&report)?))?;
    } else {
        let rows = if args.rows == 0 { usize::MAX } else { args.rows };
        output::print(&text::render(&report, rows, args.width))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The one block whose id begins so; hyphens and the case of letters do not matter.
pub(super) fn find<'a>(
    tenants: &'a [TenantBlocks],
    prefix: &str,
) -> anyhow::Result<(&'a TenantId, &'a Arc<BlockEntry>)> {
    let plain = |id: &str| id.replace('-', "").to_lowercase();
    let wanted = plain(prefix);
    let all = tenants.iter().flat_map(|of| of.entries.iter().map(move |entry| (&of.tenant, entry)));
    let found: Vec<_> =
        all.filter(|(_, entry)| plain(&entry.id.to_string()).starts_with(&wanted)).collect();
    match found[..] {
        [one] => Ok(one),
        [] => bail!("no block's id begins with `{prefix}`; `spandrel blocks list` shows all"),
        _ => {
            let ids = found.iter().take(5).map(|(_, entry)| format!("\n  {}", entry.id));
            let more = if found.len() > 5 { "\n  ..." } else { "" };
            bail!("`{prefix}` begins {} ids:{}{more}", found.len(), ids.collect::<String>())
        }
    }
}

#[cfg(test)]
mod tests {
    use spandrel_catalog::BlockId;

    use super::*;

    #[test]
    fn a_block_is_found_by_the_beginning_of_its_id() {
        let entry = |bytes: [u8; 16]| {
            let id = BlockId::from_bytes(bytes);
            Arc::new(BlockEntry {
                id,
                path: String::new(),
                size_bytes: 0,
                n_spans: 0,
                n_traces: 0,
                min_start_unix_nanos: 0,
                max_end_unix_nanos: 0,
                max_trace_start_unix_nanos: 0,
                max_received_unix_nanos: 0,
                format_version: 1,
                level: 0,
                tail: None,
            })
        };
        let mut other = [0xab; 16];
        other[15] = 1;
        let entries = vec![entry([0xab; 16]), entry(other), entry([1; 16])];
        let tenants = [TenantBlocks { tenant: TenantId::single(), entries }];
        let found = |prefix: &str| find(&tenants, prefix).map(|(_, entry)| entry.id);
        assert_eq!(found("01").unwrap(), BlockId::from_bytes([1; 16]));
        assert_eq!(found("01-0101").unwrap(), BlockId::from_bytes([1; 16]));
        assert_eq!(found(&BlockId::from_bytes(other).to_string()).unwrap().as_bytes(), &other);
        let ambiguous = found("ab").unwrap_err().to_string();
        assert!(ambiguous.starts_with("`ab` begins 2 ids:\n  abababab-"), "{ambiguous}");
        assert!(found("ff").is_err());
    }
}
