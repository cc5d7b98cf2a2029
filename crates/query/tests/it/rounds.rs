//! What a question costs when the store is far away: rounds of requests that wait for each other.
//!
//! The store takes 30 ms a request, and while a question is answered time stands still unless everything waits, so
//! the numbers are exact. The bounds are meant for any number of blocks.

use std::sync::Arc;
use std::time::Duration;

use object_store::memory::InMemory;
use spandrel_model::{AttributeValue, Span, TenantId, TraceId};
use spandrel_objects_testing::{Counts, LatencyStore};
use spandrel_query::{QueryOptions, Search, TimeRange};

use crate::cases::{pair, span};
use crate::place::Place;

/// One for trace filters, one for tails, one for columns.
const TRACE_BY_ID_ROUNDS_MAX: u64 = 3;
/// One more for the columns of the traces that were found.
const RARE_VALUE_ROUNDS_MAX: u64 = 4;
/// The tail of the newest block, trace filters, tails of blocks that they admit by chance, columns.
const NEWEST_ROUNDS_MAX: u64 = 4;
/// Tails of more bytes are not read whole to know which of them hold a trace.
const WHOLE_TAILS_MAX: u64 = 2 << 20;

/// A process that has just been started over blocks that others wrote.
struct Cold {
    place: Place,
    store: Arc<LatencyStore>,
}

impl Cold {
    /// Blocks of a few traces each.
    async fn start(n_blocks: u64) -> Self {
        Self::start_with(n_blocks, 20).await
    }

    /// Blocks of some traces each; each block has one span with an attribute that no other has.
    async fn start_with(n_blocks: u64, n_traces: u64) -> Self {
        let store = LatencyStore::new(Arc::new(InMemory::new())).with_latency(Duration::ZERO);
        let store = Arc::new(store);
        let objects = Arc::clone(&store) as Arc<dyn object_store::ObjectStore>;
        let writer = Place::over(Arc::clone(&objects), QueryOptions::default()).await;
        for block in 0..n_blocks {
            let numbers = (1..=n_traces).map(|i| (block * n_traces + i, i));
            let mut spans: Vec<Span> = numbers.map(|(trace, id)| span(trace, id, None)).collect();
            let rare = AttributeValue::String(format!("rare-{block}"));
            spans[7].attributes.push(pair("order.id", rare));
            writer.send(&TenantId::single(), &spans).await;
            writer.flush().await;
        }
        writer.close().await;
        // While time stands still, timers run off in no time whenever a thread is waited for.
        let deadline = Duration::from_secs(365 * 24 * 3600);
        let options = QueryOptions { deadline, ..QueryOptions::default() };
        let place = Place::over(objects, options).await;
        // The catalogue is opened once in the life of a process; its log is read on a thread that blocks,
        // for which time that stands still would not pass.
        place.store.snapshot(&TenantId::single()).await.unwrap();
        store.set_latency(Duration::from_millis(30));
        store.take_counts();
        tokio::time::pause();
        Self { place, store }
    }

    async fn stop(self) {
        tokio::time::resume();
        self.place.close().await;
    }

    async fn trace_by_id(&self, number: u64) -> Counts {
        let id = span(number, 1, None).trace_id;
        let found = self.place.engine.find_trace(&TenantId::single(), id, TimeRange::ALL).await;
        assert_eq!(found.unwrap().unwrap().n_spans(), 1);
        self.store.take_counts()
    }

    async fn search(&self, query: &str, n_found: usize) -> Counts {
        let query = spandrel_traceql::compile(query).unwrap();
        let search = Search::newest(query, TimeRange::ALL, 20, 3);
        let answer = self.place.engine.search(&TenantId::single(), &search).await.unwrap();
        assert_eq!(answer.traces.len(), n_found);
        self.store.take_counts()
    }

    /// Bytes that have to be read to open all blocks.
    async fn tail_bytes(&self) -> u64 {
        let snapshot = self.place.store.snapshot(&TenantId::single()).await.unwrap();
        let catalog = snapshot.catalog.unwrap();
        catalog.blocks().map(|entry| entry.tail.unwrap().bytes).sum()
    }
}

fn report(what: &str, n_blocks: u64, counts: &Counts) {
    let Counts { requests, rounds, read_bytes, log: _ } = counts;
    eprintln!(
        "{what}, {n_blocks} blocks: {rounds} rounds, {requests} requests, {read_bytes} bytes"
    );
}

