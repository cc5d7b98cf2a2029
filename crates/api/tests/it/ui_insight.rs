//! What the web interface is told about many spans, held against a plain computation over the same spans: attributes
//! of a selection, the structure of traces, two traces side by side, and what is found in one.

pub(crate) mod shop;
mod tag;

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::StatusCode;
use serde_json::{Value, json};
use spandrel_api::Dialect;

use self::shop::{Plain, otlp, shop, trace_hex};
use crate::harness::Server;

const RANGE: &str = "start=1485432000&end=1485435600";

/// Asks over live spans, over live spans and a block with a trace in both and a copy of some spans, and over blocks.
async fn everywhere(spans: &[Plain], ask: impl AsyncFn(&Server)) {
    let server = Server::start(Dialect::Tempo).await;
    let (first, second) = spans.split_at(spans.len() / 2 + 2);
    server.store(&otlp(first)).await;
    server.store(&otlp(second)).await;
    ask(&server).await;
    let server = Server::start(Dialect::Tempo).await;
    server.store(&otlp(first)).await;
    server.flush().await;
    server.store(&otlp(second)).await;
    server.store(&otlp(&first[..7])).await;
    ask(&server).await;
    server.flush().await;
    ask(&server).await;
}

async fn json_of(server: &Server, path: &str) -> Value {
    let answer = server.get(path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    answer.json()
}

fn encoded(text: &str) -> String {
    let bytes = text.bytes().map(|byte| format!("%{byte:02x}"));
    bytes.collect()
}

/// Selected spans and others.
fn count<'a>(spans: impl Iterator<Item = &'a Plain>) -> (u64, u64) {
    spans.fold((0, 0), |(a, b), span| if span.failed { (a + 1, b) } else { (a, b + 1) })
}

fn pair(value: &Value) -> (u64, u64) {
    (value["selection"].as_u64().unwrap(), value["baseline"].as_u64().unwrap())
}

/// The path of a comparison of failed spans with the others.
fn failed_against_others(q: &str) -> String {
    format!("/api/ui/compare?q={}&selection={}&{RANGE}", encoded(q), encoded("{ status = error }"))
}

#[tokio::test]
async fn attributes_of_a_selection_are_counted_over_every_span() {
    let spans = shop(80);
    let matching: Vec<&Plain> = spans.iter().filter(|span| span.service == "cart").collect();
    let all = count(matching.iter().copied());
    assert!(all.0 > 10 && all.1 > 10, "{all:?}");
    everywhere(&spans, async |server| {
        let path = failed_against_others("{ resource.service.name = `cart` }");
        let answer = json_of(server, &path).await;
        assert_eq!(answer["selection"]["spans"], all.0);
        assert_eq!(answer["baseline"]["spans"], all.1);
        assert_eq!((&answer["complete"], &answer["leftOut"]), (&json!(true), &json!(0)));
        let attributes = answer["attributes"].as_array().unwrap();
        let mut seen = BTreeSet::new();
        for attribute in attributes {
            seen.insert(attribute["name"].as_str().unwrap());
            seen.extend(attribute["sameAs"].as_array().unwrap().iter().filter_map(Value::as_str));
            check_counts(attribute, &matching, all);
        }
        for name in ["span.flag", "span.request.id", "name", "kind", "duration", "rootName"] {
            assert!(seen.contains(name), "{name}: {seen:?}");
        }
        check_ranks(attributes);
    })
    .await;
}

