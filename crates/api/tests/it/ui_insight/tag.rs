//! The tag of a skeleton is another one when the spans are others, and only then.

use std::collections::BTreeSet;

use http::StatusCode;
use spandrel_api::Dialect;

use super::shop::{Plain, otlp, shop, trace_hex};
use crate::harness::{Answer, Server};

const TRACE: u64 = 5;

fn trace() -> Vec<Plain> {
    let mut spans = shop(6);
    spans.retain(|span| span.trace == TRACE);
    spans
}

async fn ask(server: &Server, headers: &[(&str, &str)]) -> Answer {
    let path = format!("/api/ui/traces/{}/skeleton", trace_hex(TRACE));
    server.get_with(&path, headers).await
}

/// The tag, after the server has said that nothing else is there than what has it.
async fn tag(server: &Server) -> String {
    let answer = ask(server, &[]).await;
    assert_eq!(answer.status, StatusCode::OK);
    let tag = answer.header("etag").to_owned();
    let same = ask(server, &[("if-none-match", &tag)]).await;
    assert_eq!(same.status, StatusCode::NOT_MODIFIED);
    assert_eq!((same.header("etag"), same.body.len()), (tag.as_str(), 0));
    tag
}

#[tokio::test]
async fn moving_into_blocks_and_copies_leave_the_tag_alone() {
    let spans = trace();
    let (first, second) = spans.split_at(spans.len() / 2);
    let server = Server::start(Dialect::Tempo).await;
    server.store(&otlp(first)).await;
    let half = tag(&server).await;
    server.flush().await;
    assert_eq!(tag(&server).await, half);
    // Copies, live while the first of them are in a block.
    server.store(&otlp(first)).await;
    assert_eq!(tag(&server).await, half);
    server.store(&otlp(second)).await;
    let whole = tag(&server).await;
    assert_ne!(whole, half);
    server.flush().await;
    assert_eq!(tag(&server).await, whole);
    // Whatever the order in which they came.
    let other = Server::start(Dialect::Tempo).await;
    other.store(&otlp(second)).await;
    other.store(&otlp(first)).await;
    assert_eq!(tag(&other).await, whole);
}

#[tokio::test]
async fn every_span_counts_and_so_does_what_is_shown_of_it() {
    let server = Server::start(Dialect::Tempo).await;
    let mut tags = BTreeSet::new();
    let spans = trace();
    for span in &spans {
        server.store(&otlp(std::slice::from_ref(span))).await;
        tags.insert(tag(&server).await);
    }
    assert_eq!(tags.len(), spans.len());
    // The same id with another duration is another span.
    let mut spans = spans;
    spans[0].nanos += 1;
    server.store(&otlp(&spans[..1])).await;
    assert!(tags.insert(tag(&server).await));
}

/// Guarantees: a skeleton without ids and the ids are the skeleton, and what was kept of one says nothing of the other;
/// of a small trace ids are not left out.
#[tokio::test]
async fn ids_of_a_large_trace_come_alone_in_the_same_order() {
    let server = Server::start(Dialect::Tempo).await;
    let path = format!("/api/ui/traces/{}", trace_hex(TRACE));
    let without_ids = format!("{path}/skeleton?ids=0");
    let spans = trace();
    server.store(&otlp(&spans)).await;
    assert_eq!(server.get(&without_ids).await.body, ask(&server, &[]).await.body);

    let mut more = vec![spans[0].clone(); 1_000];
    for (span, n) in more.iter_mut().zip(1..) {
        span.id = n << 32;
    }
    server.store(&otlp(&more)).await;
    let (whole, lean) = (ask(&server, &[]).await, server.get(&without_ids).await);
    let ids = server.get(&format!("{path}/span-ids")).await;
    assert_eq!(ids.body.len(), 8 * (spans.len() + more.len()));
    let tags = [&whole, &lean, &ids].map(|answer| answer.header("etag").to_owned());
    assert!(tags.iter().all(|tag| *tag == tags[0]), "{tags:?}");
    let parts = |answer: &Answer| {
        let length = u32::from_le_bytes(answer.body[4..8].try_into().unwrap()) as usize;
        let header: serde_json::Value =
            serde_json::from_slice(&answer.body[8..8 + length]).unwrap();
        (header["hasIds"].clone(), answer.body.slice((8 + length).next_multiple_of(8)..))
    };
    let ((with, columns), (without, rest)) = (parts(&whole), parts(&lean));
    assert_eq!((with, without), (true.into(), false.into()));
    assert_eq!(columns, [&ids.body[..], &rest[..]].concat());
    assert_eq!(server.get(&format!("{path}/skeleton?ids=2")).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_known_trace_that_has_grown_is_sent_whole_and_compressed() {
    let spans = trace();
    let server = Server::start(Dialect::Tempo).await;
    server.store(&otlp(&spans[1..])).await;
    let before = tag(&server).await;
    server.store(&otlp(&spans)).await;
    let headers = [("if-none-match", before.as_str()), ("accept-encoding", "gzip")];
    let answer = ask(&server, &headers).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-encoding"), "gzip");
    // The same spans in another encoding have the same tag.
    assert_eq!(answer.header("etag"), tag(&server).await);
}
