//! Rows, against a plain computation over the spans.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use spandrel_model::{AttributeValue, Span, TenantId};
use spandrel_query::TimeRange;

use crate::data::{BASE, MILLI, batches, distinct};
use crate::place::{Place, Placement};

fn attribute<'a>(span: &'a Span, key: &str) -> Option<&'a AttributeValue> {
    let of = |list: &'a [spandrel_model::Attribute]| list.iter().find(|a| a.key == key);
    of(&span.attributes).or_else(|| of(&span.resource.attributes)).map(|found| &found.value)
}

fn text(value: Option<&AttributeValue>) -> Value {
    match value {
        Some(AttributeValue::String(text)) => json!(text),
        _ => Value::Null,
    }
}

/// Counts, sums of durations and errors by a key, in the order of the keys.
fn grouped(spans: &[Span], key: impl Fn(&Span) -> Value) -> Value {
    let mut groups: BTreeMap<String, (Value, u64, u64, u64)> = BTreeMap::new();
    for span in spans {
        let key = key(span);
        let group = groups.entry(key.to_string()).or_insert((key, 0, 0, 0));
        group.1 += 1;
        group.2 += span.end_unix_nanos - span.start_unix_nanos;
        group.3 += u64::from(span.status_code == spandrel_model::StatusCode::Error);
    }
    groups.into_values().map(|(key, n, sum, errors)| json!([key, n, sum, errors])).collect()
}

const FIGURES: &str = "count(*), sum(duration_nanos), count(*) FILTER (WHERE status = 'error')";

#[tokio::test]
async fn counts_and_groups_are_those_of_the_spans() {
    let batches = batches(5);
    let spans = distinct(&batches);
    for placement in Placement::ALL {
        let place = Place::with(&batches, placement).await;
        assert_eq!(place.rows("SELECT count(*) FROM spans").await, json!([[60]]), "{placement:?}");
        for (column, key) in [
            ("service_name", "service.name"),
            ("attr('http.route')", "http.route"),
            ("attr('host.name')", "host.name"),
            ("attr('nowhere')", "nowhere"),
        ] {
            let query = format!("SELECT {column}, {FIGURES} FROM spans GROUP BY 1 ORDER BY 1");
            let expected = grouped(&spans, |span| text(attribute(span, key)));
            assert_eq!(place.rows(&query).await, expected, "{placement:?}: {query}");
        }
        let resource = "SELECT DISTINCT resource_attr('host.name') FROM spans ORDER BY 1";
        assert_eq!(place.rows(resource).await, json!([["host-0"], ["host-1"]]));
        let own = "SELECT count(*) FROM spans WHERE span_attr('host.name') IS NOT NULL";
        assert_eq!(place.rows(own).await, json!([[20]]));
    }
}

#[tokio::test]
async fn a_row_is_a_span() {
    for placement in Placement::ALL {
        let place = Place::with(&batches(2), placement).await;
        let rows = place.rows("SELECT * FROM spans WHERE span_id = '0000000000000006'").await;
        let expected = json!([[
            "00000000000000000000000000000002",
            "0000000000000006",
            "0000000000000005",
            "db",
            "GET /home",
            "internal",
            "2026-01-01T00:00:01.002Z",
            "2026-01-01T00:00:01.013Z",
            11.0,
            11_000_000,
            "error",
            "boom",
            "http",
            null,
            null,
            1.0,
        ]]);
        assert_eq!(rows, expected, "{placement:?}");
        let root = "SELECT parent_span_id, trace_state, weight, root_name, root_service_name, trace_duration_ms \
                    FROM spans WHERE span_id = '0000000000000007'";
        let expected = json!([[null, "ot=th:8", 2.0, "GET /pay/{id}", "shop", 32.0]]);
        assert_eq!(place.rows(root).await, expected, "{placement:?}");
    }
}

#[tokio::test]
async fn a_trace_that_is_spread_has_one_root() {
    let all = batches(1).remove(0);
    let (first, second): (Vec<Span>, Vec<Span>) =
        all.into_iter().partition(|span| span.parent_span_id.is_some());
    for placement in Placement::ALL {
        let place = Place::with(&[first.clone(), second.clone()], placement).await;
        let query = "SELECT root_service_name, trace_duration_ms, count(*) FROM spans GROUP BY 1, 2 ORDER BY 2";
        let expected =
            json!([["shop", 30.0, 3], ["shop", 31.0, 3], ["shop", 32.0, 3], ["shop", 33.0, 3]]);
        assert_eq!(place.rows(query).await, expected, "{placement:?}");
    }
}

