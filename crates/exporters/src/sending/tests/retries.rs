//! Attempts of one request, while the caller waits.

use super::*;

#[tokio::test(start_paused = true)]
async fn waits_grow_until_it_is_taken() {
    let script = Script::new(&[Reply::Refuse, Reply::Refuse, Reply::Refuse]);
    let rig = Rig::start(script, settings(None)).await;
    let accepted = rig.consume(&["a", "b"]).await.unwrap();
    assert_eq!(accepted, Accepted { accepted_spans: 2, ..Accepted::default() });
    assert_eq!(rig.script.seconds(), [0.0, 5.0, 12.5, 23.75]);
    assert_eq!(rig.counts(), [2, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn the_destination_may_ask_for_longer_waits() {
    let script = Script::new(&[Reply::RefuseFor(60), Reply::RefuseFor(1)]);
    let rig = Rig::start(script, settings(None)).await;
    rig.consume(&["a"]).await.unwrap();
    assert_eq!(rig.script.seconds(), [0.0, 60.0, 67.5], "the longer of both");
}

#[tokio::test(start_paused = true)]
async fn gives_up_before_a_wait_that_would_be_too_long() {
    let mut settings = settings(None);
    settings.retry.as_mut().unwrap().max_elapsed_time = Duration::from_secs(20);
    let script = Script::new(&vec![Reply::Refuse; 9]);
    let rig = Rig::start(script, settings).await;
    let error = rig.consume(&["a"]).await.unwrap_err();
    assert!(matches!(error, ConsumeError::Unavailable { spans: 1, .. }), "{error:?}");
    // The next attempt would have been at 23.75 s; nobody waits for it.
    assert_eq!(rig.script.seconds(), [0.0, 5.0, 12.5]);
    assert_eq!(rig.script.start.elapsed(), Duration::from_millis(12_500));
    assert_eq!(rig.counts(), [0, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn without_a_limit_it_never_gives_up() {
    let mut settings = settings(None);
    settings.retry.as_mut().unwrap().max_elapsed_time = Duration::ZERO;
    let script = Script::new(&vec![Reply::Refuse; 500]);
    let rig = Rig::start(script, settings).await;
    rig.consume(&["a"]).await.unwrap();
    assert_eq!(rig.script.sent().len(), 501);
}

#[tokio::test(start_paused = true)]
async fn what_is_rejected_is_not_tried_again() {
    let rig = Rig::start(Script::new(&[Reply::Reject]), settings(None)).await;
    let error = rig.consume(&["a"]).await.unwrap_err();
    assert_eq!(error, ConsumeError::Permanent { message: "no".to_owned(), spans: 1 });
    assert_eq!((rig.script.sent().len(), rig.counts()), (1, [0, 1, 0]));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_hangs_ends_after_its_timeout() {
    let rig = Rig::start(Script::new(&[Reply::Hang]), settings(None)).await;
    rig.consume(&["a"]).await.unwrap();
    assert_eq!(rig.script.seconds(), [0.0, 10.0], "five seconds each");
    assert_eq!(rig.series.in_flight_requests.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn without_retries_one_attempt_decides() {
    let settings = SendingSettings { retry: None, ..settings(None) };
    let rig = Rig::start(Script::new(&[Reply::Refuse]), settings).await;
    let error = rig.consume(&["a"]).await.unwrap_err();
    assert!(matches!(error, ConsumeError::Unavailable { .. }), "{error:?}");
    assert_eq!(rig.script.sent().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn partial_success_is_passed_on_and_counted() {
    let rig = Rig::start(Script::new(&[Reply::TakeBut(1)]), settings(None)).await;
    let accepted = rig.consume(&["a", "b", "c"]).await.unwrap();
    let message = "too old".to_owned();
    assert_eq!(accepted, Accepted { accepted_spans: 2, rejected_spans: 1, message });
    assert_eq!((rig.counts(), rig.series.rejected_spans.get()), ([2, 0, 0], 1));
}

#[tokio::test(start_paused = true)]
async fn stopping_ends_a_wait() {
    let rig = Arc::new(Rig::start(Script::new(&[Reply::Refuse]), settings(None)).await);
    let waiting = Arc::clone(&rig);
    let consume = async move { waiting.consume(&["a"]).await };
    let stop = async {
        rig.script.attempts(1).await;
        rig.sending.shutdown().await;
    };
    let (consumed, ()) = tokio::join!(consume, stop);
    assert!(matches!(consumed, Err(ConsumeError::Unavailable { .. })), "{consumed:?}");
    assert_eq!(rig.script.start.elapsed(), Duration::ZERO);
}
