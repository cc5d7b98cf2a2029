//! `spandrel blocks verify`: every checksum, every row, and whether index, catalogue and rows agree.

mod pages;
mod rows;

use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use futures::stream::{self, StreamExt};
use object_store::ObjectStoreExt;
use serde::Serialize;
use spandrel_base::byte_size::ByteSize;
use spandrel_catalog::BlockEntry;
use spandrel_ingest::Store;
use spandrel_model::TenantId;

use super::inspect::find;
use crate::output::{self, counted, grouped};
use crate::progress::ProgressLine;
use crate::storage::{Storage, StorageArgs, StoredBlock};

/// Which blocks.
#[derive(Debug, clap::Args)]
pub(super) struct VerifyArgs {
    /// Only this block: its id or the first characters of it [default: all]
    block: Option<String>,

    #[command(flatten)]
    storage: StorageArgs,

    /// Blocks checked side by side
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=256))]
    concurrency: u16,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Something that is not as it was written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Fault {
    /// In the data directory.
    file: String,
    /// `file`, `footer`, `index`, `page`, `rows` or `catalogue`.
    part: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    row_group: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<String>,
    /// From 0; the dictionary, if there is one, is the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<usize>,
    /// Where in the file the page begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
    message: String,
}

impl Fault {
    /// A line without the file.
    fn text(&self) -> String {
        let mut place = String::new();
        if let Some(row_group) = self.row_group {
            let _ = write!(place, ", row group {row_group}");
        }
        if let Some(column) = &self.column {
            let _ = write!(place, ", column {column}");
        }
        if let (Some(page), Some(offset)) = (self.page, self.offset) {
            let _ = write!(place, ", page {page} at byte {offset}");
        }
        format!("  {}{place}: {}\n", self.part, self.message)
    }
}

/// What was found in a block, or in all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    blocks: u64,
    damaged_blocks: u64,
    bytes: u64,
    pages: u64,
    rows: u64,
    faults: Vec<Fault>,
}

impl Outcome {
    fn add(&mut self, other: Self) {
        self.blocks += other.blocks;
        self.damaged_blocks += other.damaged_blocks;
        self.bytes += other.bytes;
        self.pages += other.pages;
        self.rows += other.rows;
        self.faults.extend(other.faults);
    }
}

pub(super) async fn run(args: VerifyArgs) -> anyhow::Result<ExitCode> {
    let storage = Storage::open(&args.storage).await?;
    let tenants = storage.blocks(&args.storage).await?;
    let blocks: Vec<(&TenantId, &Arc<BlockEntry>)> = match &args.block {
        Some(prefix) => vec![find(&tenants, prefix)?],
        None => tenants
            .iter()
            .flat_map(|of| of.entries.iter().map(move |entry| (&of.tenant, entry)))
            .collect(),
    };
    let (count, bytes) = (blocks.len(), blocks.iter().map(|(_, entry)| entry.size_bytes).sum());
    let mut progress = ProgressLine::start();
    let mut sum = Outcome::default();
    let checks = blocks.into_iter().map(|(tenant, entry)| check(&storage, tenant, entry));
    let mut checks = stream::iter(checks).buffered(usize::from(args.concurrency));
    while let Some(outcome) = checks.next().await {
        if !args.json && !outcome.faults.is_empty() {
            progress.clear();
            let file = outcome.faults.first().map_or("", |fault| fault.file.as_str());
            let faults = outcome.faults.iter().map(Fault::text);
            output::print(&format!("{file}\n{}", faults.collect::<String>()))?;
        }
        sum.add(outcome);
        progress.update(|| {
            format!(
                "{} of {count} blocks, {} of {}",
                sum.blocks,
                ByteSize(sum.bytes),
                ByteSize(bytes)
            )
        });
    }
    progress.clear();
    if args.json {
        output::print(&format!("{}\n", serde_json::to_string_pretty(&sum)?))?;
    } else {
        output::print(&text(&sum))?;
    }
    Ok(if sum.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn text(sum: &Outcome) -> String {
    let read = format!(
        "{}, {}, {}, {}",
        counted(sum.blocks, "block"),
        ByteSize(sum.bytes),
        counted(sum.pages, "page"),
        counted(sum.rows, "row"),
    );
    if sum.faults.is_empty() {
        return format!("whole: {read}\n");
    }
    let faults = grouped(sum.faults.len() as u64);
    format!("DAMAGED: {} of {read}; faults found: {faults}\n", grouped(sum.damaged_blocks))
}

/// Everything about one block.
async fn check(storage: &Storage, tenant: &TenantId, entry: &Arc<BlockEntry>) -> Outcome {
    let path = Store::block_path(tenant, entry);
    let mut outcome = Outcome { blocks: 1, bytes: entry.size_bytes, ..Outcome::default() };
    let mut found = Found { file: path.to_string(), faults: Vec::new() };
    match storage.objects.head(&path).await {
        Err(object_store::Error::NotFound { .. }) => {
            found.push("file", "it is missing, although the catalogue lists it");
        }
        Err(error) => found.push("file", format!("cannot be read: {error}")),
        Ok(meta) if meta.size != entry.size_bytes => found.push(
            "file",
            format!("has {} bytes, the catalogue says {}", meta.size, entry.size_bytes),
        ),
        Ok(_) => match StoredBlock::open(storage, tenant, entry).await {
            Err(error) => found.push("footer", root_cause(&error)),
            Ok(block) => {
                let damaged_row_groups = pages::check(&block, &mut outcome, &mut found).await;
                rows::check(&block, &damaged_row_groups, &mut outcome, &mut found).await;
            }
        },
    }
    outcome.damaged_blocks = u64::from(!found.faults.is_empty());
    outcome.faults = found.faults;
    outcome
}

/// The faults of one file.
struct Found {
    file: String,
    faults: Vec<Fault>,
}

impl Found {
    fn push(&mut self, part: &'static str, message: impl Into<String>) {
        self.place(Fault { part, message: message.into(), ..Fault::default() });
    }

    fn place(&mut self, fault: Fault) {
        self.faults.push(Fault { file: self.file.clone(), ..fault });
    }
}

/// The causes of an error without what only says which block it is.
fn root_cause(error: &anyhow::Error) -> String {
    let causes: Vec<String> = error.chain().skip(1).map(ToString::to_string).collect();
    if causes.is_empty() { error.to_string() } else { causes.join(": ") }
}
