//! The demo shop's requests, and the data set made of them.

use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{self, StreamExt};
use prost::Message;
use spandrel_demo::{Shop, TrafficGenerator, TrafficSettings};
use spandrel_ingest::Store;
use spandrel_model::TenantId;
use spandrel_pipeline::{TraceBatch, TraceConsumer};

use crate::output;

use super::cpu::{Spent, Stopwatch};
use super::report::{Rate, Report, Storage};
use super::{BenchArgs, queries};

/// Requests in flight, as from as many senders.
const SENDERS: usize = 16;

/// Encoded requests.
pub(super) struct Requests {
    pub(super) bodies: Vec<Bytes>,
    pub(super) n_spans: u64,
}

/// Requests of the demo shop at 5,000 traces a second from `begin`.
pub(super) fn generator(seed: u64, begin: u64) -> TrafficGenerator {
    let settings = TrafficSettings {
        start_unix_nanos: begin,
        traces_per_second: 5_000.0,
        ..TrafficSettings::default()
    };
    TrafficGenerator::new(Shop::new(seed), settings)
}

/// The next requests, until they hold this many spans.
pub(super) fn take(generator: &mut TrafficGenerator, n_spans: u64) -> Requests {
    let mut requests = Requests { bodies: Vec::new(), n_spans: 0 };
    for export in generator {
        requests.n_spans += export.span_count as u64;
        requests.bodies.push(export.request.encode_to_vec().into());
        if requests.n_spans >= n_spans {
            break;
        }
    }
    requests
}

/// A rate from what was spent.
pub(super) fn rate(stage: &'static str, spans: u64, spent: Spent) -> Rate {
    Rate {
        stage,
        spans,
        cpu_seconds: spent.cpu_seconds,
        wall_seconds: spent.wall.as_secs_f64(),
        spans_per_cpu_second: spans as f64 / spent.cpu_seconds.max(0.001),
    }
}

/// Stores the data set, unless the folder holds it already, and measures the whole write path on the way.
pub(super) async fn fill(
    store: &Arc<Store>,
    args: &BenchArgs,
    begin: u64,
    report: &mut Report,
) -> anyhow::Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    report.setup.push(("cores".to_owned(), cores.to_string()));
    let stored = queries::blocks(store).await?.iter().map(|entry| entry.n_spans).sum::<u64>();
    let mut generator = generator(args.seed, begin);
    let (mut spent, mut n_spans, mut n_bytes) = (Spent::default(), stored, 0);
    while n_spans < args.spans {
        let requests = take(&mut generator, u64::from(args.block_spans));
        n_bytes += requests.bodies.iter().map(Bytes::len).sum::<usize>();
        n_spans += requests.n_spans;
        let watch = Stopwatch::start();
        let sending = requests.bodies.into_iter().map(|otlp| {
            let store = Arc::clone(store);
            async move { store.consume(TraceBatch::otlp(TenantId::single(), otlp)).await }
        });
        let mut answers = stream::iter(sending).buffer_unordered(SENDERS);
        while let Some(answer) = answers.next().await {
            answer?;
        }
        anyhow::ensure!(
            store.flush(std::time::Duration::from_secs(60)).await,
            "blocks were not written"
        );
        spent += watch.stop();
        output::note(&format!("data set: {n_spans} of {} spans\n", args.spans));
    }
    if n_spans > stored {
        report.rates.push(rate("receive -> log -> live -> block", n_spans - stored, spent));
    }
    let entries = queries::blocks(store).await?;
    let spans = entries.iter().map(|entry| entry.n_spans).sum::<u64>();
    let bytes: u64 = entries.iter().map(|entry| entry.size_bytes).sum();
    report.storage = Some(Storage {
        spans,
        blocks: entries.len(),
        bytes_per_span: bytes as f64 / spans.max(1) as f64,
        otlp_bytes_per_span: n_bytes as f64 / (n_spans - stored).max(1) as f64,
        columns: queries::column_bytes(store, &entries, spans).await?,
    });
    Ok(())
}
