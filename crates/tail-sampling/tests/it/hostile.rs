//! Bytes that nobody should send.

use std::time::Duration;

use proptest::prelude::*;
use prost::Message as _;
use spandrel_model::TenantId;
use spandrel_pipeline::{Component as _, TraceBatch, TraceConsumer as _};
use spandrel_proto::otlp::common::any_value::Value;

use crate::fixture::{Options, Site, child, request, root, text, with, with_status};

const POLICIES: &str = "
decision_wait: 1s
use_tracestate: true
policies:
  - {name: a, type: string_attribute, string_attribute: {key: tier, values: ['g.*d'], enabled_regex_matching: true}}
  - {name: b, type: latency, latency: {threshold_ms: 100}}
  - {name: c, type: numeric_attribute, numeric_attribute: {key: n, min_value: 1, max_value: 5}}
  - {name: d, type: probabilistic, probabilistic: {sampling_percentage: 50}}
  - {name: e, type: status_code, status_code: {status_codes: [ERROR]}}
  - {name: f, type: ottl_condition, ottl_condition: {span: ['name == \"x\"'], spanevent: ['name == \"y\"']}}
  - {name: g, type: trace_state, trace_state: {key: v, values: [a]}}
";

fn valid() -> Vec<u8> {
    let first = with(root(1, "first"), "tier", text("gold"));
    let second = with(with_status(child(2, "second"), 2), "n", Value::IntValue(3));
    request([first, second, child(1, "third")]).encode_to_vec()
}

async fn survives(otlp: Vec<u8>, spill: bool) {
    let dir = tempfile::tempdir().unwrap();
    let yaml = if spill { format!("{POLICIES}\nspill:") } else { POLICIES.to_owned() };
    let site = Site::start(Options::new(&yaml, dir.path())).await;
    let answer = site.processor.consume(TraceBatch::otlp(TenantId::single(), otlp)).await;
    let spans = answer.map_or(0, |accepted| accepted.accepted_spans);
    site.account.received(spans);
    site.pass(Duration::from_secs(2)).await;
    site.processor.shutdown().await;
    let totals = site.account.totals();
    assert!(totals.adds_up() && totals.held == 0, "{totals:?}");
    assert_eq!(site.processor.buffered_bytes(), 0);
}

fn run(otlp: Vec<u8>, spill: bool) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().start_paused(true).build().unwrap();
    runtime.block_on(survives(otlp, spill));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(otlp in prop::collection::vec(any::<u8>(), 0..200), spill in any::<bool>()) {
        run(otlp, spill);
    }

    #[test]
    fn a_request_with_damage(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<Option<prop::sample::Index>>(),
        spill in any::<bool>(),
    ) {
        let mut otlp = valid();
        for (place, byte) in damage {
            let place = place.index(otlp.len());
            otlp[place] = byte;
        }
        if let Some(cut) = cut {
            otlp.truncate(cut.index(otlp.len()));
        }
        run(otlp, spill);
    }
}

/// Damage in places that are not looked at on arrival goes as far as the next component, and no other trace with it.
#[test]
fn damage_inside_an_attribute_is_found_by_whoever_looks() {
    let mut otlp = valid();
    let place = otlp.windows(4).position(|bytes| bytes == b"gold").unwrap();
    // The text now claims to be longer than its message.
    otlp[place - 1] = 100;
    run(otlp, true);
}
