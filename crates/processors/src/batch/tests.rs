//! What is joined and split, when it is sent, who hears what.

use std::collections::BTreeMap;

use futures::future::join_all;
use spandrel_base::memory::MemoryBudget;
use spandrel_config::read_settings;

use super::*;
use crate::testing::{Recorder, batch, context, request, span};

fn settings(yaml: &str) -> BatchSettings {
    read_settings(yaml, BatchSettings::read).expect("they are valid").0
}

fn processor(yaml: &str, next: &Arc<Recorder>) -> BatchProcessor {
    let next = Arc::clone(next) as Arc<dyn TraceConsumer>;
    BatchProcessor::new(settings(yaml), next, context("batch")).expect("it can be built")
}

fn of_spans(service: &str, n_spans: usize) -> TraceBatch {
    batch(&request(service, vec![span("s", []); n_spans]))
}

fn ok(accepted_spans: u64) -> Result<Accepted, ConsumeError> {
    Ok(Accepted { accepted_spans, ..Accepted::default() })
}

fn permanent(spans: u64) -> ConsumeError {
    ConsumeError::Permanent { message: "no".to_owned(), spans }
}

#[test]
fn defaults_and_mistakes() {
    let defaults = BatchSettings {
        timeout: Duration::from_millis(200),
        send_batch_size: 8192,
        send_batch_max_size: 0,
        metadata_keys: Vec::new(),
        metadata_cardinality_limit: 1000,
    };
    assert_eq!(settings(""), defaults);
    for (yaml, message) in [
        ("send_batch_max_size: 10", "must be at least send_batch_size"),
        ("metadata_keys: [a, A]", "twice"),
        ("timeot: 1s", "timeout"),
    ] {
        let problems = read_settings(yaml, BatchSettings::read).expect_err(yaml).to_string();
        assert!(problems.contains(message), "{problems}");
    }
}

#[tokio::test(start_paused = true)]
async fn requests_are_joined_and_everybody_is_answered() {
    let next = Recorder::answering([]);
    let processor = processor("timeout: 1s", &next);
    let (a, b) = (of_spans("a", 2), of_spans("b", 3));
    let answers = join_all([a.clone(), b.clone()].map(|batch| processor.consume(batch))).await;
    assert_eq!(answers, [ok(2), ok(3)]);
    let joined = [a.traces.into_otlp(), b.traces.into_otlp()].concat();
    let batches = next.batches.lock();
    let [batch] = &batches[..] else { panic!("{batches:?}") };
    assert_eq!(batch.traces.clone().into_otlp(), joined);
}

#[tokio::test(start_paused = true)]
async fn a_full_batch_does_not_wait() {
    let next = Recorder::answering([]);
    let processor = processor("{timeout: 1h, send_batch_size: 4}", &next);
    let clock = processor.shared.context.clock.clone();
    let before = clock.monotonic();
    let answers = join_all((0..4).map(|_| processor.consume(of_spans("a", 2)))).await;
    assert_eq!(answers, vec![ok(2); 4]);
    assert_eq!(next.span_counts(), [4, 4]);
    assert_eq!(clock.monotonic(), before);
}

