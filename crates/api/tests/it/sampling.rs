//! Policies of tail sampling tried on stored traces, held against a plain evaluation over the same spans.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use object_store::memory::InMemory;
use serde_json::{Value, json};
use spandrel_api::Dialect;
use spandrel_model::TenantId;
use spandrel_objects_testing::LatencyStore;
use spandrel_query::QueryOptions;

use crate::harness::{Answer, CHECKOUT, Server, numbered};
use crate::ui_insight::shop::{Plain, otlp, shop, trace_hex};

const RANGE: &str = "start=1485432000&end=1485435600";

/// Of a trace, whether a policy keeps it.
type Holds = fn(&[&Plain]) -> bool;

const POLICIES: [(&str, &str, Holds); 7] = [
    ("errors", "type: status_code, status_code: {status_codes: [ERROR]}", |spans| {
        spans.iter().any(|span| span.failed)
    }),
    // The clock of the cart is five seconds ahead, and that is the latency that a processor sees.
    ("slow", "type: latency, latency: {threshold_ms: 5050}", |spans| millis(spans) > 5050),
    ("asia", "type: string_attribute, string_attribute: {key: region, values: [asia]}", |spans| {
        spans.iter().any(|span| span.has("region", "asia"))
    }),
    (
        "not flagged",
        "type: string_attribute, string_attribute: {key: flag, values: [on], invert_match: true}",
        |spans| !spans.iter().any(|span| span.has("flag", "on")),
    ),
    ("many", "type: span_count, span_count: {min_spans: 12}", |spans| spans.len() >= 12),
    ("retried", "type: ottl_condition, ottl_condition: {span: ['name == \"retry\"']}", |spans| {
        spans.iter().any(|span| span.name == "retry")
    }),
    (
        "both",
        "type: and, and: {and_sub_policy: [
            {name: a, type: status_code, status_code: {status_codes: [ERROR]}},
            {name: b, type: string_attribute, string_attribute: {key: region, values: [eu]}}]}",
        |spans| {
            spans.iter().any(|span| span.failed)
                && spans.iter().any(|span| span.has("region", "eu"))
        },
    ),
];

fn millis(spans: &[&Plain]) -> u64 {
    let start = spans.iter().map(|span| span.start).min().unwrap();
    let end = spans.iter().map(|span| span.start + span.nanos).max().unwrap();
    (end - start) / 1_000_000
}

fn settings(policies: &[(&str, &str, Holds)]) -> String {
    let policies: Vec<String> =
        policies.iter().map(|(name, rest, _)| format!("  - {{name: {name}, {rest}}}\n")).collect();
    format!("policies:\n{}", policies.concat())
}

async fn post(server: &Server, path: &str, body: &str) -> Answer {
    server.send(Method::POST, path, &[], body.to_owned()).await
}

async fn simulate(server: &Server, query: &str, settings: &str) -> Value {
    let answer = post(server, &format!("/api/ui/sampling/simulate?{query}"), settings).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()
}

fn ids(examples: &Value) -> BTreeSet<String> {
    let examples = examples.as_array().unwrap().iter();
    examples.map(|example| example["traceId"].as_str().unwrap().to_owned()).collect()
}

/// Traces by id, as plain spans.
fn traces(spans: &[Plain]) -> BTreeMap<String, Vec<&Plain>> {
    let mut traces: BTreeMap<String, Vec<&Plain>> = BTreeMap::new();
    spans.iter().for_each(|span| traces.entry(trace_hex(span.trace)).or_default().push(span));
    traces
}

