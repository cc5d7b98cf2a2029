//! What a query may take, and that it ends when nobody waits for it.

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

use crate::harness::{CHECKOUT, Server};

const SEARCH: &str = "/api/search?q=%7B%20span.vip%20%3D%20true%20%7D";
const TRACE: &str = "/api/v2/traces/abc";
const JAEGER_TRACE: &str = "/jaeger/api/traces/abc";

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
    for path in [SEARCH, TRACE, JAEGER_TRACE] {
        // The block is open then, and what is left to read are columns.
        assert_eq!(server.get(path).await.status, StatusCode::OK, "{path}");
        objects.set_latency(Duration::from_secs(3_600));
        objects.take_counts();
        let mut client = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: spandrel.test\r\n\r\n");
        client.write_all(request.as_bytes()).await.unwrap();
        eventually(&format!("{path} holds memory and reads"), || memory.used() > 0).await;
        drop(client);
        eventually(&format!("{path} holds nothing"), || memory.used() == 0).await;
        let n_requests = objects.take_counts().requests;
        assert!(n_requests >= 1, "{path}");
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
    for path in [SEARCH, TRACE, JAEGER_TRACE] {
        let answer = small.get(path).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text());
        assert!(answer.text().contains("memory of one query: 0 B of 10 B"), "{}", answer.text());
        assert!(answer.text().contains("narrow the time range"), "{}", answer.text());
    }
    assert_eq!(small.metrics.query().refused.get(&QueryRefuseReason::QueryMemory), 3);

    let (server, _) = server(&memory, 1 << 20).await;
    let others = memory.try_reserve((1 << 20) - 10).unwrap();
    for path in [SEARCH, TRACE, JAEGER_TRACE] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{}", answer.text());
        assert!(answer.text().contains("try again later"), "{}", answer.text());
    }
    assert_eq!(server.metrics.query().refused.get(&QueryRefuseReason::Memory), 3);
    drop(others);
    for path in [SEARCH, TRACE, JAEGER_TRACE] {
        assert_eq!(server.get(path).await.status, StatusCode::OK, "{path}");
    }
    eventually("answers hold nothing", || memory.used() == 0).await;
}
