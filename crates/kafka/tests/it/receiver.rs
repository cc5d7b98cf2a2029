//! What the receiver does when not all goes well: no record is lost, and each is counted once.

use bytes::Bytes;
use spandrel_pipeline::{Component as _, ConsumeError};
use spandrel_telemetry::{Metrics, RecordOutcome};

use crate::rig;

const TOPIC: &str = "otlp_spans";

fn outcomes(metrics: &Metrics) -> (u64, [u64; 5]) {
    let series = metrics.kafka().receiver("kafka/in");
    let outcomes = [
        RecordOutcome::Delivered,
        RecordOutcome::Malformed,
        RecordOutcome::Rejected,
        RecordOutcome::GivenUp,
        RecordOutcome::Returned,
    ];
    (series.received.get(), outcomes.map(|outcome| series.with_outcome(outcome)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_comes_again() {
    let cluster = rig::cluster(TOPIC, 1);
    let (brokers, metrics) = (cluster.bootstrap_servers(), Metrics::new());
    rig::put(&brokers, TOPIC, None, &rig::values(0..3)).await;
    let (consumer, mut recorded) =
        rig::recorder(|n| if n < 2 { Err(rig::unavailable()) } else { Ok(()) });
    let yaml = "error_backoff: { enabled: true, initial_interval: 1ms, max_interval: 2ms }";
    let receiver = rig::receiver(&brokers, yaml, consumer, &metrics).await;
    assert_eq!(recorded.names(3).await, rig::names(0..3));
    receiver.shutdown().await;
    assert_eq!(outcomes(&metrics), (3, [3, 0, 0, 0, 0]));
    let series = metrics.kafka().receiver("kafka/in");
    assert_eq!((series.retries.get(), series.paused.get()), (2, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn poison_is_counted_and_left_out() {
    let cluster = rig::cluster(TOPIC, 1);
    let (brokers, metrics) = (cluster.bootstrap_servers(), Metrics::new());
    let mut values = vec![Bytes::from_static(b"\x0a\xff\xff"), Bytes::new()];
    values.extend(rig::values(0..2));
    rig::put(&brokers, TOPIC, None, &values).await;
    let (consumer, mut recorded) = rig::recorder(|n| match n {
        0 => Err(ConsumeError::Permanent { message: "never".to_owned(), spans: 1 }),
        _ => Ok(()),
    });
    let receiver = rig::receiver(&brokers, "", consumer, &metrics).await;
    assert!(!recorded.next().await.1);
    assert!(recorded.next().await.1);
    receiver.shutdown().await;
    assert_eq!(outcomes(&metrics), (4, [2, 1, 1, 0, 0]));

    // Nothing of it is read again.
    rig::put(&brokers, TOPIC, None, &rig::values(9..10)).await;
    let (consumer, mut recorded) = rig::recorder(|_| Ok(()));
    let receiver = rig::receiver(&brokers, "", consumer, &metrics).await;
    assert_eq!(rig::span_names(&recorded.next().await.0), [rig::name(9)]);
    receiver.shutdown().await;
    assert_eq!(outcomes(&metrics), (5, [3, 1, 1, 0, 0]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn poison_can_hold_its_partition() {
    let cluster = rig::cluster(TOPIC, 1);
    let (brokers, metrics) = (cluster.bootstrap_servers(), Metrics::new());
    let mut values = rig::values(0..1);
    values.push(Bytes::from_static(b"\x0a\xff\xff"));
    rig::put(&brokers, TOPIC, None, &values).await;
    let yaml = "message_marking: { after: true, on_permanent_error: false }";
    let series = metrics.kafka().receiver("kafka/in");
    for (round, received) in [(0, 2), (1, 3)] {
        let (consumer, _recorded) = rig::recorder(|_| Ok(()));
        let receiver = rig::receiver(&brokers, yaml, consumer, &metrics).await;
        rig::until(|| series.received.get() == received && series.paused.get() == 1).await;
        receiver.shutdown().await;
        // What was taken before it does not come again, and it does.
        assert_eq!(outcomes(&metrics), (received, [1, 0, 0, 0, round + 1]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attempts_end_where_that_is_asked_for() {
    let cluster = rig::cluster(TOPIC, 1);
    let (brokers, metrics) = (cluster.bootstrap_servers(), Metrics::new());
    rig::put(&brokers, TOPIC, None, &rig::values(0..2)).await;
    let (consumer, mut recorded) =
        rig::recorder(|n| if n < 1 { Err(rig::unavailable()) } else { Ok(()) });
    let yaml = "message_marking: { after: true, on_error: true }, \
                error_backoff: { enabled: true, initial_interval: 1ns, max_interval: 1ns, \
                max_elapsed_time: 1ns }";
    let receiver = rig::receiver(&brokers, yaml, consumer, &metrics).await;
    assert!(!recorded.next().await.1);
    assert!(recorded.next().await.1);
    receiver.shutdown().await;
    assert_eq!(outcomes(&metrics), (2, [1, 0, 0, 1, 0]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_repeats_what_was_not_taken_and_nothing_else() {
    for autocommit in ["true", "false"] {
        let cluster = rig::cluster(TOPIC, 1);
        let (brokers, metrics) = (cluster.bootstrap_servers(), Metrics::new());
        let yaml = format!("autocommit: {{ enable: {autocommit} }}");
        rig::put(&brokers, TOPIC, None, &rig::values(0..10)).await;
        let (consumer, mut recorded) =
            rig::recorder(|n| if n < 4 { Ok(()) } else { Err(rig::unavailable()) });
        let receiver = rig::receiver(&brokers, &yaml, consumer, &metrics).await;
        let taken = recorded.names(4).await;
        assert_eq!(taken, rig::names(0..4));
        receiver.shutdown().await;
        let (received, [delivered, .., returned]) = outcomes(&metrics);
        assert_eq!((delivered, delivered + returned), (4, received));

        let (consumer, mut recorded) = rig::recorder(|_| Ok(()));
        let receiver = rig::receiver(&brokers, &yaml, consumer, &Metrics::new()).await;
        assert_eq!(recorded.names(6).await, rig::names(4..10), "autocommit {autocommit}");
        receiver.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_of_a_group_share_partitions_and_lose_nothing() {
    for strategy in ["cooperative-sticky", "range"] {
        let cluster = rig::cluster(TOPIC, 4);
        let (brokers, metrics) = (cluster.bootstrap_servers(), [Metrics::new(), Metrics::new()]);
        let yaml = format!("group_rebalance_strategy: {strategy}");
        let (consumer, mut first) = rig::recorder(|_| Ok(()));
        let one = rig::receiver(&brokers, &yaml, consumer, &metrics[0]).await;
        for partition in 0..4 {
            let n = 10 * partition as usize;
            rig::put(&brokers, TOPIC, Some(partition), &rig::values(n..n + 10)).await;
        }
        assert_eq!(first.names(40).await, rig::names(0..40));

        // The second gets some of the partitions, then the first one leaves and it has all.
        let (consumer, mut second) = rig::recorder(|_| Ok(()));
        let two = rig::receiver(&brokers, &yaml, consumer, &metrics[1]).await;
        let mut n = 40;
        let mut seen = rig::names(0..40);
        while metrics[1].kafka().receiver("kafka/in").received.get() == 0 {
            for partition in 0..4 {
                rig::put(&brokers, TOPIC, Some(partition), &rig::values(n..n + 1)).await;
                n += 1;
            }
        }
        one.shutdown().await;
        rig::put(&brokers, TOPIC, None, &rig::values(n..n + 20)).await;
        n += 20;
        while seen.len() < n {
            let (batch, _) = tokio::select! {
                biased;
                batch = first.next(), if first.has_more() => batch,
                batch = second.next() => batch,
            };
            seen.extend(rig::span_names(&batch));
        }
        assert_eq!(seen, rig::names(0..n), "{strategy}");
        two.shutdown().await;
        for metrics in &metrics {
            let (received, outcomes) = outcomes(metrics);
            assert_eq!(received, outcomes.iter().sum::<u64>(), "{strategy}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_with_enough_under_way_is_paused_and_goes_on() {
    let cluster = rig::cluster(TOPIC, 1);
    let (brokers, metrics) = (cluster.bootstrap_servers(), Metrics::new());
    rig::put(&brokers, TOPIC, None, &rig::values(0..500)).await;
    // Until the partition is paused nothing is taken.
    let paused = metrics.kafka().receiver("kafka/in").paused;
    let script = move |_| if paused.get() == 0 { Err(rig::unavailable()) } else { Ok(()) };
    let was_paused = std::sync::atomic::AtomicBool::new(false);
    let (consumer, mut recorded) = rig::recorder(move |n| {
        if was_paused.load(std::sync::atomic::Ordering::Relaxed) {
            return Ok(());
        }
        let answer = script(n);
        was_paused.store(answer.is_ok(), std::sync::atomic::Ordering::Relaxed);
        answer
    });
    let yaml = "error_backoff: { enabled: true, initial_interval: 1ms, max_interval: 2ms }";
    let receiver = rig::receiver(&brokers, yaml, consumer, &metrics).await;
    assert_eq!(recorded.names(500).await, rig::names(0..500));
    receiver.shutdown().await;
    assert_eq!(outcomes(&metrics), (500, [500, 0, 0, 0, 0]));
    assert_eq!(metrics.kafka().receiver("kafka/in").paused.get(), 0);
}
