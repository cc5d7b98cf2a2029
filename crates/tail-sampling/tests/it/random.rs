//! The engine against the model: random policies, traces and arrival orders, also where memory is so short that
//! spans are spilled to disk all the time.

use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestCaseError;
use spandrel_model::TenantId;
use spandrel_pipeline::Component as _;
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::common::InstrumentationScope;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span};

use crate::fixture::{
    NOW_UNIX_NANOS, Options, Site, attributes, root, spans_of, text, with, with_status,
};
use crate::model::{Model, Rules};
use crate::policies::{Policy, policy};

/// What happens.
#[derive(Debug, Clone)]
enum Step {
    Request { tenant: &'static str, spans: Vec<Spec> },
    Pass(Duration),
}

/// A span, and where in a request it lies.
#[derive(Debug, Clone)]
struct Spec {
    resource: usize,
    scope: usize,
    span: Span,
}

fn span() -> impl Strategy<Value = Spec> {
    let place = (0_usize..3, 0_usize..2, 0_u8..12, any::<bool>());
    let time = (0_u64..4, 0_u64..6_000);
    let value = prop_oneof![
        3 => Just(None),
        1 => select(vec![200, 404, 500]).prop_map(|code| Some(("http.status", Value::IntValue(code)))),
        1 => select(vec!["gold", "free", ""]).prop_map(|tier| Some(("tier", text(tier)))),
        1 => any::<bool>().prop_map(|debug| Some(("debug", Value::BoolValue(debug)))),
        2 => (1_usize..3000).prop_map(|n| Some(("payload", text(&"x".repeat(n))))),
    ];
    let rest = (0_i32..3, select(vec!["", "vendor=x", "a=b,vendor=y"]), 0_u32..2, "[a-z]{0,6}");
    (place, time, value, rest).prop_map(|(place, (start, millis), value, rest)| {
        let (resource, scope, id, has_parent) = place;
        let (status, state, flags, name) = rest;
        let start_time_unix_nano = NOW_UNIX_NANOS + start * 1_000_000_000;
        let mut span = Span {
            start_time_unix_nano,
            end_time_unix_nano: start_time_unix_nano + millis * 1_000_000,
            trace_state: state.to_owned(),
            flags,
            ..with_status(root(id, &name), status)
        };
        if has_parent {
            span.parent_span_id = vec![7; 8].into();
        }
        if let Some((key, value)) = value {
            span = with(span, key, value);
        }
        Spec { resource, scope, span }
    })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let request = (select(vec!["a", "b"]), prop::collection::vec(span(), 1..14))
        .prop_map(|(tenant, spans)| Step::Request { tenant, spans });
    let pass = (1_u64..2_500).prop_map(|millis| Step::Pass(Duration::from_millis(millis)));
    prop::collection::vec(prop_oneof![3 => request, 1 => pass], 1..40)
}

fn rules() -> impl Strategy<Value = Rules> {
    let waits = (1_u64..5_000, prop_oneof![Just(0), 1_u64..2_000]);
    let size = prop_oneof![4 => Just(0), 1 => 500_u64..8_000];
    (waits, any::<(bool, bool)>(), size, prop::collection::vec(policy(), 1..6)).prop_map(
        |((wait, after_root), (first_match, parts), trace_bytes_max, policies)| {
            let span_ingest = parts && policies.iter().all(Policy::can_judge_parts);
            let named = policies.into_iter().enumerate().map(|(i, p)| (format!("p{i}"), p));
            Rules {
                decision_wait: Duration::from_millis(wait),
                after_root: Duration::from_millis(after_root),
                sample_on_first_match: first_match,
                span_ingest,
                trace_bytes_max,
                policies: named.collect(),
            }
        },
    )
}

/// A new `ResourceSpans` or `ScopeSpans` wherever the resource or scope changes.
fn request_of(spans: &[Spec]) -> ExportTraceServiceRequest {
    let mut resource_spans: Vec<ResourceSpans> = Vec::new();
    let mut last = None;
    for Spec { resource, scope, span } in spans {
        if last.map(|(resource, _)| resource) != Some(*resource) {
            let service = ["checkout", "cart", ""][*resource];
            let pairs =
                [("service.name", text(service)), ("shard", Value::IntValue(*resource as i64))];
            let resource = Resource { attributes: attributes(pairs), ..Default::default() };
            resource_spans.push(ResourceSpans { resource: Some(resource), ..Default::default() });
        }
        let resource_spans = resource_spans.last_mut().unwrap();
        if last != Some((*resource, *scope)) {
            let name = ["io", "db"][*scope].to_owned();
            let scope = InstrumentationScope { name, ..Default::default() };
            let schema_url = "s".to_owned();
            resource_spans.scope_spans.push(ScopeSpans {
                scope: Some(scope),
                schema_url,
                spans: vec![],
            });
        }
        last = Some((*resource, *scope));
        resource_spans.scope_spans.last_mut().unwrap().spans.push(span.clone());
    }
    ExportTraceServiceRequest { resource_spans }
}

fn yaml_of(rules: &Rules, more: &str) -> String {
    // What policies remember depends on the order of traces, which several shards do not keep.
    let remembers = rules.policies.iter().any(|(_, policy)| policy.has_memory());
    let policies: Vec<String> =
        rules.policies.iter().map(|(name, policy)| format!("  - {}", policy.yaml(name))).collect();
    format!(
        "decision_wait: {}ms\ndecision_wait_after_root_received: {}ms\nsample_on_first_match: {}\n\
         sampling_strategy: {}\nmaximum_trace_size_bytes: {}\nnum_shards: {}\n{more}\npolicies:\n{}\n",
        rules.decision_wait.as_millis(),
        rules.after_root.as_millis(),
        rules.sample_on_first_match,
        if rules.span_ingest { "span-ingest" } else { "trace-complete" },
        rules.trace_bytes_max,
        if remembers { 1 } else { 3 },
        policies.join("\n"),
    )
}

async fn compare(rules: &Rules, steps: &[Step], spill: bool) -> Result<(), TestCaseError> {
    let dir = tempfile::tempdir().unwrap();
    let yaml = yaml_of(rules, if spill { "spill: {max_size_mib: 100}" } else { "" });
    let memory_bytes = if spill { 1 << 20 } else { usize::MAX };
    let site = Site::start(Options { memory_bytes, ..Options::new(&yaml, dir.path()) }).await;
    let mut model = Model::new(rules.clone());
    let mut now = Duration::ZERO;
    for step in steps {
        match step {
            Step::Request { tenant, spans } => {
                let (tenant, request) = (TenantId::new(tenant).unwrap(), request_of(spans));
                model.arrive(&tenant, &request, now);
                let answer = site.send_as(tenant, &request).await;
                prop_assert!(answer.is_ok(), "{:?}", answer);
                site.processor.delivered().await;
            }
            Step::Pass(step) => {
                now += *step;
                model.pass(now);
                site.pass(*step).await;
            }
        }
        let found = site.sink.take_spans();
        let mut expected = std::mem::take(&mut model.sent);
        expected.sort();
        prop_assert_eq!(found, expected, "after {:?} with\n{}", step, yaml);
        let totals = site.account.totals();
        prop_assert!(totals.adds_up(), "{:?}", totals);
        prop_assert_eq!(totals.sampled_out, model.sampled_out);
        prop_assert_eq!(totals.held, model.held());
    }
    prop_assert_eq!(site.early(), 0);
    site.processor.shutdown().await;
    let totals = site.account.totals();
    prop_assert!(totals.adds_up() && totals.held == 0 && totals.failed == 0, "{:?}", totals);
    prop_assert_eq!(site.processor.buffered_bytes(), 0);
    Ok(())
}

fn run(rules: &Rules, steps: &[Step], spill: bool) -> Result<(), TestCaseError> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().start_paused(true).build().unwrap();
    runtime.block_on(compare(rules, steps, spill))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_does_what_the_model_does(rules in rules(), steps in steps()) {
        run(&rules, &steps, false)?;
    }

    #[test]
    fn spilling_changes_nothing(rules in rules(), steps in steps()) {
        run(&rules, &steps, true)?;
    }
}

#[test]
fn requests_keep_their_spans() {
    let spec = |resource, scope| Spec { resource, scope, span: root(1, "") };
    let request = request_of(&[spec(0, 0), spec(0, 1), spec(1, 1), spec(0, 0), spec(0, 0)]);
    let scopes: Vec<usize> = request.resource_spans.iter().map(|r| r.scope_spans.len()).collect();
    assert_eq!((scopes, spans_of(&request).count()), (vec![2, 1, 1], 5));
}
