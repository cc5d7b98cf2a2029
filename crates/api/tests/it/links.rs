//! Short links.

use std::sync::Arc;

use http::{Method, StatusCode};
use object_store::memory::InMemory;
use serde_json::{Value, json};
use spandrel_api::Dialect;
use spandrel_base::clock::ManualClock;
use spandrel_query::QueryOptions;

use crate::harness::{Answer, NOW_UNIX_NANOS, Server, Site};

const PATH: &str = "/api/ui/links";
const JSON: (&str, &str) = ("content-type", "application/json");

async fn keep(server: &Server, tenant: &str, body: &Value) -> Answer {
    let headers = [JSON, ("x-scope-orgid", tenant)];
    server.send(Method::POST, PATH, &headers, body.to_string()).await
}

async fn get(server: &Server, tenant: &str, path: &str) -> Answer {
    server.get_with(path, &[("x-scope-orgid", tenant)]).await
}

fn short_of(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()["short"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_link_is_its_tenants_and_outlives_the_process() {
    let site = Site::new(Arc::new(InMemory::new()), ManualClock::new(NOW_UNIX_NANOS));
    let site = Arc::new(site);
    let server = site.start(Dialect::Tempo, QueryOptions::default()).await;
    let path = "/trace/0af7?span=b7ad&z=10-20";
    let short = short_of(&keep(&server, "a", &json!({"path": path})).await);
    assert_eq!(short_of(&keep(&server, "a", &json!({"path": path})).await), short);
    assert_eq!(get(&server, "b", &format!("/s/{short}")).await.status, StatusCode::NOT_FOUND);
    server.stop().await;
    drop(server);

    let server = site.start(Dialect::Jaeger, QueryOptions::default()).await;
    let opened = get(&server, "a", &format!("/s/{short}")).await;
    assert_eq!(opened.status, StatusCode::FOUND);
    // Right below /s/, wherever that is.
    assert_eq!(opened.header("location"), format!("..{path}"));
    let base = url::Url::parse(&format!("http://host/traces/s/{short}")).unwrap();
    let there = base.join(opened.header("location")).unwrap();
    assert_eq!(there.as_str(), format!("http://host/traces{path}"));
    assert_eq!(
        get(&server, "a", &format!("{PATH}/{short}")).await.json(),
        json!({"short": short, "path": path, "name": null,
            "createdUnixNanos": NOW_UNIX_NANOS.to_string()})
    );
    assert_eq!(get(&server, "a", PATH).await.json(), json!({"links": []}));
}

#[tokio::test]
async fn saved_queries_are_listed_until_they_are_deleted() {
    let site = Site::new(Arc::new(InMemory::new()), ManualClock::new(NOW_UNIX_NANOS));
    let site = Arc::new(site);
    let server = site.start(Dialect::Tempo, QueryOptions::default()).await;
    for name in ["first", " second "] {
        let body = json!({"path": "/search?q=%7B%7D", "name": name});
        short_of(&keep(&server, "a", &body).await);
        site.clock.advance(std::time::Duration::from_secs(1));
    }
    let listed = get(&server, "a", PATH).await.json();
    let names: Vec<&Value> =
        listed["links"].as_array().unwrap().iter().map(|l| &l["name"]).collect();
    assert_eq!(names, ["second", "first"]);
    assert_eq!(get(&server, "b", PATH).await.json(), json!({"links": []}));
    let path = format!("{PATH}/{}", listed["links"][0]["short"].as_str().unwrap());
    let delete = async |tenant: &str| {
        let headers = [("x-scope-orgid", tenant)];
        server.send(Method::DELETE, &path, &headers, String::new()).await.status
    };
    assert_eq!(delete("b").await, StatusCode::NOT_FOUND);
    assert_eq!(delete("a").await, StatusCode::NO_CONTENT);
    assert_eq!(delete("a").await, StatusCode::NOT_FOUND);
    assert_eq!(get(&server, "a", PATH).await.json()["links"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn only_pages_of_this_site_are_kept() {
    let server = Server::start(Dialect::Tempo).await;
    let refused = async |body: &Value, text: &str| {
        let answer = keep(&server, "a", body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}: {}", answer.text());
        assert!(answer.text().contains(text), "{body}: {}", answer.text());
    };
    for path in
        ["https://evil.example/", "//evil.example", "/\\evil.example", "search", "/s/x", "/api/x"]
    {
        refused(&json!({"path": path}), "expected path and query of a page of this site").await;
    }
    refused(&json!({"path": format!("/{}", "x".repeat(9000))}), "at most 8192 bytes").await;
    refused(&json!({"path": "/", "name": "x".repeat(101)}), "at most 100 characters").await;
    refused(&json!({"path": "/", "nmae": "x"}), "unknown field").await;
    refused(&json!({}), "missing field `path`").await;
    refused(&json!({"path": format!("/{}", "x".repeat(70_000))}), "").await;
    // A form of another site may post text, and nothing that has to be asked for first.
    let body = json!({"path": "/"}).to_string();
    let form = server.send(Method::POST, PATH, &[("content-type", "text/plain")], body).await;
    assert_eq!(form.status, StatusCode::BAD_REQUEST, "{}", form.text());
    for short in ["x", "..", "0000000000", "ABCDEFGHIJ", "%2e%2e%2fx"] {
        let answer = server.get(&format!("/s/{short}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{short}");
    }
    let several = keep(&server, "a|b", &json!({"path": "/"})).await;
    assert_eq!(several.status, StatusCode::BAD_REQUEST);
}
