//! Every write of a compaction fails once, in every way.

use crate::faulty_objects::Fault;
use crate::fixture::{Fixture, HOUR, distinct_spans, eager, tenant};
use crate::requests::{run_of, shop_requests};

/// Scenario: the n-th write of a compaction fails, for all n: it is not done, or done and reported as failed,
/// or done before the store goes down.
/// Guarantees: at no time a span is missing or there twice; after the store has recovered everything is
/// merged, and no file is left that nobody names.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_write_may_fail() {
    let requests = shop_requests(500);
    let expected = distinct_spans(&run_of(&requests));
    for fault in [Fault::Before, Fault::After, Fault::AfterThenDown] {
        for n in 0.. {
            let fixture = Fixture::new();
            let process = fixture.process().await;
            for number in 0..3 {
                fixture.add(&process, &run_of(requests.iter().skip(number).step_by(3))).await;
            }
            let compactor = fixture.compactor(&process, eager());
            fixture.objects.fail_after(n, fault);
            let _ = compactor.run_once(&tenant()).await;
            let never_came = fixture.objects.heal();
            // Another process reads what is there now.
            assert_eq!(fixture.process().await.spans().await, expected, "{fault:?} {n}");

            for _ in 0..3 {
                fixture.clock.advance(HOUR);
                compactor.run_once(&tenant()).await.unwrap();
            }
            assert_eq!(process.spans().await, expected, "{fault:?} {n}");
            assert_eq!(process.blocks().await.len(), 1, "{fault:?} {n}");
            assert_eq!(fixture.files().await, process.named_files().await, "{fault:?} {n}");
            if never_came {
                assert!(n >= 2, "a merge stores and commits");
                break;
            }
        }
    }
}

/// Scenario: the answer to the commit of a merge is lost.
/// Guarantees: the catalogue is read, and the merge counts as done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_is_lost_is_looked_up() {
    let fixture = Fixture::new();
    let process = fixture.process().await;
    let requests = shop_requests(200);
    for number in 0..2 {
        fixture.add(&process, &run_of(requests.iter().skip(number).step_by(2))).await;
    }
    fixture.objects.fail_after(1, Fault::After);
    let report = fixture.compactor(&process, eager()).run_once(&tenant()).await.unwrap();
    assert_eq!((report.merges, report.failures, report.conflicts), (1, 0, 0));
    assert_eq!(process.published.lock().blocks().len(), 1);
    assert_eq!(process.spans().await, distinct_spans(&run_of(&requests)));
}
