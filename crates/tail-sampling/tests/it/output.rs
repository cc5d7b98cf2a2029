//! How sampled traces go on: joined, again when they must, apart when one of them is bad.

use std::time::Duration;

use prost::Message as _;
use spandrel_model::TenantId;
use spandrel_pipeline::{ConsumeError, Totals};
use spandrel_proto::otlp::trace::Span;

use crate::TestResult;
use crate::fixture::{FoundSpan, Options, Site, child, request, root, spans_of, text, with};

const ALL: &str = "decision_wait: 1s\npolicies: [{name: all, type: always_sample}]";
const HALF: &str = "
decision_wait: 1s
use_tracestate: true
num_shards: 1
policies:
  - {name: half, type: probabilistic, probabilistic: {sampling_percentage: 50}}
  - {name: flagged, type: trace_flags}
";

#[tokio::test(start_paused = true)]
async fn traces_are_joined_by_tenant_and_keep_every_byte() -> TestResult {
    let dir = tempfile::tempdir()?;
    let site = Site::start(Options::new(ALL, dir.path())).await;
    let mut expected = Vec::new();
    for id in 0..100 {
        let tenant = TenantId::new(if id % 2 == 0 { "even" } else { "odd" })?;
        let request = request([root(id, "root"), child(id / 3, "child")]);
        for (resource, scope, span) in spans_of(&request) {
            expected.push(FoundSpan::new(&tenant, resource, scope, span));
        }
        site.send_as(tenant, &request).await?;
    }
    site.pass(Duration::from_secs(1)).await;
    let n_batches = site.sink.batch_count();
    assert!(n_batches < 100, "{n_batches}");
    expected.sort();
    assert_eq!(site.sink.take_spans(), expected);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn batches_stay_below_what_servers_take() -> TestResult {
    let dir = tempfile::tempdir()?;
    let site = Site::start(Options::new(ALL, dir.path())).await;
    for i in 0..60 {
        let part = |n: u8| with(child(1, "x"), &format!("payload{n}"), text(&"x".repeat(50_000)));
        site.send(&request((0..4).map(|n| part(n + i)))).await?;
    }
    site.pass(Duration::from_secs(1)).await;
    let sizes: Vec<usize> = site.sink.take().iter().map(|(_, r)| r.encoded_len()).collect();
    assert!(sizes.len() >= 6 && sizes.iter().all(|size| *size <= 2 << 20), "{sizes:?}");
    site.assert_adds_up();
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn one_bad_trace_takes_no_other_with_it() -> TestResult {
    let dir = tempfile::tempdir()?;
    let site = Site::start(Options::new(ALL, dir.path())).await;
    *site.sink.hated_name.lock() = Some("bad".to_owned());
    site.send_each([root(1, "a"), root(2, "bad"), child(2, "with it"), root(3, "b")]).await;
    site.pass(Duration::from_secs(1)).await;
    assert_eq!(site.sink.take_names(), ["a", "b"]);
    let expected = Totals { received: 4, sent: 2, failed: 2, ..Totals::default() };
    assert_eq!(site.account.totals(), expected);
    assert_eq!(site.processor.buffered_bytes(), 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_is_not_taken_now_is_offered_again() -> TestResult {
    let dir = tempfile::tempdir()?;
    let site = Site::start(Options::new(ALL, dir.path())).await;
    let retry_after = Duration::from_secs(1);
    let busy = ConsumeError::Unavailable { message: "busy".to_owned(), retry_after, spans: 1 };
    let limited = ConsumeError::OverLimit { message: "slow".to_owned(), retry_after, spans: 1 };
    site.sink.answers.lock().extend([busy.clone(), limited, busy]);
    site.send_each([root(1, "a"), root(2, "b")]).await;
    site.pass(Duration::from_secs(1)).await;
    assert_eq!(site.sink.take_names(), ["a", "b"]);
    let retries = "spandrel_tail_sampling_retries_total{processor=\"tail_sampling/test\"}";
    assert_eq!(site.metric(retries), Some(3.0));
    site.assert_adds_up();
    Ok(())
}

/// Of 256 traces with random ids, half are kept, and those say that each stands for two; what another policy keeps
/// anyway says nothing.
#[tokio::test(start_paused = true)]
async fn thresholds_are_recorded_when_chance_decided() -> TestResult {
    let dir = tempfile::tempdir()?;
    let site = Site::start(Options::new(HALF, dir.path())).await;
    let random = |id: u8, state: &str, flags| {
        let mut span = Span { trace_state: state.to_owned(), flags, ..root(id, "x") };
        let mut trace_id = vec![1; 16];
        trace_id[9] = id;
        trace_id[15] = flags as u8;
        span.trace_id = trace_id.into();
        span
    };
    let states: [(&str, u32); 4] = [("", 0), ("v=1,ot=x:y", 0), ("ot=th:c", 0), ("", 1)];
    let mut kept = [0; 4];
    for (place, (state, flags)) in states.into_iter().enumerate() {
        for id in 0..=255 {
            let mut span = random(id, state, flags);
            let mut trace_id = span.trace_id.to_vec();
            trace_id[0] = place as u8 + 1;
            span.trace_id = trace_id.into();
            site.send_each([span]).await;
        }
        site.pass(Duration::from_secs(2)).await;
        for (_, request) in site.sink.take() {
            for (_, _, span) in spans_of(&request) {
                kept[place] += 1;
                let expected = match place {
                    0 => "ot=th:8",
                    1 => "ot=th:8;x:y,v=1",
                    // What only one in four traces passes already stays, where it can be true.
                    2 if span.trace_id[9] >= 0xc0 => "ot=th:c",
                    2 => "ot=th:8",
                    _ => "",
                };
                assert_eq!(span.trace_state, expected);
            }
        }
    }
    assert_eq!(kept, [128, 128, 128, 256]);
    // Late spans of a trace that was kept say the same.
    let mut late = random(200, "", 0);
    late.parent_span_id = vec![1; 8].into();
    site.send_each([late]).await;
    site.processor.delivered().await;
    let spans = site.sink.take();
    assert_eq!(spans_of(&spans[0].1).next().unwrap().2.trace_state, "ot=th:8");
    Ok(())
}
