//! What is not read.

use serde_json::json;
use spandrel_model::TenantId;
use spandrel_query::TimeRange;

use crate::data::batches;
use crate::place::{Place, Placement};

#[tokio::test]
async fn conditions_rule_row_groups_out() {
    // Nine blocks of one row group, and a live run.
    let place = Place::with(&batches(10), Placement::Spread).await;
    for (condition, n_rows, row_groups) in [
        ("true", 120, 9),
        ("attr('order.id') = 'order-6'", 3, 1),
        ("attr('order.id') IN ('order-6', 'order-30')", 6, 2),
        ("attr('order.id') = 'order-6' OR service_name = 'nobody'", 3, 1),
        ("trace_id = '00000000000000000000000000000007'", 3, 1),
        ("start_time < '2026-01-01T00:00:04Z'", 12, 1),
        ("start_time >= '2026-01-01T00:00:36Z'", 12, 0),
        ("duration_ms > 65.5", 4, 0),
        ("service_name = 'shop' AND attr('nowhere') = 'x'", 0, 0),
        ("service_name = 'nobody'", 0, 0),
        // Both languages have it, but a text does not tell what it was.
        ("attr('mixed') = '6'", 1, 9),
        ("upper(attr('order.id')) = 'ORDER-6'", 3, 9),
    ] {
        let query = format!("SELECT count(*) FROM spans WHERE {condition}");
        let (answer, inspected) =
            place.ask(&TenantId::single(), &query, TimeRange::ALL).await.unwrap();
        assert_eq!(answer["rows"], json!([[n_rows]]), "{query}");
        assert_eq!(inspected.row_groups_read, row_groups, "{query}");
    }
}

#[tokio::test]
async fn the_plan_says_what_is_read() {
    let place = Place::with(&batches(3), Placement::Spread).await;
    let plan =
        place.rows("EXPLAIN SELECT count(*) FROM spans WHERE attr('order.id') = 'order-1'").await;
    let plan = plan.to_string();
    assert!(
        plan.contains("SpansExec: columns=[.order.id], filter={ .order.id = `order-1` }"),
        "{plan}"
    );
    assert!(plan.contains("row_groups_pruned=1"), "{plan}");
}

#[tokio::test]
async fn the_newest_rows_are_found_without_reading_the_rest() {
    // Only one unit at a time is read ahead by each core, and there are more blocks than cores.
    let place = Place::with(&batches(60), Placement::Spread).await;
    let query = "SELECT attr('order.id'), start_time FROM spans ORDER BY start_time DESC LIMIT 2";
    let (answer, inspected) = place.ask(&TenantId::single(), query, TimeRange::ALL).await.unwrap();
    assert_eq!(answer["rows"][1], json!(["order-239", "2026-01-01T00:03:59.001Z"]));
    assert!(inspected.row_groups_read < 59, "{}", inspected.row_groups_read);
}
