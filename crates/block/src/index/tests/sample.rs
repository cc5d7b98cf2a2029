//! A small index with something of everything, the same on every machine. The golden file holds it,
//! so it may not change once a release has written it.

use spandrel_model::{AttributeScope, SpanKind, TraceId};
use spandrel_service_model::{
    CellLimits, Connection, Names, Peer, Peers, Rollup, RollupBuilder, SpanFacts, Weight,
};

use crate::index::{
    AttributeDirectory, AttributeEntry, BlockFacts, BlockIndex, Filter, OperationDirectory,
    OperationDirectoryBuilder, Oversized, TokenFilters, TokenValue, TraceFacts, TraceTable,
    TraceTableBuilder, TypeSummary, token,
};

const SECOND: i64 = 1_000_000_000;
const BASE: i64 = 1_767_225_600 * SECOND;

/// The id of the sample's trace `i`.
pub(super) fn trace_id(i: u8) -> TraceId {
    TraceId(std::array::from_fn(|at| i.wrapping_mul(151).wrapping_add(at as u8)))
}

/// Tokens of the sample's row group `i`.
pub(super) fn tokens(i: i64) -> Vec<u64> {
    let value = |n: i64| token(AttributeScope::Span, "user.id", TokenValue::Int(i * 1000 + n));
    (0..40).map(value).collect()
}

/// The index: 30 traces, 2 row groups, 5 keys, 4 operations, and a roll-up of 40 other traces.
pub(super) fn sample() -> BlockIndex {
    let traces = traces();
    BlockIndex {
        facts: BlockFacts::of(&traces, i64::MIN, vec![0, 60], "spandrel 0.1.0"),
        token_filters: TokenFilters {
            row_groups: [0, 1].map(|i| Filter::build(&tokens(i))).into(),
        },
        attributes: attributes(),
        operations: operations(),
        services: Some(services()),
        traces,
    }
}

fn traces() -> TraceTable {
    let mut builder = TraceTableBuilder::default();
    for i in 0..30u8 {
        let start = BASE + i64::from(i % 10) * SECOND;
        let facts = TraceFacts {
            trace_id: trace_id(i),
            n_rows: u32::from(i % 7) + 1,
            start_unix_nanos: start,
            // A broken clock makes some traces end before they start.
            end_unix_nanos: start + i64::from(i) * 250_000 - 1_000_000,
            root_name: [Some("GET /cart"), Some("GET /health"), None][usize::from(i / 10)],
            root_service: (i < 20).then_some("frontend"),
            n_errors: u32::from(i % 4 == 3),
        };
        builder.push(&facts).unwrap();
    }
    builder.finish()
}

fn attributes() -> AttributeDirectory {
    let entry = |scope, key: &str, types: Vec<Option<TypeSummary>>| AttributeEntry {
        scope,
        key: key.into(),
        types: types.into_iter().flatten().collect(),
    };
    let methods = TypeSummary::strings([("GET", 80), ("POST", 36), ("PUT", 1)], true);
    let long = "x".repeat(300);
    let queries = TypeSummary::strings([(long.as_str(), 2), ("SELECT 1", 1)], false);
    let queries = TypeSummary { oversized: Oversized::of([300, 300]), ..queries };
    let mut codes = [200, 200, 404, 200, 500, -1];
    let mut ratios = [0.25, -0.0, f64::INFINITY, f64::NAN];
    AttributeDirectory::new(vec![
        entry(AttributeScope::Span, "http.request.method", vec![Some(methods)]),
        entry(AttributeScope::Span, "db.query.text", vec![Some(queries)]),
        entry(
            AttributeScope::Span,
            "mixed",
            vec![
                Some(TypeSummary::others(3, false)),
                TypeSummary::bools(4, 9, false),
                TypeSummary::ints(&mut codes, true),
                TypeSummary::doubles(&mut ratios, true),
            ],
        ),
        entry(
            AttributeScope::Resource,
            "service.name",
            vec![Some(TypeSummary::strings([("frontend", 100), ("cart", 17)], true))],
        ),
        entry(AttributeScope::Event, "exception.escaped", vec![TypeSummary::bools(0, 2, false)]),
    ])
}

/// A shop that asks a cart, which asks a database; a few traces are doubtful.
fn services() -> Rollup {
    let (mut names, mut peers) = (Names::default(), Peers::default());
    let mut code = |text| names.code(text);
    let (shop, cart, buy, get, sql, pg) =
        (code("shop"), code("cart"), code("buy"), code("get"), code("sql"), code("postgresql"));
    let database = Peer { name: cart, system: pg, service: 0, connection: Connection::Database };
    let database = peers.number(database);
    let mut builder = RollupBuilder::default();
    for i in 0..40_u32 {
        let start = BASE + i64::from(i) * 17 * SECOND;
        let span = |span_id, parent_id, service, name, kind| SpanFacts {
            span_id,
            parent_id,
            start_unix_nanos: start + i64::from(i) * 1000,
            duration_nanos: 1_000_003 * u64::from(i) * span_id,
            service,
            name,
            peer: if name == sql { database } else { 0 },
            kind,
            failed: i % 7 == 0,
            weight: Weight::of_spans(f64::from(i % 3)),
        };
        let mut spans = vec![
            span(1, 0, shop, buy, SpanKind::Server),
            span(2, 1, shop, get, SpanKind::Client),
            span(3, 2, cart, get, SpanKind::Server),
            span(4, 3, cart, sql, SpanKind::Client),
        ];
        if i % 13 == 5 {
            spans.push(spans[1]);
        }
        builder.add_trace(i, &spans, &names, &peers);
    }
    builder.finish(&names, CellLimits { cells_bytes: 1000, pairs: 100 })
}

fn operations() -> OperationDirectory {
    let mut builder = OperationDirectoryBuilder::default();
    for i in 0..117u64 {
        let (service, name, kind) = match i % 4 {
            0 => (Some("frontend"), "GET /cart", SpanKind::Server),
            1 => (Some("cart"), "GetCart", SpanKind::Server),
            2 => (Some("cart"), "GetCart", SpanKind::Client),
            _ => (None, "", SpanKind::Unspecified),
        };
        let id = builder.operation(service, name, kind);
        builder.stats_mut(id).record(i * i * 10_007, i % 9 == 0, i % 4 == 0);
    }
    builder.finish()
}
