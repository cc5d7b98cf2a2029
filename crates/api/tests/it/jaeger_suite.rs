//! The searches of Jaeger's storage suite, over all its traces at once, through every API that Jaeger searches with.
//!
//! The suite's files lie outside the repository; without them the test says so and passes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use spandrel_api::Dialect;
use spandrel_proto::{jaeger as v2, jaeger_storage as storage, jaeger_v3 as v3};

use crate::harness::Server;
use crate::jaeger_grpc::{Clients, Sizes, sizes_of_chunks, sizes_of_otlp};

const FOLDER: &str = "../../../shared/suites/jaeger";
/// The suite has the traces on these days.
const DAYS: [(&str, &str); 2] = [("${YESTERDAY}", "2017-01-26"), ("${TWODAYSAGO}", "2017-01-25")];

#[derive(Deserialize)]
struct Suite {
    portable: Vec<Case>,
    /// Elsewhere than in Elasticsearch their values are texts that nothing has.
    elasticsearch_regexp_only: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    caption: String,
    legacy_get_api_traces: BTreeMap<String, Value>,
    v3_get_api_v3_traces: BTreeMap<String, String>,
    expect: Vec<Expected>,
}

#[derive(Deserialize)]
struct Expected {
    #[serde(rename = "traceID")]
    trace_id: String,
    #[serde(rename = "spanCount")]
    spans: usize,
}

fn on_days(text: &str) -> String {
    DAYS.iter().fold(text.to_owned(), |text, (name, day)| text.replace(name, day))
}

