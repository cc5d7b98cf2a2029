//! `GET /api/ui/traceql/complete?q=&at=&start=&end=`: what can stand at a place of a query that somebody is typing.
//!
//! The language says what kinds of things can stand there; names and values come from the data, of spans that pass the
//! rest of the filter that the place lies in.

mod offer;

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use http::HeaderMap;
use serde::Serialize;
use spandrel_model::AttributeScope;
use spandrel_query::{Progress, TagLimits, TagNamesRequest, TagValue, TagValuesRequest, TimeRange};
use spandrel_traceql::complete::{Candidate, complete as candidates};
use spandrel_traceql::{Attribute, FieldExpr, Intrinsic, MAX_QUERY_BYTES, Scope, lenient};

use self::offer::{Item, Offer};
use crate::ApiState;
use crate::error::ApiError;
use crate::params::Params;
use crate::tempo::Failure;
use crate::tempo::time_range::time_range;
use crate::tenant::Tenants;

/// What ends the reading of names and values: more than anybody looks through, or a thousand in a row that were known
/// before.
const LIMITS: TagLimits = TagLimits { n_max: 5_000, bytes_max: 1 << 20, stale_max: 1_000 };

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Completion {
    /// Bytes of the query that an item replaces.
    from: usize,
    to: usize,
    /// The most likely first.
    items: Vec<Item>,
}

/// Whose names and values are offered.
struct Asked<'a> {
    state: &'a ApiState,
    tenants: Tenants,
    range: TimeRange,
    /// What the rest of the filter asks of their spans.
    filter: Option<&'a FieldExpr>,
}

pub(super) async fn complete(
    State(state): State<ApiState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Json<Completion>, Failure> {
    let tenants = Tenants::of(&headers, &state)?;
    let text = params.get("q").unwrap_or_default();
    let at = params.number("at", 0..=MAX_QUERY_BYTES)?.unwrap_or(text.len());
    let range = time_range(&params)?;
    let found = candidates(text, at);
    let typed = text.get(found.replaces.start..text.floor_char_boundary(at)).unwrap_or_default();
    let filter = lenient::repair_around(text, found.replaces.clone());
    let asked = Asked { state: &state, tenants, range, filter: filter.expr() };
    let mut offer = Offer::new(typed);
    for candidate in found.candidates {
        match candidate {
            Candidate::Text { kind, text } => offer.text(kind, text),
            Candidate::AttributeNames { scope, parent, prefixed } => {
                let looked_for = parent || prefixed;
                for name in asked.names(scope, parent, looked_for).await? {
                    offer.attribute(name, prefixed);
                }
            }
            Candidate::AttributeValues { attribute, op } => {
                for value in asked.values(&attribute).await? {
                    offer.value(&value, op);
                }
            }
        }
    }
    let items = offer.finish();
    Ok(Json(Completion { from: found.replaces.start, to: found.replaces.end, items }))
}

impl Asked<'_> {
    /// The attributes of a scope. Without one, those of all scopes, or only of those that a name without scope is
    /// looked for in.
    async fn names(
        &self,
        scope: Scope,
        parent: bool,
        looked_for: bool,
    ) -> Result<BTreeSet<Attribute>, ApiError> {
        let scopes = match (scope, looked_for) {
            (Scope::None, true) => &[AttributeScope::Span, AttributeScope::Resource][..],
            (Scope::None, false) => &[
                AttributeScope::Resource,
                AttributeScope::Span,
                AttributeScope::Event,
                AttributeScope::Link,
                AttributeScope::Instrumentation,
            ],
            (Scope::Span, _) => &[AttributeScope::Span],
            (Scope::Resource, _) => &[AttributeScope::Resource],
            (Scope::Event, _) => &[AttributeScope::Event],
            (Scope::Link, _) => &[AttributeScope::Link],
            (Scope::Instrumentation, _) => &[AttributeScope::Instrumentation],
        };
        // What the filter asks of a span says nothing about its parent.
        let filter = self.filter.filter(|_| !parent);
        let request = TagNamesRequest { scopes, filter, range: self.range, limits: LIMITS };
        let mut names = BTreeSet::new();
        for tenant in self.tenants.all() {
            let progress = Progress::unwatched();
            let answer = self.state.engine.tag_names(tenant, &request, &progress).await?;
            for (scope, found) in answer.names {
                names.extend(found.into_iter().map(|name| attribute(scope, parent, name)));
            }
        }
        Ok(names)
    }

    /// The values of an attribute; none where no two spans have the same.
    async fn values(&self, attribute: &Attribute) -> Result<Vec<TagValue>, ApiError> {
        let is_unique = matches!(
            attribute,
            Attribute::Intrinsic(
                Intrinsic::TraceId
                    | Intrinsic::SpanId
                    | Intrinsic::SpanParentId
                    | Intrinsic::LinkTraceId
                    | Intrinsic::LinkSpanId
                    | Intrinsic::Parent
            )
        );
        if is_unique {
            return Ok(Vec::new());
        }
        let (attribute, filter) = match attribute {
            Attribute::Scoped { scope, parent: true, name } => {
                (Attribute::scoped(*scope, name.clone()), None)
            }
            attribute => (attribute.clone(), self.filter),
        };
        let request =
            TagValuesRequest { attribute: &attribute, filter, range: self.range, limits: LIMITS };
        let mut values = Vec::new();
        for tenant in self.tenants.all() {
            let progress = Progress::unwatched();
            let answer = self.state.engine.tag_values(tenant, &request, &progress).await?;
            values.extend(answer.values);
        }
        values.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
        values.dedup();
        Ok(values)
    }
}

fn attribute(scope: AttributeScope, parent: bool, name: String) -> Attribute {
    let scope = match scope {
        AttributeScope::Span => Scope::Span,
        AttributeScope::Resource => Scope::Resource,
        AttributeScope::Instrumentation => Scope::Instrumentation,
        AttributeScope::Event => Scope::Event,
        AttributeScope::Link => Scope::Link,
    };
    Attribute::Scoped { scope, parent, name }
}
