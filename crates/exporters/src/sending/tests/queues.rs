//! The queue in memory.

use spandrel_config::blocks::Sizer;

use super::*;

fn queue() -> QueueSettings {
    QueueSettings { num_consumers: 1, queue_size: 2, ..QueueSettings::default() }
}

#[tokio::test(start_paused = true)]
async fn what_was_queued_is_sent_later() {
    let rig = Rig::start(Script::new(&[Reply::Refuse]), settings(Some(queue()))).await;
    rig.consume(&["a"]).await.unwrap();
    assert_eq!(rig.account.totals().held, 1);
    rig.script.attempts(2).await;
    rig.sending.shutdown().await;
    assert_eq!((rig.counts(), rig.account.totals()), ([1, 0, 0], Default::default()));
    assert_eq!(rig.memory.used(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_refuses() {
    let rig = Rig::start(Script::new(&[Reply::Hang]), settings(Some(queue()))).await;
    rig.consume(&["a"]).await.unwrap();
    rig.script.attempts(1).await;
    // What is being sent takes room too.
    rig.consume(&["b"]).await.unwrap();
    let error = rig.consume(&["c", "d"]).await.unwrap_err();
    let ConsumeError::Unavailable { message, spans, .. } = error else { panic!("{error:?}") };
    assert_eq!((message.as_str(), spans), ("sending queue is full", 2));
    assert_eq!(rig.counts(), [0, 0, 2]);
    rig.script.attempts(3).await;
    rig.consume(&["e"]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn or_waits_for_room() {
    let queue = QueueSettings { queue_size: 1, block_on_overflow: true, ..queue() };
    let rig = Rig::start(Script::new(&[Reply::Hang]), settings(Some(queue))).await;
    rig.consume(&["a"]).await.unwrap();
    rig.consume(&["b"]).await.unwrap();
    assert_eq!(rig.script.start.elapsed(), Duration::from_secs(10), "after the second attempt");
    rig.sending.shutdown().await;
    assert_eq!(rig.counts(), [2, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn sizes_are_counted_as_the_sizer_says() {
    for (sizer, queue_size) in [(Sizer::Items, 3), (Sizer::Bytes, 3 * otlp(&["a"]).len() as u64)] {
        let queue = QueueSettings { sizer, queue_size, ..queue() };
        let rig = Rig::start(Script::new(&[Reply::Hang]), settings(Some(queue))).await;
        for _ in 0..3 {
            rig.consume(&["a"]).await.unwrap();
        }
        assert!(rig.consume(&["a"]).await.is_err(), "{sizer:?}");
        let error = rig.consume(&["a"; 40]).await.unwrap_err();
        assert!(matches!(error, ConsumeError::TooLarge(_)), "never fits: {error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_memory_budget_is_a_limit_too() {
    let queue = QueueSettings { queue_size: 1000, ..queue() };
    let rig = Rig::start(Script::new(&[Reply::Hang]), settings(Some(queue))).await;
    rig.memory.set_limit(150);
    rig.consume(&["a"; 20]).await.unwrap();
    let error = rig.consume(&["b"; 20]).await.unwrap_err();
    assert!(error.to_string().contains("memory"), "{error}");
    assert_eq!(rig.counts(), [0, 0, 20]);
}

#[tokio::test(start_paused = true)]
async fn the_result_is_waited_for_when_asked() {
    let queue = QueueSettings { wait_for_result: true, ..queue() };
    let script = Script::new(&[Reply::Refuse, Reply::TakeBut(1), Reply::Reject]);
    let rig = Rig::start(script, settings(Some(queue))).await;
    let accepted = rig.consume(&["a", "b"]).await.unwrap();
    assert_eq!((accepted.accepted_spans, accepted.rejected_spans), (1, 1));
    assert_eq!(rig.script.start.elapsed(), Duration::from_secs(5));
    let error = rig.consume(&["c"]).await.unwrap_err();
    assert!(matches!(error, ConsumeError::Permanent { spans: 1, .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_given_up_is_counted() {
    let rig = Rig::start(Script::new(&[Reply::Reject]), settings(Some(queue()))).await;
    rig.consume(&["a", "b"]).await.unwrap();
    rig.script.attempts(1).await;
    rig.sending.shutdown().await;
    let totals = rig.account.totals();
    assert_eq!((totals.failed, totals.held, rig.counts()), (2, 0, [0, 2, 0]));
}

#[tokio::test(start_paused = true)]
async fn stopping_sends_what_is_left_once() {
    // The first waits between two attempts, two more wait in the queue; the second of these is refused.
    let script = Script::new(&[Reply::Refuse, Reply::Take, Reply::Take, Reply::Refuse]);
    let queue = QueueSettings { queue_size: 9, ..queue() };
    let rig = Rig::start(script, settings(Some(queue))).await;
    for name in ["a", "b", "c"] {
        rig.consume(&[name]).await.unwrap();
    }
    rig.script.attempts(1).await;
    rig.sending.shutdown().await;
    assert_eq!(rig.script.start.elapsed(), Duration::ZERO, "no waits");
    assert_eq!(rig.script.names(), [["a"], ["a"], ["b"], ["c"]]);
    assert_eq!((rig.counts(), rig.account.totals().failed), ([2, 1, 0], 1));
    let error = rig.consume(&["d"]).await.unwrap_err();
    assert!(error.to_string().contains("shutting down"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn giving_up_on_stopping_counts_what_is_left() {
    let script = Script::new(&[Reply::Hang, Reply::Hang, Reply::Hang]);
    let settings = SendingSettings { timeout: Duration::ZERO, ..settings(Some(queue())) };
    let rig = Rig::start(script, settings).await;
    rig.consume(&["a"]).await.unwrap();
    rig.consume(&["b", "c"]).await.unwrap();
    rig.script.attempts(1).await;
    let stopped = tokio::time::timeout(Duration::from_secs(1), rig.sending.shutdown()).await;
    assert!(stopped.is_err(), "the transport hangs");
    let Rig { sending, account, series, .. } = rig;
    drop(sending);
    while account.totals().held > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!((account.totals().failed, series.send_failed_spans.get()), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn several_are_sent_at_once() {
    let queue = QueueSettings { num_consumers: 3, queue_size: 9, ..queue() };
    let rig = Rig::start(Script::new(&vec![Reply::Hang; 3]), settings(Some(queue))).await;
    for _ in 0..4 {
        rig.consume(&["a"]).await.unwrap();
    }
    rig.script.attempts(3).await;
    assert_eq!(rig.series.in_flight_requests.get(), 3);
    assert_eq!(rig.script.sent().len(), 3);
}

/// Scenario: for an hour a request comes every second, and the destination takes two seconds for each. A sender that is
/// refused tries again, in order, as its protocol says.
#[tokio::test(start_paused = true)]
async fn an_hour_of_too_slow_a_destination_loses_nothing() {
    const HOUR: usize = 3600;
    let mut script = Script::new(&[]);
    Arc::get_mut(&mut script).unwrap().otherwise = Reply::TakeAfter(Duration::from_secs(2));
    let queue = QueueSettings { queue_size: 10, ..queue() };
    let rig = Rig::start(script, settings(Some(queue))).await;
    let (mut unsent, mut refused, mut memory_max) = (VecDeque::new(), 0, 0);
    for second in 0..HOUR {
        unsent.push_back(second.to_string());
        while let Some(name) = unsent.front() {
            match rig.consume(&[name]).await {
                Ok(_) => drop(unsent.pop_front()),
                Err(ConsumeError::Unavailable { .. }) => {
                    refused += 1;
                    break;
                }
                Err(error) => panic!("{error:?}"),
            }
        }
        memory_max = memory_max.max(rig.memory.used());
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    // What was acknowledged before the end is sent, once, and in order.
    rig.sending.shutdown().await;
    let acknowledged = HOUR - unsent.len();
    let sent: Vec<String> = rig.script.names().into_iter().flatten().collect();
    let expected: Vec<String> = (0..acknowledged).map(|second| second.to_string()).collect();
    assert_eq!(sent, expected);
    assert_eq!(rig.counts(), [acknowledged as u64, 0, refused]);
    assert!(acknowledged > HOUR / 4 && refused > 1000, "{acknowledged} {refused}");
    assert!(memory_max < 10_000, "{memory_max}");
}
