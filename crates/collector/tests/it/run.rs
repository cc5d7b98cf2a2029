//! Every configuration that is accepted is started, with its exporters led to sinks and its receivers on free ports; a
//! trace is sent to each receiver, and every span that left a pipeline has to be at each end of it exactly once. Spans
//! that a processor dropped by its configuration have to be in the pipeline's account. Then it has to stop in time.

pub(crate) mod edit;
mod send;
mod sinks;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use spandrel_base::clock::SystemClock;
use spandrel_base::memory::MemoryBudget;
use spandrel_collector::{Collector, Shared, StubPolicy};
use spandrel_config::Signal;
use spandrel_pipeline::Totals;
use spandrel_suites::say;
use spandrel_telemetry::Metrics;

use crate::suite::{complete, folder, full_snippets, load, plan, yaml_files};
use edit::{Edited, Editor, End};
use send::SPANS;
use sinks::{Named, Sinks};

const STOP_WITHIN: Duration = Duration::from_secs(10);
const ARRIVE_WITHIN: Duration = Duration::from_secs(20);
/// Collectors that run at the same time.
const AT_ONCE: usize = 8;

/// What happened to a configuration.
#[derive(Debug, Default)]
struct Outcome {
    /// Nothing to send through it.
    is_without_traces: bool,
    n_sources: usize,
    n_added: usize,
    n_ends: usize,
    n_stub_ends: usize,
    /// Spans that processors dropped because they are told to.
    dropped: u64,
}

/// A configuration being run.
struct Run<'a> {
    sinks: &'a Sinks,
    name: String,
    edited: Edited,
    metrics: Metrics,
    collector: Collector,
}

impl Run<'_> {
    /// Accounts by pipeline.
    fn totals(&self) -> BTreeMap<String, Totals> {
        let pipelines = self.collector.status().pipelines().into_iter();
        let totals = pipelines
            .map(|one| (one.description.split_once(": ").unwrap().0.to_owned(), one.totals));
        totals.collect()
    }

    /// Spans that pipelines handed to an exporter.
    fn sent_to(&self, pipelines: &[PipelineOf], exporter: &str) -> u64 {
        let totals = self.totals();
        let to = pipelines.iter().filter(|one| one.exporters.iter().any(|id| id == exporter));
        to.filter_map(|pipeline| totals.get(&pipeline.id)).map(|totals| totals.sent).sum()
    }

    fn arrived(&self, exporter: &str, end: &End, ends: &[PipelineOf]) -> u64 {
        match end {
            End::Sink(sink) if sink.ends_with("/store") => {
                // All exporters of the store end in the same one.
                let others =
                    self.edited.ends.iter().filter(|(id, other)| other == end && id != exporter);
                let others: u64 = others.map(|(id, _)| self.sent_to(ends, id)).sum();
                self.sinks.arrived.count(sink).saturating_sub(others)
            }
            End::Sink(sink) => self.sinks.arrived.count(sink),
            End::Sent => self.metrics.exporters().exporter(exporter).sent_spans.get(),
            End::Stub => self.metrics.pipelines().dropped_by_stub(exporter).get(),
            End::File(path) => {
                let bytes = std::fs::read(path).unwrap_or_default();
                let ids = self.edited.sources.iter().map(|source| source.trace_id);
                ids.map(|id| {
                    occurrences(&bytes, format!("{id:032x}").as_bytes())
                        + occurrences(&bytes, &id.to_be_bytes())
                })
                .sum()
            }
        }
    }

    /// Returns when everything that has left pipelines for sinks is there.
    async fn settle(&self, pipelines: &[PipelineOf]) {
        loop {
            let changed = self.sinks.arrived.changed.notified();
            let mut ends = self.edited.ends.iter().filter(|(_, end)| matches!(end, End::Sink(_)));
            if ends.all(|(id, end)| self.arrived(id, end, pipelines) >= self.sent_to(pipelines, id))
            {
                return;
            }
            changed.await;
        }
    }
}

