//! Origins of errors, and health, over small traces.

use spandrel_insight::{
    ErrorOrigin, Finding, Problem, SpanTree, error_origins, health, propagation,
};
use spandrel_model::{Span, SpanKind, StatusCode};

use crate::shapes::{id, resource, span};

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
