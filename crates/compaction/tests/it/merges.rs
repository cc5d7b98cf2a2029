//! What comes out of merges is what went in, joined and each span once.

use std::collections::BTreeMap;
use std::time::Duration;

use spandrel_columns::arrange::arrange;
use spandrel_compaction::{CompactionOptions, CompactionReport, MergeOptions};
use spandrel_model::TraceId;

use crate::fixture::{Fixture, comparable, distinct_spans, eager, path_of, tenant};
use crate::requests::{request, run_of, shop_requests, span};

/// Scenario: the requests of a shop are stored in turn in three blocks, and a part of them in two.
/// Guarantees: afterwards there is one block with every span once and every trace whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn traces_are_joined_and_copies_left_out() {
    let fixture = Fixture::new();
    let process = fixture.process().await;
    let requests = shop_requests(6_000);
    for first in 0..3 {
        let some = requests.iter().skip(first).step_by(3);
        fixture.add(&process, &run_of(some.chain(requests.iter().skip(20).step_by(7)))).await;
    }
    assert!(process.split_traces().await > 100);
    let n_before: u64 = process.blocks().await.iter().map(|entry| entry.n_spans).sum();

    let report = fixture.compactor(&process, eager()).run_once(&tenant()).await.unwrap();
    let whole = run_of(&requests);
    let expected = distinct_spans(&whole);
    assert_eq!(process.spans().await, expected);
    assert_eq!(process.split_traces().await, 0);
    let n_spans = expected.len() as u64;
    assert_eq!(
        report,
        CompactionReport {
            merges: 1,
            blocks_in: 3,
            blocks_out: 1,
            spans_in: n_before,
            spans_out: n_spans,
            copies: n_before - n_spans,
            ..CompactionReport::default()
        }
    );
    let entry = &process.blocks().await[0];
    assert_eq!((entry.level, entry.n_spans), (1, n_spans));
    // What is derived is that of the whole traces.
    let file = process.open(entry).await;
    let traces = file.index().traces().unwrap();
    let found: BTreeMap<_, _> = traces
        .iter()
        .map(|trace| (trace.facts.trace_id, trace.facts.root_name.is_some()))
        .collect();
    let expected = arrange(&whole).traces.into_iter();
    let expected = expected.map(|trace| (trace.trace_id, trace.root_row.is_some())).collect();
    assert_eq!(found, expected);
}

/// Scenario: spans share an id within a trace and are not the same.
/// Guarantees: all of them stay.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn different_spans_of_one_id_stay() {
    let fixture = Fixture::new();
    let process = fixture.process().await;
    let mut server = span(1, 2, 1, 0);
    server.kind = 2;
    let runs = [
        run_of([&request(vec![span(1, 1, 0, 0), span(1, 2, 1, 0)])]),
        run_of([&request(vec![server, span(1, 2, 1, 0), span(2, 2, 0, 0)])]),
    ];
    for run in &runs {
        fixture.add(&process, run).await;
    }
    let report = fixture.compactor(&process, eager()).run_once(&tenant()).await.unwrap();
    assert_eq!((report.merges, report.copies, report.spans_out), (1, 1, 4));
    let mut all = runs[0].clone();
    all.append(&runs[1]);
    assert_eq!(process.spans().await, distinct_spans(&all));
}

/// Scenario: the inputs hold more than fits into one merged block.
/// Guarantees: several come out, none too large, with the same spans, and no trace in two of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merge_that_is_too_large_has_several_outputs() {
    let requests = shop_requests(6_000);
    let expected = distinct_spans(&run_of(&requests));
    for (spans_max, memory_bytes_max) in [(1_000, usize::MAX), (u64::MAX, 200_000), (1, 1)] {
        let fixture = Fixture::new();
        let process = fixture.process().await;
        // The smallest sizes divide everything into single traces; a few are enough then.
        let (requests, expected) = if spans_max == 1 {
            let few = &requests[..40];
            (few, distinct_spans(&run_of(few)))
        } else {
            (&requests[..], expected.clone())
        };
        for first in 0..2 {
            fixture.add(&process, &run_of(requests.iter().skip(first).step_by(2))).await;
        }
        let largest = largest_trace(&run_of(requests));
        let merge = MergeOptions { spans_max, memory_bytes_max, ..MergeOptions::default() };
        let options = CompactionOptions { merge, ..only_once() };
        let report = fixture.compactor(&process, options).run_once(&tenant()).await.unwrap();
        assert_eq!((report.merges, report.failures), (1, 0));
        assert!(report.blocks_out > 4, "{report:?}");
        assert_eq!(process.spans().await, expected);
        assert_eq!(process.split_traces().await, 0);
        for entry in process.blocks().await {
            assert!(entry.n_spans <= spans_max.max(largest), "{entry:?}");
        }
    }
}