fn occurrences(bytes: &[u8], of: &[u8]) -> u64 {
    bytes.windows(of.len()).filter(|window| *window == of).count() as u64
}

/// A pipeline of traces by its ids.
struct PipelineOf {
    id: String,
    receivers: Vec<String>,
    exporters: Vec<String>,
}

async fn run(path: &Path, number: usize, sinks: &Sinks) -> Result<Outcome, String> {
    let directory = tempfile::tempdir().unwrap();
    let loaded = load(path).map_err(|problems| problems.to_string())?;
    let name = format!("{number}");
    let editor = Editor { sinks, name: &name, number, directory: directory.path() };
    let Some(edited) = editor.edit(&loaded) else {
        return Ok(Outcome { is_without_traces: true, ..Outcome::default() });
    };
    let planned =
        plan(std::slice::from_ref(&edited.source), StubPolicy::AllowPassthrough, &|_| None);
    let planned = planned.map_err(|problems| format!("edited: {problems}"))?;
    let pipelines: Vec<PipelineOf> = planned
        .config
        .service
        .pipelines
        .iter()
        .filter_map(|one| {
            let ids = |references: &[spandrel_config::Reference]| {
                references.iter().map(|reference| reference.id.to_string()).collect()
            };
            (one.id.signal() == Signal::Traces).then(|| PipelineOf {
                id: one.id.to_string(),
                receivers: ids(&one.receivers),
                exporters: ids(&one.exporters),
            })
        })
        .collect();
    let others = planned.config.service.pipelines.iter();
    let others = others.filter(|one| one.id.signal() != Signal::Traces);
    let others = others.flat_map(|one| one.exporters.iter().map(|of| of.id.to_string()));
    let others: Vec<String> = others.collect();
    let metrics = Metrics::new();
    let shared = Shared {
        clock: Arc::new(SystemClock::new()),
        metrics: metrics.clone(),
        memory: MemoryBudget::unlimited(),
        data_dir: directory.path().join("data"),
        store: Some(Arc::new(Named(Arc::clone(&sinks.arrived), format!("{name}/store")))),
    };
    let collector = Collector::start(planned, shared).await.map_err(|error| error.to_string())?;
    let run = Run { sinks, name, edited, metrics, collector };
    for source in &run.edited.sources {
        source.send().await.map_err(|answer| format!("{}: {answer}", source.receiver))?;
    }
    let settled = tokio::time::timeout(ARRIVE_WITHIN, run.settle(&pipelines)).await;
    let stopped = tokio::time::timeout(STOP_WITHIN, run.collector.shutdown()).await;
    settled.map_err(|_| format!("not everything arrived in time: {:?}", run.totals()))?;
    stopped.map_err(|_| "does not stop in time".to_owned())?;
    judge(&run, &pipelines, &others)
}