/// Scenario: policies of many types over live spans, over spans of which some lie in a block and are there twice, and
/// over blocks.
/// Guarantees: each keeps the traces that a plain evaluation keeps, and so does the whole.
#[tokio::test]
async fn every_policy_keeps_what_a_plain_evaluation_keeps() {
    let spans = shop(80);
    let traces = traces(&spans);
    let settings = settings(&POLICIES);
    let server = Server::start(Dialect::Tempo).await;
    let (first, second) = spans.split_at(spans.len() / 2 + 2);
    server.store(&otlp(first)).await;
    server.flush().await;
    server.store(&otlp(second)).await;
    server.store(&otlp(&first[..7])).await;
    for _ in 0..2 {
        let answer = simulate(&server, RANGE, &settings).await;
        let seen = json!({"inRange": 80, "complete": true, "lookedAt": 80, "tooLarge": 0});
        assert_eq!(answer["traces"], seen);
        assert_eq!(answer["spans"], spans.len());
        for (told, (name, _, holds)) in answer["policies"].as_array().unwrap().iter().zip(POLICIES)
        {
            let kept: Vec<&Vec<&Plain>> = traces.values().filter(|spans| holds(spans)).collect();
            assert_eq!(told["name"], name);
            assert_eq!(told["kept"]["traces"], kept.len(), "{name}");
            assert!((1..80).contains(&kept.len()), "{name} decides something: {}", kept.len());
            let n_spans: usize = kept.iter().map(|spans| spans.len()).sum();
            assert_eq!(told["kept"]["spans"], n_spans, "{name}");
            let is_kept = |id: &String| holds(&traces[id]);
            assert!(ids(&told["examples"]["kept"]).iter().all(is_kept), "{name}");
            assert!(!ids(&told["examples"]["notKept"]).iter().any(is_kept), "{name}");
            let alone = |spans: &&Vec<&Plain>| {
                POLICIES.iter().filter(|(_, _, holds)| holds(spans)).count() == 1
            };
            assert_eq!(told["alone"], kept.iter().filter(|spans| alone(spans)).count(), "{name}");
        }
        let whole =
            traces.values().filter(|spans| POLICIES.iter().any(|(_, _, holds)| holds(spans)));
        assert_eq!(answer["kept"]["traces"], whole.count());
        server.flush().await;
    }
}

#[tokio::test]
async fn a_dropped_trace_is_kept_by_nobody() {
    let spans = shop(40);
    let server = Server::start(Dialect::Tempo).await;
    server.store(&otlp(&spans)).await;
    let settings = "
policies:
  - {name: all, type: always_sample}
  - name: no asia
    type: drop
    drop: {drop_sub_policy: [{type: string_attribute, string_attribute: {key: region, values: [asia]}}]}
";
    let answer = simulate(&server, RANGE, settings).await;
    let asia = (0..40).filter(|trace| trace % 3 == 2).count();
    assert_eq!(answer["kept"]["traces"], 40 - asia);
    let [all, drop] = [0, 1].map(|i| &answer["policies"][i]);
    assert_eq!((&all["name"], &all["notAsked"]), (&json!("all"), &json!(asia)));
    assert_eq!((&drop["dropped"], &drop["kept"]["traces"]), (&json!(asia), &json!(0)));
}

/// Scenario: a rate of five spans a second, and a trace of ten spans or so each second.
/// Guarantees: about the rate is kept, by the times of the traces; with half of the traces looked at, about the same
/// share of them.
#[tokio::test]
async fn rates_go_by_the_times_of_the_traces() {
    let spans = shop(80);
    let server = Server::start(Dialect::Tempo).await;
    server.store(&otlp(&spans)).await;
    let settings = "policies: [{name: r, type: rate_limiting, rate_limiting: {spans_per_second: 5, burst_capacity: 50}}]";
    let all = simulate(&server, RANGE, settings).await;
    let kept = all["kept"]["spans"].as_u64().unwrap();
    assert!((380..=450).contains(&kept), "80 s of 5 spans, and a bucket of 50: {kept}");
    let half = simulate(&server, &format!("{RANGE}&limit=40"), settings).await;
    assert_eq!(
        (&half["traces"]["complete"], &half["traces"]["lookedAt"]),
        (&json!(false), &json!(40))
    );
    let estimated = half["traces"]["inRange"].as_u64().unwrap();
    assert!((55..=115).contains(&estimated), "{estimated}");
    let share = |answer: &Value| answer["kept"]["shareOfSpans"].as_f64().unwrap();
    assert!((share(&all) - share(&half)).abs() < 0.2, "{} {}", share(&all), share(&half));
    assert!(half["notes"].to_string().contains("40 of about"), "{}", half["notes"]);
}

#[tokio::test]
async fn bytes_a_day_come_from_blocks() {
    let server = Server::start(Dialect::Tempo).await;
    server.store(&otlp(&shop(20))).await;
    let settings = settings(&POLICIES[..1]);
    let live = simulate(&server, RANGE, &settings).await;
    assert_eq!(live["bytes"]["of"], "otlp");
    server.flush().await;
    let bytes = simulate(&server, RANGE, &settings).await;
    let figure = |name: &str| bytes["bytes"][name].as_f64().unwrap();
    let block = server.get("/api/ui/blocks").await.json()["blocks"][0].clone();
    let per_span = block["bytes"].as_f64().unwrap() / block["spans"].as_f64().unwrap();
    assert_eq!((&bytes["bytes"]["of"], figure("perSpan")), (&json!("blocks"), per_span));
    // The range is an hour.
    let a_day = block["bytes"].as_f64().unwrap() * 24.0;
    assert!((figure("perDay") - a_day).abs() < 1.0, "{} {a_day}", figure("perDay"));
    let kept = a_day * bytes["kept"]["shareOfSpans"].as_f64().unwrap();
    assert!((figure("keptPerDay") - kept).abs() < 1.0, "{} {kept}", figure("keptPerDay"));
}

