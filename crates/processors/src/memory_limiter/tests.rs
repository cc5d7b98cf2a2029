//! When spans are refused.

use std::sync::atomic::AtomicUsize;

use spandrel_base::memory::MemoryBudget;
use spandrel_config::read_settings;

use super::settings::MemoryLimit;
use super::*;
use crate::testing::{Recorder, batch, context, request, span};

fn settings(yaml: &str) -> MemoryLimiterSettings {
    read_settings(yaml, MemoryLimiterSettings::read).expect("they are valid").0
}

#[test]
fn limits() {
    let mib = |n: u64| Some(n << 20);
    for (yaml, soft) in [
        ("{check_interval: 1s, limit_mib: 100}", mib(80)),
        ("{check_interval: 1s, limit_mib: 100, spike_limit_mib: 30}", mib(70)),
        ("{check_interval: 1s, limit_mib: 100, limit_percentage: 1}", mib(80)),
        ("{check_interval: 1s, limit_percentage: 50}", mib(400)),
        ("{check_interval: 1s, limit_percentage: 50, spike_limit_percentage: 20}", mib(300)),
    ] {
        assert_eq!(settings(yaml).soft_limit(Some(1000 << 20)), soft, "{yaml}");
    }
    let percentage = MemoryLimiterSettings {
        check_interval: Duration::from_secs(1),
        limit: MemoryLimit::Percentage { limit: 50, spike: 0 },
    };
    assert_eq!(percentage.soft_limit(None), None);
}

#[test]
fn mistakes() {
    for (yaml, message) in [
        ("", "check_interval must be greater than zero"),
        ("check_interval: 1s", "one of limit_mib and limit_percentage"),
        ("{check_interval: 1s, limit_mib: 10, spike_limit_mib: 10}", "smaller than limit_mib"),
        ("{check_interval: 1s, limit_percentage: 101}", "at most 100"),
        (
            "{check_interval: 1s, limit_percentage: 50, spike_limit_percentage: 60}",
            "smaller than limit_percentage",
        ),
    ] {
        let problems =
            read_settings(yaml, MemoryLimiterSettings::read).expect_err(yaml).to_string();
        assert!(problems.contains(message), "{problems}");
    }
}

#[test]
fn settings_of_the_garbage_collector_do_nothing() {
    let yaml = "{check_interval: 1s, limit_mib: 10, min_gc_interval_when_soft_limited: 10s}";
    let (read, warnings) = read_settings(yaml, MemoryLimiterSettings::read).expect("valid");
    assert_eq!(read, settings("{check_interval: 1s, limit_mib: 10}"));
    assert_eq!(warnings.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn spans_are_refused_while_memory_is_high_and_it_is_read_rarely() {
    static READINGS: AtomicUsize = AtomicUsize::new(0);
    let next = Recorder::answering([]);
    // 90, 70, then 90 MiB against a soft limit of 80.
    let meter = || {
        let readings = [90, 70, 90];
        readings.get(READINGS.fetch_add(1, Ordering::Relaxed)).map(|mib| mib << 20)
    };
    let processor = MemoryLimiterProcessor::with_meter(
        settings("{check_interval: 5s, limit_mib: 100}"),
        Arc::clone(&next) as Arc<dyn TraceConsumer>,
        context("memory_limiter"),
        Box::new(meter),
    );
    let processor = processor.expect("it can be built");
    let spans = || batch(&request("a", vec![span("s", []); 2]));
    let refused = Err(ConsumeError::Unavailable {
        message: "data refused due to high memory usage".to_owned(),
        retry_after: Duration::from_secs(5),
        spans: 2,
    });
    for _ in 0..3 {
        assert_eq!(processor.consume(spans()).await, refused);
    }
    tokio::time::advance(Duration::from_secs(5)).await;
    for _ in 0..3 {
        assert!(processor.consume(spans()).await.is_ok());
    }
    tokio::time::advance(Duration::from_secs(5)).await;
    assert_eq!(processor.consume(spans()).await, refused);
    assert_eq!((READINGS.load(Ordering::Relaxed), next.span_counts()), (3, vec![2, 2, 2]));
}

#[tokio::test(start_paused = true)]
async fn a_full_budget_refuses_at_once() {
    let next = Recorder::answering([]);
    let mut context = context("memory_limiter");
    context.memory = MemoryBudget::new("pipelines", 100);
    let processor = MemoryLimiterProcessor::with_meter(
        settings("{check_interval: 5s, limit_mib: 100}"),
        Arc::clone(&next) as Arc<dyn TraceConsumer>,
        context,
        Box::new(|| Some(0)),
    );
    let processor = processor.expect("it can be built");
    let large = batch(&request("a", vec![span("s", []); 10]));
    let refused = processor.consume(large).await;
    let message = "data refused due to high memory usage: pipelines is full";
    assert!(matches!(&refused, Err(ConsumeError::Unavailable { message: m, .. }) if m == message));
}

#[test]
#[cfg(target_os = "linux")]
fn this_process_has_memory() {
    assert!(resident_bytes().is_some_and(|bytes| bytes > 1 << 20));
}
