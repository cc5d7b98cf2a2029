//! What a query may take, and that it ends when nobody waits for it.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use object_store::memory::InMemory;
use spandrel_api::Dialect;
use spandrel_base::memory::MemoryBudget;
use spandrel_objects_testing::LatencyStore;
use spandrel_query::QueryOptions;
use spandrel_telemetry::QueryRefuseReason;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::harness::{CHECKOUT, Server, numbered};

const SEARCH: &str = "/api/search?q=%7B%20span.vip%20%3D%20true%20%7D";
const SEARCH_IN_PIECES: &str = "/api/ui/search?q=%7B%20span.vip%20%3D%20true%20%7D";
const TRACE: &str = "/api/v2/traces/abc";
const JAEGER_TRACE: &str = "/jaeger/api/traces/abc";
/// With times, because the default is the last hour.
const METRICS: &str = "/api/metrics/query_range?q=%7B%7D%7Cavg_over_time(span.amount)&\
    start=1485431000&end=1485433000";
const STRUCTURE: &str = "/api/metrics/query?q=%7B%7D%3E%7Bspan.vip%3Dtrue%7D%7Crate()&\
    start=1485431000&end=1485433000";
const VALUES: &str = "/api/v2/search/tag/span.amount/values?q=%7Bspan.vip%3Dtrue%7D";
const NAMES: &str = "/api/v2/search/tags?start=1485432000150000000&end=1485433000000000000";
const ALL: [&str; 8] =
    [SEARCH, SEARCH_IN_PIECES, TRACE, JAEGER_TRACE, METRICS, STRUCTURE, VALUES, NAMES];

/// A server whose queries have this memory, with [`CHECKOUT`] in a block.
pub(crate) async fn server(
    memory: &MemoryBudget,
    query_bytes_max: usize,
) -> (Server, Arc<LatencyStore>) {
    let objects = LatencyStore::new(Arc::new(InMemory::new())).with_latency(Duration::ZERO);
    let objects = Arc::new(objects);
    let options =
        QueryOptions { memory: memory.clone(), query_bytes_max, ..QueryOptions::default() };
    let server = Server::start_with(Dialect::Tempo, Arc::clone(&objects) as _, options).await;
    server.store(CHECKOUT).await;
    server.flush().await;
    (server, objects)
}

/// Waits until it is true.
pub(crate) async fn eventually(what: &str, is_true: impl Fn() -> bool) {
    let waiting = async {
        while !is_true() {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(60), waiting).await;
    waited.unwrap_or_else(|_elapsed| panic!("never: {what}"));
}

/// Scenario: clients ask while the store of the blocks takes an hour for each read, and hang up.
/// Guarantees: their queries end at once: memory is free again, and nothing more is read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_hangs_up_ends_its_query() {
    let memory = MemoryBudget::new("memory of all queries", 1 << 30);
    let (server, objects) = server(&memory, 1 << 30).await;
    let (address, _tasks) = server.listen().await;
    for path in ALL {
        // The block is open then, and what is left to read are columns.
        assert_eq!(server.get(path).await.status, StatusCode::OK, "{path}");
        objects.set_latency(Duration::from_secs(3_600));
        objects.take_counts();
        let mut client = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: spandrel.test\r\n\r\n");
        client.write_all(request.as_bytes()).await.unwrap();
        let n_requests = Cell::new(0);
        let holds_and_reads = || {
            n_requests.set(n_requests.get() + objects.take_counts().requests);
            memory.used() > 0 && n_requests.get() > 0
        };
        eventually(&format!("{path} holds memory and reads"), holds_and_reads).await;
        drop(client);
        eventually(&format!("{path} holds nothing"), || memory.used() == 0).await;
        objects.take_counts();
        objects.set_latency(Duration::ZERO);
        // Others are answered, and nothing of the query goes on.
        assert_eq!(server.get("/api/v2/traces/123").await.status, StatusCode::OK, "{path}");
        assert_eq!(objects.take_counts().requests, 0, "{path}");
    }
}