#[tokio::test]
async fn wrong_settings_are_refused_with_their_lines() {
    let server = Server::start(Dialect::Tempo).await;
    let wrong = "policies:\n  - name: a\n    type: latency\n    latency: {threshold: 5}\n";
    let text =
        "settings:4:15: processors::tail_sampling::policies[0]::latency::threshold: unknown key";
    let answer = post(&server, "/api/ui/sampling/simulate", wrong).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.text().starts_with(text), "{}", answer.text());
    let check = post(&server, "/api/ui/sampling/check", wrong).await.json();
    let problem = &check["problems"][0];
    assert_eq!((&problem["line"], &problem["column"]), (&json!(4), &json!(15)));
    assert_eq!(problem["message"], "unknown key");
    assert_eq!(check["settings"]["policies"][0]["latency"], json!({"threshold": 5}));
    assert_eq!(check["policies"], json!([{"name": "a", "type": "latency", "line": 2}]));
    for (path, body) in
        [("simulate?limit=0", "policies: []"), ("simulate", "[1"), ("simulate", "x: 1")]
    {
        let answer = post(&server, &format!("/api/ui/sampling/{path}"), body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path} {body}: {}", answer.text());
    }
    let broken = post(&server, "/api/ui/sampling/check", "policies: [").await.json();
    assert_eq!(
        (&broken["settings"], broken["problems"][0]["line"].is_number()),
        (&Value::Null, true)
    );
}

/// Guarantees: the last hour by default, where there is nothing here; of a tenant nothing but its own.
#[tokio::test]
async fn an_empty_range_and_other_tenants_have_nothing() {
    let server = Server::start(Dialect::Tempo).await;
    server.store(CHECKOUT).await;
    server.store_for(TenantId::new("acme").unwrap(), &numbered(1, "shop")).await;
    let settings = "policies: [{name: all, type: always_sample}]";
    let empty = simulate(&server, "", settings).await;
    assert_eq!(
        (&empty["traces"]["inRange"], &empty["traces"]["complete"]),
        (&json!(0), &json!(true))
    );
    assert_eq!(
        (&empty["kept"]["shareOfTraces"], &empty["bytes"]["perDay"]),
        (&json!(0.0), &Value::Null)
    );
    let own = simulate(&server, RANGE, settings).await;
    assert_eq!((&own["traces"]["inRange"], &own["spans"]), (&json!(1), &json!(2)));
    let example = &own["examples"]["kept"][0];
    assert_eq!(example["root"], json!({"service": "frontend", "name": "GET /checkout"}));
    assert_eq!((&example["durationNanos"], &example["errors"]), (&json!(250_000_000), &json!(1)));
    let path = format!("/api/ui/sampling/simulate?{RANGE}");
    let acme = [("x-scope-orgid", "acme")];
    let answer = server.send(Method::POST, &path, &acme, settings.to_owned()).await.json();
    assert_eq!(ids(&answer["examples"]["kept"]), BTreeSet::from([format!("{:032x}", 2)]));
    let other = [("x-scope-orgid", "other")];
    let answer = server.send(Method::POST, &path, &other, settings.to_owned()).await.json();
    assert_eq!(answer["traces"]["inRange"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_simulation_that_takes_too_long_is_given_up() {
    let objects = LatencyStore::new(Arc::new(InMemory::new())).with_latency(Duration::ZERO);
    let objects = Arc::new(objects);
    let options = QueryOptions { deadline: Duration::from_millis(300), ..QueryOptions::default() };
    let server = Server::start_with(Dialect::Tempo, Arc::clone(&objects) as _, options).await;
    server.store(CHECKOUT).await;
    server.flush().await;
    objects.set_latency(Duration::from_secs(3_600));
    let path = format!("/api/ui/sampling/simulate?{RANGE}");
    let answer = post(&server, &path, "policies: [{name: all, type: always_sample}]").await;
    assert_eq!(answer.status, StatusCode::GATEWAY_TIMEOUT, "{}", answer.text());
}
