//! The conditions of a Jaeger search as one TraceQL filter: all of them hold for the same span.
//!
//! A tag is looked for on the span, its resource, its scope, its events and its links, and matches
//! by the printed form of the value. A few names mean something else, as in Jaeger: `error`,
//! `span.kind`, `span.status`, `scope.name`, `scope.version`, and `resource.` as a prefix.

use spandrel_traceql::ast::BinaryOp;
use spandrel_traceql::{Attribute, FieldExpr, Intrinsic, Kind, Scope, Static, Status};

use super::search_params::SpanQuery;
use crate::value_match::{all_of, any_of, compare, is_string, prints_as};

/// Where a tag may be.
const PLACES: [Scope; 5] =
    [Scope::Span, Scope::Resource, Scope::Instrumentation, Scope::Event, Scope::Link];
const KINDS: [Kind; 6] =
    [Kind::Unspecified, Kind::Internal, Kind::Server, Kind::Client, Kind::Producer, Kind::Consumer];
const STATUSES: [Status; 3] = [Status::Error, Status::Ok, Status::Unset];

/// The filter.
pub(super) fn filter(query: &SpanQuery) -> FieldExpr {
    let service = is_string(Attribute::scoped(Scope::Resource, "service.name"), &query.service);
    let operation = query.operation.as_deref().map(|name| is_string(Intrinsic::Name, name));
    let duration = |op, nanos| compare(Intrinsic::Duration, op, Static::Duration(nanos));
    let min = query.duration_min.map(|nanos| duration(BinaryOp::GreaterEqual, nanos));
    let max = query.duration_max.map(|nanos| duration(BinaryOp::LessEqual, nanos));
    let tags = query.tags.iter().map(|(key, value)| tag(key, value));
    all_of([service].into_iter().chain(operation).chain(min).chain(max).chain(tags))
}

fn tag(key: &str, value: &str) -> FieldExpr {
    special(key, value).unwrap_or_else(|| {
        any_of(PLACES.map(|scope| prints_as(&Attribute::scoped(scope, key), value)))
    })
}

/// None for a tag that is an ordinary attribute.
fn special(key: &str, value: &str) -> Option<FieldExpr> {
    let equals = |intrinsic, value| compare(intrinsic, BinaryOp::Equal, value);
    match key {
        "error" => {
            let op = if value.parse().ok()? { BinaryOp::Equal } else { BinaryOp::NotEqual };
            Some(compare(Intrinsic::Status, op, Static::Status(Status::Error)))
        }
        "span.status" => {
            let named = |status: &Status| status.as_str().eq_ignore_ascii_case(value);
            let status = STATUSES.into_iter().find(named)?;
            Some(equals(Intrinsic::Status, Static::Status(status)))
        }
        "span.kind" => {
            let named = |kind: &Kind| kind.as_str().eq_ignore_ascii_case(value);
            Some(equals(Intrinsic::Kind, Static::Kind(KINDS.into_iter().find(named)?)))
        }
        "scope.name" => Some(is_string(Intrinsic::InstrumentationName, value)),
        "scope.version" => Some(is_string(Intrinsic::InstrumentationVersion, value)),
        _ => {
            let key = key.strip_prefix("resource.").filter(|key| !key.is_empty())?;
            Some(prints_as(&Attribute::scoped(Scope::Resource, key), value))
        }
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
        SpanQuery {
            service: "shop".to_owned(),
            operation: None,
            tags: BTreeMap::new(),
            duration_min: None,
            duration_max: None,
            range: TimeRange::ALL,
            traces_max: 1,
        }
    }

    fn text(query: &SpanQuery) -> String {
        let query = filter_query(filter(query));
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
