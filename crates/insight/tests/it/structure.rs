//! Structures, their comparison, origins of errors, and health, over small traces.

use spandrel_insight::{
    Change, ErrorOrigin, Finding, Problem, SpanTree, Structure, compare, error_origins, health,
    propagation,
};
use spandrel_model::{Span, SpanKind, StatusCode};

use crate::shapes::{id, resource, span};

fn named(name: &str, span: Span) -> Span {
    Span { name: name.to_owned(), ..span }
}

fn structure(traces: &[Vec<Span>], nodes_max: usize) -> Structure {
    let mut structure = Structure::new(nodes_max);
    for spans in traces {
        structure.add(spans, &SpanTree::new(spans));
    }
    structure
}

fn trace_of(queries: u64) -> Vec<Span> {
    let mut spans = vec![named("GET", span(1, 0, 0, 100))];
    spans.extend((0..queries).map(|i| named("query", span(10 + i, 1, 10 * i, 10 * i + 5))));
    spans
}

#[test]
fn spans_of_one_path_are_one_node() {
    let mut failing = trace_of(2);
    failing[2].status_code = StatusCode::Error;
    let structure = structure(&[trace_of(4), failing], 100);
    let nodes: Vec<_> = structure
        .nodes()
        .iter()
        .map(|node| {
            let name = node.operation.as_str();
            (name, node.parent, node.n_spans, node.n_traces, node.n_errors, node.self_nanos)
        })
        .collect();
    assert_eq!(nodes, [("GET", None, 2, 2, 0, 80 + 90), ("query", Some(0), 6, 2, 1, 6 * 5)]);
    assert_eq!(structure.n_spans_left_out(), 0);
}

#[test]
fn what_has_no_place_is_counted() {
    let mut spans = trace_of(3);
    spans.push(span(20, 10, 1, 2));
    let structure = structure(&[spans], 2);
    assert_eq!(structure.nodes().len(), 2);
    assert_eq!(structure.n_spans_left_out(), 3, "two leaves and what is below the first query");
}

#[test]
fn a_client_is_not_shown_beside_its_server() {
    let mut client = span(2, 1, 10, 50);
    client.kind = SpanKind::Client;
    let mut server = named("serve", span(3, 2, 20, 40));
    server.kind = SpanKind::Server;
    let structure = structure(&[vec![named("GET", span(1, 0, 0, 100)), client, server]], 100);
    let nodes: Vec<_> =
        structure.nodes().iter().map(|node| (node.operation.as_str(), node.parent)).collect();
    assert_eq!(nodes, [("GET", None), ("serve", Some(0))]);
}

#[test]
fn structures_are_compared_per_trace() {
    let mut other = trace_of(2);
    other.push(named("mail", span(50, 1, 50, 60)));
    let before = structure(&[trace_of(4), trace_of(4)], 100);
    let after = structure(&[other], 100);
    let changes = |before, after| -> Vec<(String, Change)> {
        let name = |node: Option<&spandrel_insight::Node>| node.map(|node| node.operation.clone());
        compare(before, after)
            .iter()
            .map(|one| (name(one.before.or(one.after)).unwrap(), one.change))
            .collect()
    };
    let of = |name: &str, change| (name.to_owned(), change);
    assert_eq!(
        changes(&before, &after),
        [of("GET", Change::Same), of("query", Change::Less(50.0)), of("mail", Change::Added)]
    );
    assert_eq!(
        changes(&after, &before),
        [of("GET", Change::Same), of("query", Change::More(50.0)), of("mail", Change::Removed)]
    );
}

#[test]
fn an_error_begins_where_nothing_below_failed() {
    let failed = |span: Span| Span { status_code: StatusCode::Error, ..span };
    let spans = vec![
        failed(span(1, 0, 0, 100)),
        failed(span(2, 1, 0, 50)),
        failed(span(3, 2, 0, 40)),
        span(4, 1, 50, 90),
        failed(span(5, 4, 50, 80)),
    ];
    let tree = SpanTree::new(&spans);
    let origins = error_origins(&spans, &tree);
    assert_eq!(
        origins,
        [
            ErrorOrigin { span: 2, reached: 0, n_propagated: 2, reached_top: true },
            ErrorOrigin { span: 4, reached: 4, n_propagated: 0, reached_top: false },
        ]
    );
    assert_eq!(propagation(&tree, &origins[0]).collect::<Vec<_>>(), [2, 1, 0]);
}

#[test]
fn health_names_what_is_wrong() {
    let mut unnamed = span(6, 1, 5, 6);
    unnamed.resource = resource(&[]);
    let mut client = span(7, 1, 20, 30);
    client.kind = SpanKind::Client;
    let mut server = span(8, 7, 18, 35);
    server.kind = SpanKind::Server;
    let spans = vec![
        span(1, 0, 5, 100),
        span(2, 9, 10, 20),
        span(3, 3, 10, 20),
        span(4, 5, 10, 20),
        span(5, 4, 12, 20),
        unnamed,
        client,
        server,
        span(10, 0, 50, 40),
        span(10, 0, 150, 160),
        span(11, 1, 0, 7),
    ];
    let findings = health(&spans, &SpanTree::new(&spans));
    let is = |span, problem| Finding { span, problem };
    assert_eq!(
        findings,
        [
            is(1, Problem::MissingParent(id(9))),
            is(2, Problem::OwnParent),
            is(3, Problem::Cycle),
            is(5, Problem::NoService),
            is(7, Problem::StartsBeforeParent(2)),
            is(7, Problem::EndsAfterParent(5)),
            is(8, Problem::AnotherRoot { first: 0, within_first: true }),
            is(8, Problem::EndsBeforeStart(10)),
            is(9, Problem::AnotherRoot { first: 0, within_first: false }),
            is(9, Problem::DuplicateId { first: 8 }),
            is(10, Problem::NoStart),
            is(10, Problem::StartsBeforeParent(5)),
        ]
    );
}
