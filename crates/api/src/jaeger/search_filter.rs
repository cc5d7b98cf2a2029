//! The conditions of a Jaeger search as one TraceQL filter: all of them hold for the same span.
//!
//! A tag is looked for on the span, its resource, its scope, its events and its links, and matches
//! by the printed form of the value. A few names mean something else, see [`Special`].

use spandrel_model::{SpanKind, StatusCode};
use spandrel_traceql::ast::BinaryOp;
use spandrel_traceql::{Attribute, FieldExpr, Intrinsic, Kind, Scope, Static, Status};

use super::span_query::{SpanQuery, Special};
use crate::value_match::{all_of, any_of, compare, is_string, prints_as};

/// Where a tag may be.
const PLACES: [Scope; 5] =
    [Scope::Span, Scope::Resource, Scope::Instrumentation, Scope::Event, Scope::Link];

/// A filter that passes every span that the query wants.
pub(super) struct Wide {
    pub(super) filter: FieldExpr,
    /// Whether it passes no other span, as far as its time is in the range.
    pub(super) is_exact: bool,
}

/// The filter.
pub(super) fn filter(query: &SpanQuery) -> Wide {
    let service = query.service.as_deref().map(|name| is_string(service_name(), name));
    let operation = query.operation.as_deref().map(|name| is_string(Intrinsic::Name, name));
    let duration = |op, nanos| compare(Intrinsic::Duration, op, Static::Duration(nanos));
    let min = query.duration_min.map(|nanos| duration(BinaryOp::GreaterEqual, nanos));
    let max = query.duration_max.map(|nanos| duration(BinaryOp::LessEqual, nanos));
    let tags = query.tags.iter().map(|(key, value)| tag(key, value));
    let structured = query.filter.as_ref().map(|filter| filter.wide());
    let exact = structured.as_ref().is_none_or(|wide| wide.is_exact);
    let structured = structured.map(|wide| wide.filter);
    let all = service.into_iter().chain(operation).chain(min).chain(max).chain(tags);
    Wide { filter: all_of(all.chain(structured)), is_exact: exact }
}

/// Where the name of a service is.
pub(super) fn service_name() -> Attribute {
    Attribute::scoped(Scope::Resource, "service.name")
}

fn tag(key: &str, value: &str) -> FieldExpr {
    match Special::of(key, value) {
        Some(special) => special_tag(special),
        None => any_of(PLACES.map(|scope| prints_as(&Attribute::scoped(scope, key), value))),
    }
}

fn special_tag(special: Special<'_>) -> FieldExpr {
    let equals = |intrinsic, value| compare(intrinsic, BinaryOp::Equal, value);
    match special {
        Special::Failed(failed) => {
            let op = if failed { BinaryOp::Equal } else { BinaryOp::NotEqual };
            compare(Intrinsic::Status, op, Static::Status(Status::Error))
        }
        Special::Status(status) => {
            equals(Intrinsic::Status, Static::Status(traceql_status(status)))
        }
        Special::Kind(kind) => equals(Intrinsic::Kind, Static::Kind(traceql_kind(kind))),
        Special::ScopeName(name) => is_string(Intrinsic::InstrumentationName, name),
        Special::ScopeVersion(version) => is_string(Intrinsic::InstrumentationVersion, version),
        Special::Resource(key, value) => prints_as(&Attribute::scoped(Scope::Resource, key), value),
    }
}

pub(super) fn traceql_status(status: StatusCode) -> Status {
    match status {
        StatusCode::Unset => Status::Unset,
        StatusCode::Ok => Status::Ok,
        StatusCode::Error => Status::Error,
    }
}

pub(super) fn traceql_kind(kind: SpanKind) -> Kind {
    match kind {
        SpanKind::Unspecified => Kind::Unspecified,
        SpanKind::Internal => Kind::Internal,
        SpanKind::Server => Kind::Server,
        SpanKind::Client => Kind::Client,
        SpanKind::Producer => Kind::Producer,
        SpanKind::Consumer => Kind::Consumer,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use spandrel_query::TimeRange;
    use spandrel_traceql::validate;

    use super::*;
    use crate::value_match::filter_query;

    fn query() -> SpanQuery {
        SpanQuery { service: Some("shop".to_owned()), ..SpanQuery::any(TimeRange::ALL) }
    }

    fn text(query: &SpanQuery) -> String {
        let query = filter_query(filter(query).filter);
        assert_eq!(validate(&query), Ok(()));
        query.to_string()
    }

    fn tag_text(key: &str, value: &str) -> String {
        let query = filter_query(tag(key, value));
        assert_eq!(validate(&query), Ok(()));
        query.to_string()
    }

    #[test]
    fn everything_holds_for_one_span() {
        assert_eq!(text(&SpanQuery::any(TimeRange::ALL)), "{ true }");
        assert_eq!(text(&query()), "{ resource.service.name = `shop` }");
        let full = SpanQuery {
            operation: Some("GET /".to_owned()),
            duration_min: Some(4_000_000),
            duration_max: Some(5_000_000),
            tags: BTreeMap::from([("error".to_owned(), "true".to_owned())]),
            ..query()
        };
        assert_eq!(
            text(&full),
            "{ ((((resource.service.name = `shop`) && (name = `GET /`)) && (duration >= 4ms)) && \
                (duration <= 5ms)) && (status = error) }"
        );
    }

    #[test]
    fn a_tag_may_be_in_five_places_and_of_any_type() {
        assert_eq!(
            tag_text("a b", "x"),
            "{ ((((span.\"a b\" = `x`) || (resource.\"a b\" = `x`)) || (instrumentation.\"a b\" \
                = `x`)) || (event.\"a b\" = `x`)) || (link.\"a b\" = `x`) }"
        );
        let typed = tag_text("http.status_code", "500");
        assert!(
            typed.contains("(span.http.status_code = `500`) || (span.http.status_code = 500)"),
            "{typed}"
        );
        assert!(
            typed.contains("(event.http.status_code = `500`) || (event.http.status_code = 500)"),
            "{typed}"
        );
    }

    #[test]
    fn names_with_a_meaning_of_their_own() {
        for (key, value, expected) in [
            ("error", "true", "{ status = error }"),
            ("error", "false", "{ status != error }"),
            ("span.status", "Error", "{ status = error }"),
            ("span.status", "unset", "{ status = unset }"),
            ("span.kind", "server", "{ kind = server }"),
            ("scope.name", "lib", "{ instrumentation:name = `lib` }"),
            ("scope.version", "1", "{ instrumentation:version = `1` }"),
            ("resource.host.name", "web", "{ resource.host.name = `web` }"),
        ] {
            assert_eq!(tag_text(key, value), expected);
        }
        assert!(tag_text("error", "timeout").starts_with("{ ((((span.error = `timeout`)"));
        assert!(tag_text("span.kind", "rpc").starts_with("{ ((((span.span.kind = `rpc`)"));
    }
}
