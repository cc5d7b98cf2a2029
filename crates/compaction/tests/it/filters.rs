//! Retention by policy: a filter decides about whole traces.

use std::sync::Arc;

use parking_lot::Mutex;
use spandrel_compaction::{CompactionOptions, TraceDecision, TraceFilter};
use spandrel_model::Trace;
use spandrel_proto::otlp::trace::Status;
use spandrel_retention::{PolicyFile, Threshold, weight};

use crate::fixture::{Fixture, HOUR, eager, tenant};
use crate::requests::{request, run_of, span};

/// Drops traces whose number is 0 modulo 3, lets those of 1 modulo 3 stand for four, and keeps a list of what
/// it was asked: numbers of traces and of spans.
#[derive(Default)]
struct ByNumber(Mutex<Vec<(u64, usize)>>);

impl TraceFilter for ByNumber {
    fn decide(&self, trace: &Trace, _received_unix_nanos: u64) -> TraceDecision {
        let number = u64::from(trace.trace_id.0[15]);
        self.0.lock().push((number, trace.spans.len()));
        match number % 3 {
            0 => TraceDecision::Drop,
            1 => TraceDecision::KeepSampled(Threshold::of_fraction(0.25)),
            _ => TraceDecision::Keep,
        }
    }
}

/// Scenario: a filter is set, and the parts of traces lie in two blocks; one trace has a part in a block of
/// another window.
/// Guarantees: the filter sees whole traces, also that one, of which only the parts that are merged go; thresholds
/// are recorded, and recording them again changes nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filter_decides_about_whole_traces() {
    let fixture = Fixture::new();
    let process = fixture.process().await;
    // Trace 6 goes on for hours.
    let early = |id| (1..=6).map(|trace| span(trace, id, id - 1, trace)).collect::<Vec<_>>();
    fixture.add(&process, &run_of([&request(early(1))])).await;
    fixture.add(&process, &run_of([&request(early(2))])).await;
    let mut long = span(6, 3, 2, 7);
    long.end_time_unix_nano += 3_600_000_000_000 * 30;
    let later = span(7, 1, 0, 3600 * 30);
    fixture.add(&process, &run_of([&request(vec![long, later])])).await;

    let filter = Arc::new(ByNumber::default());
    let compactor = fixture.compactor(&process, eager()).with_filter(Arc::clone(&filter) as Arc<_>);
    let report = compactor.run_once(&tenant()).await.unwrap();
    assert_eq!((report.merges, report.filtered, report.failures), (1, 4, 0), "{report:?}");
    let mut asked = std::mem::take(&mut *filter.0.lock());
    asked.sort_unstable();
    assert_eq!(asked, [(1, 2), (2, 2), (3, 2), (4, 2), (5, 2), (6, 3)]);
    let expected = [(1, 4.0), (2, 1.0), (4, 4.0), (5, 1.0), (6, 1.0), (7, 1.0)];
    assert_eq!(weights(&process).await, expected);

    // A late span comes, without the threshold that the others have.
    fixture.add(&process, &run_of([&request(vec![span(1, 3, 1, 1)])])).await;
    fixture.clock.advance(HOUR * 3);
    assert_eq!(compactor.run_once(&tenant()).await.unwrap().merges, 1);
    assert_eq!(weights(&process).await, expected);
}

/// Numbers of the traces, with the weight that all of their spans have.
async fn weights(process: &crate::fixture::Process) -> Vec<(u8, f64)> {
    let mut weights = Vec::new();
    for entry in process.blocks().await {
        let spans = process.read(&entry).await;
        weights.extend(spans.iter().map(|span| (span.trace_id.0[15], weight(&span.trace_state))));
    }
    weights.sort_by_key(|pair| pair.0);
    weights.dedup();
    weights
}

