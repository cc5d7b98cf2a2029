//! A trace by its id: parts of it, partial status, and the form for language models.

use http::StatusCode;
use prost::Message;
use serde_json::json;
use spandrel_api::Dialect;
use spandrel_proto::tempo::{PartialStatus, TraceByIdResponse};

use crate::harness::{Answer, Server};
use crate::strict::{self, decode};

/// A root with two children, the first of which has a child.
const FAMILY: &str = r#"{"resourceSpans":[{"resource":{},"scopeSpans":[{"spans":[
    {"traceId":"000000000000000000000000000000f0","spanId":"0000000000000001","name":"root",
     "startTimeUnixNano":"1000","endTimeUnixNano":"2000"},
    {"traceId":"000000000000000000000000000000f0","spanId":"0000000000000002","name":"son",
     "parentSpanId":"0000000000000001","startTimeUnixNano":"1100","endTimeUnixNano":"1200"},
    {"traceId":"000000000000000000000000000000f0","spanId":"0000000000000003","name":"daughter",
     "parentSpanId":"0000000000000001","startTimeUnixNano":"1300","endTimeUnixNano":"1400"},
    {"traceId":"000000000000000000000000000000f0","spanId":"0000000000000004","name":"grandson",
     "parentSpanId":"0000000000000002","startTimeUnixNano":"1110","endTimeUnixNano":"1120"}]}]}]}"#;

const FILTERED: &str = "Trace filtered: only the spans that q asks for are returned";

fn names(answer: &Answer) -> (Vec<String>, Option<String>) {
    let response: strict::TraceByIdResponse = decode(answer);
    let scopes = response.trace.resource_spans.into_iter().flat_map(|group| group.scope_spans);
    let spans = scopes.flat_map(|group| group.spans);
    let mut names: Vec<String> = spans.filter_map(|span| span.name).collect();
    names.sort();
    let (status, message) = (response.status, response.message);
    assert_eq!(status.as_deref(), message.as_ref().map(|_| "PARTIAL"));
    (names, message)
}

#[tokio::test]
async fn q_keeps_spans_and_their_relatives() {
    let server = Server::start(Dialect::Tempo).await;
    server.store(FAMILY).await;
    for flushed in [false, true] {
        if flushed {
            server.flush().await;
        }
        for (q, kept) in [
            ("%7Bname=%22son%22%7D", &["son"][..]),
            ("%7Bname=%22son%22%7D&match_depth=1", &["grandson", "son"]),
            ("%7Bname=%22root%22%7D&match_depth=1", &["daughter", "root", "son"]),
            ("%7Bname=%22grandson%22%7D&keep_hierarchy=true", &["grandson", "root", "son"]),
            (
                "%7Bname=%22grandson%22%7D&keep_hierarchy=true&ancestor_depth=1",
                &["grandson", "son"],
            ),
            ("%7Bname=%22grandson%22%7D&ancestor_depth=1", &["grandson"]),
            // About the whole trace, although only a part is returned.
            ("%7BrootName=%22root%22%26%26name=%22daughter%22%7D", &["daughter"]),
            ("%7BtraceDuration%3E1us%7D", &[]),
            ("%7Bname=%22nobody%22%7D&match_depth=-1", &[]),
        ] {
            let answer = server.get(&format!("/api/v2/traces/f0?q={q}")).await;
            assert_eq!(answer.status, StatusCode::OK, "{q}: {}", answer.text());
            assert_eq!(names(&answer), (to_vec(kept), Some(FILTERED.to_owned())), "{q}");
        }
        let all = ["daughter", "grandson", "root", "son"];
        for q in ["%7B%7D", "+", "%7Bname=%22root%22%7D&match_depth=-1", "%7BtraceDuration=1us%7D"]
        {
            let answer = server.get(&format!("/api/v2/traces/f0?q={q}")).await;
            assert_eq!(names(&answer), (to_vec(&all), None), "{q}");
        }
    }
}

fn to_vec(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[tokio::test]
async fn a_part_says_that_it_is_one_in_protobuf_too() {
    let server = Server::start(Dialect::Tempo).await;
    server.store(FAMILY).await;
    let protobuf = [("accept", "application/protobuf")];
    let ask = async |q: &str| {
        let answer = server.get_with(&format!("/api/v2/traces/f0?q={q}"), &protobuf).await;
        assert_eq!(answer.header("content-type"), "application/protobuf");
        TraceByIdResponse::decode(answer.body).unwrap()
    };
    let part = ask("%7Bname=%22son%22%7D").await;
    assert_eq!((part.status(), &*part.message), (PartialStatus::Partial, FILTERED));
    assert_eq!(part.trace.unwrap().resource_spans.len(), 1);
    let nothing = ask("%7Bname=%22nobody%22%7D").await;
    assert_eq!(nothing.trace, Some(Default::default()));
    let whole = ask("%7B%7D").await;
    assert_eq!((whole.status(), &*whole.message), (PartialStatus::Complete, ""));
}

#[tokio::test]
async fn language_models_get_the_short_form() {
    let server = Server::start(Dialect::Tempo).await;
    server.store(FAMILY).await;
    let accept = [("accept", "application/vnd.grafana.llm")];
    let answer = server.get_with("/api/v2/traces/f0?q=%7Bname=%22son%22%7D", &accept).await;
    assert_eq!(answer.header("content-type"), "application/vnd.grafana.llm+json");
    assert_eq!(
        answer.json(),
        json!({
            "trace": {
                "traceId": "000000000000000000000000000000f0",
                "services": [{"scopes": [{"spans": [{
                    "spanId": "0000000000000002",
                    "name": "son",
                    "parentSpanId": "0000000000000001",
                    "startTimeUnixNano": "1100",
                    "endTimeUnixNano": "1200",
                    "durationMs": 0.0001,
                    "status": {"code": "STATUS_CODE_UNSET", "message": ""},
                }]}]}],
            },
            "status": "PARTIAL",
            "message": FILTERED,
        })
    );
    let absent = server.get_with("/api/v2/traces/f1", &accept).await;
    assert_eq!(absent.json(), json!({}));
    // Where there is no short form, it is JSON.
    let v1 = server.get_with("/api/traces/f0", &accept).await;
    let trace: strict::TraceV1 = decode(&v1);
    assert_eq!(trace.batches.len(), 1);
}