/// Holds the counts of an attribute of spans against the spans.
fn check_counts(attribute: &Value, matching: &[&Plain], all: (u64, u64)) {
    let name = attribute["name"].as_str().unwrap();
    let Some(key) = name.strip_prefix("span.") else { return };
    let of = |passes: &dyn Fn(&Plain) -> bool| {
        count(matching.iter().copied().filter(|span| passes(span)))
    };
    let mut told = (0, 0);
    for value in attribute["values"].as_array().unwrap() {
        let text = value["text"].as_str().unwrap();
        assert_eq!(pair(value), of(&|span| span.has(key, text)), "{name} = {text}");
        told = (told.0 + pair(value).0, told.1 + pair(value).1);
    }
    let present = of(&|span| span.value(key).is_some());
    let other = pair(&attribute["other"]);
    assert_eq!((told.0 + other.0, told.1 + other.1), present, "{name}");
    let absent = pair(&attribute["absent"]);
    assert_eq!((absent.0 + present.0, absent.1 + present.1), all, "{name}");
}

/// What was planted comes first, with the attribute that always goes with it.
fn check_ranks(attributes: &[Value]) {
    assert_eq!(attributes[0]["name"], "span.version");
    assert_eq!(attributes[0]["sameAs"], json!(["resource.k8s.pod.name"]));
    assert_eq!(attributes[0]["values"][0]["filter"], "span.version = `bad`");
    let is_news = |one: &&Value| one["idLike"] == false && one["ofSelection"] == false;
    let scores = attributes.iter().filter(is_news).map(|one| one["score"].as_f64().unwrap());
    assert!(scores.is_sorted_by(|a, b| a >= b));
    let find = |name: &str| attributes.iter().find(|one| one["name"] == name).unwrap();
    assert_eq!(find("span.request.id")["idLike"], true);
    assert_eq!(find("status")["ofSelection"], true);
}

#[tokio::test]
async fn every_condition_finds_the_spans_that_it_was_told_with() {
    let spans = shop(20);
    let server = Server::start(Dialect::Tempo).await;
    server.store(&otlp(&spans)).await;
    server.flush().await;
    let answer = json_of(&server, &failed_against_others("{ kind != client }")).await;
    let attributes = answer["attributes"].as_array().unwrap();
    let mut n_values = 0;
    for value in attributes.iter().flat_map(|one| one["values"].as_array().unwrap()) {
        let q = format!("{{ kind != client && ({}) }}", value["filter"].as_str().unwrap());
        let one = json_of(&server, &failed_against_others(&q)).await;
        let side = |side: &str| one[side]["spans"].as_u64().unwrap();
        assert_eq!((side("selection"), side("baseline")), pair(value), "{value}");
        n_values += 1;
    }
    assert!(n_values > 20, "{n_values}");
}

