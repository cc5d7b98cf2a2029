//! What a search asks of one span, and whether a span is like that.
//!
//! The engine finds traces by a TraceQL filter that may be too wide; what is said here decides.

use std::collections::BTreeMap;

use spandrel_model::{Attribute, Span, SpanKind, StatusCode};
use spandrel_query::TimeRange;

use super::filter::Filter;
use super::printed::printed;

/// Traces that are returned when nobody says how many.
pub(super) const TRACES_DEFAULT: usize = 100;
/// Traces that one search may return.
pub(super) const TRACES_MAX: usize = 100_000;

/// Conditions on one span.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SpanQuery {
    /// Any service when not given.
    pub(super) service: Option<String>,
    pub(super) operation: Option<String>,
    pub(super) tags: BTreeMap<String, String>,
    /// Shortest duration, in nanoseconds.
    pub(super) duration_min: Option<i64>,
    /// Longest duration, in nanoseconds.
    pub(super) duration_max: Option<i64>,
    /// A structured filter; then there are no other conditions but the time.
    pub(super) filter: Option<Filter>,
    /// When the span starts.
    pub(super) range: TimeRange,
    pub(super) traces_max: usize,
}

impl SpanQuery {
    /// Everything that starts in the range.
    pub(super) fn any(range: TimeRange) -> Self {
        Self {
            service: None,
            operation: None,
            tags: BTreeMap::new(),
            duration_min: None,
            duration_max: None,
            filter: None,
            range,
            traces_max: TRACES_DEFAULT,
        }
    }

    /// Whether the span satisfies all of it.
    pub(super) fn accepts(&self, span: &Span) -> bool {
        let start = i64::try_from(span.start_unix_nanos).unwrap_or(i64::MAX);
        let duration = span.duration_nanos();
        let service = self.service.as_deref();
        start >= self.range.start_unix_nanos
            && start <= self.range.end_unix_nanos
            && service.is_none_or(|service| span.resource.service_name() == Some(service))
            && self.operation.as_ref().is_none_or(|name| span.name == *name)
            && self.duration_min.is_none_or(|min| duration >= min)
            && self.duration_max.is_none_or(|max| duration <= max)
            && self.tags.iter().all(|(key, value)| has_tag(span, key, value))
            && self.filter.as_ref().is_none_or(|filter| filter.accepts(span))
    }
}

/// A tag whose name means a field of the span rather than an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Special<'a> {
    /// The span failed, or did not.
    Failed(bool),
    Status(StatusCode),
    Kind(SpanKind),
    ScopeName(&'a str),
    ScopeVersion(&'a str),
    /// An attribute of the resource, by its key.
    Resource(&'a str, &'a str),
}

impl<'a> Special<'a> {
    /// None for a tag that is an ordinary attribute.
    pub(super) fn of(key: &'a str, value: &'a str) -> Option<Self> {
        match key {
            "error" => go_bool(value).map(Self::Failed),
            "span.status" => {
                let named = |status: &StatusCode| status.as_str().eq_ignore_ascii_case(value);
                StatusCode::ALL.into_iter().find(named).map(Self::Status)
            }
            "span.kind" => {
                let named = |kind: &SpanKind| kind.as_str().eq_ignore_ascii_case(value);
                SpanKind::ALL.into_iter().find(named).map(Self::Kind)
            }
            "scope.name" => Some(Self::ScopeName(value)),
            "scope.version" => Some(Self::ScopeVersion(value)),
            _ => {
                let key = key.strip_prefix("resource.").filter(|key| !key.is_empty())?;
                Some(Self::Resource(key, value))
            }
        }
    }

    fn is_of(self, span: &Span) -> bool {
        match self {
            Self::Failed(failed) => failed == (span.status_code == StatusCode::Error),
            Self::Status(status) => span.status_code == status,
            Self::Kind(kind) => span.kind == kind,
            Self::ScopeName(name) => span.scope.name == name,
            Self::ScopeVersion(version) => span.scope.version == version,
            Self::Resource(key, value) => is_among(&span.resource.attributes, key, value),
        }
    }
}

/// A truth value in one of Go's spellings.
pub(super) fn go_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

fn has_tag(span: &Span, key: &str, value: &str) -> bool {
    if let Some(special) = Special::of(key, value) {
        return special.is_of(span);
    }
    let own = [&span.attributes, &span.resource.attributes, &span.scope.attributes];
    own.into_iter().any(|attributes| is_among(attributes, key, value))
        || span.events.iter().any(|event| is_among(&event.attributes, key, value))
        || span.links.iter().any(|link| is_among(&link.attributes, key, value))
}

fn is_among(attributes: &[Attribute], key: &str, value: &str) -> bool {
    attributes.iter().any(|attribute| attribute.key == key && printed(&attribute.value) == value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_trace::checkout;

    #[test]
    fn one_span_has_to_satisfy_everything() {
        let trace = checkout();
        let span = &trace.spans[0];
        let service = span.resource.service_name().unwrap().to_owned();
        let all = SpanQuery {
            service: Some(service),
            operation: Some(span.name.clone()),
            duration_max: Some(span.duration_nanos()),
            ..SpanQuery::any(TimeRange::ALL)
        };
        assert!(all.accepts(span));
        let start = i64::try_from(span.start_unix_nanos).unwrap();
        let at = |start_unix_nanos, end_unix_nanos| TimeRange { start_unix_nanos, end_unix_nanos };
        assert!(SpanQuery { range: at(start, start), ..all.clone() }.accepts(span));
        for other in [
            SpanQuery { service: Some("none".to_owned()), ..all.clone() },
            SpanQuery { operation: Some(span.name.to_uppercase()), ..all.clone() },
            SpanQuery { duration_max: Some(span.duration_nanos() - 1), ..all.clone() },
            SpanQuery { duration_min: Some(span.duration_nanos() + 1), ..all.clone() },
            SpanQuery { range: at(start + 1, i64::MAX), ..all.clone() },
            SpanQuery { range: at(0, start - 1), ..all.clone() },
        ] {
            assert!(!other.accepts(span), "{other:?}");
        }
    }

    #[test]
    fn names_with_a_meaning_of_their_own() {
        for (key, value, special) in [
            ("error", "true", Some(Special::Failed(true))),
            ("error", "f", Some(Special::Failed(false))),
            ("error", "timeout", None),
            ("span.status", "Error", Some(Special::Status(StatusCode::Error))),
            ("span.kind", "SERVER", Some(Special::Kind(SpanKind::Server))),
            ("span.kind", "rpc", None),
            ("resource.a", "b", Some(Special::Resource("a", "b"))),
            ("resource.", "b", None),
            ("scope.name", "", Some(Special::ScopeName(""))),
        ] {
            assert_eq!(Special::of(key, value), special, "{key}={value}");
        }
    }
}
