//! Several compactors and writers on one table.

use std::time::Duration;

use crate::fixture::{Fixture, HOUR, distinct_spans, eager, tenant};
use crate::requests::{request, run_of, shop_requests, span};

/// Scenario: two processes compact the same blocks at the same time, while a third adds new ones.
/// Guarantees: every span is there once; whatever lost a race is gone or goes with a vacuum.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_compactors_and_a_writer() {
    let fixture = Fixture::new();
    let (a, b) = (fixture.process().await, fixture.process().await);
    let requests = shop_requests(4_000);
    let (first, second) = requests.split_at(requests.len() / 2);
    for number in 0..4 {
        fixture.add(&a, &run_of(first.iter().skip(number).step_by(4))).await;
    }
    let snapshot = b.catalog.snapshot().await.unwrap();
    *b.published.lock() = snapshot;
    let (one, two) = (fixture.compactor(&a, eager()), fixture.compactor(&b, eager()));
    let (tenant, writer) = (tenant(), fixture.process().await);
    let writes = async {
        for number in 0..4 {
            fixture.add(&writer, &run_of(second.iter().skip(number).step_by(4))).await;
        }
    };
    let (one_did, two_did, ()) = tokio::join!(one.run_once(&tenant), two.run_once(&tenant), writes);
    let (one_did, two_did) = (one_did.unwrap(), two_did.unwrap());
    assert_eq!(one_did.failures + two_did.failures, 0);
    assert!(one_did.merges + two_did.merges >= 1);
    let expected = distinct_spans(&run_of(&requests));
    for process in [&a, &b, &writer] {
        assert_eq!(process.spans().await, expected);
    }
    fixture.clock.advance(HOUR * 2);
    one.run_once(&tenant).await.unwrap();
    fixture.clock.advance(HOUR * 2);
    one.run_once(&tenant).await.unwrap();
    assert_eq!(fixture.files().await, a.named_files().await);
    assert_eq!(a.spans().await, expected);
}

/// Scenario: a compactor plans on a state that another one has changed.
/// Guarantees: its commit is refused, its output is deleted at once, and it goes on with the new state.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_second_of_two_compactors_is_refused() {
    let fixture = Fixture::new();
    let process = fixture.process().await;
    for trace in 1..=3 {
        fixture.add(&process, &run_of([&request(vec![span(trace, 1, 0, 0)])])).await;
    }
    let late = fixture.process().await;
    let first = fixture.compactor(&process, eager());
    assert_eq!(first.run_once(&tenant()).await.unwrap().merges, 1);
    let files = fixture.files().await;
    assert_eq!(files.len(), 4);

    let second = fixture.compactor(&late, eager());
    let report = second.run_once(&tenant()).await.unwrap();
    assert_eq!((report.merges, report.conflicts, report.failures), (0, 1, 0));
    assert_eq!(fixture.files().await, files);
    assert_eq!(late.published.lock().blocks().len(), 1);
    assert_eq!(late.spans().await.len(), 3);
    fixture.clock.advance(Duration::from_secs(1));
    assert_eq!(second.run_once(&tenant()).await.unwrap(), Default::default());
}