/// Scenario: a policy keeps everything for two days, failed traces for ten, and half of all for twenty; time
/// passes over a block that is never merged again.
/// Guarantees: each boundary is applied by one rewrite, which keeps the level; the last one removes the block;
/// weights say what is gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn policies_are_applied_when_their_boundaries_pass() {
    let fixture = Fixture::new();
    let process = fixture.process().await;
    let mut spans: Vec<_> = (1..=4).map(|trace| span(trace, 1, 0, 1)).collect();
    // Traces 3 and 4 have a high randomness, 2 and 4 fail.
    for span in &mut spans[2..] {
        span.trace_state = "ot=rv:ffffffffffffff,vendor=1".to_owned();
    }
    for number in [1, 3] {
        spans[number].status = Some(Status { code: 2, ..Status::default() });
    }
    fixture.add(&process, &run_of([&request(spans)])).await;
    let policies = PolicyFile::parse(
        "
default:
  - { name: everything, match: '{}', keep: 2d }
  - { name: errors, match: '{ status = error }', keep: 10d }
  - { name: half, match: '{}', keep: 20d, fraction: 0.5 }
",
    );
    let policies = Some(Arc::new(policies.unwrap()));
    let options = CompactionOptions { policies, ..CompactionOptions::default() };
    let compactor = fixture.compactor(&process, options);
    let mut seen = Vec::new();
    fixture.clock.advance(HOUR);
    for _ in 0..24 {
        fixture.clock.advance(24 * HOUR);
        let report = compactor.run_once(&tenant()).await.unwrap();
        assert_eq!((report.failures, report.conflicts), (0, 0), "{report:?}");
        if report.merges + report.expired_blocks > 0 {
            assert!(process.blocks().await.iter().all(|entry| entry.level == 0));
            let gone = (report.merges, report.filtered, report.expired_blocks);
            seen.push((gone, weights(&process).await));
        }
    }
    assert_eq!(
        seen,
        [
            ((1, 1, 0), vec![(2, 1.0), (3, 2.0), (4, 1.0)]),
            ((1, 1, 0), vec![(3, 2.0), (4, 2.0)]),
            ((0, 0, 1), vec![]),
        ]
    );
}

/// Scenario: of two traces, each has its root in one block and a span in another block, which is hours younger. The
/// span of the first failed. Errors are kept for long, and some of the rest.
/// Guarantees: the older block keeps the root of the failed trace and gives up that of the other, although
/// neither of them failed itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_in_several_blocks_is_decided_as_a_whole() {
    let fixture = Fixture::new();
    let process = fixture.process().await;
    let mut roots: Vec<_> = (1..=2).map(|trace| span(trace, 1, 0, 1)).collect();
    for root in &mut roots {
        root.end_time_unix_nano += 10 * 3_600_000_000_000;
    }
    fixture.add(&process, &run_of([&request(roots)])).await;
    let mut spans: Vec<_> = (1..=2).map(|trace| span(trace, 2, 1, 9 * 3600)).collect();
    spans[0].status = Some(Status { code: 2, ..Status::default() });
    let other_trace = span(3, 1, 0, 30 * 3600);
    spans.push(other_trace);
    fixture.add(&process, &run_of([&request(spans)])).await;
    let policies = PolicyFile::parse(
        "
default:
  - { name: everything, match: '{}', keep: 2d }
  - { name: errors, match: '{ status = error }', keep: 10d }
",
    );
    let policies = Some(Arc::new(policies.unwrap()));
    let options = CompactionOptions { policies, ..CompactionOptions::default() };
    let compactor = fixture.compactor(&process, options);
    // The boundary of two days has passed for both blocks.
    fixture.clock.advance(24 * HOUR * 4);
    let report = compactor.run_once(&tenant()).await.unwrap();
    assert_eq!((report.failures, report.conflicts), (0, 0), "{report:?}");
    let mut left = Vec::new();
    for entry in process.blocks().await {
        let spans = process.read(&entry).await;
        left.extend(spans.iter().map(|span| (span.trace_id.0[15], span.span_id.0[7])));
    }
    left.sort_unstable();
    assert_eq!(left, [(1, 1), (1, 2)]);
}
