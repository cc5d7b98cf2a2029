//! Random contents come back as they were written, and the tables answer like a slow simple model.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use spandrel_model::{AttributeScope, SpanKind, TraceId};
use spandrel_service_model::{CellLimits, Names, Peers, Rollup, RollupBuilder, SpanFacts, Weight};

use super::sample::{sample, tokens, trace_id};
use crate::index::{
    AttributeDirectory, AttributeEntry, BlockFacts, BlockIndex, Filter, IndexReader,
    OperationDirectory, OperationDirectoryBuilder, Oversized, TokenFilters, TraceFacts, TraceTable,
    TraceTableBuilder, TypeSummary,
};

prop_compose! {
    fn traces()(
        traces in vec(
            (any::<[u8; 16]>(), 0u32..9, any::<i64>(), any::<i64>(), option::of("[a-c]{0,2}"), 0u32..3),
            0..40,
        ),
    ) -> TraceTable {
        let mut builder = TraceTableBuilder::default();
        for (id, n_rows, start_unix_nanos, end_unix_nanos, name, n_errors) in &traces {
            let root_name = name.as_deref();
            let root_service = root_name.filter(|name| !name.is_empty());
            let (trace_id, n_rows, n_errors) = (TraceId(*id), *n_rows, *n_errors);
            let (start_unix_nanos, end_unix_nanos) = (*start_unix_nanos, *end_unix_nanos);
            builder.push(&TraceFacts {
                trace_id, n_rows, start_unix_nanos, end_unix_nanos, root_name, root_service, n_errors,
            }).unwrap();
        }
        builder.finish()
    }
}

fn scope() -> impl Strategy<Value = AttributeScope> {
    prop::sample::select(vec![
        AttributeScope::Span,
        AttributeScope::Resource,
        AttributeScope::Instrumentation,
        AttributeScope::Event,
        AttributeScope::Link,
    ])
}

prop_compose! {
    fn attributes()(
        entries in prop::collection::btree_map(
            (scope(), "[a-z.]{0,8}"),
            (
                option::of(prop::collection::btree_map(".{0,5}", 1u64..1000, 0..90)),
                vec(any::<i64>(), 0..90),
                vec(any::<f64>(), 0..4),
                (0u64..3, 0u64..3, 0u64..3, any::<bool>()),
            ),
            0..12,
        ),
    ) -> AttributeDirectory {
        AttributeDirectory::new(entries.into_iter().map(|((scope, key), values)| {
            let (texts, mut ints, mut doubles, (n_false, n_true, n_others, column)) = values;
            let counts = texts.iter().flatten().map(|(text, &n)| (text.as_str(), n));
            let types = [
                texts.is_some().then(|| TypeSummary::strings(counts, column)),
                TypeSummary::ints(&mut ints, column),
                TypeSummary::doubles(&mut doubles, !column),
                TypeSummary::bools(n_false, n_true, column),
                (n_others > 0).then(|| TypeSummary::others(n_others, column)),
            ];
            let sizes: Vec<u64> = ints.iter().map(|int| int.unsigned_abs() >> 8).collect();
            let oversized = Oversized::of(sizes);
            let types = types.into_iter().flatten();
            let types = types.map(|summary| TypeSummary { oversized, ..summary }).collect();
            AttributeEntry { scope, key: key.into(), types }
        }).collect())
    }
}

prop_compose! {
    fn operations()(
        spans in vec(
            (option::of("[a-c]"), "[a-c]{0,2}", 0u8..6, any::<u64>(), any::<bool>(), any::<bool>()),
            0..60,
        ),
        limit in 0usize..20,
    ) -> OperationDirectory {
        let mut builder = OperationDirectoryBuilder::default();
        for (service, name, kind, duration, is_error, is_root) in &spans {
            let kind = SpanKind::from_number(*kind);
            let id = builder.operation(service.as_deref(), name, kind);
            builder.stats_mut(id).record(*duration, *is_error, *is_root);
        }
        let directory = builder.finish_with_limit(limit);
        let n_spans: u64 = directory.operations().iter().map(|op| op.stats.n_spans).sum();
        assert_eq!(n_spans, spans.len() as u64, "folding lost spans");
        directory
    }
}

