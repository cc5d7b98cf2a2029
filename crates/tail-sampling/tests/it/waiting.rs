//! When traces are decided, what late spans do, and what happens at the end.

use std::time::Duration;

use spandrel_model::TenantId;
use spandrel_pipeline::{Component as _, ConsumeError, Totals};

use crate::TestResult;
use crate::fixture::{Options, Site, child, request, root, with_status};

const ERRORS: &str = "
decision_wait: 10s
policies: [{name: errors, type: status_code, status_code: {status_codes: [ERROR]}}]
";

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn a_trace_is_decided_when_it_has_waited_long_enough_and_not_before() -> TestResult {
    let dir = tempfile::tempdir()?;
    let site = Site::start(Options::new(ERRORS, dir.path())).await;
    site.clock.advance(Duration::from_millis(1_300));
    site.send_each([root(1, "good"), with_status(child(2, "bad"), 2)]).await;
    site.pass(Duration::from_millis(8_700)).await;
    site.send_each([child(2, "also bad"), child(1, "also good")]).await;
    site.pass(Duration::from_millis(1_299)).await;
    assert_eq!(site.sink.take_names(), [""; 0]);
    assert_eq!(site.processor.waiting_traces(), 2);
    site.pass(Duration::from_millis(701)).await;
    assert_eq!(site.sink.take_names(), ["also bad", "bad"]);
    assert_eq!(site.processor.waiting_traces(), 0);
    assert_eq!(site.processor.buffered_bytes(), 0);
    let expected = Totals { received: 4, sent: 2, sampled_out: 2, ..Totals::default() };
    assert_eq!(site.account.totals(), expected);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn late_spans_follow_the_decision() -> TestResult {
    let dir = tempfile::tempdir()?;
    let site = Site::start(Options::new(ERRORS, dir.path())).await;
    site.send_each([root(1, "good"), with_status(root(2, "bad"), 2)]).await;
    site.pass(seconds(10)).await;
    assert_eq!(site.sink.take_names(), ["bad"]);
    // An error comes too late for the first trace.
    site.send_each([with_status(child(1, "late error"), 2), child(2, "late")]).await;
    site.processor.delivered().await;
    assert_eq!(site.sink.take_names(), ["late"]);
    // Another tenant may have the same ids.
    let other = TenantId::new("other")?;
    site.send_as(other, &request([with_status(root(1, "theirs"), 2)])).await?;
    site.pass(seconds(11)).await;
    let spans = site.sink.take_spans();
    let found: Vec<_> = spans.iter().map(|s| (s.tenant.as_str(), s.name.as_str())).collect();
    assert_eq!(found, [("other", "theirs")]);
    site.assert_adds_up();
    let prefix = "otelcol_processor_tail_sampling_";
    for (name, value) in [
        (
            "global_count_traces_sampled{processor=\"tail_sampling/test\",sampled=\"true\",decision=\"sampled\"}",
            2.0,
        ),
        (
            "early_releases_from_cache_decision_total{processor=\"tail_sampling/test\",sampled=\"true\"}",
            1.0,
        ),
        (
            "early_releases_from_cache_decision{processor=\"tail_sampling/test\",sampled=\"false\"}",
            1.0,
        ),
        (
            "count_traces_sampled{processor=\"tail_sampling/test\",policy=\"test.errors\",sampled=\"false\",decision=\"not_sampled\"}",
            1.0,
        ),
        (
            "count_spans_sampled{processor=\"tail_sampling/test\",policy=\"test.errors\",sampled=\"true\",decision=\"sampled\"}",
            2.0,
        ),
        ("new_trace_id_received{processor=\"tail_sampling/test\"}", 3.0),
        ("sampling_late_span_age_count{processor=\"tail_sampling/test\"}", 2.0),
        ("sampling_trace_dropped_too_early{processor=\"tail_sampling/test\"}", 0.0),
        ("sampling_traces_on_memory{processor=\"tail_sampling/test\"}", 0.0),
    ] {
        let series = format!("{prefix}{name}");
        assert_eq!(site.metric(&series), Some(value), "{series}");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_root_brings_the_decision_forward() -> TestResult {
    let dir = tempfile::tempdir()?;
    let yaml = format!("{ERRORS}\ndecision_wait_after_root_received: 2s");
    let site = Site::start(Options::new(&yaml, dir.path())).await;
    site.send_each([with_status(child(1, "a"), 2), with_status(child(2, "b"), 2)]).await;
    site.clock.advance(seconds(3));
    site.send_each([root(1, "a root")]).await;
    site.pass(Duration::from_millis(1_999)).await;
    assert_eq!(site.sink.take_names(), [""; 0]);
    site.pass(Duration::from_millis(1)).await;
    assert_eq!(site.sink.take_names(), ["a", "a root"]);
    // A root cannot put the decision off.
    site.clock.advance(seconds(4));
    site.send_each([root(2, "b root")]).await;
    site.pass(seconds(1)).await;
    assert_eq!(site.sink.take_names(), ["b", "b root"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn parts_are_judged_as_they_arrive_with_span_ingest() -> TestResult {
    let dir = tempfile::tempdir()?;
    let yaml = format!("{ERRORS}\nsampling_strategy: span-ingest");
    let site = Site::start(Options::new(&yaml, dir.path())).await;
    site.send_each([child(1, "waits"), child(2, "never")]).await;
    site.processor.delivered().await;
    assert_eq!(site.sink.take_names(), [""; 0]);
    site.send_each([with_status(child(1, "error"), 2), child(1, "after")]).await;
    site.processor.delivered().await;
    assert_eq!(site.sink.take_names(), ["after", "error", "waits"]);
    site.pass(seconds(10)).await;
    site.send_each([with_status(child(2, "too late"), 2)]).await;
    site.processor.delivered().await;
    assert_eq!(site.sink.take_names(), [""; 0]);
    let expected = Totals { received: 5, sent: 3, sampled_out: 2, ..Totals::default() };
    assert_eq!(site.account.totals(), expected);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_ticker_decides_by_itself() -> TestResult {
    let dir = tempfile::tempdir()?;
    let site = Site::start(Options::new(ERRORS, dir.path())).await;
    site.send_each([with_status(root(1, "bad"), 2)]).await;
    site.clock.advance(seconds(10));
    while site.account.totals().held > 0 {
        tokio::time::advance(seconds(1)).await;
    }
    assert_eq!(site.sink.take_names(), ["bad"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn shutdown_decides_what_is_left() -> TestResult {
    let dir = tempfile::tempdir()?;
    let site = Site::start(Options::new(ERRORS, dir.path())).await;
    site.send_each([root(1, "good"), with_status(root(2, "bad"), 2)]).await;
    site.processor.shutdown().await;
    assert_eq!(site.sink.take_names(), ["bad"]);
    let refused = site.send(&request([root(3, "after")])).await;
    assert!(matches!(refused, Err(ConsumeError::Unavailable { spans: 1, .. })), "{refused:?}");
    site.assert_adds_up();
    assert_eq!(site.account.totals().held, 0);

    let yaml = format!("{ERRORS}\ndrop_pending_traces_on_shutdown: true");
    let site = Site::start(Options::new(&yaml, dir.path())).await;
    site.send_each([with_status(root(12, "bad"), 2)]).await;
    site.processor.shutdown().await;
    assert_eq!(site.sink.take_names(), [""; 0]);
    let expected = Totals { received: 1, sampled_out: 1, ..Totals::default() };
    assert_eq!(site.account.totals(), expected);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_is_lost_with_the_processor_is_counted() -> TestResult {
    let dir = tempfile::tempdir()?;
    let site = Site::start(Options::new(ERRORS, dir.path())).await;
    site.send_each([root(1, "good"), child(1, "child"), root(2, "bad")]).await;
    let Site { processor, account, .. } = site;
    drop(processor);
    // The tasks hold the engine until they have been aborted.
    while account.totals().held > 0 {
        tokio::task::yield_now().await;
    }
    let expected = Totals { received: 3, failed: 3, ..Totals::default() };
    assert_eq!(account.totals(), expected);
    Ok(())
}
