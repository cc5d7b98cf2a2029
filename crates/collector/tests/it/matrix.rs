//! Every receiver into every exporter: one Collector, the same trace to each receiver, and span by span what comes out
//! of each exporter.
//!
//! What is expected is written from the formats' specifications (`jaeger.rs`, `zipkin.rs`, `zipkin_v1.rs`), and so
//! are senders and readers; nothing of the translation itself is called. `matrix.txt` has what each pair loses.

mod datadog;
mod exporters;
mod fields;
mod jaeger;
mod jaeger_wire;
mod json;
mod model;
mod receivers;
mod sinks;
mod zipkin;
mod zipkin_v1;
mod zipkin_wire;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use expect_test::expect_file;
use spandrel_base::clock::SystemClock;
use spandrel_base::memory::MemoryBudget;
use spandrel_collector::{Collector, Shared, StubPolicy};
use spandrel_suites::say;
use spandrel_telemetry::Metrics;

use crate::run::edit::free_address;
use crate::suite::plan;
use exporters::{EXPORTERS, End, written};
use fields::fields_of;
use model::{FullSpan, trace};
use receivers::{RECEIVERS, Speaks};
use sinks::{Consumer, Sinks};

const ARRIVE_WITHIN: Duration = Duration::from_secs(20);
const FILE: &str = "otlp.json";

/// The trace that a receiver gets.
fn trace_of(place: usize) -> Vec<FullSpan> {
    trace(u8::try_from(place + 1).unwrap())
}

/// Starts the Collector of `gateway.yaml`.
async fn start(
    sinks: &Sinks,
    addresses: &BTreeMap<&str, SocketAddr>,
    directory: &Path,
) -> Collector {
    let directory_text = directory.to_str().unwrap();
    let env = |name: &str| {
        let address = addresses.iter().find(|(id, _)| id.to_uppercase().replace('/', "_") == name);
        Some(match name {
            "GRPC_SINK" => sinks.grpc.clone(),
            "HTTP_SINK" => sinks.http.clone(),
            "DIRECTORY" => directory_text.to_owned(),
            "OTLPJSONFILE" => format!("{directory_text}/{FILE}"),
            _ => address?.1.to_string(),
        })
    };
    let source = "file:tests/it/matrix/gateway.yaml".to_owned();
    let planned = plan(&[source], StubPolicy::Strict, &env).unwrap();
    let store = Consumer { arrivals: Arc::clone(&sinks.arrivals), exporter: Some("spandrel") };
    let shared = Shared {
        clock: Arc::new(SystemClock::new()),
        metrics: Metrics::new(),
        memory: MemoryBudget::unlimited(),
        data_dir: directory.join("data"),
        store: Some(Arc::new(store)),
    };
    Collector::start(planned, shared).await.unwrap()
}

/// Sends all traces, waits until they are at all ends, and stops the Collector.
async fn run(sinks: &Sinks, directory: &Path) {
    let addresses: BTreeMap<_, _> =
        RECEIVERS.map(|(id, _)| (id, free_address())).into_iter().collect();
    let collector = start(sinks, &addresses, directory).await;
    let (mut n_spans, mut n_requests) = (0, 0);
    for (place, (id, speaks)) in RECEIVERS.into_iter().enumerate() {
        let trace = trace_of(place);
        n_requests += speaks.send(&trace, addresses[id], &directory.join(FILE)).await;
        n_spans += trace.len();
    }
    let ends = EXPORTERS.into_iter().filter_map(|(id, _, end)| match end {
        End::Spans => Some((id, n_spans)),
        End::Requests => Some((id, n_requests)),
        End::File => None,
    });
    let ends: Vec<_> = ends.collect();
    let waited = tokio::time::timeout(ARRIVE_WITHIN, sinks.arrivals.wait(&ends)).await;
    // After that files are complete, too.
    tokio::time::timeout(ARRIVE_WITHIN, collector.shutdown()).await.unwrap();
    sinks.stop().await;
    assert!(waited.is_ok(), "{:?} have arrived of {ends:?}", sinks.arrivals.counts());
}

/// Everything that is not as it ought to be.
fn faults(sinks: &Sinks, directory: &Path) -> Vec<String> {
    let mut faults = Vec::new();
    for exporter in EXPORTERS {
        let mut expected = BTreeMap::new();
        for (place, (receiver, speaks)) in RECEIVERS.into_iter().enumerate() {
            for span in trace_of(place) {
                let fields = exporter.1.expected(&speaks.carried(&span));
                expected.insert((span.trace_id(), span.span_id()), (receiver, fields));
            }
        }
        for (id, found) in written(exporter, &sinks.arrivals, directory) {
            let Some((receiver, wanted)) = expected.remove(&id) else {
                faults.push(format!("{}: {id:x?} comes twice, or from nowhere", exporter.0));
                continue;
            };
            let differences = found.differences(&wanted).into_iter();
            faults.extend(
                differences.map(|text| format!("{receiver} -> {}: {:x}: {text}", exporter.0, id.1)),
            );
        }
        let missing = expected.into_iter();
        faults.extend(missing.map(|(id, (receiver, _))| {
            format!("{receiver} -> {}: {id:x?} is missing", exporter.0)
        }));
    }
    faults
}

/// Groups of fields in which some span of the trace differs after its way through both.
fn lost(place: usize, speaks: Speaks, exporter: exporters::Writes) -> BTreeSet<String> {
    let differing = trace_of(place).into_iter().flat_map(|span| {
        let carried = exporter.carried(&speaks.carried(&span));
        fields_of(&span).groups_differing(&fields_of(&carried))
    });
    differing.collect()
}

/// What every pair loses, by letters.
fn matrix() -> String {
    let rows = RECEIVERS.into_iter().enumerate().map(|(place, (receiver, speaks))| {
        (receiver, EXPORTERS.map(|(_, writes, _)| lost(place, speaks, writes)))
    });
    let rows: Vec<_> = rows.collect();
    let groups: BTreeSet<_> = rows.iter().flat_map(|(_, row)| row.iter().flatten()).collect();
    let letters: BTreeMap<_, _> = groups.into_iter().zip('a'..='z').collect();
    let mut text = String::new();
    for (receiver, row) in &rows {
        for ((exporter, ..), lost) in EXPORTERS.iter().zip(row) {
            let cell: String = lost.iter().map(|group| letters[group]).collect();
            let cell = if cell.is_empty() { "exact" } else { &cell };
            writeln!(text, "{receiver:<22} {exporter:<16} {cell}").unwrap();
        }
    }
    for (group, letter) in letters {
        writeln!(text, "{letter} = {group}").unwrap();
    }
    text
}

/// Guarantees: through each pair of receiver and exporter a span carries all that both formats have, and what they
/// have not is what `matrix.txt` says.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_pair_carries_what_its_formats_have() {
    let directory = tempfile::tempdir().unwrap();
    let sinks = Sinks::start().await;
    run(&sinks, directory.path()).await;
    let matrix = matrix();
    say(&matrix);
    assert_eq!(faults(&sinks, directory.path()), [""; 0]);
    expect_file!["matrix/matrix.txt"].assert_eq(&matrix);
}
