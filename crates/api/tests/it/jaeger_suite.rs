//! The searches of Jaeger's storage suite, over all its traces at once.
//!
//! The suite's files lie outside the repository; without them the test says so and passes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use spandrel_api::Dialect;

use crate::harness::Server;

const FOLDER: &str = "../../../shared/suites/jaeger";
/// The suite has the traces on these days.
const DAYS: [(&str, &str); 2] = [("${YESTERDAY}", "2017-01-26"), ("${TWODAYSAGO}", "2017-01-25")];

#[derive(Deserialize)]
struct Suite {
    portable: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    caption: String,
    legacy_get_api_traces: BTreeMap<String, Value>,
    expect: Vec<Expected>,
}

#[derive(Deserialize)]
struct Expected {
    #[serde(rename = "traceID")]
    trace_id: String,
    #[serde(rename = "spanCount")]
    spans: usize,
}

impl Case {
    fn query(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in &self.legacy_get_api_traces {
            match value {
                Value::String(text) => query.append_pair(name, text),
                date => {
                    let (name, _) = name.split_once("_us").expect("only times are no texts");
                    query.append_pair(name, &micros(&date["date"]).to_string())
                }
            };
        }
        query.finish()
    }
}

fn micros(date: &Value) -> i64 {
    let date = date.as_str().expect("dates are texts");
    let date = DAYS.iter().fold(date.to_owned(), |date, (name, day)| date.replace(name, day));
    date.parse::<Timestamp>().unwrap().as_microsecond()
}

#[tokio::test]
async fn every_search_finds_exactly_its_traces() {
    let folder = Path::new(FOLDER);
    let Ok(suite) = fs::read_to_string(folder.join("queries_http.json")) else {
        println!("skipped: ../shared/suites is not there");
        return;
    };
    let suite: Suite = serde_json::from_str(&suite).unwrap();
    let server = Server::start(Dialect::Jaeger).await;
    for file in fs::read_dir(folder.join("traces")).unwrap() {
        server.store(&fs::read_to_string(file.unwrap().path()).unwrap()).await;
    }
    ask_all(&server, &suite).await;
    server.flush().await;
    ask_all(&server, &suite).await;
}

async fn ask_all(server: &Server, suite: &Suite) {
    assert!(!suite.portable.is_empty());
    for case in &suite.portable {
        let body = server.get(&format!("/api/traces?{}", case.query())).await.json();
        let mut found: Vec<(String, usize)> =
            body["data"].as_array().unwrap().iter().map(sizes).collect();
        found.sort();
        let mut expected: Vec<(String, usize)> =
            case.expect.iter().map(|trace| (padded(&trace.trace_id), trace.spans)).collect();
        expected.sort();
        assert_eq!(found, expected, "{}: {}", case.caption, case.query());
    }
}

fn sizes(trace: &Value) -> (String, usize) {
    let id = trace["traceID"].as_str().unwrap();
    (padded(id), trace["spans"].as_array().unwrap().len())
}

fn padded(id: &str) -> String {
    format!("{id:0>32}")
}
