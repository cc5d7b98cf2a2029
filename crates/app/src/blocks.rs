//! `spandrel blocks`: what is stored, down to the column, and whether it is whole.
//!
//! Only reads, so it can be used beside a running server.

mod inspect;
mod list;
mod timeline;
mod verify;

use std::process::ExitCode;

use spandrel_catalog::BlockEntry;

pub(crate) use list::BlockJson;

/// What to show.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  spandrel blocks list                     the blocks of ./spandrel-data
  spandrel blocks inspect 019af0           one block, named by the beginning of its id
  spandrel blocks verify                   read every byte and every row
  spandrel blocks timeline --since 1d      where data lies, gaps, overlap")]
pub(crate) struct BlocksArgs {
    #[command(subcommand)]
    view: View,
}

#[derive(Debug, clap::Subcommand)]
enum View {
    /// List blocks with their time range, counts and size
    List(list::ListArgs),
    /// Show one block: row groups, columns, index, attributes, operations
    Inspect(inspect::InspectArgs),
    /// Check checksums, rows, index and counts; exit status 1 when anything is damaged
    Verify(verify::VerifyArgs),
    /// Draw blocks over time by level
    Timeline(timeline::TimelineArgs),
}

/// Shows it.
pub(crate) async fn run(args: BlocksArgs) -> anyhow::Result<ExitCode> {
    match args.view {
        View::List(args) => list::run(args).await,
        View::Inspect(args) => inspect::run(args).await,
        View::Verify(args) => verify::run(args).await,
        View::Timeline(args) => timeline::run(args).await,
    }
}

/// Bytes per span, with one digit behind the point.
fn per_span(bytes: u64, spans: u64) -> String {
    if spans == 0 { "-".to_owned() } else { format!("{:.1}", bytes as f64 / spans as f64) }
}

/// From the first start to the last end of a block.
fn extent_nanos(entry: &BlockEntry) -> i64 {
    let nanos = entry.max_end_unix_nanos.saturating_sub(entry.min_start_unix_nanos);
    i64::try_from(nanos).unwrap_or(i64::MAX)
}
