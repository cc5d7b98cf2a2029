//! The spans that both get: traffic of the demo, and the trace of the conformance data when that is there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::{Value, json};
use spandrel_suites::search;
use spandrel_tests::{Home, Http, run, spandrel, unix_nanos};

const SEED: &str = "7";
const TRACES: &str = "200";
/// Between the starts of two traces: the demo sends them all at once. All lie within the two minutes before they are
/// received; Tempo's metrics leave out what is older.
const APART_NANOS: u64 = 400_000_000;
const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// What is sent to both, in requests of OTLP in JSON.
pub(crate) struct Sent {
    pub(crate) requests: Vec<Value>,
    /// A time before the first span, in seconds.
    pub(crate) start_seconds: u64,
    /// A time after the last one.
    pub(crate) end_seconds: u64,
    /// What stands for ids in the questions, such as `{trace}`.
    pub(crate) ids: BTreeMap<&'static str, String>,
    pub(crate) n_traces: usize,
}

/// Plays the demo into a process of its own, and takes from there what it has sent.
pub(crate) fn make(home: &Home) -> Sent {
    let now = unix_nanos();
    let mut requests = played(home);
    let mut numbers: BTreeMap<String, u64> = BTreeMap::new();
    for request in &mut requests {
        shift(request, |span| {
            let next = numbers.len() as u64;
            let number = *numbers.entry(trace_id(span)).or_insert(next);
            -i64::try_from(number * APART_NANOS).unwrap()
        });
    }
    let of_demo: Vec<&String> = numbers.keys().collect();
    let mut ids = BTreeMap::from([
        ("{trace}", of_demo[0].clone()),
        ("{missing}", format!("{:032x}", 77)),
        ("{searched}", of_demo[1].clone()),
    ]);
    if let Some(mut halves) = search::requests() {
        ids.insert("{searched}", search::TRACE_ID.to_owned());
        halves.iter_mut().for_each(|half| shift(half, |span| from_1970(span, now)));
        requests.extend(halves);
    }
    let mut trace_ids = BTreeSet::new();
    for request in &mut requests {
        shift(request, |span| {
            trace_ids.insert(trace_id(span));
            0
        });
    }
    let spread = TRACES.parse::<u64>().unwrap() * APART_NANOS / NANOS_PER_SECOND;
    let now = now / NANOS_PER_SECOND;
    // Tempo's metrics end now, and it is later when they are asked.
    let (start_seconds, end_seconds) = (now - spread - 30, now + 5);
    Sent { requests, start_seconds, end_seconds, ids, n_traces: trace_ids.len() }
}

/// The demo's traffic, whole traces at a time.
fn played(home: &Home) -> Vec<Value> {
    let mut source = Home::new();
    let server = source.start();
    let endpoint = format!("http://{}", server.ports.otlp_grpc);
    let demo = ["demo", "--traces", TRACES, "--rate", "max", "--seed", SEED];
    run(spandrel(&demo).args(["--endpoint", &endpoint]));
    let file = home.scratch().join("demo.json");
    let mut export = spandrel(&["export", "--json"]);
    run(export.arg(&file).args(["--endpoint", &format!("http://{}", server.ports.http)]));
    let text = fs::read_to_string(&file).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn trace_id(span: &Value) -> String {
    span["traceId"].as_str().unwrap().to_owned()
}

/// From the times of the conformance data, which lie in 1970, to a minute ago. Spans of one trace start together.
fn from_1970(span: &Value, now: u64) -> i64 {
    let start: u64 = span["startTimeUnixNano"].as_str().unwrap().parse().unwrap();
    let whole_seconds = start / NANOS_PER_SECOND * NANOS_PER_SECOND;
    i64::try_from(now - 60 * NANOS_PER_SECOND - whole_seconds).unwrap()
}

/// Moves the times of spans and their events.
fn shift(request: &mut Value, mut by: impl FnMut(&Value) -> i64) {
    for of_resource in list(&mut request["resourceSpans"]) {
        for of_scope in list(&mut of_resource["scopeSpans"]) {
            for span in list(&mut of_scope["spans"]) {
                let by = by(span);
                move_time(&mut span["startTimeUnixNano"], by);
                move_time(&mut span["endTimeUnixNano"], by);
                for event in span.get_mut("events").map(list).into_iter().flatten() {
                    move_time(&mut event["timeUnixNano"], by);
                }
            }
        }
    }
}

fn list(value: &mut Value) -> &mut [Value] {
    value.as_array_mut().map_or(&mut [], Vec::as_mut_slice)
}

fn move_time(time: &mut Value, by: i64) {
    let nanos: u64 = time.as_str().unwrap().parse().unwrap();
    *time = json!(nanos.checked_add_signed(by).unwrap().to_string());
}

/// Sends a request that must be accepted.
pub(crate) fn post(otlp: &mut Http, request: &Value) {
    let headers = [("content-type", "application/json")];
    let reply = otlp.post("/v1/traces", &headers, request.to_string().as_bytes()).unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
}
