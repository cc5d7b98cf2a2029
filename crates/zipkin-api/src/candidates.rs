//! A search as TraceQL that finds every trace that may be an answer; the spans of each decide.
//!
//! Conditions are spansets joined by `&&`, because each may be met by another span. What Zipkin sees differently from
//! what is stored (tags that are made of other fields) is left to the decision.

use spandrel_query::TimeRange;
use spandrel_traceql::ast::{BinaryOp, Pipeline, Root, SpansetExpr, SpansetOp, Stage};
use spandrel_traceql::{Attribute, FieldExpr, Intrinsic, Query, Scope, Static, Status};

use crate::annotation_query::Term;
use crate::names::REMOTE_SERVICE;
use crate::query::{Times, ZipkinQuery};

/// Where a tag may be stored.
const PLACES: [Scope; 3] = [Scope::Span, Scope::Resource, Scope::Instrumentation];
/// Tags that are made of something else than an attribute of that name.
const MADE: [&str; 7] = [
    "otel.library.name",
    "otel.library.version",
    "otel.status_code",
    "otel.status_description",
    "otlp.service.name.source",
    "span.kind",
    "w3c.tracestate",
];
const MADE_PREFIX: &str = "otlp.link.";
/// More conditions are left to the decision: the depth of the query is bounded.
const TERMS_MAX: usize = 50;
/// Durations are rounded to microseconds, half of one away.
const HALF_MICRO_NANOS: i64 = 500;

/// The query, given the filter for spans of the service and the spellings of the span's name.
pub(crate) fn query(
    query: &ZipkinQuery,
    of_service: Option<&FieldExpr>,
    span_names: &[String],
) -> Query {
    let mut conditions: Vec<FieldExpr> = Vec::new();
    if query.span_name.is_some() {
        conditions.push(any_of(span_names.iter().map(|name| is_string(Intrinsic::Name, name))));
    }
    if let Some(name) = &query.remote_service {
        let pattern = format!("(?i){}", escaped(name));
        let of = |key| {
            let attribute = Attribute::scoped(Scope::Span, key);
            compare(attribute, BinaryOp::Regex, Static::String(pattern.clone()))
        };
        conditions.push(any_of(REMOTE_SERVICE.map(of)));
    }
    conditions.extend(duration(query));
    conditions.extend(query.terms.iter().take(TERMS_MAX).filter_map(term));
    if conditions.is_empty() {
        conditions.push(FieldExpr::Static(Static::Bool(true)));
    }
    let spansets = conditions.into_iter().map(|condition| {
        SpansetExpr::Filter(match of_service {
            Some(service) => FieldExpr::binary(BinaryOp::And, service.clone(), condition),
            None => condition,
        })
    });
    let and = |lhs, rhs| SpansetExpr::Operation {
        op: SpansetOp::And,
        lhs: Box::new(lhs),
        rhs: Box::new(rhs),
    };
    let spanset = spansets.reduce(and).expect("there is a condition");
    Query {
        root: Root::Pipeline(Pipeline { stages: vec![Stage::Spanset(spanset)] }),
        hints: Vec::new(),
    }
}

/// The times in nanoseconds; a trace that begins in them overlaps them.
pub(crate) fn range(times: Times) -> TimeRange {
    TimeRange {
        start_unix_nanos: times.from_micros.saturating_mul(1_000).saturating_sub(1_000),
        end_unix_nanos: times.to_micros.saturating_mul(1_000).saturating_add(1_000),
    }
}

fn duration(query: &ZipkinQuery) -> Option<FieldExpr> {
    let nanos = |micros: u64| i64::try_from(micros).unwrap_or(i64::MAX).saturating_mul(1_000);
    let bound = |op, nanos| compare(Intrinsic::Duration, op, Static::Duration(nanos));
    // Whatever is shorter than a microsecond lasts one.
    let min = query
        .duration_min_micros
        .filter(|min| *min > 1)
        .map(|min| bound(BinaryOp::GreaterEqual, nanos(min).saturating_sub(HALF_MICRO_NANOS)));
    let max = query
        .duration_max_micros
        .map(|max| bound(BinaryOp::LessEqual, nanos(max).saturating_add(HALF_MICRO_NANOS)));
    [min, max].into_iter().flatten().reduce(|a, b| FieldExpr::binary(BinaryOp::And, a, b))
}

