//! What happens when there is no room: spilling, early decisions, refusal, waiting.

use std::time::Duration;

use spandrel_pipeline::{Component as _, ConsumeError};
use spandrel_proto::otlp::trace::Span;
use spandrel_telemetry::EarlyReason;

use crate::TestResult;
use crate::fixture::{Options, Site, child, request, root, text, with, with_status};

const ERRORS: &str = "
decision_wait: 10s
policies: [{name: errors, type: status_code, status_code: {status_codes: [ERROR]}}]
";

/// A span of about `bytes`; every fourth trace has an error.
fn large(id: u8, bytes: usize) -> Span {
    let span = with(root(id, &format!("span{id:03}")), "payload", text(&"x".repeat(bytes)));
    if id.is_multiple_of(4) { with_status(span, 2) } else { span }
}

fn full(retry_after: Duration) -> ConsumeError {
    ConsumeError::Unavailable { message: "full".to_owned(), retry_after, spans: 0 }
}

#[tokio::test(start_paused = true)]
async fn the_oldest_are_decided_early_when_memory_is_short() -> TestResult {
    let dir = tempfile::tempdir()?;
    // Two fifths of it hold about 80 of the spans.
    let memory_bytes = 250_000;
    let yaml = format!("{ERRORS}\nnum_shards: 1");
    let site = Site::start(Options { memory_bytes, ..Options::new(&yaml, dir.path()) }).await;
    for id in 0..200 {
        site.send_each([large(id, 800)]).await;
        site.processor.delivered().await;
        assert!(site.processor.buffered_bytes() <= 100_000);
    }
    let early = site.series().early(EarlyReason::Memory);
    assert!((100..180).contains(&early), "{early}");
    let early_names = site.sink.take_names();
    assert_eq!(early_names.first().map(String::as_str), Some("span000"));
    assert_eq!(early_names.len() as u64, early.div_ceil(4));
    // Late spans of what was decided early follow that decision.
    site.send_each([child(0, "late"), with_status(child(1, "late error"), 2)]).await;
    site.pass(Duration::from_secs(10)).await;
    let rest = site.sink.take_names();
    assert_eq!(early_names.len() + rest.len(), 50 + 1);
    site.assert_adds_up();
    assert_eq!(site.account.totals().failed, 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_is_spilled_waits_its_full_time() -> TestResult {
    let dir = tempfile::tempdir()?;
    let memory_bytes = 500_000;
    let yaml = format!("{ERRORS}\nspill:");
    let site = Site::start(Options { memory_bytes, ..Options::new(&yaml, dir.path()) }).await;
    for id in 0..200 {
        site.send_each([large(id, 2_000)]).await;
        assert!(site.processor.buffered_bytes() <= 200_000);
    }
    // Their last spans are errors of traces whose first spans are on disk alone.
    site.send_each((1..100).map(|id| with_status(child(id, "end"), 2))).await;
    assert_eq!((site.early(), site.processor.waiting_traces()), (0, 200));
    let spilled = "spandrel_tail_sampling_spilled_bytes{processor=\"tail_sampling/test\"}";
    assert!(site.metric(spilled).is_some_and(|bytes| bytes > 400_000.0));
    site.pass(Duration::from_secs(10)).await;
    let names = site.sink.take_names();
    assert_eq!(names.len(), 99 + 99 + 26, "{names:?}");
    assert_eq!(site.early(), 0);
    site.assert_adds_up();
    assert_eq!((site.account.totals().failed, site.processor.buffered_bytes()), (0, 0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_oldest_are_decided_early_when_the_disk_is_full() -> TestResult {
    let dir = tempfile::tempdir()?;
    let yaml = format!("{ERRORS}\nspill: {{max_size_mib: 1}}");
    let site = Site::start(Options::new(&yaml, dir.path())).await;
    for id in 0..=255 {
        site.send_each([large(id, 9_000)]).await;
        site.processor.delivered().await;
    }
    assert!(site.series().early(EarlyReason::Disk) > 100);
    let spilled = "spandrel_tail_sampling_spilled_bytes{processor=\"tail_sampling/test\"}";
    assert!(site.metric(spilled).is_some_and(|bytes| bytes < 1_100_000.0));
    site.pass(Duration::from_secs(10)).await;
    assert_eq!(site.sink.take_names().len(), 64);
    site.assert_adds_up();
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn num_traces_is_a_bound_and_forgets_none() -> TestResult {
    let dir = tempfile::tempdir()?;
    let yaml = format!("{ERRORS}\nnum_traces: 10");
    let site = Site::start(Options::new(&yaml, dir.path())).await;
    for id in 0..100 {
        site.send_each([large(id, 10)]).await;
        assert!(site.processor.waiting_traces() <= 10);
    }
    assert_eq!(site.series().early(EarlyReason::NumTraces), 90);
    let early = "otelcol_processor_tail_sampling_sampling_trace_dropped_too_early{processor=\"tail_sampling/test\"}";
    assert_eq!(site.metric(early), Some(90.0));
    site.pass(Duration::from_secs(10)).await;
    assert_eq!(site.sink.take_names().len(), 25);
    site.assert_adds_up();
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn senders_wait_with_block_on_overflow() -> TestResult {
    let dir = tempfile::tempdir()?;
    let yaml = format!("{ERRORS}\nnum_traces: 2\nblock_on_overflow: true");
    let site = Site::start(Options::new(&yaml, dir.path())).await;
    site.send_each([large(0, 10), large(1, 10)]).await;
    let third = request([large(2, 10)]);
    let mut sending = Box::pin(site.send(&third));
    let early = tokio::time::timeout(Duration::from_millis(700), &mut sending).await;
    assert!(early.is_err(), "{early:?}");
    site.clock.advance(Duration::from_secs(10));
    site.processor.decide_due().await;
    sending.await?;
    assert_eq!((site.early(), site.processor.waiting_traces()), (0, 1));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn senders_are_refused_while_nobody_takes_what_was_sampled() -> TestResult {
    let dir = tempfile::tempdir()?;
    let memory_bytes = 250_000;
    let all = "decision_wait: 10s\npolicies: [{name: all, type: always_sample}]";
    let site = Site::start(Options { memory_bytes, ..Options::new(all, dir.path()) }).await;
    site.sink.answers.lock().extend(vec![full(Duration::from_secs(5)); 100_000]);
    let mut refused = 0;
    for id in 0..=255 {
        let answer = site.send(&request([large(id, 800)])).await;
        if let Err(err) = answer {
            assert!(matches!(err, ConsumeError::Unavailable { spans: 1, .. }), "{err:?}");
            refused += 1;
        }
        site.clock.advance(Duration::from_millis(300));
        site.processor.decide_due().await;
        tokio::task::yield_now().await;
        assert!(site.processor.buffered_bytes() <= 100_000);
    }
    assert!(refused > 50, "{refused}");
    let totals = site.account.totals();
    assert_eq!((totals.held + totals.sent, totals.refused), (256 - refused, refused));
    site.sink.answers.lock().clear();
    // The next component recovers: nothing that was acknowledged is missing.
    site.pass(Duration::from_secs(10)).await;
    assert_eq!(site.sink.take_names().len() as u64, 256 - refused);
    site.assert_adds_up();
    assert_eq!(site.account.totals().held, 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_can_never_fit_is_too_large() -> TestResult {
    let dir = tempfile::tempdir()?;
    let memory_bytes = 10_000;
    let site = Site::start(Options { memory_bytes, ..Options::new(ERRORS, dir.path()) }).await;
    let answer = site.send(&request([large(1, 50_000)])).await;
    assert!(matches!(answer, Err(ConsumeError::TooLarge(_))), "{answer:?}");
    site.assert_adds_up();
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_trace_that_is_too_large_is_not_sampled_at_once() -> TestResult {
    let dir = tempfile::tempdir()?;
    let yaml = format!("{ERRORS}\nmaximum_trace_size_bytes: 3000");
    let site = Site::start(Options::new(&yaml, dir.path())).await;
    let part =
        |name: &str| with_status(with(child(1, name), "payload", text(&"x".repeat(1_000))), 2);
    site.send_each([part("a"), part("b"), large(0, 10)]).await;
    assert_eq!(site.account.totals().sampled_out, 0);
    site.send_each([part("c"), part("d")]).await;
    assert_eq!((site.account.totals().sampled_out, site.account.totals().held), (4, 1));
    let too_large = "otelcol_processor_tail_sampling_traces_dropped_too_large{processor=\"tail_sampling/test\"}";
    assert_eq!(site.metric(too_large), Some(1.0));
    site.processor.shutdown().await;
    assert_eq!(site.sink.take_names(), ["span000"]);
    Ok(())
}