impl Case {
    fn legacy_query(&self) -> String {
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

    fn v3_query(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in &self.v3_get_api_v3_traces {
            query.append_pair(name, &on_days(value));
        }
        query.finish()
    }

    fn expected(&self) -> Sizes {
        self.expect.iter().map(|trace| (padded(&trace.trace_id), trace.spans)).collect()
    }

    fn text(&self, name: &str) -> String {
        self.v3_get_api_v3_traces.get(name).cloned().unwrap_or_default()
    }

    fn time(&self, name: &str) -> Option<spandrel_proto::well_known::Timestamp> {
        let time: Timestamp = on_days(&self.text(name)).parse().unwrap();
        let (seconds, nanos) = (time.as_second(), time.subsec_nanosecond());
        Some(spandrel_proto::well_known::Timestamp { seconds, nanos })
    }

    fn duration(&self, name: &str) -> Option<spandrel_proto::well_known::Duration> {
        let nanos = self.text(name);
        let nanos = nanos.strip_suffix("ns")?.parse().unwrap();
        Some(spandrel_proto::well_known::Duration { seconds: 0, nanos })
    }

    fn attributes(&self) -> BTreeMap<String, String> {
        match self.text("query.attributes").as_str() {
            "" => BTreeMap::new(),
            json => serde_json::from_str(json).unwrap(),
        }
    }

    fn v2_parameters(&self) -> v2::TraceQueryParameters {
        v2::TraceQueryParameters {
            service_name: self.text("query.serviceName"),
            operation_name: self.text("query.operationName"),
            tags: self.attributes(),
            start_time_min: self.time("query.startTimeMin"),
            start_time_max: self.time("query.startTimeMax"),
            duration_min: self.duration("query.durationMin"),
            duration_max: self.duration("query.durationMax"),
            search_depth: 1000,
            raw_traces: false,
        }
    }

    fn v3_parameters(&self) -> v3::TraceQueryParameters {
        let v2 = self.v2_parameters();
        v3::TraceQueryParameters {
            service_name: v2.service_name,
            operation_name: v2.operation_name,
            attributes: v2.tags,
            start_time_min: v2.start_time_min,
            start_time_max: v2.start_time_max,
            duration_min: v2.duration_min,
            duration_max: v2.duration_max,
            search_depth: v2.search_depth,
            raw_traces: false,
            filter: None,
        }
    }

    fn storage_parameters(&self) -> storage::TraceQueryParameters {
        let v2 = self.v2_parameters();
        let attribute = |(key, text)| storage::KeyValue {
            key,
            value: Some(storage::AnyValue {
                value: Some(storage::any_value::Value::StringValue(text)),
            }),
        };
        storage::TraceQueryParameters {
            service_name: v2.service_name,
            operation_name: v2.operation_name,
            attributes: v2.tags.into_iter().map(attribute).collect(),
            start_time_min: v2.start_time_min,
            start_time_max: v2.start_time_max,
            duration_min: v2.duration_min,
            duration_max: v2.duration_max,
            search_depth: v2.search_depth,
            filter: None,
        }
    }
}

fn micros(date: &Value) -> i64 {
    let date = on_days(date.as_str().expect("dates are texts"));
    date.parse::<Timestamp>().unwrap().as_microsecond()
}

/// The suite, and a server that has all its traces.
pub(crate) async fn loaded() -> Option<Server> {
    let folder = Path::new(FOLDER);
    if !folder.is_dir() {
        println!("skipped: ../shared/suites is not there");
        return None;
    }
    let server = Server::start(Dialect::Jaeger).await;
    for file in fs::read_dir(folder.join("traces")).unwrap() {
        server.store(&fs::read_to_string(file.unwrap().path()).unwrap()).await;
    }
    Some(server)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_search_finds_exactly_its_traces() {
    let Some(server) = loaded().await else { return };
    let suite = fs::read_to_string(Path::new(FOLDER).join("queries_http.json")).unwrap();
    let suite: Suite = serde_json::from_str(&suite).unwrap();
    let (address, _tasks) = server.listen_jaeger_grpc().await;
    let mut clients = Clients::connect(address).await;
    ask_all(&server, &mut clients, &suite).await;
    server.flush().await;
    ask_all(&server, &mut clients, &suite).await;
}

async fn ask_all(server: &Server, clients: &mut Clients, suite: &Suite) {
    assert!(!suite.portable.is_empty());
    for case in &suite.portable {
        let expected = case.expected();
        let caption = &case.caption;
        let body = server.get(&format!("/api/traces?{}", case.legacy_query())).await.json();
        let found: Sizes = body["data"].as_array().unwrap().iter().map(legacy_size).collect();
        assert_eq!(expected, found, "legacy: {caption}");

        let query = case.v3_query();
        let body = server.get(&format!("/api/v3/traces?{query}")).await.json();
        assert_eq!(expected, v3_sizes(&body), "v3: {caption}");
        let body = server.get(&format!("/api/v3/trace-summaries?{query}")).await.json();
        assert_eq!(expected, summary_sizes(&body), "summaries: {caption}");

        let found = clients.find_v2(case.v2_parameters()).await;
        assert_eq!(expected, sizes_of_chunks(&found), "api_v2: {caption}");
        let found = clients.find_v3(case.v3_parameters()).await;
        assert_eq!(expected, sizes_of_otlp(&found), "api_v3: {caption}");
        let found = clients.find_storage(case.storage_parameters()).await;
        assert_eq!(expected, sizes_of_otlp(&found), "storage: {caption}");
        let ids = clients.find_ids(case.storage_parameters()).await;
        assert_eq!(expected.into_keys().collect::<Vec<_>>(), ids, "ids: {caption}");
    }
    for case in &suite.elasticsearch_regexp_only {
        let body = server.get(&format!("/api/traces?{}", case.legacy_query())).await.json();
        assert_eq!(body["data"], serde_json::json!([]), "{}", case.caption);
    }
}

fn legacy_size(trace: &Value) -> (String, usize) {
    let id = trace["traceID"].as_str().unwrap();
    (padded(id), trace["spans"].as_array().unwrap().len())
}

/// The client has to group by trace.
pub(crate) fn v3_sizes(body: &Value) -> Sizes {
    let mut sizes = Sizes::new();
    for of_resource in body["result"]["resourceSpans"].as_array().unwrap() {
        for of_scope in of_resource["scopeSpans"].as_array().unwrap() {
            for span in of_scope["spans"].as_array().unwrap() {
                *sizes.entry(span["traceId"].as_str().unwrap().to_owned()).or_default() += 1;
            }
        }
    }
    sizes
}

fn summary_sizes(body: &Value) -> Sizes {
    let summaries = body["summaries"].as_array().unwrap().iter();
    let size = |summary: &Value| {
        let n_spans = usize::try_from(summary["spanCount"].as_u64().unwrap()).unwrap();
        (summary["traceId"].as_str().unwrap().to_owned(), n_spans)
    };
    summaries.map(size).collect()
}

fn padded(id: &str) -> String {
    format!("{id:0>32}")
}

/// The steps of the suite around the searches.
#[tokio::test]
async fn names_and_traces_of_the_example() {
    let Some(server) = loaded().await else { return };
    let data = async |path: &str| server.get(path).await.json()["data"].take();
    let services = data("/api/services").await;
    let services: Vec<&str> =
        services.as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let examples = ["example-service-1", "example-service-2", "example-service-3"];
    assert!(examples.iter().all(|name| services.contains(name)), "{services:?}");
    assert_eq!(
        data("/api/operations?service=example-service-1").await,
        serde_json::json!([
            {"name": "example-operation-1", "spanKind": ""},
            {"name": "example-operation-3", "spanKind": "server"},
            {"name": "example-operation-4", "spanKind": "client"}
        ])
    );
    assert_eq!(
        server.get("/api/v3/operations?service=example-service-1&spanKind=server").await.json(),
        serde_json::json!({"operations": [{"name": "example-operation-3", "spanKind": "server"}]})
    );
    let trace = data("/api/traces/11").await;
    assert_eq!(legacy_size(&trace[0]), (padded("11"), 5));
}
