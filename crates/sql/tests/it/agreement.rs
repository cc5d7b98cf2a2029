//! SQL and TraceQL agree on how many spans satisfy a condition that both can say.

use proptest::prelude::*;
use serde_json::json;
use spandrel_model::{AttributeValue, Span, TenantId};
use spandrel_query::MetricsQuery;
use spandrel_series::Intervals;

use crate::data::{BASE, attribute, batches, text};
use crate::place::{Place, Placement};

/// One condition, in SQL and in TraceQL.
#[derive(Debug, Clone)]
struct Condition {
    sql: String,
    traceql: String,
}

fn simple() -> impl Strategy<Value = Condition> {
    let texts = prop_oneof![Just("x"), Just("y"), Just("")];
    let of_text = (attribute_name(), texts).prop_map(|((sql, traceql), value)| Condition {
        sql: format!("{sql} = '{value}'"),
        traceql: format!("{traceql} = \"{value}\""),
    });
    let ops = proptest::sample::select(vec!["=", "<", "<=", ">", ">="]);
    let of_int = (ops.clone(), 198..204_i64).prop_map(|(op, number)| Condition {
        sql: format!("attr('status') {op} {number}"),
        traceql: format!(".status {op} {number}"),
    });
    let of_duration = (ops, 0..60_i64).prop_map(|(op, millis)| Condition {
        sql: format!("duration_nanos {op} {}", millis * 1_000_000),
        traceql: format!("duration {op} {millis}ms"),
    });
    let fixed = [
        ("attr('http.route') = '/cart'", ".http.route = \"/cart\""),
        ("service_name = 'shop'", "resource.service.name = \"shop\""),
        ("kind = 'client'", "kind = client"),
        ("status = 'error'", "status = error"),
        ("name = 'GET /home'", "name = \"GET /home\""),
        ("attr('cached')", ".cached = true"),
        ("span_attr('host.name') IS NOT NULL", "span.host.name != nil"),
        ("root_service_name = 'shop'", "rootServiceName = \"shop\""),
    ];
    let fixed = proptest::sample::select(fixed.to_vec())
        .prop_map(|(sql, traceql)| Condition { sql: sql.to_owned(), traceql: traceql.to_owned() });
    prop_oneof![1 => of_text, 1 => of_int, 1 => of_duration, 4 => fixed]
}

fn attribute_name() -> impl Strategy<Value = (&'static str, &'static str)> {
    proptest::sample::select(vec![
        ("attr('k')", ".k"),
        ("span_attr('k')", "span.k"),
        ("resource_attr('k')", "resource.k"),
    ])
}

fn condition() -> impl Strategy<Value = Condition> {
    let joined = |inner: BoxedStrategy<Condition>| {
        (inner.clone(), any::<bool>(), inner).prop_map(|(left, and, right)| {
            let (sql, traceql) = if and { ("AND", "&&") } else { ("OR", "||") };
            Condition {
                sql: format!("({} {sql} {})", left.sql, right.sql),
                traceql: format!("({} {traceql} {})", left.traceql, right.traceql),
            }
        })
    };
    simple().boxed().prop_recursive(3, 6, 2, joined)
}

/// The shop's spans, some of them with `k`, on the span or on the resource.
fn spans(keys: &[Option<(bool, &'static str)>]) -> Vec<Vec<Span>> {
    let mut batches = batches(4);
    let spans = batches.iter_mut().flatten().zip(keys.iter().cycle());
    for (span, key) in spans {
        let Some((of_resource, value)) = key else { continue };
        let own = attribute("k", text(value));
        match of_resource {
            true => std::sync::Arc::make_mut(&mut span.resource).attributes.push(own),
            false => span.attributes.push(own),
        }
        span.attributes.push(attribute("n", AttributeValue::Int(1)));
    }
    batches
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn sql_and_traceql_find_as_many_spans(
        condition in condition(),
        keys in proptest::collection::vec(
            proptest::option::of((any::<bool>(), proptest::sample::select(vec!["x", "y", ""]))),
            7..8,
        ),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            for placement in Placement::ALL {
                let place = Place::with(&spans(&keys), placement).await;
                let sql = format!("SELECT count(*) FROM spans WHERE {}", condition.sql);
                let by_traceql = counted(&place, &condition.traceql).await;
                assert_eq!(place.rows(&sql).await, json!([[by_traceql]]), "{placement:?} {condition:?}");
            }
        });
    }
}

async fn counted(place: &Place, condition: &str) -> u64 {
    let query = format!("{{ {condition} }} | count_over_time()");
    let start = BASE.cast_signed() - 1;
    let request = MetricsQuery {
        query: spandrel_traceql::compile(&query).unwrap(),
        intervals: Intervals::instant(start, start + 3_600_000_000_000).unwrap(),
        series_max: 10,
        exemplars_max: 0,
    };
    let answer = place.engine.metrics(&TenantId::single(), &request).await.unwrap();
    let values = answer.series.iter().flat_map(|series| &series.values);
    values.filter(|value| !value.is_nan()).sum::<f64>() as u64
}