/// Scenario: a query needs more than one query may have; then, more than others leave.
/// Guarantees: it is refused, with a status and a text that say whether to change it or to try again, the
/// refusal is counted, and afterwards it is answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_that_need_too_much_memory_are_refused() {
    let memory = MemoryBudget::new("memory of all queries", 1 << 20);
    let (small, _) = server(&memory, 10).await;
    for path in ALL {
        let answer = small.get(path).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text());
        assert!(answer.text().contains("memory of one query: 0 B of 10 B"), "{}", answer.text());
        assert!(answer.text().contains("narrow the time range"), "{}", answer.text());
    }
    assert_eq!(small.metrics.query().refused.get(&QueryRefuseReason::QueryMemory), 8);

    let (server, _) = server(&memory, 1 << 20).await;
    let others = memory.try_reserve((1 << 20) - 10).unwrap();
    for path in ALL {
        let answer = server.get(path).await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{}", answer.text());
        assert!(answer.text().contains("try again later"), "{}", answer.text());
    }
    assert_eq!(server.metrics.query().refused.get(&QueryRefuseReason::Memory), 8);
    drop(others);
    for path in ALL {
        assert_eq!(server.get(path).await.status, StatusCode::OK, "{path}");
    }
    eventually("answers hold nothing", || memory.used() == 0).await;
}

/// Scenario: a query takes longer than it may.
/// Guarantees: 504, and a text that says what to change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_that_take_too_long_are_given_up() {
    let objects = LatencyStore::new(Arc::new(InMemory::new())).with_latency(Duration::ZERO);
    let objects = Arc::new(objects);
    let options = QueryOptions { deadline: Duration::from_millis(300), ..QueryOptions::default() };
    let server = Server::start_with(Dialect::Tempo, Arc::clone(&objects) as _, options).await;
    server.store(CHECKOUT).await;
    server.flush().await;
    objects.set_latency(Duration::from_secs(3_600));
    for path in ALL {
        let answer = server.get(path).await;
        assert_eq!(answer.status, StatusCode::GATEWAY_TIMEOUT, "{path}: {}", answer.text());
        let text = "query exceeded its deadline of 300ms; narrow the time range or the filter";
        assert!(answer.text().contains(text), "{path}: {}", answer.text());
    }
}

/// Scenario: groups by an attribute of which every span has another value.
/// Guarantees: as many series as may be, and a word about the others; where not even the groups fit into the memory
/// of a query, 422.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_without_end_are_cut_or_refused() {
    let memory = MemoryBudget::new("memory of all queries", 1 << 30);
    for (query_bytes_max, step, status) in [
        (1 << 28, "&step=20s", StatusCode::OK),
        (1 << 19, "&step=1s", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let (server, _) = server(&memory, query_bytes_max).await;
        let mut groups = Vec::new();
        for number in 0..2_000 {
            let mut one: serde_json::Value =
                serde_json::from_str(&numbered(number % 60, "many")).unwrap();
            let span = &mut one["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
            span["traceId"] = format!("{:032x}", number + 1).into();
            span["name"] = format!("name {number}").into();
            groups.push(one["resourceSpans"][0].take());
        }
        server.store(&serde_json::json!({ "resourceSpans": groups }).to_string()).await;
        for flushed in [false, true] {
            if flushed {
                server.flush().await;
            }
            let range = "start=1485432000&end=1485432060";
            let path = "/api/metrics/query_range?q=%7B%7D%7Crate()by(name)";
            let answer = server.get(&format!("{path}&{range}{step}")).await;
            let shown = answer.text().get(..300);
            assert_eq!(answer.status, status, "{flushed}: {shown:?}");
            if status == StatusCode::OK {
                let answer = answer.json();
                assert_eq!(answer["series"].as_array().map(Vec::len), Some(1_000));
                let message = answer["message"].as_str().unwrap();
                assert!(message.contains("1002 of 2002 series are left out"), "{message}");
                assert_eq!(answer["status"], "PARTIAL");
            } else {
                assert!(answer.text().contains("memory of one query"), "{}", answer.text());
            }
        }
    }
}
