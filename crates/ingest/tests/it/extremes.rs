//! Spans as nobody should send them: they are stored as they came.

use spandrel_model::{AttributeValue, Span};
use spandrel_proto::otlp::common::any_value::Value;

use crate::TestResult;
use crate::fixture::{Site, TestStore, single};
use crate::requests::{NOW, attribute, numbered, request, span};

/// The spans of the store while they are live, checked to be the same from a block.
async fn stored(store: &TestStore) -> anyhow::Result<Vec<Span>> {
    let sorted = |mut spans: Vec<Span>| {
        spans.sort_by_key(|span| (span.span_id.0, span.start_unix_nanos));
        for span in &mut spans {
            span.attributes.sort_by(|a, b| a.key.cmp(&b.key));
        }
        spans
    };
    let live = sorted(store.spans_of(&single()).await?);
    assert!(store.flush().await);
    assert_eq!(store.counts().await.0, 0);
    // Compared without printing: some of these are large.
    assert!(sorted(store.spans_of(&single()).await?) == live, "memory and block differ");
    Ok(live)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_spans_in_one_trace() -> TestResult {
    let site = Site::new();
    let store = site.open().await;
    for first in (0..100_000).step_by(5_000) {
        let mut spans: Vec<_> = (first..first + 5_000).map(span).collect();
        for (span, number) in spans.iter_mut().zip(first..) {
            span.trace_id = vec![7; 16].into();
            span.parent_span_id = if number == 0 {
                Vec::new().into()
            } else {
                (number / 3 + 1).to_be_bytes().to_vec().into()
            };
        }
        store.consume(request(spans)).await?;
    }
    let spans = stored(&store).await?;
    assert_eq!(spans.len(), 100_000);
    assert_eq!(spans.iter().filter(|span| span.parent_span_id.is_none()).count(), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_keys() -> TestResult {
    let site = Site::new();
    let store = site.open().await;
    for first in (0..10_000).step_by(500) {
        let mut spans: Vec<_> = (first..first + 500).map(span).collect();
        for (span, number) in spans.iter_mut().zip(first..) {
            span.attributes.push(attribute(&format!("key.{number}"), Value::BoolValue(true)));
        }
        store.consume(request(spans)).await?;
    }
    let spans = stored(&store).await?;
    let keys = spans.iter().flat_map(|span| &span.attributes).map(|attribute| &attribute.key);
    assert_eq!(keys.filter(|key| key.starts_with("key.")).count(), 10_000);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attribute_of_five_megabytes() -> TestResult {
    let site = Site::new();
    let store = site.open().await;
    let long = "0123456789".repeat(500_000);
    let mut one = span(0);
    one.attributes = vec![attribute("long", Value::StringValue(long.clone()))];
    store.consume(request(vec![one])).await?;
    store.consume(numbered(1..5)).await?;
    let spans = stored(&store).await?;
    assert!(spans[0].attributes[0].value == AttributeValue::String(long), "value changed");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_that_are_wrong() -> TestResult {
    let site = Site::new();
    let store = site.open().await;
    let times = [
        (NOW, NOW - 1_000_000_000),
        (0, 0),
        (1, NOW),
        (i64::MAX as u64, i64::MAX as u64),
        (4_102_444_800_000_000_000, 4_102_444_801_000_000_000),
        (NOW, 0),
    ];
    let spans = times.iter().zip(0..).map(|(&(start, end), number)| {
        let mut span = span(number);
        (span.start_time_unix_nano, span.end_time_unix_nano) = (start, end);
        span
    });
    let accepted = store.consume(request(spans.collect())).await?;
    assert_eq!((accepted.accepted_spans, accepted.rejected_spans), (6, 0));
    let spans = stored(&store).await?;
    let found: Vec<_> =
        spans.iter().map(|span| (span.start_unix_nanos, span.end_unix_nanos)).collect();
    assert_eq!(found, times);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_that_share_an_id() -> TestResult {
    let site = Site::new();
    let store = site.open().await;
    // Three in one batch, then the batch again, as a sender does that has not heard the answer.
    let twins = || request(vec![span(1), span(1), span(1)]);
    store.consume(twins()).await?;
    store.consume(twins()).await?;
    assert_eq!(stored(&store).await?.len(), 6);
    Ok(())
}