/// What may be read besides tails: columns of one or a few traces, of blocks that a filter admits by chance too.
const COLUMN_BYTES_MAX: u64 = 64 * 1024;
/// One in 256 is admitted by chance; the columns of a trace may be two requests.
fn column_requests_max(n_blocks: u64) -> u64 {
    4 + n_blocks / 16
}

async fn check_trace_by_id(n_blocks: u64) {
    let cold = Cold::start(n_blocks).await;
    let tail_bytes = cold.tail_bytes().await;
    let counts = cold.trace_by_id(7).await;
    report("trace by id, cold", n_blocks, &counts);
    assert!(counts.rounds <= TRACE_BY_ID_ROUNDS_MAX, "{n_blocks} blocks: {counts:#?}");
    assert!(counts.requests <= n_blocks + column_requests_max(n_blocks), "{counts:#?}");
    assert!(counts.read_bytes <= tail_bytes.min(WHOLE_TAILS_MAX) + COLUMN_BYTES_MAX, "{counts:#?}");
    let warm = cold.trace_by_id(7).await;
    report("trace by id, blocks open", n_blocks, &warm);
    assert!(warm.rounds < TRACE_BY_ID_ROUNDS_MAX, "{n_blocks} blocks: {warm:#?}");
    assert!(warm.requests <= column_requests_max(n_blocks), "{warm:#?}");
    cold.stop().await;
}

async fn check_rare_value(n_blocks: u64) {
    let cold = Cold::start(n_blocks).await;
    let tail_bytes = cold.tail_bytes().await;
    let counts = cold.search("{ span.order.id = `rare-0` }", 1).await;
    report("rare value, cold", n_blocks, &counts);
    assert!(counts.rounds <= RARE_VALUE_ROUNDS_MAX, "{n_blocks} blocks: {counts:#?}");
    assert!(counts.requests <= n_blocks + column_requests_max(n_blocks), "{counts:#?}");
    assert!(counts.read_bytes <= tail_bytes + COLUMN_BYTES_MAX, "{counts:#?}");
    cold.stop().await;
}

/// The newest block has enough traces, so of the others only the trace filters are read: any may hold a part of a
/// trace.
async fn check_newest(n_blocks: u64) {
    let cold = Cold::start(n_blocks).await;
    let tail_bytes = cold.tail_bytes().await;
    let counts = cold.search("{ }", 20).await;
    report("newest, cold", n_blocks, &counts);
    assert!(counts.rounds <= NEWEST_ROUNDS_MAX, "{n_blocks} blocks: {counts:#?}");
    assert!(counts.requests <= n_blocks + column_requests_max(20 * n_blocks), "{counts:#?}");
    assert!(
        counts.read_bytes <= tail_bytes.min(WHOLE_TAILS_MAX) + 4 * COLUMN_BYTES_MAX,
        "{counts:#?}"
    );
    cold.stop().await;
}

#[tokio::test]
async fn a_cold_trace_by_id() {
    for n_blocks in [1, 10, 50, 200] {
        check_trace_by_id(n_blocks).await;
    }
}

#[tokio::test]
async fn a_cold_search_for_a_rare_value() {
    for n_blocks in [1, 10, 50, 200] {
        check_rare_value(n_blocks).await;
    }
}

#[tokio::test]
async fn a_cold_search_for_the_newest() {
    for n_blocks in [1, 10, 200] {
        check_newest(n_blocks).await;
    }
}

/// Where tails are large, only those of blocks whose trace filter admits the trace are read.
#[tokio::test]
async fn a_cold_trace_by_id_in_large_blocks() {
    let cold = Cold::start_with(40, 6_000).await;
    let tail_bytes = cold.tail_bytes().await;
    assert!(tail_bytes > WHOLE_TAILS_MAX, "{tail_bytes}");
    let counts = cold.trace_by_id(7).await;
    report("trace by id, cold, large", 40, &counts);
    assert_eq!(counts.rounds, TRACE_BY_ID_ROUNDS_MAX, "{counts:#?}");
    assert!(counts.read_bytes < tail_bytes / 4, "{tail_bytes}: {counts:#?}");
    let absent = TraceId::from_hex("f00df00df00df00df00d").unwrap();
    let found = cold.place.engine.find_trace(&TenantId::single(), absent, TimeRange::ALL).await;
    assert!(found.unwrap().is_none());
    let warm = cold.store.take_counts();
    assert!(warm.requests <= column_requests_max(40), "filters are kept: {warm:#?}");
    cold.stop().await;
}