#[tokio::test]
async fn times_bound_the_starts() {
    let batches = batches(3);
    for placement in Placement::ALL {
        let place = Place::with(&batches, placement).await;
        for (condition, expected) in [
            ("start_time >= '2026-01-01T00:00:10Z'", 6),
            ("start_time > '2026-01-01T00:00:10Z'", 5),
            ("start_time BETWEEN '2026-01-01T00:00:01Z' AND '2026-01-01T00:00:02Z'", 4),
            ("start_time < timestamp '2026-01-01 00:00:00.001'", 1),
            ("start_time > now()", 0),
            ("end_time < '2026-01-01T00:00:00.020Z'", 1),
        ] {
            let query = format!("SELECT count(*) FROM spans WHERE {condition}");
            assert_eq!(place.rows(&query).await, json!([[expected]]), "{placement:?}: {query}");
        }
        let range = TimeRange {
            start_unix_nanos: (BASE + 1000 * MILLI).cast_signed(),
            end_unix_nanos: (BASE + 2001 * MILLI).cast_signed(),
        };
        let count = place.ask(&TenantId::single(), "SELECT count(*) FROM spans", range).await;
        assert_eq!(count.unwrap().0["rows"], json!([[5]]), "{placement:?}");
    }
}

#[tokio::test]
async fn the_language_is_there() {
    let place = Place::with(&batches(3), Placement::Spread).await;
    for (query, expected) in [
        (
            "SELECT name, attr('status') AS s FROM spans WHERE attr('order.id') = 'order-4' \
             ORDER BY start_time DESC LIMIT 1",
            json!([["GET /home", 201]]),
        ),
        (
            "SELECT p.service_name, c.service_name, count(*) FROM spans p JOIN spans c \
             ON c.trace_id = p.trace_id AND c.parent_span_id = p.span_id GROUP BY 1, 2 ORDER BY 1",
            json!([["cart", "db", 12], ["shop", "cart", 12]]),
        ),
        (
            "SELECT a.attr('http.route'), b.span_attr('host.name') FROM spans a, spans b \
             WHERE a.span_id = '0000000000000001' AND b.span_id = '0000000000000003'",
            json!([["/cart", "own"]]),
        ),
        (
            "WITH slow AS (SELECT trace_id FROM spans WHERE duration_ms > 40) \
             SELECT count(DISTINCT trace_id) FROM spans WHERE trace_id IN (SELECT trace_id FROM slow)",
            json!([[1]]),
        ),
        (
            "SELECT date_trunc('minute', start_time) AS minute, count(*) FROM spans GROUP BY 1",
            json!([["2026-01-01T00:00:00Z", 36]]),
        ),
        (
            "SELECT service_name || ': ' || attr('status') FROM spans WHERE span_id = '0000000000000001'",
            json!([["shop: 200"]]),
        ),
        ("SELECT NULL || 'a', concat(NULL, 'a')", json!([[null, "a"]])),
        ("SELECT count(*) FROM (SELECT *, attr('status') FROM spans) AS s", json!([[36]])),
        ("SELECT sum(value) FROM generate_series(1, 10)", json!([[55]])),
        ("SELECT approx_percentile_cont(duration_ms, 0.5) > 10 FROM spans", json!([[true]])),
        (
            "SELECT name, row_number() OVER (ORDER BY start_time) FROM spans ORDER BY 2 LIMIT 1",
            json!([["GET /cart", 1]]),
        ),
        ("VALUES (1, 'a')", json!([[1, "a"]])),
    ] {
        assert_eq!(place.rows(query).await, expected, "{query}");
    }
    let tables = place.rows("SHOW TABLES").await;
    assert_eq!(tables[0], json!(["spandrel", "public", "spans", "BASE TABLE"]), "{tables}");
    let columns = place.rows("DESCRIBE spans").await;
    assert_eq!(columns.as_array().unwrap().len(), 16, "{columns}");
}

#[tokio::test]
async fn a_star_leaves_out_what_is_only_named() {
    let place = Place::with(&batches(1), Placement::OneBlock).await;
    let query = "SELECT *, attr('status') FROM spans LIMIT 1";
    let answer = place.ask(&TenantId::single(), query, TimeRange::ALL).await.unwrap().0;
    let columns = answer["columns"].as_array().unwrap();
    let names: Vec<&str> = columns.iter().map(|column| column["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 17, "{names:?}");
    assert_eq!((names[0], names[16]), ("trace_id", ".status"));
}

#[tokio::test]
async fn an_empty_store_has_an_empty_table() {
    let place = Place::with(&[], Placement::Live).await;
    assert_eq!(place.rows("SELECT count(*), max(attr('x')) FROM spans").await, json!([[0, null]]));
    assert_eq!(place.rows("SELECT * FROM spans").await, json!([]));
}
