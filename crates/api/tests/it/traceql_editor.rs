//! What an editor asks while somebody types a query.

use serde_json::{Value, json};
use spandrel_api::Dialect;

use crate::harness::{CHECKOUT, Server, live_and_flushed};

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// What is offered at `^`.
async fn offered(server: &Server, marked: &str) -> Value {
    let at = marked.find('^').unwrap();
    let text = marked.replacen('^', "", 1);
    let path = format!("/api/ui/traceql/complete?q={}&at={at}", encoded(&text));
    server.get(&path).await.json()
}

async fn texts(server: &Server, marked: &str) -> Vec<String> {
    let offered = offered(server, marked).await;
    let items = offered["items"].as_array().unwrap();
    items.iter().map(|item| item["text"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn names_and_values_come_from_the_data() {
    live_and_flushed(Dialect::Tempo, async |server| {
        for (marked, wanted) in [
            ("{ span.^ }", &["amount", "http.status_code", "vip"][..]),
            ("{ span.ht^tp = 1 }", &["http.status_code"]),
            ("{ span.code^ }", &["http.status_code"]),
            ("{ .serv^", &["service.name"]),
            ("{ resource.service.name = ^", &["\"bank\"", "\"frontend\""]),
            ("{ resource.service.name = \"fr^\" }", &["\"frontend\""]),
            ("{ resource.service.name =~ \"ba^\" }", &["\"bank\""]),
            // Those of spans that pass the rest.
            ("{ span.vip = true && resource.service.name = ^ }", &["\"bank\""]),
            ("{ span.^ && resource.service.name = `frontend` }", &["http.status_code"]),
            ("{ name = `charge` } >> { resource.service.name = \"f^", &["\"frontend\""]),
            ("{ span.amount > ^", &["72.5"]),
            ("{ status = e^", &["error"]),
            ("{ } | quan^", &["quantile_over_time("]),
            ("{ trace:id = ^", &[]),
        ] {
            let got = texts(server, marked).await;
            let got: Vec<&str> =
                got.iter().map(String::as_str).filter(|text| !is_word(text)).collect();
            assert_eq!(got, wanted, "{marked}");
        }
    })
    .await;
}

/// Words that stand for any value.
fn is_word(text: &str) -> bool {
    ["true", "false", "nil"].contains(&text)
}

#[tokio::test]
async fn what_is_most_asked_for_comes_first() {
    let server = Server::start(Dialect::Tempo).await;
    server.store(CHECKOUT).await;
    let offered = offered(&server, "{ ^ }").await;
    assert_eq!((&offered["from"], &offered["to"]), (&json!(2), &json!(2)));
    let items = offered["items"].as_array().unwrap();
    assert_eq!(
        items[..3],
        [
            json!({"text": "resource.service.name", "kind": "attribute", "detail": null}),
            json!({"text": "name", "kind": "intrinsic", "detail": "string"}),
            json!({"text": "status", "kind": "intrinsic", "detail": "status"}),
        ]
    );
    assert!(items.len() <= 50);
}

#[tokio::test]
async fn any_text_is_answered() {
    let server = Server::start(Dialect::Tempo).await;
    for text in ["", "{", "}}", "{ .a = \"\u{e9}", "{ .\u{1f600}", "|||", "with(", "/*"] {
        for at in 0..=text.len() + 1 {
            let q = encoded(text);
            let path = format!("/api/ui/traceql/complete?q={q}&at={at}");
            let answer = server.get(&path).await;
            let (from, to) = (&answer.json()["from"], &answer.json()["to"]);
            assert!(
                from.as_u64() <= to.as_u64() && to.as_u64() <= Some(text.len() as u64),
                "{text}"
            );
        }
        let check = server.get(&format!("/api/ui/traceql/check?q={}", encoded(text))).await.json();
        assert_eq!(check["valid"], json!(false), "{text}");
    }
    let path = "/api/ui/traceql/complete?q=%7B&at=x";
    assert_eq!(server.get(path).await.status, http::StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_query_is_checked() {
    let server = Server::start(Dialect::Tempo).await;
    let path = format!("/api/ui/traceql/check?q={}", encoded("{ status = eror && kind = server }"));
    assert_eq!(
        server.get(&path).await.json(),
        json!({"valid": false, "kind": "spans", "chips": null, "errors": [{
            "from": 11, "to": 15, "severity": "error", "replace": "error",
            "message": "unexpected word; did you mean error?",
        }]})
    );
}