/// Whether every span is where it ought to be; `others` are the exporters of other signals.
fn judge(run: &Run<'_>, pipelines: &[PipelineOf], others: &[String]) -> Result<Outcome, String> {
    let totals = run.totals();
    let mut outcome = Outcome {
        n_sources: run.edited.sources.len(),
        n_added: run.edited.added,
        n_ends: run.edited.ends.len(),
        n_stub_ends: run.edited.ends.iter().filter(|(_, end)| *end == End::Stub).count(),
        ..Outcome::default()
    };
    for pipeline in pipelines {
        let Some(account) = totals.get(&pipeline.id) else { continue };
        let is_clean = account.held == 0 && account.refused == 0 && account.failed == 0;
        if !account.adds_up() || !is_clean {
            return Err(format!("{}: {account:?}", pipeline.id));
        }
        outcome.dropped += account.filtered + account.sampled_out;
        let sources = run.edited.sources.iter();
        let sources =
            sources.filter(|source| pipeline.receivers.contains(&source.receiver)).count();
        // Connectors bring what pipelines before them have sent; some choose among it.
        let before = pipelines
            .iter()
            .filter(|one| one.exporters.iter().any(|id| pipeline.receivers.contains(id)));
        let most: u64 =
            before.filter_map(|one| totals.get(&one.id)).map(|totals| totals.sent).sum();
        let least = sources as u64 * SPANS;
        if account.received < least || account.received > least + most {
            return Err(format!(
                "{}: received of {least} to {}: {account:?}",
                pipeline.id,
                least + most
            ));
        }
    }
    for (exporter, end) in &run.edited.ends {
        let (arrived, sent) =
            (run.arrived(exporter, end, pipelines), run.sent_to(pipelines, exporter));
        // Stubs count data points of metrics as well.
        let has_metrics = *end == End::Stub && others.contains(exporter);
        if arrived != sent && !(has_metrics && arrived > sent) {
            return Err(format!(
                "{exporter}: {arrived} spans arrived of {sent}: {end:?} {totals:?}"
            ));
        }
        let End::Sink(sink) = end else { continue };
        let ways = pipelines.iter().filter(|one| one.exporters.contains(exporter)).count() as u64;
        let twice = run.sinks.arrived.of(sink).into_iter().find(|(_, spans)| *spans > SPANS * ways);
        if let (Some((trace, spans)), false) = (twice, sink.ends_with("/store")) {
            return Err(format!("{exporter}: {spans} spans of trace {trace:032x} in {}", run.name));
        }
    }
    Ok(outcome)
}

/// All files that load, by folder.
fn accepted() -> Vec<(&'static str, Vec<PathBuf>)> {
    let mut folders = Vec::new();
    if let Some(configs) = folder("otel/configs") {
        folders.push(("configs", complete(&configs, "positive")));
    }
    if let Some(snippets) = folder("otel/doc-snippets") {
        folders.push(("doc-snippets", full_snippets(&snippets)));
    }
    if let Some(alloy) = folder("otel/alloy-otelcolconvert") {
        folders.push(("alloy-otelcolconvert", yaml_files(&alloy)));
    }
    if let Some(jaeger) = folder("jaeger/configs") {
        folders.push(("jaeger/configs", yaml_files(&jaeger)));
    }
    for (_, files) in &mut folders {
        files.retain(|file| load(file).is_ok());
    }
    folders
}

/// Guarantees: each accepted configuration takes a trace on every receiver that can be reached, and hands it to each
/// exporter of the pipelines that it passes exactly once, or accounts for it; and it stops within ten seconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accepted_configurations_pass_traces() {
    let sinks = Sinks::start().await;
    let mut number = 0;
    let mut wrong = Vec::new();
    for (folder, files) in accepted() {
        let numbered: Vec<(usize, PathBuf)> = files
            .into_iter()
            .map(|file| {
                number += 1;
                (number, file)
            })
            .collect();
        let runs = stream::iter(numbered).map(|(number, file)| {
            let sinks = &sinks;
            async move { (run(&file, number, sinks).await, file) }
        });
        let outcomes: Vec<_> = runs.buffer_unordered(AT_ONCE).collect().await;
        let mut all = Outcome::default();
        let (mut passed, mut without, mut dropping) = (0, 0, 0);
        for (outcome, file) in outcomes {
            match outcome {
                Ok(Outcome { is_without_traces: true, .. }) => without += 1,
                Ok(outcome) => {
                    passed += 1;
                    dropping += usize::from(outcome.dropped > 0);
                    all.n_sources += outcome.n_sources;
                    all.n_added += outcome.n_added;
                    all.n_ends += outcome.n_ends;
                    all.n_stub_ends += outcome.n_stub_ends;
                }
                Err(error) => wrong.push(format!("{}: {error}", file.display())),
            }
        }
        say(&format!(
            "{folder}: {passed} pass traces ({dropping} of them drop spans as they are told to), {without} have no \
             pipeline of traces; {} receivers ({} added to reach pipelines), {} exporters ({} of them stubs)",
            all.n_sources, all.n_added, all.n_ends, all.n_stub_ends
        ));
    }
    sinks.stop().await;
    assert_eq!(wrong, [""; 0]);
}
