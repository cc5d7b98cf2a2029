//! What an operator asks about a tenant.

use http::Method;
use serde_json::{Value, json};
use spandrel_api::{ApiOptions, Dialect};
use spandrel_model::TenantId;

use crate::harness::{CHECKOUT, Server, numbered};

#[tokio::test]
async fn spans_are_accounted_for_by_tenant() {
    let server = Server::start(Dialect::Tempo).await;
    let acme = TenantId::new("acme").unwrap();
    server.store_for(acme.clone(), CHECKOUT).await;
    server.store(&numbered(1, "other")).await;
    let status =
        async || server.get_with("/api/ui/tenant", &[("x-scope-orgid", "acme")]).await.json();
    let live = status().await;
    assert_eq!(live["tenant"], json!("acme"));
    assert_eq!((&live["received"], &live["stored"]), (&json!({"spans": 2}), &json!(2)));
    assert_eq!((&live["rejected"], &live["refused"]), (&json!({}), &json!({})));
    assert_eq!(live["live"]["spans"], json!(2));
    assert!(live["live"]["bytes"].as_u64() > Some(0), "{live}");
    assert!(live["log"]["bytes"].as_u64() > Some(0), "{live}");
    assert_eq!(live["blocks"], json!({"count": 0, "spans": 0, "bytes": 0}));
    assert_eq!(
        (&live["limits"]["rate_limit_bytes"], &live["retentionSeconds"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(live["compaction"]["merges"], json!(0));
    server.flush().await;
    let stored = status().await;
    assert_eq!((&stored["stored"], &stored["live"]["spans"]), (&json!(2), &json!(0)));
    assert_eq!((&stored["blocks"]["count"], &stored["blocks"]["spans"]), (&json!(1), &json!(2)));
}

#[tokio::test]
async fn the_lower_retention_is_in_force() {
    let server = Server::start_switched(ApiOptions::default()).await;
    let retention = async || server.get("/api/ui/tenant").await.json()["retentionSeconds"].clone();
    assert_eq!(retention().await, json!(48 * 3600));
    let own = json!({"compaction": {"block_retention": "24h"}}).to_string();
    let answer = server.send(Method::POST, "/api/overrides", &[("if-match", "0")], own).await;
    assert!(answer.status.is_success(), "{}", answer.text());
    assert_eq!(retention().await, json!(24 * 3600));
}

#[tokio::test]
async fn blocks_are_listed() {
    let server = Server::start(Dialect::Tempo).await;
    assert_eq!(server.get("/api/ui/blocks").await.json(), json!({"blocks": [], "total": 0}));
    for number in 0..3 {
        server.store(&numbered(number, "shop")).await;
        server.flush().await;
    }
    let answer = server.get("/api/ui/blocks?limit=2").await.json();
    assert_eq!(answer["total"], json!(3));
    let blocks = answer["blocks"].as_array().unwrap();
    assert_eq!(blocks.len(), 2);
    for block in blocks {
        assert_eq!(
            (&block["level"], &block["spans"], &block["traces"]),
            (&json!(0), &json!(1), &json!(1))
        );
        assert!(block["bytes"].as_u64() > Some(0), "{block}");
        let nanos = |key: &str| block[key].as_str().unwrap().parse::<u64>().unwrap();
        assert_eq!(nanos("endUnixNanos") - nanos("startUnixNanos"), 1_000_000);
        assert_eq!(nanos("writtenUnixNanos"), crate::harness::NOW_UNIX_NANOS);
        assert_eq!(block["id"].as_str().unwrap().len(), 36);
    }
}
