//! Requests put together and split.

use spandrel_config::blocks::{Batch, Sizer};

use super::*;

fn batching(batch: Batch) -> SendingSettings {
    let queue = QueueSettings { queue_size: 100, batch: Some(batch), ..QueueSettings::default() };
    settings(Some(queue))
}

fn of(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_sent_when_it_is_large_enough() {
    let batch = Batch { min_size: 3, ..Batch::default() };
    let rig = Rig::start(Script::new(&[]), batching(batch)).await;
    rig.consume(&["a"]).await.unwrap();
    rig.consume(&["b", "c", "d"]).await.unwrap();
    rig.script.attempts(1).await;
    assert_eq!(rig.script.names(), [of(&["a", "b", "c", "d"])]);
    assert_eq!(rig.script.start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn or_when_its_time_has_come() {
    let rig = Rig::start(Script::new(&[]), batching(Batch::default())).await;
    rig.consume(&["a"]).await.unwrap();
    // The batcher has taken it, and its time runs, when everybody had a turn.
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }
    tokio::time::advance(Duration::from_millis(150)).await;
    rig.consume(&["b"]).await.unwrap();
    rig.script.attempts(1).await;
    assert_eq!(rig.script.names(), [of(&["a", "b"])]);
    assert_eq!(rig.script.seconds(), [0.2]);
}

#[tokio::test(start_paused = true)]
async fn large_requests_are_split_at_spans() {
    let batch = Batch { min_size: 3, max_size: 3, ..Batch::default() };
    let rig = Rig::start(Script::new(&[]), batching(batch)).await;
    rig.consume(&["a", "b"]).await.unwrap();
    rig.consume(&["c", "d", "e", "f", "g", "h"]).await.unwrap();
    rig.sending.shutdown().await;
    let expected = [of(&["a", "b", "c"]), of(&["d", "e", "f"]), of(&["g", "h"])];
    assert_eq!(rig.script.names(), expected);
    assert_eq!((rig.counts(), rig.account.totals()), ([8, 0, 0], Default::default()));
}

#[tokio::test(start_paused = true)]
async fn bytes_are_a_limit_as_well() {
    let one = otlp(&["a"]).len() as u64;
    let batch =
        Batch { min_size: 2 * one, max_size: 2 * one, sizer: Sizer::Bytes, ..Batch::default() };
    let rig = Rig::start(Script::new(&[]), batching(batch)).await;
    for name in ["a", "b", "c"] {
        rig.consume(&[name]).await.unwrap();
    }
    rig.sending.shutdown().await;
    assert_eq!(rig.script.names(), [of(&["a", "b"]), of(&["c"])]);
}

#[tokio::test(start_paused = true)]
async fn other_metadata_is_another_batch() {
    let batch = Batch { metadata_keys: vec!["X-Team".to_owned()], ..Batch::default() };
    let rig = Rig::start(Script::new(&[]), batching(batch)).await;
    for (name, team) in [("a", "red"), ("b", "blue"), ("c", "red")] {
        rig.sending.consume(with_metadata(&[name], "x-team", team)).await.unwrap();
    }
    rig.consume(&["d"]).await.unwrap();
    rig.script.attempts(3).await;
    let mut sent: Vec<_> = rig
        .script
        .sent()
        .into_iter()
        .map(|sent| (sent.client.metadata("x-team").join(","), sent.names))
        .collect();
    sent.sort();
    let expected = [("", of(&["d"])), ("blue", of(&["b"])), ("red", of(&["a", "c"]))];
    assert_eq!(sent, expected.map(|(team, names)| (team.to_owned(), names)));
}

#[tokio::test(start_paused = true)]
async fn one_bad_request_does_not_cost_the_others() {
    let script =
        Arc::new(Script { poison: Some("bad"), ..Arc::into_inner(Script::new(&[])).unwrap() });
    let batch = Batch { min_size: 3, ..Batch::default() };
    let rig = Rig::start(script, batching(batch)).await;
    for name in ["a", "bad", "c"] {
        rig.consume(&[name]).await.unwrap();
    }
    rig.sending.shutdown().await;
    let expected = [of(&["a", "bad", "c"]), of(&["a"]), of(&["bad"]), of(&["c"])];
    assert_eq!(rig.script.names(), expected);
    assert_eq!((rig.counts(), rig.account.totals().failed), ([2, 1, 0], 1));
}

#[tokio::test(start_paused = true)]
async fn damaged_bytes_are_refused_before_they_are_in_a_batch() {
    let rig = Rig::start(Script::new(&[]), batching(Batch::default())).await;
    let damaged = TraceBatch::otlp(TenantId::single(), vec![0x0a, 9, 1]);
    let error = rig.sending.consume(damaged).await.unwrap_err();
    assert!(matches!(error, ConsumeError::Malformed(_)), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn rejected_spans_of_a_batch_are_counted_once() {
    let batch = Batch { min_size: 4, ..Batch::default() };
    let rig = Rig::start(Script::new(&[Reply::TakeBut(3)]), batching(batch)).await;
    rig.consume(&["a", "b"]).await.unwrap();
    rig.consume(&["c", "d"]).await.unwrap();
    rig.sending.shutdown().await;
    assert_eq!((rig.counts(), rig.account.totals().failed), ([1, 0, 0], 3));
}