/// None for a term that cannot be asked for.
fn term(term: &Term) -> Option<FieldExpr> {
    let key = term.key.as_str();
    if key == "error" {
        return Some(compare(Intrinsic::Status, BinaryOp::Equal, Static::Status(Status::Error)));
    }
    if MADE.contains(&key) || key.starts_with(MADE_PREFIX) {
        return None;
    }
    let attributes = PLACES.map(|scope| Attribute::scoped(scope, key));
    let Some(value) = &term.value else {
        // An event with attributes is written with them.
        if key.contains('|') {
            return None;
        }
        let exists =
            attributes.map(|attribute| compare(attribute, BinaryOp::NotEqual, Static::Nil));
        let event = is_string(Intrinsic::EventName, key);
        return Some(any_of(exists.into_iter().chain([event])));
    };
    Some(any_of(attributes.map(|attribute| prints_as(&attribute, value))))
}

/// Whether the attribute's text may be this. What is no plain value may have any text.
fn prints_as(attribute: &Attribute, text: &str) -> FieldExpr {
    let equals = |value| compare(attribute.clone(), BinaryOp::Equal, value);
    if text.starts_with(['[', '{']) {
        return compare(attribute.clone(), BinaryOp::NotEqual, Static::Nil);
    }
    let number = text.parse::<i64>().map(Static::Int).ok();
    let float = text.parse::<f64>().map(Static::Float).ok();
    let truth = text.parse::<bool>().map(Static::Bool).ok();
    let typed = truth.or(number).or(float);
    any_of([Some(Static::String(text.to_owned())), typed].into_iter().flatten().map(equals))
}

/// At least one of the expressions; none is true of no span.
pub(crate) fn any_of(exprs: impl IntoIterator<Item = FieldExpr>) -> FieldExpr {
    let joined = exprs.into_iter().reduce(|lhs, rhs| FieldExpr::binary(BinaryOp::Or, lhs, rhs));
    joined.unwrap_or(FieldExpr::Static(Static::Bool(false)))
}

/// Whether the attribute is this string.
pub(crate) fn is_string(attribute: impl Into<Attribute>, text: &str) -> FieldExpr {
    compare(attribute, BinaryOp::Equal, Static::String(text.to_owned()))
}

/// A comparison of an attribute with a constant.
pub(crate) fn compare(attribute: impl Into<Attribute>, op: BinaryOp, value: Static) -> FieldExpr {
    let attribute = FieldExpr::Attribute(attribute.into());
    FieldExpr::binary(op, attribute, FieldExpr::Static(value))
}

/// A single filter as a query.
pub(crate) fn filter_query(filter: FieldExpr) -> Query {
    let stages = vec![Stage::Spanset(SpansetExpr::Filter(filter))];
    Query { root: Root::Pipeline(Pipeline { stages }), hints: Vec::new() }
}

/// A text that matches itself in a regular expression.
fn escaped(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for letter in text.chars() {
        if r"\.+*?()|[]{}^$".contains(letter) {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use spandrel_traceql::{parse, validate};

    use super::*;
    use crate::params::Params;

    /// The query for these parameters, where names are spelled in lower case.
    fn query_of(parameters: &str) -> Query {
        let asked = ZipkinQuery::read(&Params::parse(parameters), 1_000_000_000_000).unwrap();
        let service = asked
            .service
            .as_ref()
            .map(|name| is_string(Attribute::scoped(Scope::Resource, "service.name"), name));
        let names: Vec<String> = asked.span_name.iter().cloned().collect();
        let query = query(&asked, service.as_ref(), &names);
        assert_eq!(validate(&query), Ok(()));
        query
    }

    #[test]
    fn each_condition_may_be_met_by_another_span() {
        for (parameters, text) in [
            ("", "{ true }"),
            ("serviceName=A", "{ resource.service.name = `a` && true }"),
            (
                "spanName=get&remoteServiceName=d.b&minDuration=2&maxDuration=3",
                "{ name = `get` } && \
                 { span.service.peer.name =~ `(?i)d\\.b` || span.peer.service =~ `(?i)d\\.b` } && \
                 { duration >= 1500ns && duration <= 3500ns }",
            ),
            (
                "serviceName=a&annotationQuery=error+and+otel.status_code=OK",
                "{ resource.service.name = `a` && status = error }",
            ),
        ] {
            assert_eq!(query_of(parameters), parse(text).unwrap(), "{parameters}");
        }
    }
}
