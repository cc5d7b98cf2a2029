//! Engines that know nothing of Spandrel read its blocks, and agree with our own answers: with what
//! `export` writes, span by span, and with the operation directories of the blocks.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::{Value, json};
use spandrel_tests::{Home, python, run, spandrel};

/// Spans, sum of their durations and errors.
type Figures = (u64, u64, u64);

#[test]
fn duckdb_polars_and_deltalake_agree_with_us() {
    // Blocks of about 900 spans: keys that one has may be missing in another.
    let mut home = Home::new().with_options(&["--cut-spans", "900", "--no-compaction"]);
    let server = home.start();
    let demo = ["demo", "--traces", "400", "--rate", "max", "--seed", "11", "--json"];
    let endpoint = format!("http://{}", server.ports.otlp_grpc);
    let sent = run(spandrel(&demo).args(["--endpoint", &endpoint]));
    server.stop();

    let found = run(python().arg("readers/engines.py").arg(home.table()));
    let files = found["files"].as_u64().unwrap();
    assert!(files >= 3, "{found}");
    let exported = exported(&home);
    assert_eq!(exported["spans"], sent["acceptedSpans"]);
    let without_lists = {
        let mut value = exported.clone();
        for list in ["events", "links"] {
            value.as_object_mut().unwrap().remove(list).unwrap();
        }
        value
    };
    let engines = &found["engines"];
    assert_eq!(engines["duckdb"], exported);
    assert_eq!(engines["polars"], exported);
    assert_eq!(engines["deltalake"], without_lists);
    for list in ["events", "links"] {
        assert!(exported[list].as_u64().unwrap() > 0, "the demo has spans with {list}");
    }
    assert_eq!(directories(&home, files), exported["services"]);
}

/// What `export` says, in the form of the readers.
fn exported(home: &Home) -> Value {
    let file = home.scratch().join("all.json");
    run(spandrel(&["export", "--json"]).arg("--data-dir").arg(home.data_dir()).arg(&file));
    let mut services: BTreeMap<String, Figures> = BTreeMap::new();
    let mut traces = BTreeSet::new();
    let (mut spans, mut events, mut links, mut first) = (0, 0, 0, u64::MAX);
    for line in fs::read_to_string(file).unwrap().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        for resource in list(&line["resourceSpans"]) {
            let attributes = list(&resource["resource"]["attributes"]);
            let name = attributes.iter().find(|pair| pair["key"] == "service.name").unwrap();
            let service = name["value"]["stringValue"].as_str().unwrap().to_owned();
            let figures = services.entry(service).or_default();
            for span in list(&resource["scopeSpans"]).iter().flat_map(|of| list(&of["spans"])) {
                let nanos = |key: &str| -> u64 { span[key].as_str().unwrap().parse().unwrap() };
                let start = nanos("startTimeUnixNano");
                figures.0 += 1;
                figures.1 += nanos("endTimeUnixNano") - start;
                figures.2 += u64::from(span["status"]["code"] == 2);
                first = first.min(start);
                spans += 1;
                events += list(&span["events"]).len();
                links += list(&span["links"]).len();
                traces.insert(span["traceId"].as_str().unwrap().to_owned());
            }
        }
    }
    json!({
        "spans": spans,
        "traces": traces.len(),
        "events": events,
        "links": links,
        "first_start_unix_nanos": first,
        "services": services,
    })
}

/// The figures of all services as the operation directories of the blocks have them.
fn directories(home: &Home, n_blocks: u64) -> Value {
    let blocks = |arguments: &[&str]| {
        run(spandrel(&["blocks"]).args(arguments).arg("--data-dir").arg(home.data_dir()))
    };
    let listed = blocks(&["list", "--json"]);
    assert_eq!(listed["totals"]["blocks"], n_blocks);
    let mut services: BTreeMap<String, Figures> = BTreeMap::new();
    for block in list(&listed["blocks"]) {
        let block = blocks(&["inspect", "--json", block["id"].as_str().unwrap()]);
        assert_eq!(block["operationsComplete"], true);
        for operation in list(&block["operations"]) {
            let service = operation["service"].as_str().unwrap().to_owned();
            let figures = services.entry(service).or_default();
            figures.0 += operation["spans"].as_u64().unwrap();
            figures.1 += operation["durationSumNanos"].as_u64().unwrap();
            figures.2 += operation["errors"].as_u64().unwrap();
        }
    }
    json!(services)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
