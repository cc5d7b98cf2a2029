//! Searches whose answer comes in pieces.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use object_store::memory::InMemory;
use serde_json::{Value, json};
use spandrel_api::Dialect;
use spandrel_objects_testing::LatencyStore;
use spandrel_query::QueryOptions;

use crate::harness::{CHECKOUT, Server, numbered};

const RANGE: &str = "start=1485431000&end=1485433000";

/// The traces of all pieces, each of which is as it has to be.
fn found(events: &[(String, Value)]) -> Vec<Value> {
    let mut traces = Vec::new();
    let mut done_before = 0;
    for (position, (name, piece)) in events.iter().enumerate() {
        assert_eq!(name, "found");
        assert_eq!(piece["done"], json!(position + 1 == events.len()));
        let jobs = |of: &str| piece["metrics"][of].as_u64().unwrap();
        assert!(jobs("completedJobs") >= done_before, "progress goes back");
        done_before = jobs("completedJobs");
        assert!(piece["done"] == json!(false) || done_before == jobs("totalJobs"));
        traces.extend(piece["traces"].as_array().unwrap().iter().cloned());
    }
    traces
}

fn encoded(q: &str) -> String {
    url::form_urlencoded::byte_serialize(q.as_bytes()).collect()
}

/// Scenario: searches over six blocks and a live trace, in both orders, with and without a limit that ends them
/// early, and from every `next` that a piece had.
/// Guarantees: what the pieces say together is what Tempo's endpoint answers, and what follows a piece is what it
/// left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pieces_say_together_what_one_answer_says() {
    let server = Server::start(Dialect::Tempo).await;
    for number in 0..7 {
        server.store(&numbered(number, if number < 4 { "a" } else { "b" })).await;
        if number < 6 {
            server.flush().await;
        }
    }
    let mut most_pieces = 0;
    for (q, limit) in [("{}", 100), ("{}", 3), ("{ .service.name = `a` }", 2), ("{ .no = 1 }", 5)] {
        for order in ["start", "duration"] {
            let question = format!("q={}&{RANGE}&order={order}", encoded(q));
            let whole = server.get(&format!("/api/search?{question}&limit={limit}")).await;
            let events = server.get(&format!("/api/ui/search?{question}&limit={limit}")).await;
            assert_eq!(events.header("content-type"), "text/event-stream");
            let events = events.events();
            assert_eq!(json!(found(&events)), whole.json()["traces"], "{question}");
            let (_, last) = events.last().unwrap();
            let next = last.get("next").map_or("", |next| next.as_str().unwrap());
            assert_eq!(next, whole.header("x-spandrel-next-cursor"), "{question}");
            most_pieces = most_pieces.max(events.len());

            let all = server.get(&format!("/api/ui/search?{question}&limit=100")).await;
            let all = found(&all.events());
            let mut n_traces = 0;
            for (_, piece) in &events {
                n_traces += piece["traces"].as_array().unwrap().len();
                let Some(next) = piece["next"].as_str() else { continue };
                let rest = format!("/api/ui/search?{question}&limit=100&after={next}");
                assert_eq!(found(&server.get(&rest).await.events()), all[n_traces..], "{rest}");
            }
        }
    }
    assert!(most_pieces >= 2, "{most_pieces} pieces at most");
}

#[tokio::test]
async fn what_cannot_be_asked_is_answered_by_a_status() {
    let server = Server::start(Dialect::Tempo).await;
    server.store(CHECKOUT).await;
    for (query, text) in [
        ("q=%7B", "parse error at line 1, col 2"),
        ("limit=0", "unable to parse param 'limit'"),
        ("q=%7B%7D%7Crate()", "metrics"),
    ] {
        let answer = server.get(&format!("/api/ui/search?{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}: {}", answer.text());
        assert!(answer.text().contains(text), "{query}: {}", answer.text());
    }
}

/// The events of a search that finds a live trace, and then the store of the blocks does not answer.
pub(crate) async fn failing() -> Vec<(String, Value)> {
    let objects = Arc::new(LatencyStore::new(Arc::new(InMemory::new())));
    objects.set_latency(Duration::ZERO);
    let options = QueryOptions { deadline: Duration::from_millis(300), ..QueryOptions::default() };
    let server = Server::start_with(Dialect::Tempo, Arc::clone(&objects) as _, options).await;
    server.store(&numbered(1, "old")).await;
    server.flush().await;
    server.store(&numbered(2, "new")).await;
    // The block is open then, and what is left to read are columns.
    server.get("/api/v2/traces/abc").await;
    objects.set_latency(Duration::from_secs(3_600));
    server.get(&format!("/api/ui/search?{RANGE}")).await.events()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_follows_what_was_found() {
    let events = failing().await;
    let [(found, piece), (failed, failure)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((found.as_str(), failed.as_str()), ("found", "failed"));
    assert_eq!(piece["traces"][0]["rootServiceName"], "new");
    assert_eq!(piece["done"], json!(false));
    assert_eq!(failure["status"], 504);
    assert!(failure["message"].as_str().unwrap().starts_with("query exceeded its deadline"));
}
