//! The service model over random traces: the naive answer, wherever the spans lie and whatever the range is.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use spandrel_model::{Attribute, AttributeValue, Span, SpanKind, TenantId};
use spandrel_pipeline::{TraceBatch, TraceConsumer};
use spandrel_query::{
    Connection, Dependency, EdgesQuery, Figures, RedBy, RedKey, RedQuery, TimeRange,
};
use spandrel_translate::Room;

use crate::data::{BASE, batches};
use crate::naive::{self, NaiveTrace};
use crate::naive_services::{self, EdgeName, EdgeSums};
use crate::place::{Place, Placement};
use crate::property::sample;

const SEED: u8 = 31;
const DATA_SETS: usize = 24;
const SECOND: i64 = 1_000_000_000;

/// Spreads traces over minutes and gives spans peers and weights; copies stay copies.
fn prepare(span: &mut Span) {
    let number = span.trace_id.0[15];
    let shift = u64::from(number % 8) * 37 * SECOND.unsigned_abs();
    span.start_unix_nanos += shift;
    span.end_unix_nanos += shift;
    if number.is_multiple_of(3) {
        span.trace_state = "ot=th:8".to_owned();
    }
    let text = |text: &str| AttributeValue::String(text.to_owned());
    let peers = [
        vec![],
        vec![("db.system", text("postgresql")), ("db.name", text("orders"))],
        vec![("peer.service", text("cart"))],
        vec![("messaging.system", text("kafka")), ("messaging.destination.name", text("queue"))],
        vec![("server.address", text("10.0.0.1")), ("service.peer.name", text(""))],
        vec![("db.namespace", text(&"x".repeat(2000))), ("http.host", text("host"))],
        vec![("peer.service", AttributeValue::Int(7)), ("net.peer.name", text("shop"))],
    ];
    let which = usize::from(span.span_id.0[7].wrapping_mul(5) ^ number) % peers.len();
    let pairs = peers[which]
        .iter()
        .map(|(key, value)| Attribute { key: (*key).to_owned(), value: value.clone() });
    span.attributes.extend(pairs);
}

fn range(from_seconds: i64, to_seconds: i64) -> TimeRange {
    let at = |seconds: i64| BASE.cast_signed() + seconds * SECOND;
    TimeRange { start_unix_nanos: at(from_seconds), end_unix_nanos: at(to_seconds) - 1 }
}

