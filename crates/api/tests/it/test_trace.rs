//! Traces that the server makes for somebody who has not sent any.

use std::collections::{BTreeMap, BTreeSet};

use http::{Method, StatusCode};
use serde_json::{Value, json};
use spandrel_api::{ApiOptions, Dialect};
use spandrel_ingest::TenantLimits;
use spandrel_model::TenantId;

use crate::harness::{Answer, NOW_UNIX_NANOS, Server};

const PATH: &str = "/api/ui/test-trace";
const JSON: (&str, &str) = ("content-type", "application/json");

async fn ask(server: &Server, headers: &[(&str, &str)]) -> Answer {
    server.send(Method::POST, PATH, headers, "{}".to_owned()).await
}

/// The resources of a stored trace with their spans, from Tempo's answer.
async fn stored(server: &Server, id: &str, tenant: &str) -> Vec<Value> {
    let headers = [("x-scope-orgid", tenant), ("accept", "application/json")];
    let answer = server.get_with(&format!("/api/v2/traces/{id}"), &headers).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()["trace"]["resourceSpans"].as_array().unwrap().clone()
}

fn attribute<'a>(of: &'a Value, key: &str) -> &'a Value {
    let all = of["attributes"].as_array().unwrap();
    all.iter().find(|pair| pair["key"] == key).map_or(&Value::Null, |pair| &pair["value"])
}

fn spans(resource: &Value) -> impl Iterator<Item = &Value> {
    let scopes = resource["scopeSpans"].as_array().unwrap().iter();
    scopes.flat_map(|scope| scope["spans"].as_array().unwrap())
}

fn limited(server: &Server, limits: TenantLimits) {
    server.store.set_own_limits(BTreeMap::from([(TenantId::new("acme").unwrap(), limits)]));
}

#[tokio::test]
async fn what_is_answered_can_be_read_and_says_that_it_is_a_test() {
    let server = Server::start(Dialect::Tempo).await;
    let answer = ask(&server, &[JSON, ("x-scope-orgid", "acme")]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let answer = answer.json();
    let id = answer["traceId"].as_str().unwrap();
    let resources = stored(&server, id, "acme").await;
    let mut services = BTreeSet::new();
    for resource in &resources {
        let resource = &resource["resource"];
        services.insert(attribute(resource, "service.name")["stringValue"].as_str().unwrap());
        assert_eq!(
            attribute(resource, "service.namespace"),
            &json!({"stringValue": "spandrel-test"})
        );
    }
    assert_eq!(
        services,
        BTreeSet::from(["test-checkout", "test-payments", "test-stock", "test-web"])
    );
    let all: Vec<&Value> = resources.iter().flat_map(spans).collect();
    assert_eq!(answer["spans"], json!(all.len()));
    let failed: Vec<&&Value> =
        all.iter().filter(|span| span["status"]["code"] == "STATUS_CODE_ERROR").collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    let event = &failed[0]["events"][0];
    assert_eq!(event["name"], json!("exception"));
    assert_eq!(
        attribute(event, "exception.type"),
        &json!({"stringValue": "shop.DeadlineExceeded"})
    );
    let ends = all.iter().map(|span| span["endTimeUnixNano"].as_str().unwrap());
    assert_eq!(ends.max(), Some(NOW_UNIX_NANOS.to_string().as_str()));
}

#[tokio::test]
async fn it_is_the_tenants_own_and_counted_like_any_other() {
    let server = Server::start(Dialect::Tempo).await;
    let answer = ask(&server, &[JSON, ("x-scope-orgid", "acme")]).await.json();
    let count = answer["spans"].as_u64().unwrap();
    let tenant = async |name: &str| {
        server.get_with("/api/ui/tenant", &[("x-scope-orgid", name)]).await.json()
    };
    let acme = tenant("acme").await;
    assert_eq!((&acme["received"]["spans"], &acme["stored"]), (&json!(count), &json!(count)));
    assert_eq!(tenant("other").await["stored"], json!(0));
    let accounting = server.metrics.accounting();
    assert_eq!((accounting.received, accounting.unaccounted()), (count, 0));
    let path = format!("/api/ui/traces/{}/skeleton", answer["traceId"].as_str().unwrap());
    let own = server.get_with(&path, &[("x-scope-orgid", "acme")]).await;
    assert_eq!(own.status, StatusCode::OK);
    let others = server.get_with(&path, &[("x-scope-orgid", "other")]).await;
    assert_eq!(others.status, StatusCode::NOT_FOUND);
    let again = ask(&server, &[JSON, ("x-scope-orgid", "acme")]).await.json();
    assert_ne!(again["traceId"], answer["traceId"]);
    // It is in the log, so it becomes part of a block as all others do.
    server.flush().await;
    assert!(!stored(&server, answer["traceId"].as_str().unwrap(), "acme").await.is_empty());
}

#[tokio::test]
async fn a_form_of_another_site_makes_none() {
    let server = Server::start(Dialect::Tempo).await;
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        let answer = ask(&server, &[("content-type", content_type)]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{content_type}");
    }
    assert_eq!(ask(&server, &[]).await.status, StatusCode::BAD_REQUEST);
    let got = server.get(PATH).await;
    assert_eq!(got.status, StatusCode::METHOD_NOT_ALLOWED);
    let chosen = server.send(Method::POST, PATH, &[JSON], r#"{"spans":9}"#.to_owned()).await;
    assert_eq!(chosen.status, StatusCode::BAD_REQUEST);
    assert!(chosen.text().contains("unknown field `spans`"), "{}", chosen.text());
    assert_eq!(server.metrics.accounting().received, 0);
}

#[tokio::test]
async fn it_is_made_for_one_tenant() {
    let options =
        ApiOptions { multi_tenant_queries: true, tenant_required: true, ..ApiOptions::default() };
    let server = Server::start_switched(options).await;
    let several = ask(&server, &[JSON, ("x-scope-orgid", "a|b")]).await;
    assert_eq!(several.status, StatusCode::BAD_REQUEST, "{}", several.text());
    assert_eq!(ask(&server, &[JSON]).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_limits_of_the_tenant_are_in_force() {
    let server = Server::start(Dialect::Tempo).await;
    limited(&server, TenantLimits { rate_limit_spans: Some(0), ..TenantLimits::default() });
    let refused = ask(&server, &[JSON, ("x-scope-orgid", "acme")]).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "{}", refused.text());
    assert!(refused.header("retry-after").parse::<u64>().unwrap() > 0);
    assert!(refused.text().contains("acme"), "{}", refused.text());
    assert_eq!(ask(&server, &[JSON]).await.status, StatusCode::OK, "others are not limited");
    limited(&server, TenantLimits { max_spans_per_trace: Some(3), ..TenantLimits::default() });
    let rejected = ask(&server, &[JSON, ("x-scope-orgid", "acme")]).await;
    assert_eq!(rejected.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", rejected.text());
    assert!(rejected.text().contains("max_spans_per_trace"), "{}", rejected.text());
    assert_eq!(rejected.header("retry-after"), "");
    assert_eq!(server.metrics.accounting().unaccounted(), 0);
}

#[tokio::test]
async fn a_server_that_stops_takes_none() {
    let server = Server::start(Dialect::Tempo).await;
    server.stop().await;
    let refused = ask(&server, &[JSON]).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{}", refused.text());
    assert!(refused.header("retry-after").parse::<u64>().unwrap() > 0);
}
