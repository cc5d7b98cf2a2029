//! What is refused, and how.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;
use spandrel_base::memory::MemoryBudget;
use spandrel_base::outcome::OutcomeCode;
use spandrel_ingest::ByTenant;
use spandrel_model::TenantId;
use spandrel_query::{QueryOptions, ReadLimits, TimeRange};

use crate::data::batches;
use crate::place::{Place, Placement};

#[tokio::test]
async fn a_wrong_query_is_told_what_is_wrong() {
    let place = Place::with(&batches(1), Placement::Live).await;
    for (query, expected) in [
        ("SELEC 1", "syntax error: Expected: an SQL statement, found: SELEC at Line: 1, Column: 1"),
        ("SELECT servicename FROM spans", "Did you mean 'spans.service_name'?"),
        ("SELECT x FROM spans", "Attributes are read with a function: attr('http.route')"),
        ("SELECT attr(name) FROM spans", "attr takes the key of an attribute"),
        ("SELECT * FROM traces", "table 'spandrel.public.traces' not found"),
        ("SELECT nofunction(name) FROM spans", "Invalid function 'nofunction'"),
        ("SELECT 1 / 0", "Divide by zero"),
        ("SELECT CAST(name AS bigint) FROM spans", "to value of Int64 type"),
        ("DROP TABLE spans", "SQL reads spans"),
        ("SELECT * FROM '/etc/passwd'", "not found"),
        ("SELECT * FROM read_csv('/etc/passwd')", "not found"),
        ("SELECT repeat('x', 2000000000)", "Invalid function 'repeat'"),
        ("", "expected one statement"),
    ] {
        let error = place.error(query).await;
        assert_eq!(error.code(), OutcomeCode::InvalidArgument, "{query}: {error}");
        assert!(error.to_string().contains(expected), "{query}: {error}");
    }
}

#[tokio::test]
async fn texts_do_not_grow_without_bound() {
    let place = Place::with(&batches(1), Placement::Live).await;
    let doubled = |step: &str| {
        let steps = (1..40).map(|i| format!(", t{i} AS (SELECT {step} AS s FROM t{})", i - 1));
        let steps: String = steps.collect();
        format!("WITH t0 AS (SELECT name AS s FROM spans){steps} SELECT length(s) FROM t39")
    };
    for step in
        ["s || s", "concat(s, s)", "replace(s, 'G', 'GGGG')", "regexp_replace(s, '.', '\\0\\0')"]
    {
        let error = place.error(&doubled(step)).await;
        assert_eq!(error.code(), OutcomeCode::InvalidArgument, "{step}: {error}");
    }
}