/// Everything, whole buckets, cut buckets, and times in which there is nothing.
fn ranges() -> [TimeRange; 6] {
    let cut = TimeRange {
        start_unix_nanos: BASE.cast_signed() + 38 * SECOND + 1_000_000,
        end_unix_nanos: BASE.cast_signed() + 151 * SECOND + 2_000_000,
    };
    [TimeRange::ALL, range(0, 180), range(60, 240), range(37, 43), cut, range(900, 960)]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_service_model_is_what_the_definition_says() {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[SEED; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let (mut n_calls, mut n_external, mut n_links) = (0, 0, 0);
    for _ in 0..DATA_SETS {
        let mut batches = sample(&mut runner, batches());
        batches.iter_mut().flatten().for_each(prepare);
        let traces = naive::traces(&batches);
        for placement in Placement::ALL {
            let place = Place::with(&batches, placement).await;
            for range in ranges() {
                let context = format!("{placement:?} {range:?} {batches:#?}");
                let wanted = naive_services::edges(&traces, range);
                let got = edges(&place, range).await;
                assert_eq!(got, wanted, "{context}");
                n_calls += got.values().map(|sums| sums.0.calls).sum::<u64>();
                n_external += got.keys().filter(|key| key.3 != Connection::Direct).count();
                compare_red(&place, &traces, range, &context).await;
                let engine = &place.engine;
                let tenant = TenantId::single();
                let jaeger = engine.jaeger_dependencies(&tenant, range).await.unwrap();
                assert_eq!(jaeger, naive_services::jaeger(&traces, range), "{context}");
                let zipkin = engine.zipkin_dependencies(&tenant, range).await.unwrap();
                assert_eq!(zipkin, naive_services::zipkin(&traces, range), "{context}");
                n_links += zipkin.len();
            }
            place.close().await;
        }
    }
    println!("{n_calls} calls, {n_external} edges that are not direct, {n_links} links");
    assert!(n_calls > 4000 && n_external > 500 && n_links > 200);
}

async fn edges(place: &Place, range: TimeRange) -> BTreeMap<EdgeName, EdgeSums> {
    let tenant = TenantId::single();
    let answer = place.engine.service_edges(&tenant, &EdgesQuery::all(range)).await.unwrap();
    assert_eq!(answer.overflow, None);
    let sums = answer.edges.into_iter().map(|edge| {
        let name = (
            edge.client.to_string(),
            edge.server.to_string(),
            edge.system.to_string(),
            edge.connection,
        );
        let figures = edge.figures;
        (name, (figures.counts, figures.server_durations, figures.client_durations))
    });
    sums.collect()
}

/// Totals, filtered totals and intervals.
async fn compare_red(place: &Place, traces: &[NaiveTrace], range: TimeRange, context: &str) {
    let (engine, tenant) = (&place.engine, TenantId::single());
    let query = RedQuery::totals(range, RedBy::Operation);
    let answer = engine.red(&tenant, &query).await.unwrap();
    let wanted = naive_services::operations(traces, range);
    let got: BTreeMap<_, Figures> = answer
        .series
        .into_iter()
        .map(|series| match series.key {
            RedKey::Operation { service, name, kind } => {
                ((service.to_string(), name.to_string(), kind), series.total)
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(got, wanted, "{context}");

    let servers = RedQuery {
        services: vec!["shop".to_owned()],
        kinds: vec![SpanKind::Server],
        ..RedQuery::totals(range, RedBy::Service)
    };
    let mut sum = Figures::default();
    let own = wanted.iter().filter(|(key, _)| key.0 == "shop" && key.2 == SpanKind::Server);
    own.for_each(|(_, figures)| sum.merge(figures));
    let answer = engine.red(&tenant, &servers).await.unwrap();
    let total = answer.series.first().map(|series| series.total.clone()).unwrap_or_default();
    assert_eq!((answer.series.len() <= 1, total), (true, sum), "{context}");

    if range != TimeRange::ALL {
        let step = Duration::from_secs(30);
        let query = RedQuery { step: Some(step), ..RedQuery::totals(range, RedBy::Service) };
        let answer = engine.red(&tenant, &query).await.unwrap();
        for series in answer.series {
            let RedKey::Service(service) = &series.key else { panic!("{:?}", series.key) };
            for (i, point) in (0..).zip(&series.points) {
                let start = range.start_unix_nanos + i * 30 * SECOND;
                let end = (start + 30 * SECOND - 1).min(range.end_unix_nanos);
                let range = TimeRange { start_unix_nanos: start, end_unix_nanos: end };
                let mut wanted = Figures::default();
                let own = naive_services::operations(traces, range);
                let own = own.iter().filter(|(key, _)| key.0 == **service);
                own.for_each(|(_, figures)| wanted.merge(figures));
                assert_eq!(*point, wanted, "{service} {i} {context}");
            }
        }
    }
}

#[tokio::test]
async fn what_does_not_fit_is_shown() {
    let place = Place::empty().await;
    let limits = EdgesQuery { edges_max: 1, ..EdgesQuery::all(TimeRange::ALL) };
    let mut runner = TestRunner::deterministic();
    let mut batches = sample(&mut runner, batches());
    batches.iter_mut().flatten().for_each(prepare);
    place.send(&TenantId::single(), &batches.concat()).await;
    let tenant = TenantId::single();
    let all = place.engine.service_edges(&tenant, &EdgesQuery::all(TimeRange::ALL)).await.unwrap();
    let few = place.engine.service_edges(&tenant, &limits).await.unwrap();
    assert!(all.edges.len() > 2 && all.overflow.is_none(), "{all:?}");
    assert_eq!(few.edges, all.edges[..1]);
    let overflow = few.overflow.unwrap();
    assert_eq!(overflow.entries, all.edges.len() as u64 - 1);
    let rest: u64 = all.edges[1..].iter().map(|edge| edge.figures.counts.calls).sum();
    assert_eq!(overflow.counts.calls, rest);
    place.close().await;
}

/// Zipkin's integration tests.
#[tokio::test]
async fn zipkin_cases_have_zipkins_dependencies() {
    let Ok(text) = std::fs::read_to_string("../../../shared/suites/zipkin/zipkin_cases.json")
    else {
        println!("skipped: ../shared/suites is not there");
        return;
    };
    let cases: serde_json::Value = serde_json::from_str(&text).unwrap();
    let cases = cases["dependencies"].as_array().unwrap();
    let mut n_cases = 0;
    for case in cases {
        let mut spans = case["spans"].clone();
        for span in spans.as_array_mut().unwrap() {
            if let Some(at) = span["timestamp"].as_i64() {
                span["timestamp"] = (at + BASE.cast_signed() / 1000).into();
            }
        }
        let json = serde_json::to_vec(&spans).unwrap();
        let mut grant = |_: usize| true;
        let options = spandrel_zipkin::Options::default();
        let translated = spandrel_zipkin::v2_json(&json, options, &mut Room::new(&mut grant));
        let place = Place::empty().await;
        let batch = TraceBatch::otlp(TenantId::single(), translated.unwrap().otlp);
        place.store.consume(batch).await.unwrap();
        for flushed in [false, true] {
            if flushed {
                place.flush().await;
            }
            let tenant = TenantId::single();
            let got = place.engine.zipkin_dependencies(&tenant, TimeRange::ALL).await.unwrap();
            let wanted = case["expect"].as_array().unwrap().iter().map(|link| Dependency {
                parent: link["parent"].as_str().unwrap().into(),
                child: link["child"].as_str().unwrap().into(),
                calls: link["callCount"].as_u64().unwrap(),
                errors: link["errorCount"].as_u64().unwrap_or(0),
            });
            let mut wanted: Vec<Dependency> = wanted.collect();
            wanted.sort();
            assert_eq!(got, wanted, "{} flushed: {flushed}", case["name"]);
        }
        place.close().await;
        n_cases += 1;
    }
    println!("{n_cases} cases");
    assert!(n_cases >= 8);
}