#[tokio::test]
async fn a_comparison_says_what_it_needs() {
    let server = Server::start(Dialect::Tempo).await;
    for (path, text) in [
        ("compare?selection=%7B%7D", "parameter 'q' is required"),
        ("compare?q=%7B%7D", "parameter 'selection' is required"),
        (
            "compare?q=%7B%7D&selection=%7B%7D%7Crate()",
            "unable to parse param 'selection': expected one filter, as in { status = error }, got '{}|rate()'",
        ),
        ("structure?start=1&end=2", "parameter 'q' is required"),
        (
            "structure?q=%7B%7D&limit=10001",
            "unable to parse param 'limit': expected a whole number from 1 to 10000, got '10001'",
        ),
        ("traces/1/find", "parameter 'q' is required"),
    ] {
        let answer = server.get(&format!("/api/ui/{path}")).await;
        assert_eq!((answer.status, answer.text()), (StatusCode::BAD_REQUEST, text), "{path}");
    }
    let nothing = json_of(&server, "/api/ui/compare?q=%7B%7D&selection=%7B%7D").await;
    assert_eq!(
        nothing,
        json!({
            "selection": {"spans": 0}, "baseline": {"spans": 0}, "complete": true, "leftOut": 0,
            "attributes": [],
        })
    );
    for path in ["traces/1/find?q=a", "traces/1/compare/2", "traces/1/typical", "traces/1/skeleton"]
    {
        assert_eq!(
            server.get(&format!("/api/ui/{path}")).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}

/// Service, name and kind of a span and of all above it.
fn path_of(spans: &BTreeMap<u64, &Plain>, span: &Plain) -> String {
    let own = format!("{}/{}/{}", span.service, span.name, span.kind_word());
    match spans.get(&span.parent) {
        Some(parent) => format!("{} > {own}", path_of(spans, parent)),
        None => own,
    }
}

#[tokio::test]
async fn the_structure_of_traces_is_that_of_all_their_spans() {
    let spans = shop(40);
    let by_id: BTreeMap<u64, &Plain> = spans.iter().map(|span| (span.id, span)).collect();
    let mut by_path: BTreeMap<String, Vec<&Plain>> = BTreeMap::new();
    // A trace is in it whole when one of its spans matches.
    let matching: BTreeSet<u64> =
        spans.iter().filter(|span| span.name == "retry").map(|span| span.trace).collect();
    let inside = || spans.iter().filter(|span| matching.contains(&span.trace));
    for span in inside() {
        by_path.entry(path_of(&by_id, span)).or_default().push(span);
    }
    everywhere(&spans, async |server| {
        let q = encoded("{ name = `retry` }");
        let answer = json_of(server, &format!("/api/ui/structure?q={q}&{RANGE}")).await;
        assert_eq!(answer["traces"], matching.len());
        assert_eq!(answer["spans"], inside().count());
        assert_eq!((&answer["complete"], &answer["leftOut"]), (&json!(true), &json!(0)));
        let nodes = answer["nodes"].as_array().unwrap();
        let mut paths: Vec<String> = Vec::new();
        for (place, node) in nodes.iter().enumerate() {
            let word = |key: &str| node[key].as_str().unwrap();
            let own = format!("{}/{}/{}", word("service"), word("name"), word("kind"));
            let parent = usize::try_from(node["parent"].as_i64().unwrap()).ok();
            assert!(parent.is_none_or(|parent| parent < place));
            let path = parent.map_or(own.clone(), |parent| format!("{} > {own}", paths[parent]));
            check_node(node, &path, &by_path[&path]);
            paths.push(path);
        }
        assert_eq!(paths.iter().collect::<BTreeSet<_>>(), by_path.keys().collect());
        let few = json_of(server, &format!("/api/ui/structure?q={q}&{RANGE}&limit=3")).await;
        assert_eq!((&few["traces"], &few["complete"]), (&json!(3), &json!(false)));
        assert_eq!(few["leftOut"], matching.len() - 3);
    })
    .await;
}

fn check_node(node: &Value, path: &str, spans: &[&Plain]) {
    let traces: BTreeSet<u64> = spans.iter().map(|span| span.trace).collect();
    let mut nanos: Vec<u64> = spans.iter().map(|span| span.nanos).collect();
    nanos.sort_unstable();
    let failed = |span: &&&Plain| span.failed;
    assert_eq!(node["spans"], spans.len(), "{path}");
    assert_eq!(node["traces"], traces.len(), "{path}");
    assert_eq!(node["errors"], spans.iter().filter(failed).count(), "{path}");
    let origins = spans.iter().filter(failed).filter(|span| !span.failed_below).count();
    assert_eq!(node["errorOrigins"], origins, "{path}");
    assert_eq!(node["totalNanos"], nanos.iter().sum::<u64>(), "{path}");
    assert_eq!(node["selfNanos"], spans.iter().map(|span| span.own_nanos).sum::<u64>(), "{path}");
    for (key, share) in [("p50", 0.5), ("p95", 0.95)] {
        let rank = (nanos.len() as f64 * share).ceil() as usize;
        let (got, exact) = (node[key].as_f64().unwrap(), nanos[rank - 1] as f64);
        assert!((got - exact).abs() <= exact / 32.0, "{path} {key}: {got} {exact}");
    }
    let examples = node["examples"].as_array().unwrap();
    assert_eq!(examples.len(), spans.len().min(3), "{path}");
    let first = spans.iter().find(|span| examples[0]["spanId"] == span.hex()).unwrap();
    assert_eq!(Some(&first.nanos), nanos.last(), "{path}");
}

/// The header of a skeleton and the ids of its spans.
async fn skeleton(server: &Server, trace: u64) -> (Value, Vec<String>) {
    let answer = server.get(&format!("/api/ui/traces/{}/skeleton", trace_hex(trace))).await;
    assert_eq!(answer.status, StatusCode::OK);
    let length = u32::from_le_bytes(answer.body[4..8].try_into().unwrap()) as usize;
    let header: Value = serde_json::from_slice(&answer.body[8..8 + length]).unwrap();
    let from = (8 + length).next_multiple_of(8);
    let n = usize::try_from(header["nSpans"].as_u64().unwrap()).unwrap();
    let ids = answer.body[from..from + 8 * n].chunks(8);
    let hex = |id: &[u8]| id.iter().map(|byte| format!("{byte:02x}")).collect();
    (header, ids.map(hex).collect())
}

type Passes = fn(&Plain) -> bool;

#[tokio::test]
async fn spans_are_found_in_a_trace() {
    let spans = shop(10);
    let own: Vec<&Plain> = spans.iter().filter(|span| span.trace == 5).collect();
    let cases: [(&str, Passes); 9] = [
        ("cart", |span| span.service == "cart" || span.name.contains("cart")),
        ("GET /CART", |span| span.name.contains("GET /cart")),
        ("version=bad", |span| span.has("version", "bad")),
        ("version=ba", |_| false),
        ("version -bad", |span| span.value("version").is_some_and(|value| value != "bad")),
        ("status=error -kind=server", |span| span.failed && span.kind_word() != "server"),
        ("{ span.version = `bad` && status = error }", |span| {
            span.has("version", "bad") && span.failed
        }),
        ("{ kind = server } > { kind = client }", |span| span.kind_word() == "client"),
        ("{ duration > 10s }", |_| false),
    ];
    everywhere(&spans, async |server| {
        let (header, ids) = skeleton(server, 5).await;
        assert_eq!(header["nSpans"], own.len());
        for (q, expected) in cases {
            let path = format!("/api/ui/traces/{}/find?q={}", trace_hex(5), encoded(q));
            let answer = json_of(server, &path).await;
            let bitmap = BASE64_STANDARD.decode(answer["bitmap"].as_str().unwrap()).unwrap();
            let is_set = |place: usize| bitmap[place / 8] >> (place % 8) & 1 == 1;
            let found: BTreeSet<&str> = ids
                .iter()
                .enumerate()
                .filter(|(place, _)| is_set(*place))
                .map(|(_, id)| id.as_str())
                .collect();
            let wanted: Vec<String> =
                own.iter().filter(|span| expected(span)).map(|span| span.hex()).collect();
            assert_eq!(found, wanted.iter().map(String::as_str).collect(), "{q}");
            assert_eq!(answer["n"], wanted.len(), "{q}");
            assert_eq!(answer["total"], own.len(), "{q}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_skeleton_marks_what_a_waterfall_marks() {
    let mut spans = shop(6);
    spans.retain(|span| span.trace == 5);
    let lost = spans.iter().position(|span| span.kind_word() == "internal").unwrap();
    spans[lost].parent = 999_999;
    everywhere(&spans, async |server| {
        let (header, ids) = skeleton(server, 5).await;
        let position = |span: &Plain| ids.iter().position(|id| *id == span.hex()).unwrap();
        assert_eq!(header["missingParents"], 1);
        let health = header["health"].as_array().unwrap();
        let missing =
            json!({"problem": "missing_parent", "n": 1, "positions": [position(&spans[lost])]});
        assert!(health.contains(&missing), "{health:?}");
        let mut origins: Vec<usize> =
            spans.iter().filter(|span| span.failed && !span.failed_below).map(position).collect();
        origins.sort_unstable();
        assert!(!origins.is_empty());
        assert_eq!(header["errorOrigins"], json!(origins));
        // The server of the cart runs on a host whose clock is five seconds ahead.
        let skew: BTreeMap<usize, i64> = serde_json::from_value(header["skew"].clone())
            .map(|pairs: Vec<(usize, i64)>| pairs.into_iter().collect())
            .unwrap();
        for span in &spans {
            let moved = skew.get(&position(span)).copied().unwrap_or_default();
            let off = span.service == "cart" && span.parent != 999_999;
            assert_eq!(
                (-5_100_000_000..-4_900_000_000).contains(&moved),
                off,
                "{} {moved}",
                span.name
            );
        }
    })
    .await;
}

#[tokio::test]
async fn two_traces_are_compared_by_path() {
    let spans = shop(12);
    everywhere(&spans, async |server| {
        // The fifth trace has failed calls of the cart, the eighth has one call more.
        let path = format!("/api/ui/traces/{}/compare/{}", trace_hex(5), trace_hex(8));
        let answer = json_of(server, &path).await;
        for (key, trace, ids) in [("a", 5, "spansA"), ("b", 8, "spansB")] {
            let own: Vec<&Plain> = spans.iter().filter(|span| span.trace == trace).collect();
            assert_eq!(answer[key]["traceId"], trace_hex(trace));
            assert_eq!(answer[key]["spans"], own.len());
            assert_eq!(answer[key]["errors"], own.iter().filter(|span| span.failed).count());
            let nodes = answer["nodes"].as_array().unwrap();
            let told = nodes.iter().flat_map(|node| node[ids].as_array().unwrap());
            let told: BTreeSet<&str> = told.map(|id| id.as_str().unwrap()).collect();
            let wanted: Vec<String> = own.iter().map(|span| span.hex()).collect();
            assert_eq!(told, wanted.iter().map(String::as_str).collect());
            let calls: u64 = nodes.iter().filter_map(|node| node[key]["calls"].as_u64()).sum();
            assert_eq!(calls, own.len() as u64);
        }
        let change = |name: &str| {
            let nodes = answer["nodes"].as_array().unwrap();
            let node = nodes.iter().find(|node| node["name"] == name).unwrap();
            node["change"].as_str().unwrap().to_owned()
        };
        assert_eq!(change("checkout"), "same");
        assert_eq!(change("GET /cart/0"), "changed", "both calls failed in one of them");
        assert_eq!(change("retry"), "added");
        let back =
            json_of(server, &format!("/api/ui/traces/{}/compare/{}", trace_hex(8), trace_hex(5)))
                .await;
        let retry =
            back["nodes"].as_array().unwrap().iter().find(|node| node["name"] == "retry").unwrap();
        assert_eq!((&retry["change"], &retry["b"]), (&json!("removed"), &Value::Null));
    })
    .await;
}

#[tokio::test]
async fn a_typical_trace_has_the_same_root_and_an_ordinary_duration() {
    let spans = shop(9);
    let mut durations: Vec<(u64, u64)> = (0..9)
        .filter(|trace| *trace != 4)
        .map(|trace| {
            let own = || spans.iter().filter(|span| span.trace == trace);
            let end = own().map(|span| span.start + span.nanos).max().unwrap();
            (end - own().map(|span| span.start).min().unwrap(), trace)
        })
        .collect();
    durations.sort_unstable();
    everywhere(&spans, async |server| {
        let answer = json_of(server, &format!("/api/ui/traces/{}/typical", trace_hex(4))).await;
        let (nanos, trace) = durations[3];
        assert_eq!(
            answer,
            json!({"traceId": trace_hex(trace), "durationNanos": nanos, "among": 8})
        );
    })
    .await;
    let server = Server::start(Dialect::Tempo).await;
    let alone: Vec<Plain> = spans.into_iter().filter(|span| span.trace == 4).collect();
    server.store(&otlp(&alone)).await;
    let answer = server.get(&format!("/api/ui/traces/{}/typical", trace_hex(4))).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}
