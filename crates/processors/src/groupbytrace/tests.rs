//! What is held, and when it goes.

use spandrel_base::memory::MemoryBudget;
use spandrel_config::read_settings;
use spandrel_proto::otlp::trace::Span;

use super::*;
use crate::testing::{Recorder, batch, context, request, span};

fn settings(yaml: &str) -> GroupByTraceSettings {
    read_settings(yaml, GroupByTraceSettings::read).expect(yaml).0
}

fn of_trace(id: u8, name: &str) -> Span {
    Span { trace_id: vec![id; 16].into(), ..span(name, []) }
}

async fn started(
    yaml: &str,
    next: &Arc<Recorder>,
    context: ComponentContext,
) -> GroupByTraceProcessor {
    let consumer = Arc::clone(next) as Arc<dyn TraceConsumer>;
    let processor = GroupByTraceProcessor::new(settings(yaml), consumer, context).expect("built");
    processor.start().await.expect("started");
    processor
}

/// Moves the clock, which is paused, and lets everything that is due then happen.
async fn pass(time: Duration) {
    let never = std::future::pending::<()>();
    assert!(tokio::time::timeout(time, never).await.is_err());
}

/// Names of spans, per batch.
fn names(next: &Recorder) -> Vec<Vec<String>> {
    let names = |request: spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest| {
        let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
        scopes.flat_map(|scope| scope.spans).map(|span| span.name).collect()
    };
    next.requests().into_iter().map(names).collect()
}

#[tokio::test(start_paused = true)]
async fn spans_of_a_trace_go_together() {
    let next = Recorder::answering([]);
    let context = context("groupbytrace");
    let account = context.account.clone();
    let processor = started("wait_duration: 2s", &next, context).await;
    let first = request("a", vec![of_trace(1, "1a"), of_trace(2, "2a"), of_trace(1, "1b")]);
    processor.consume(batch(&first)).await.expect("taken");
    pass(Duration::from_secs(1)).await;
    let second = request("b", vec![of_trace(3, "3a"), of_trace(2, "2b")]);
    processor.consume(batch(&second)).await.expect("taken");
    assert_eq!((names(&next).len(), account.totals().held), (0, 5));
    pass(Duration::from_millis(1500)).await;
    assert_eq!(names(&next), [vec!["1a", "1b"], vec!["2a", "2b"]]);
    // Each span with its own resource.
    assert_eq!(next.requests()[1].resource_spans[1].resource, second.resource_spans[0].resource);
    assert_eq!(account.totals().held, 1);
    processor.shutdown().await;
    assert_eq!((names(&next)[2].join(" "), account.totals().held), ("3a".to_owned(), 0));
}

#[tokio::test(start_paused = true)]
async fn too_many_traces_go_early_and_none_is_lost() {
    let next = Recorder::answering([]);
    let processor = started("{wait_duration: 1h, num_traces: 2}", &next, context("g")).await;
    let spans = request("a", vec![of_trace(1, "1"), of_trace(2, "2"), of_trace(3, "3")]);
    processor.consume(batch(&spans)).await.expect("taken");
    pass(Duration::from_secs(1)).await;
    assert_eq!(names(&next), [["1"]]);
    processor.shutdown().await;
    assert_eq!(names(&next), [["1"], ["2"], ["3"]]);
}

#[tokio::test(start_paused = true)]
async fn a_trace_is_offered_again_and_lost_only_for_good() {
    let unavailable = ConsumeError::Unavailable {
        message: "full".to_owned(),
        retry_after: Duration::from_secs(3),
        spans: 1,
    };
    let permanent = ConsumeError::Permanent { message: "no".to_owned(), spans: 1 };
    let next = Recorder::answering([Err(unavailable), Ok(Accepted::default()), Err(permanent)]);
    let context = context("groupbytrace");
    let account = context.account.clone();
    let processor = started("wait_duration: 1s", &next, context).await;
    let spans = request("a", vec![of_trace(1, "1"), of_trace(2, "2")]);
    processor.consume(batch(&spans)).await.expect("taken");
    pass(Duration::from_secs(3)).await;
    assert_eq!((names(&next), account.totals().held), (vec![vec!["1".to_owned()]], 2));
    pass(Duration::from_secs(2)).await;
    assert_eq!(names(&next), [["1"], ["1"], ["2"]]);
    assert_eq!((account.totals().held, account.totals().failed), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_is_refused() {
    let next = Recorder::answering([]);
    let mut context = context("groupbytrace");
    context.memory = MemoryBudget::new("pipelines", 1000);
    let memory = context.memory.clone();
    let processor = started("wait_duration: 1s", &next, context).await;
    let spans = |n: usize| batch(&request("a", vec![of_trace(1, "s"); n]));
    processor.consume(spans(1)).await.expect("taken");
    assert!(memory.used() > 0);
    let refused = processor.consume(spans(50)).await;
    assert!(matches!(refused, Err(ConsumeError::Unavailable { spans: 50, .. })), "{refused:?}");
    pass(Duration::from_secs(2)).await;
    assert_eq!((next.span_counts(), memory.used()), (vec![1], 0));
}

#[test]
fn mistakes() {
    let defaults =
        GroupByTraceSettings { wait_duration: Duration::from_secs(1), num_traces: 1_000_000 };
    assert_eq!(settings(""), defaults);
    for (yaml, message) in [
        ("num_traces: 0", "at least 1"),
        ("num_workers: 0", "num_workers"),
        ("store_on_disk: true", "not supported"),
    ] {
        let problems = read_settings(yaml, GroupByTraceSettings::read).expect_err(yaml).to_string();
        assert!(problems.contains(message), "{problems}");
    }
}