#[tokio::test]
async fn memory_is_limited() {
    let memory = MemoryBudget::new("memory of all queries", 8 << 20);
    let options = QueryOptions {
        query_bytes_max: 1 << 20,
        memory: memory.clone(),
        ..QueryOptions::default()
    };
    let place = Place::empty(options).await;
    place.fill(&batches(2), Placement::Spread).await;
    assert_eq!(place.rows("SELECT count(*) FROM spans").await, json!([[24]]));
    for query in [
        "SELECT value, count(*) FROM generate_series(1, 1000000) GROUP BY value",
        "SELECT array_agg(value) FROM generate_series(1, 10000000)",
        "SELECT value FROM generate_series(1, 10000000) ORDER BY value DESC",
        "SELECT count(*) FROM generate_series(1, 1000000) a JOIN generate_series(1, 1000000) b ON a.value = b.value",
    ] {
        let error = place.error(query).await;
        assert_eq!(error.code(), OutcomeCode::ResourceExhausted, "{query}: {error}");
        assert!(error.needs_too_much(), "{query}: {error}");
        assert!(error.to_string().contains("query needs more memory"), "{query}: {error}");
        // The tasks of a plan end when they are next polled.
        while memory.used() > 0 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn time_is_limited() {
    let options = QueryOptions { deadline: Duration::from_millis(200), ..QueryOptions::default() };
    let place = Place::empty(options).await;
    let query = "SELECT count(*) FROM generate_series(1, 100000000) a, generate_series(1, 1000000) b \
                 WHERE a.value + b.value = 3";
    let error = place.error(query).await;
    assert_eq!(error.code(), OutcomeCode::DeadlineExceeded, "{error}");
    assert!(error.to_string().starts_with("query exceeded its deadline of 200ms"), "{error}");
}

#[tokio::test]
async fn what_a_tenant_has_set_for_its_searches_holds() {
    let place = Place::with(&batches(1), Placement::Live).await;
    let own = ReadLimits {
        max_search_duration: Some(Duration::from_secs(24 * 3600)),
        ..ReadLimits::default()
    };
    place.engine.set_read_limits(ByTenant { defaults: own, ..ByTenant::default() });
    let error = place.error("SELECT count(*) FROM spans").await;
    assert_eq!(error.code(), OutcomeCode::InvalidArgument, "{error}");
    assert!(error.to_string().contains("max_search_duration"), "{error}");
    let hour = "start_time BETWEEN '2026-01-01T00:00:00Z' AND '2026-01-01T00:59:00Z'";
    assert_eq!(
        place.rows(&format!("SELECT count(*) FROM spans WHERE {hour}")).await,
        json!([[12]])
    );
}

#[tokio::test]
async fn a_tenant_sees_its_own_spans() {
    let place = Place::with(&[], Placement::Live).await;
    let tenant = |name: &str| TenantId::new(name).unwrap();
    place.send(&tenant("a"), &batches(1)[0]).await;
    for (name, expected) in [("a", 12), ("b", 0)] {
        for query in ["SELECT count(*) FROM spans", "SELECT count(*) FROM spandrel.public.spans"] {
            let (answer, _) = place.ask(&tenant(name), query, TimeRange::ALL).await.unwrap();
            assert_eq!(answer["rows"], json!([[expected]]), "{name}: {query}");
        }
    }
}

#[tokio::test]
async fn the_deepest_query_that_is_taken_is_answered() {
    let place = Place::with(&batches(1), Placement::Live).await;
    let either = (0..38).map(|i| format!("attr('status') = {i}")).collect::<Vec<_>>().join(" OR ");
    let query = format!("SELECT count(*) FROM spans WHERE {either}");
    assert_eq!(place.rows(&query).await, json!([[0]]));
    let sum = format!("SELECT duration_nanos{} FROM spans LIMIT 0", " + 1".repeat(38));
    assert_eq!(place.rows(&sum).await, json!([]));
    let unions = vec!["SELECT span_id FROM spans"; 30].join(" UNION ");
    assert_eq!(place.rows(&format!("SELECT count(*) FROM ({unions})")).await, json!([[12]]));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Words of the language in any order, and any text.
    #[test]
    fn any_text_is_answered_or_refused(
        words in proptest::collection::vec(
            prop_oneof![
                8 => proptest::sample::select(vec![
                    "SELECT", "FROM", "spans", "WHERE", "*", ",", "(", ")", "attr('a')", "name", "1", "'x'", "=", "GROUP",
                    "BY", "ORDER", "LIMIT", "count(*)", "JOIN", "ON", "AS", "a", ".", "CASE", "WHEN", "END", "NULL", "WITH",
                    "UNION", "EXPLAIN", "OVER", "interval '1 day'", "start_time", ";", "\"", "--", "||", "::", "[", "]",
                ]).prop_map(str::to_owned),
                1 => any::<String>(),
            ],
            0..12,
        ),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let place = Place::with(&batches(1), Placement::Live).await;
            let query = words.join(" ");
            if let Err(error) = place.ask(&TenantId::single(), &query, TimeRange::ALL).await {
                assert_eq!(error.code(), OutcomeCode::InvalidArgument, "{query}: {error}");
            }
        });
    }
}
