//! The dependency and search cases of `../shared/suites/zipkin`, over live spans and over blocks. Without the files
//! the test says so and passes.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use crate::harness::{Server, T0_MICROS};

const FILE: &str = "../../../shared/suites/zipkin/zipkin_cases.json";

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Times become absolute, and names end with the case's id, so that cases do not mix.
fn isolated(spans: &Value, id: &str) -> Value {
    let mut spans = spans.clone();
    for span in spans.as_array_mut().unwrap() {
        shift(&mut span["timestamp"]);
        for annotation in span["annotations"].as_array_mut().into_iter().flatten() {
            shift(&mut annotation["timestamp"]);
        }
        for endpoint in ["localEndpoint", "remoteEndpoint"] {
            let name = &mut span[endpoint]["serviceName"];
            if let Some(text) = name.as_str() {
                *name = json!(format!("{text}_{id}"));
            }
        }
    }
    spans
}

fn shift(time: &mut Value) {
    if let Some(micros) = time.as_i64() {
        *time = json!(micros + T0_MICROS);
    }
}

async fn ask_dependencies(server: &Server, cases: &[Value]) {
    let path = format!("/api/v2/dependencies?endTs={}&lookback=86400000", T0_MICROS / 1_000 + 350);
    let links = server.get(&path).await.json();
    for case in cases {
        let suffix = format!("_{}", case["id"].as_str().unwrap());
        let own = list(&links).iter().filter(|link| {
            let is_own = |side: &str| link[side].as_str().unwrap().ends_with(&suffix);
            is_own("parent") || is_own("child")
        });
        let found: BTreeSet<String> = own.map(Value::to_string).collect();
        let wanted = list(&case["expect"]).iter().map(|link| {
            let mut link = link.clone();
            for side in ["parent", "child"] {
                link[side] = json!(format!("{}{suffix}", link[side].as_str().unwrap()));
            }
            link.to_string()
        });
        assert_eq!(found, wanted.collect(), "{}", case["name"]);
    }
}

/// How many queries were asked.
async fn ask_searches(server: &Server, cases: &[Value]) -> usize {
    let mut n_asked = 0;
    for case in cases {
        let id = case["id"].as_str().unwrap();
        for asked in list(&case["queries"]) {
            n_asked += 1;
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            for (name, value) in asked["query"].as_object().unwrap() {
                let value = match (name.as_str(), value) {
                    ("endTs", value) => (value.as_i64().unwrap() + T0_MICROS / 1_000).to_string(),
                    ("serviceName" | "remoteServiceName", name) => {
                        format!("{}_{id}", name.as_str().unwrap())
                    }
                    (_, Value::String(text)) => text.clone(),
                    (_, value) => value.to_string(),
                };
                query.append_pair(name, &value);
            }
            let answer = server.get(&format!("/api/v2/traces?{}", query.finish())).await.json();
            let found: BTreeSet<String> = list(&answer)
                .iter()
                .map(|trace| trace[0]["traceId"].as_str().unwrap().to_owned())
                .collect();
            let wanted = list(&asked["expectTraceIds"]).iter();
            let wanted = wanted.map(|id| id.as_str().unwrap().to_owned()).collect();
            assert_eq!(found, wanted, "{}: {}", case["name"], asked["query"]);
            for trace in list(&answer) {
                let id = &trace[0]["traceId"];
                let sent = list(&case["spans"]).iter().filter(|span| span["traceId"] == *id);
                assert_eq!(list(trace).len(), sent.count(), "{} whole", case["name"]);
            }
        }
    }
    n_asked
}

#[tokio::test]
async fn every_case_is_answered_as_zipkin_does() {
    let Ok(suite) = fs::read(FILE) else {
        println!("skipped: ../shared/suites is not there");
        return;
    };
    let suite: Value = serde_json::from_slice(&suite).unwrap();
    let dependencies = list(&suite["dependencies"]);
    let searches = list(&suite["searches"]);
    let server = Server::start().await;
    for case in dependencies.iter().chain(searches) {
        let spans = isolated(&case["spans"], case["id"].as_str().unwrap());
        server.send(&spans).await;
    }
    for stored in ["live", "in blocks"] {
        ask_dependencies(&server, dependencies).await;
        let n_asked = ask_searches(&server, searches).await;
        println!("{stored}: {} dependency cases, {n_asked} queries", dependencies.len());
        server.flush().await;
    }
}