prop_compose! {
    fn services()(
        spans in vec(
            (1u64..6, 0u64..6, 0u32..3, 0u32..3, 0u8..6, any::<i32>(), any::<u64>(), any::<bool>()),
            0..60,
        ),
        n in 1usize..8,
        (cells_bytes, pairs) in (0usize..3000, 0usize..10),
    ) -> Rollup {
        let (mut names, peers) = (Names::default(), Peers::default());
        for text in ["b", "a", "c"] {
            names.code(text);
        }
        let mut builder = RollupBuilder::default();
        let facts = spans.into_iter().map(|span| {
            let (span_id, parent_id, service, name, kind, second, duration, failed) = span;
            SpanFacts {
                span_id, parent_id, service, name, peer: 0, failed,
                start_unix_nanos: i64::from(second) * 1_000_000_000,
                duration_nanos: duration,
                kind: SpanKind::from_number(kind),
                weight: Weight::of_spans((duration % 5) as f64),
            }
        });
        let facts: Vec<SpanFacts> = facts.collect();
        for (own, number) in facts.chunks(n).zip(0..) {
            builder.add_trace(number, own, &names, &peers);
        }
        builder.finish(&names, CellLimits { cells_bytes, pairs })
    }
}

prop_compose! {
    fn index()(
        traces in traces(),
        tokens in vec(vec(any::<u64>(), 0..50), 0..4),
        attributes in attributes(),
        operations in operations(),
        services in option::of(services()),
        writer in ".{0,9}",
    ) -> BlockIndex {
        let row_groups = (0..tokens.len() as u32).collect();
        let facts = BlockFacts::of(&traces, i64::MIN, row_groups, &writer);
        let row_groups = tokens.iter().map(|tokens| Filter::build(tokens)).collect();
        let token_filters = TokenFilters { row_groups };
        BlockIndex { facts, traces, token_filters, attributes, operations, services }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_index_comes_back_as_it_was(index in index()) {
        let bytes = index.encode().unwrap();
        prop_assert_eq!(&bytes, &index.encode().unwrap());
        let decoded = BlockIndex::decode(bytes.into()).unwrap();
        // As text, because a NaN does not equal itself.
        prop_assert_eq!(format!("{decoded:?}"), format!("{index:?}"));
    }

    #[test]
    fn the_trace_table_answers_like_a_list(table in traces()) {
        let rows: Vec<_> = table.iter().collect();
        let mut row = 0;
        for trace in &rows {
            prop_assert_eq!(trace.first_row, row);
            prop_assert_eq!(table.find(trace.facts.trace_id), Some(*trace));
            for _ in 0..trace.facts.n_rows {
                prop_assert_eq!(table.trace_of_row(row), Some(trace.ordinal));
                row += 1;
            }
        }
        prop_assert_eq!(table.trace_of_row(row), None);
        prop_assert_eq!(table.find(TraceId([7; 16])), None);
    }
}

#[test]
fn sections_decode_on_their_own() {
    let index = sample();
    let reader = IndexReader::open(index.encode().unwrap().into()).unwrap();
    assert_eq!(reader.facts().unwrap(), index.facts);
    assert_eq!(reader.facts().unwrap().row_group_of_row(59), Some(0));
    assert_eq!(reader.facts().unwrap().row_group_of_row(60), Some(1));
    assert_eq!(reader.facts().unwrap().row_group_of_row(index.facts.n_rows), None);
    assert_eq!(reader.traces().unwrap(), index.traces);
    assert_eq!(reader.operations().unwrap(), index.operations);
    assert!((0..30).all(|i| reader.trace_filter().unwrap().may_contain(trace_id(i))));
    let filters = reader.token_filters().unwrap();
    assert!(tokens(0).iter().all(|&token| filters.may_contain(0, token)));
    assert!(tokens(1).iter().all(|&token| filters.row_groups_with(token).any(|group| group == 1)));
    assert!(tokens(1).iter().any(|&token| !filters.may_contain(0, token)));
    assert!(filters.may_contain(2, 0), "an unknown row group may have every value");
    assert_eq!(
        filters.size_bytes(),
        filters.row_groups.iter().map(Filter::size_bytes).sum::<usize>()
    );
    let method = reader.attributes().unwrap();
    let method = method.find(AttributeScope::Span, "http.request.method").unwrap();
    assert!(method.types[0].complete);
}