/// Merges only blocks as they were cut.
fn only_once() -> CompactionOptions {
    let mut options = eager();
    options.plan.windows.truncate(1);
    options
}

fn largest_trace(run: &spandrel_columns::SpanColumns) -> u64 {
    let mut ids: Vec<TraceId> = run.trace_ids.clone();
    ids.sort_unstable();
    ids.chunk_by(|a, b| a == b).map(|spans| spans.len() as u64).max().unwrap()
}

/// Scenario: many blocks of one window are merged level by level.
/// Guarantees: nothing changes but the blocks, and the newest time of receipt is kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn merged_blocks_are_merged_again() {
    let fixture = Fixture::new();
    let process = fixture.process().await;
    let requests = shop_requests(3_000);
    let mut options = eager();
    options.plan.fan_in = 3;
    let compactor = fixture.compactor(&process, options);
    let mut newest = 0;
    for number in 0..9 {
        fixture.clock.advance(Duration::from_secs(1));
        let some = requests.iter().skip(number).step_by(9);
        newest = fixture.add(&process, &run_of(some)).await.id.unix_nanos();
        compactor.run_once(&tenant()).await.unwrap();
    }
    assert_eq!(process.spans().await, distinct_spans(&run_of(&requests)));
    let blocks = process.blocks().await;
    assert!(blocks.len() < 4, "{blocks:?}");
    let received = blocks.iter().map(|entry| entry.max_received_unix_nanos).max();
    assert_eq!(received, Some(newest));
}

/// Scenario: one of three blocks is damaged.
/// Guarantees: the others are merged without it, and it stays where it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_block_is_left_alone() {
    use object_store::{ObjectStoreExt, PutPayload};
    let fixture = Fixture::new();
    let process = fixture.process().await;
    let mut entries = Vec::new();
    for trace in 1..=3 {
        entries.push(fixture.add(&process, &run_of([&request(vec![span(trace, 1, 0, 0)])])).await);
    }
    let path = path_of(&entries[1]);
    let mut bytes = process.objects.get(&path).await.unwrap().bytes().await.unwrap().to_vec();
    let whole = bytes.clone();
    // In the first column.
    bytes[10] ^= 0xff;
    process.objects.put(&path, PutPayload::from(bytes)).await.unwrap();

    let compactor = fixture.compactor(&process, eager());
    let report = compactor.run_once(&tenant()).await.unwrap();
    assert_eq!((report.merges, report.failures, report.blocks_in), (1, 1, 2), "{report:?}");
    let left = process.blocks().await;
    assert_eq!(left.len(), 2);
    assert!(left.iter().any(|entry| entry.id == entries[1].id));
    // Once it is whole again, it is merged as well; after a while, not at once.
    process.objects.put(&path, PutPayload::from(whole)).await.unwrap();
    assert_eq!(compactor.run_once(&tenant()).await.unwrap().merges, 0);
    fixture.clock.advance(Duration::from_secs(3 * 3600));
    assert_eq!(compactor.run_once(&tenant()).await.unwrap().merges, 1);
    let blocks = process.blocks().await;
    let spans = process.read(&blocks[0]).await;
    assert_eq!((blocks.len(), spans.into_iter().map(comparable).count()), (1, 3));
}

/// Scenario: the service runs until it is stopped.
/// Guarantees: it merges what is there and then ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_service_runs_until_it_is_stopped() {
    let fixture = Fixture::new();
    let process = fixture.process().await;
    for trace in 1..=2 {
        fixture.add(&process, &run_of([&request(vec![span(trace, 1, 0, 0)])])).await;
    }
    let compactor = fixture.compactor(&process, eager());
    let stop = tokio_util::sync::CancellationToken::new();
    let stopper = async {
        while process.published.lock().blocks().len() > 1 {
            tokio::task::yield_now().await;
        }
        stop.cancel();
    };
    tokio::join!(compactor.run(stop.clone()), stopper);
    assert_eq!(process.blocks().await.len(), 1);
}
