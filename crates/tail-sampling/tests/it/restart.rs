//! What survives the end of a process: decisions always, spans with `spill`. A copy of the data directory, taken
//! while the processor runs, is what a killed process leaves.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use spandrel_pipeline::{Component as _, ConsumeError};
use spandrel_proto::otlp::trace::Span;

use crate::TestResult;
use crate::fixture::{Options, Site, child, copy_dir, request, root, text, with, with_status};

const ERRORS: &str = "
decision_wait: 10s
policies: [{name: errors, type: status_code, status_code: {status_codes: [ERROR]}}]
";
const SPILLING: &str = "
decision_wait: 10s
spill: {max_size_mib: 100}
policies: [{name: errors, type: status_code, status_code: {status_codes: [ERROR]}}]
";

fn bad(id: u8, name: &str) -> Span {
    with_status(child(id, name), 2)
}

/// A site on a copy of `dir`, as if its process had been killed.
async fn after_a_kill(yaml: &str, dir: &Path, copy: &tempfile::TempDir) -> Site {
    copy_dir(dir, copy.path()).unwrap();
    Site::start(Options::new(yaml, copy.path())).await
}

#[tokio::test(start_paused = true)]
async fn decisions_survive() -> TestResult {
    let dir = tempfile::tempdir()?;
    let site = Site::start(Options::new(ERRORS, dir.path())).await;
    site.send_each([bad(1, "bad"), child(2, "good")]).await;
    site.pass(Duration::from_secs(10)).await;
    assert_eq!(site.sink.take_names(), ["bad"]);
    let copy = tempfile::tempdir()?;
    let killed = after_a_kill(ERRORS, dir.path(), &copy).await;
    site.processor.shutdown().await;
    let stopped = Site::start(Options::new(ERRORS, dir.path())).await;
    for site in [killed, stopped] {
        site.send_each([child(1, "late"), bad(2, "late error")]).await;
        site.processor.delivered().await;
        assert_eq!(site.sink.take_names(), ["late"]);
        site.assert_adds_up();
        assert_eq!(site.account.totals().held, 0);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn acknowledged_spans_survive_a_kill_with_spill() -> TestResult {
    let dir = tempfile::tempdir()?;
    let site = Site::start(Options::new(SPILLING, dir.path())).await;
    site.send(&request([bad(1, "a"), child(2, "b"), child(1, "c")])).await?;
    site.send_each([bad(1, "d"), child(2, "e")]).await;
    let copy = tempfile::tempdir()?;
    let site = after_a_kill(SPILLING, dir.path(), &copy).await;
    assert_eq!((site.processor.waiting_traces(), site.account.totals().held), (2, 5));
    site.send_each([child(1, "f")]).await;
    site.pass(Duration::from_secs(10)).await;
    assert_eq!(site.sink.take_names(), ["a", "c", "d", "f"]);
    site.assert_adds_up();
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn finished_spans_do_not_come_back() -> TestResult {
    let dir = tempfile::tempdir()?;
    let site = Site::start(Options::new(SPILLING, dir.path())).await;
    site.send_each([bad(1, "a"), child(2, "b")]).await;
    site.pass(Duration::from_secs(10)).await;
    site.send_each([child(1, "late"), child(2, "late too"), child(3, "waits")]).await;
    site.processor.delivered().await;
    assert_eq!(site.sink.take_names(), ["a", "late"]);
    let copy = tempfile::tempdir()?;
    let site = after_a_kill(SPILLING, dir.path(), &copy).await;
    assert_eq!(site.account.totals().received, 1);
    site.processor.delivered().await;
    assert_eq!(site.sink.take_names(), [""; 0]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn sampled_spans_that_nobody_took_are_sent_after_a_kill() -> TestResult {
    let dir = tempfile::tempdir()?;
    let site = Site::start(Options::new(SPILLING, dir.path())).await;
    let message = "full".to_owned();
    let retry_after = Duration::from_secs(3600);
    let full = ConsumeError::Unavailable { message, retry_after, spans: 0 };
    site.sink.answers.lock().extend(vec![full; 1000]);
    site.send_each([bad(1, "a"), child(1, "b"), child(2, "c")]).await;
    site.clock.advance(Duration::from_secs(10));
    site.processor.decide_due().await;
    let copy = tempfile::tempdir()?;
    let site = after_a_kill(SPILLING, dir.path(), &copy).await;
    site.processor.delivered().await;
    assert_eq!(site.sink.take_names(), ["a", "b"]);
    site.assert_adds_up();
    Ok(())
}

/// Wherever the journal ends, what is whole is there, and nothing is made up.
#[tokio::test(start_paused = true)]
async fn a_torn_journal_loses_its_end_only() -> TestResult {
    let dir = tempfile::tempdir()?;
    let site = Site::start(Options::new(SPILLING, dir.path())).await;
    let names: Vec<String> = (0..6).map(|i| format!("span{i}")).collect();
    site.send_each(names.iter().zip(1..).map(|(name, id)| bad(id, name))).await;
    let copy = tempfile::tempdir()?;
    copy_dir(dir.path(), copy.path())?;
    let segment = copy.path().join("journal/journal-0000000000000001.log");
    let whole = fs::read(&segment)?;
    let mut counts = BTreeSet::new();
    for cut in (0..whole.len()).step_by(7).chain([whole.len()]) {
        let torn = tempfile::tempdir()?;
        fs::create_dir_all(torn.path().join("journal"))?;
        let path = torn.path().join("journal/journal-0000000000000001.log");
        #[expect(clippy::disallowed_methods, reason = "a test need not survive a power cut")]
        fs::write(&path, &whole[..cut])?;
        let site = Site::start(Options::new(SPILLING, torn.path())).await;
        site.send_each([bad(99, "new")]).await;
        site.pass(Duration::from_secs(10)).await;
        let found = site.sink.take_names();
        counts.insert(found.len() - 1);
        let mut expected: Vec<String> = names[..found.len() - 1].to_vec();
        expected.insert(0, "new".to_owned());
        assert_eq!(found, expected, "cut at {cut}");
        site.processor.shutdown().await;
    }
    assert_eq!(counts, (0..=6).collect());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn two_processors_cannot_share_a_journal() -> TestResult {
    let dir = tempfile::tempdir()?;
    let site = Site::start(Options::new(SPILLING, dir.path())).await;
    let other = Site::try_start(Options::new(SPILLING, dir.path())).await;
    let err = other.err().expect("the first one holds it").to_string();
    assert!(err.starts_with("spill: ") && err.contains("in use by another process"), "{err}");
    site.processor.shutdown().await;
    Site::try_start(Options::new(SPILLING, dir.path())).await?;
    Ok(())
}

/// Segments go when what is in them has gone.
#[tokio::test(start_paused = true)]
async fn the_journal_does_not_grow_with_time() -> TestResult {
    let dir = tempfile::tempdir()?;
    let yaml = SPILLING.replace("max_size_mib: 100", "max_size_mib: 1");
    let site = Site::start(Options::new(&yaml, dir.path())).await;
    for round in 0..60_u8 {
        let payload = text(&"y".repeat(1_000));
        let traces =
            (0..20).map(|i| with(root(round * 4 + i % 4, "x"), "payload", payload.clone()));
        site.send(&request(traces)).await?;
        site.pass(Duration::from_secs(10)).await;
    }
    let sizes = fs::read_dir(dir.path().join("journal"))?.map(|entry| entry?.metadata());
    let bytes: u64 = sizes.map(|meta| meta.map(|meta| meta.len())).sum::<Result<_, _>>()?;
    assert!(bytes < 300_000, "{bytes}");
    assert_eq!(site.early(), 0);
    Ok(())
}
