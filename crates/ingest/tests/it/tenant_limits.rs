//! Limits of tenants: who is over one hears so, the others do not notice, and every span has a fate.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use object_store::memory::InMemory;
use spandrel_base::clock::ManualClock;
use spandrel_base::memory::MemoryBudget;
use spandrel_ingest::{Limits, LimitsSource, StoreError, TenantLimits};
use spandrel_model::TenantId;
use spandrel_pipeline::{Accepted, ConsumeError};
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_telemetry::{RefuseReason, RejectReason, ReloadOutcome};

use crate::TestResult;
use crate::faulty_objects::{Fault, FaultyObjects};
use crate::fixture::{Site, eventually, single};
use crate::requests::{NOW, attribute, numbered, request, span};

/// These limits for the tenant of the tests, none for others.
fn limited(limits: TenantLimits) -> LimitsSource {
    let overrides = [(single(), limits)].into();
    LimitsSource::Fixed(Limits { defaults: TenantLimits::default(), overrides })
}

fn over_limit(answer: Result<Accepted, ConsumeError>) -> (Duration, u64, String) {
    match answer {
        Err(ConsumeError::OverLimit { message, retry_after, spans }) => {
            (retry_after, spans, message)
        }
        other => panic!("not over a limit: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_too_fast_is_told_when_to_come_back() -> TestResult {
    let clock = Arc::new(ManualClock::new(NOW));
    let mut site = Site::new();
    site.clock = Arc::clone(&clock) as _;
    site.options.limits = limited(TenantLimits {
        rate_limit_spans: Some(100),
        burst_size_spans: Some(20),
        ..TenantLimits::default()
    });
    let store = site.open().await;
    store.consume(numbered(0..20)).await?;
    let (retry_after, spans, message) = over_limit(store.consume(numbered(20..30)).await);
    assert_eq!((retry_after, spans), (Duration::from_millis(100), 10));
    assert_eq!(message, "tenant single-tenant sends more than 100 spans per second");
    let other = TenantId::new("other")?;
    store.consume_as(&other, numbered(0..1_000)).await?;
    clock.advance(retry_after);
    store.consume(numbered(20..30)).await?;
    // More than a burst passes when nothing was sent for long enough, and has to be waited for afterwards.
    clock.advance(Duration::from_secs(1));
    store.consume(numbered(30..130)).await?;
    let (retry_after, ..) = over_limit(store.consume(numbered(130..131)).await);
    assert_eq!(retry_after, Duration::from_millis(810));

    assert_eq!(store.numbers().await, (0..130).collect::<Vec<_>>());
    assert_eq!(store.metrics.spans().refused.get(&RefuseReason::TenantRate), 11);
    let discarded = "spandrel_limits_discarded_spans_total";
    let labels = "{tenant=\"single-tenant\",reason=\"tenant_rate\"}";
    assert_eq!(store.metric(&format!("{discarded}{labels}")), 11.0);
    store.assert_accounts_agree();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_with_too_many_live_spans_does_not_hold_up_others() -> TestResult {
    let objects = FaultyObjects::new(Arc::new(InMemory::new()));
    let mut site = Site::with_objects(Arc::clone(&objects) as _);
    site.options.limits =
        limited(TenantLimits { max_live_bytes: Some(100_000), ..TenantLimits::default() });
    let store = site.open().await;
    store.consume(numbered(0..10)).await?;
    assert!(store.flush().await);
    objects.break_it(Fault::Down, "");
    let mut stored: Vec<u64> = (0..10).collect();
    let mut first = 10;
    let refused = loop {
        match store.consume(numbered(first..first + 10)).await {
            Ok(_) => stored.extend(first..first + 10),
            refused => break refused,
        }
        first += 10;
    };
    let (retry_after, spans, message) = over_limit(refused);
    assert!(!retry_after.is_zero() && spans == 10 && stored.len() > 50, "{}", stored.len());
    assert!(message.starts_with("tenant single-tenant: live spans of the tenant: "), "{message}");
    let other = TenantId::new("other")?;
    store.consume_as(&other, numbered(0..100)).await?;
    // What never fits is not worth another attempt.
    let too_large = store.consume(numbered(0..1_000)).await;
    assert!(matches!(too_large, Err(ConsumeError::TooLarge(_))), "{too_large:?}");
    assert_eq!(store.metrics.spans().refused.get(&RefuseReason::TenantLiveBytes), 10);
    store.assert_accounts_agree();

    objects.heal();
    eventually("its spans became blocks", || async {
        store.consume(numbered(1_000_000..1_000_010)).await.is_ok()
    })
    .await;
    stored.extend(1_000_000..1_000_010);
    assert_eq!(store.numbers().await, stored);
    // Nobody else's segment was cut for it.
    assert!(store.store.snapshot(&other).await?.catalog.is_none());
    store.assert_accounts_agree();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_over_a_limit_are_rejected_and_stay_away_after_a_replay() -> TestResult {
    let mut site = Site::new();
    site.options.limits = limited(TenantLimits {
        max_spans_per_trace: Some(5),
        max_attribute_bytes: Some(40),
        max_attributes_per_span: Some(3),
        ..TenantLimits::default()
    });
    let store = site.open().await;
    // Eight spans in a row share a trace.
    let accepted = store.consume(numbered(0..10)).await?;
    let message = "spans rejected by limits of the tenant: 3 over max_spans_per_trace";
    let expected = Accepted { accepted_spans: 7, rejected_spans: 3, message: message.to_owned() };
    assert_eq!(accepted, expected);

    let mut spans: Vec<_> = (16..24).step_by(2).map(span).collect();
    spans[0].attributes.push(attribute("long", Value::StringValue("x".repeat(41))));
    spans[1].attributes.push(attribute("longest", Value::StringValue("x".repeat(40))));
    spans[2]
        .attributes
        .extend([attribute("a", Value::BoolValue(true)), attribute("b", Value::IntValue(1))]);
    spans[3].trace_id = vec![0; 16].into();
    let accepted = store.consume(request(spans)).await?;
    assert_eq!((accepted.accepted_spans, accepted.rejected_spans), (1, 3));
    assert_eq!(
        accepted.message,
        "rejected spans: 1 with invalid trace id; spans rejected by limits of the tenant: \
         1 over max_attribute_bytes, 1 over max_attributes_per_span"
    );
    // A batch of which nothing is left is answered all the same.
    let accepted = store.consume(numbered(5..8)).await?;
    assert_eq!((accepted.accepted_spans, accepted.rejected_spans), (0, 3));
    let stored = [0, 1, 2, 3, 4, 8, 9, 18];
    assert_eq!(store.numbers().await, stored);
    let rejected = &store.metrics.spans().rejected;
    let counts = [
        RejectReason::TraceSpans,
        RejectReason::AttributeBytes,
        RejectReason::SpanAttributes,
        RejectReason::InvalidTraceId,
    ];
    assert_eq!(counts.map(|reason| rejected.get(&reason)), [6, 1, 1, 1]);
    store.assert_accounts_agree();
    drop(store);

    let store = site.open().await;
    assert_eq!(store.numbers().await, stored);
    assert!(store.flush().await);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_may_grow_again_when_its_spans_are_a_block() -> TestResult {
    let mut site = Site::new();
    let batch = numbered(0..8);
    site.options.limits = limited(TenantLimits {
        max_bytes_per_trace: Some(batch.len() as u64),
        ..TenantLimits::default()
    });
    let store = site.open().await;
    let answers = async || {
        let accepted = store.consume(batch.clone()).await.unwrap();
        (accepted.accepted_spans, accepted.rejected_spans)
    };
    assert_eq!(answers().await, (8, 0));
    assert_eq!(answers().await, (0, 8));
    assert_eq!(store.metrics.spans().rejected.get(&RejectReason::TraceBytes), 8);
    assert!(store.flush().await);
    assert_eq!(answers().await, (8, 0));
    store.assert_accounts_agree();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_was_refused_is_not_counted_into_its_trace() -> TestResult {
    let objects = FaultyObjects::new(Arc::new(InMemory::new()));
    let mut site = Site::with_objects(Arc::clone(&objects) as _);
    site.options.limits =
        limited(TenantLimits { max_spans_per_trace: Some(8), ..TenantLimits::default() });
    site.options.wal_bytes_max = 8 << 10;
    let store = site.open().await;
    objects.break_it(Fault::Down, "");
    let mut first = 0;
    while store.consume(numbered(first..first + 8)).await.is_ok() {
        first += 8;
    }
    objects.heal();
    eventually("the same batch is taken", || async {
        let again = store.consume(numbered(first..first + 8)).await;
        again.is_ok_and(|accepted| {
            assert_eq!((accepted.accepted_spans, accepted.rejected_spans), (8, 0));
            true
        })
    })
    .await;
    store.assert_accounts_agree();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limits_file_is_followed_and_mistakes_are_not() -> TestResult {
    let mut site = Site::new();
    let path = site.dir.path().join("limits.yaml");
    let write = |text: &str| std::fs::File::create(&path)?.write_all(text.as_bytes());
    site.options.limits = LimitsSource::File(path.clone());
    assert!(matches!(site.try_open().await, Err(StoreError::Limits(_))));
    write("defaults: {max_spans_per_trace: 2}\n")?;
    let store = site.open().await;
    assert_eq!(store.consume(numbered(0..8)).await?.rejected_spans, 6);
    let loaded = |outcome| store.metrics.limits().reloads.get(&outcome);

    write("defaults: {max_spans_per_trace: [}\n")?;
    eventually("the mistake is seen", || async { loaded(ReloadOutcome::Failed) == 1 }).await;
    assert_eq!(store.metrics.limits().file_valid.get(), 0);
    assert_eq!(store.consume(numbered(8..16)).await?.rejected_spans, 6);

    write("defaults: {max_spans_per_trace: unlimited}\n")?;
    eventually("it is loaded", || async { loaded(ReloadOutcome::Loaded) == 1 }).await;
    assert_eq!(store.metrics.limits().file_valid.get(), 1);
    assert_eq!(store.consume(numbered(16..24)).await?.rejected_spans, 0);
    assert_eq!(loaded(ReloadOutcome::Failed), 1);
    store.assert_accounts_agree();
    Ok(())
}

/// Scenario: others hold the memory of the process.
/// Guarantees: spans are refused for now, taken when it is free again, and given back when they are blocks.
#[tokio::test(flavor = "multi_thread")]
async fn live_spans_are_a_part_of_the_memory_of_the_process() -> TestResult {
    let memory = MemoryBudget::new("memory", 1 << 20);
    let mut site = Site::new();
    site.options.memory = memory.part("ingest", usize::MAX);
    let store = site.open().await;
    let others = memory.try_reserve((1 << 20) - 1_000)?;
    let refused = store.consume(numbered(0..10)).await;
    assert!(matches!(refused, Err(ConsumeError::Unavailable { spans: 10, .. })), "{refused:?}");
    assert_eq!(store.metrics.spans().refused.get(&RefuseReason::Memory), 10);
    drop(others);
    store.consume(numbered(0..10)).await?;
    assert!(memory.used() > 1_000, "{memory:?}");
    assert!(store.flush().await);
    eventually("nothing is live", || async { memory.used() == 0 }).await;
    store.assert_accounts_agree();
    Ok(())
}