#[tokio::test(start_paused = true)]
async fn senders_that_wait_for_their_answer_are_not_kept_waiting() {
    let next = Recorder::answering([]);
    let processor = processor("timeout: 10s", &next);
    let clock = processor.shared.context.clock.clone();
    // Nobody knows yet that this is the only sender.
    processor.consume(of_spans("a", 1)).await.expect("it is taken");
    assert!(clock.monotonic() >= Duration::from_secs(11));
    let before = clock.monotonic();
    for _ in 0..100 {
        processor.consume(of_spans("a", 1)).await.expect("it is taken");
    }
    let took = clock.monotonic() - before;
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_split_at_its_largest_size() {
    let next = Recorder::answering([]);
    let processor = processor("{timeout: 1s, send_batch_size: 2, send_batch_max_size: 2}", &next);
    assert_eq!(processor.consume(of_spans("a", 5)).await, ok(5));
    assert_eq!(next.span_counts(), [2, 2, 1]);
    // Each has the resource with its schema.
    for split in next.requests() {
        let resource = &split.resource_spans[0];
        let whole = request("a", resource.scope_spans[0].spans.clone());
        assert_eq!(split, whole);
    }
}

#[tokio::test(start_paused = true)]
async fn errors_are_heard_by_those_whose_spans_they_are_about() {
    let unavailable = |spans| ConsumeError::Unavailable {
        message: "full".to_owned(),
        retry_after: Duration::from_secs(3),
        spans,
    };
    let next = Recorder::answering([ok(2), Err(unavailable(2)), ok(2)]);
    let processor = processor("{timeout: 1h, send_batch_size: 6, send_batch_max_size: 6}", &next);
    let smaller = BatchSettings { send_batch_max_size: 2, ..processor.shared.settings.clone() };
    let next_consumer = Arc::clone(&next) as Arc<dyn TraceConsumer>;
    let processor = BatchProcessor::new(smaller, next_consumer, context("batch")).expect("built");
    let requests = [of_spans("a", 1), of_spans("b", 2), of_spans("c", 1), of_spans("d", 2)];
    let answers = join_all(requests.map(|batch| processor.consume(batch))).await;
    // Spans 3 and 4 were refused: the second of b, and that of c.
    assert_eq!(answers, [ok(1), Err(unavailable(2)), Err(unavailable(1)), ok(2)]);
}

#[tokio::test(start_paused = true)]
async fn a_rejected_batch_is_taken_apart() {
    let next = Recorder::answering([Err(permanent(5)), ok(2), Err(permanent(3))]);
    let processor = processor("timeout: 1s", &next);
    let answers =
        join_all([of_spans("a", 2), of_spans("b", 3)].map(|b| processor.consume(b))).await;
    assert_eq!(answers, [ok(2), Err(permanent(3))]);
    assert_eq!(next.span_counts(), [5, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn rejected_spans_add_up() {
    let partial = Accepted { accepted_spans: 4, rejected_spans: 3, message: "bad id".to_owned() };
    let next = Recorder::answering([Ok(partial)]);
    let processor = processor("timeout: 1s", &next);
    let requests = [of_spans("a", 2), of_spans("b", 5)].map(|batch| processor.consume(batch));
    let answers = join_all(requests).await.into_iter().map(|answer| answer.expect("taken"));
    let answers: Vec<_> =
        answers.map(|a| (a.accepted_spans, a.rejected_spans, a.message)).collect();
    assert_eq!(answers, [(2, 0, "bad id".to_owned()), (2, 3, "bad id".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn broken_frames_do_not_get_into_a_batch() {
    let next = Recorder::answering([]);
    let processor = processor("timeout: 1s", &next);
    let mut broken = of_spans("a", 1);
    let whole = broken.traces.clone().into_otlp();
    broken.traces = Traces::Otlp(whole.slice(..whole.len() - 1).into());
    let answers = join_all([broken, of_spans("b", 1)].map(|batch| processor.consume(batch))).await;
    assert_eq!(
        answers,
        [Err(ConsumeError::Malformed("truncated ExportTraceServiceRequest".to_owned())), ok(1)]
    );
}

#[tokio::test(start_paused = true)]
async fn metadata_and_tenants_are_not_mixed() {
    let next = Recorder::answering([]);
    let yaml = "{timeout: 1s, metadata_keys: [X-Team], metadata_cardinality_limit: 2}";
    let processor = processor(yaml, &next);
    let with = |team: Option<&str>, tenant: &str| {
        let mut batch = of_spans("a", 1);
        let team = team.map(|team| ("x-team".to_owned(), vec![team.to_owned()]));
        let metadata = BTreeMap::from_iter(team);
        batch.client = Arc::new(Client { metadata, ..Client::default() });
        batch.tenant = TenantId::new(tenant).expect("a tenant");
        batch
    };
    let requests =
        [with(Some("a"), "t"), with(None, "t"), with(Some("a"), "t"), with(Some("a"), "u")];
    let answers = join_all(requests.map(|batch| processor.consume(batch))).await;
    assert_eq!(answers, vec![ok(1); 4]);
    let mut counts = next.span_counts();
    counts.sort_unstable();
    assert_eq!(counts, [1, 1, 2]);
    let refused = processor.consume(with(Some("b"), "t")).await;
    assert!(matches!(refused, Err(ConsumeError::Unavailable { spans: 1, .. })), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn shutdown_sends_what_waits() {
    let next = Recorder::answering([]);
    let processor = processor("timeout: 1h", &next);
    let clock = processor.shared.context.clock.clone();
    let before = clock.monotonic();
    let waiting = processor.consume(of_spans("a", 2));
    let stop = async {
        tokio::task::yield_now().await;
        processor.shutdown().await;
    };
    let (answer, ()) = tokio::join!(waiting, stop);
    assert_eq!((answer, clock.monotonic()), (ok(2), before));
    let late = processor.consume(of_spans("a", 1)).await;
    assert!(matches!(late, Err(ConsumeError::Unavailable { .. })), "{late:?}");
}

#[tokio::test(start_paused = true)]
async fn without_timeout_nothing_waits() {
    let next = Recorder::answering([]);
    for yaml in ["timeout: 0s", "{send_batch_size: 0, send_batch_max_size: 3}"] {
        assert_eq!(processor(yaml, &next).consume(of_spans("a", 4)).await, ok(4));
    }
    assert_eq!(next.span_counts(), [4, 3, 1]);
}

#[tokio::test(start_paused = true)]
async fn memory_is_taken_before_and_given_back() {
    let next = Recorder::answering([]);
    let mut context = context("batch");
    context.memory = MemoryBudget::new("pipeline", 2000);
    let memory = context.memory.clone();
    let next_consumer = Arc::clone(&next) as Arc<dyn TraceConsumer>;
    let processor = BatchProcessor::new(settings("timeout: 1s"), next_consumer, context);
    let processor = processor.expect("built");
    let answers = join_all([of_spans("a", 10), of_spans("b", 500)].map(|b| processor.consume(b)));
    let answers = answers.await;
    assert_eq!(answers[0], ok(10));
    assert!(matches!(answers[1], Err(ConsumeError::Unavailable { spans: 500, .. })), "{answers:?}");
    assert_eq!(memory.used(), 0);
}
