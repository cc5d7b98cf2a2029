//! `spandrel retention --dry-run`: every trace of the store, decided about.

#[cfg(test)]
mod tests;

use std::process::ExitCode;
use std::sync::Arc;

use serde::Serialize;
use spandrel_base::clock::{Clock, SystemClock};
use spandrel_base::cpu;
use spandrel_catalog::BlockEntry;
use spandrel_model::Trace;
use spandrel_retention::{Decision, Policy, Report, reference_unix_nanos};

use super::{DryRunArgs, read_policy, render};
use crate::output::{self, grouped};
use crate::progress::ProgressLine;
use crate::storage::{Storage, TenantBlocks, TraceReader};

/// What becomes of the traces of one tenant.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TenantReport {
    pub(super) tenant: String,
    /// The time as of which was decided.
    pub(super) at_unix_nanos: i64,
    pub(super) blocks: usize,
    /// `None` when no rule is for this tenant, so that everything is kept.
    pub(super) report: Option<Report>,
}

/// One trace and what the catalogue knows of it.
struct Subject {
    trace: Trace,
    bytes: u64,
    received_unix_nanos: i64,
}

/// Reports.
pub(super) async fn run(args: DryRunArgs) -> anyhow::Result<ExitCode> {
    let Some(path) = &args.policy else { anyhow::bail!("name a policy file with --policy") };
    let file = read_policy(path)?;
    let at = match args.at {
        Some(at) => at,
        None => i64::try_from(SystemClock::new().now_unix_nanos())?,
    };
    let storage = Storage::open(&args.storage).await?;
    let mut reports = Vec::new();
    for blocks in storage.blocks(&args.storage).await? {
        let (tenant, n_blocks) = (blocks.tenant.to_string(), blocks.entries.len());
        let report = match file.policy_of(&blocks.tenant) {
            Some(policy) => {
                let examples = args.examples as usize;
                Some(report(storage.clone(), blocks, policy, (at, examples)).await?)
            }
            None => None,
        };
        reports.push(TenantReport { tenant, at_unix_nanos: at, blocks: n_blocks, report });
    }
    if args.json {
        output::print(&format!("{}\n", serde_json::to_string_pretty(&reports)?))?;
    } else if reports.is_empty() {
        output::note("there are no blocks yet\n");
    } else {
        let texts: Vec<_> = reports.iter().map(|report| render::text(report, args.width)).collect();
        output::print(&texts.join("\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What a policy does to the traces of a tenant as of a time, with so many examples.
async fn report(
    storage: Storage,
    blocks: TenantBlocks,
    policy: &Arc<Policy>,
    (at, examples): (i64, usize),
) -> anyhow::Result<Report> {
    let mut report = Report::new(policy, examples);
    let add = |subject: Subject, decision| report.add(&subject.trace, subject.bytes, &decision);
    decide_all(storage, blocks, (policy, at), add).await?;
    Ok(report)
}

/// Decides about every trace of a tenant by a policy as of a time.
async fn decide_all(
    storage: Storage,
    blocks: TenantBlocks,
    (policy, at): (&Arc<Policy>, i64),
    mut each: impl FnMut(Subject, Decision),
) -> anyhow::Result<()> {
    let mut progress = ProgressLine::start();
    let n_blocks = blocks.entries.len();
    let indexes = |number| progress.update(|| format!("{number} of {n_blocks} indexes"));
    let mut reader = TraceReader::open(storage, blocks, indexes).await?;
    let mut n_traces = 0;
    for number in 0..reader.n_blocks() {
        let source = reader.opened(number).await?;
        for run in source.runs()? {
            let traces = reader.traces(number, &source, &run).await?;
            let subjects: Vec<Subject> = traces
                .into_iter()
                .map(|trace| subject(reader.entries_of(trace.trace_id, number), trace))
                .collect();
            n_traces += subjects.len() as u64;
            let policy = Arc::clone(policy);
            let decided = cpu::run(move || decide(&policy, subjects, at)).await?;
            decided.into_iter().for_each(|(subject, decision)| each(subject, decision));
            progress
                .update(|| format!("{number} of {n_blocks} blocks, {} traces", grouped(n_traces)));
        }
    }
    Ok(())
}

fn decide(policy: &Policy, subjects: Vec<Subject>, at: i64) -> Vec<(Subject, Decision)> {
    let decide = |subject: Subject| {
        let reference = reference_unix_nanos(&subject.trace, Some(subject.received_unix_nanos));
        let decision = policy.decide(&subject.trace, reference, at);
        (subject, decision)
    };
    subjects.into_iter().map(decide).collect()
}

/// A trace with its share of the blocks that it lies in.
fn subject<'a>(entries: impl Iterator<Item = &'a Arc<BlockEntry>>, trace: Trace) -> Subject {
    let (mut bytes, mut spans, mut received) = (0_u128, 0_u128, 0);
    for entry in entries {
        bytes += u128::from(entry.size_bytes);
        spans += u128::from(entry.n_spans);
        received = received.max(entry.max_received_unix_nanos);
    }
    let bytes = bytes * trace.spans.len() as u128 / spans.max(1);
    Subject {
        trace,
        bytes: u64::try_from(bytes).unwrap_or(u64::MAX),
        received_unix_nanos: i64::try_from(received).unwrap_or(i64::MAX),
    }
}
