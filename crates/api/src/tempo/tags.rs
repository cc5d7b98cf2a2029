//! Names of tags, for completion: a flat list (v1) and a list per scope (v2).

use std::collections::BTreeSet;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use spandrel_model::AttributeScope;
use spandrel_proto::tempo::{
    MetadataMetrics, SearchTagsResponse, SearchTagsV2Response, SearchTagsV2Scope,
};
use spandrel_query::TagNames;

use super::answer::{Failure, Format};
use super::time_range::time_range;
use crate::ApiState;
use crate::error::ApiError;
use crate::params::{Params, malformed};
use crate::tenant::tenant_of;

/// The scope of what every span has by its nature.
const INTRINSIC: &str = "intrinsic";

/// Every intrinsic that can be asked for, in Tempo's order. Those with two spellings have both.
const INTRINSICS: [&str; 25] = [
    "duration",
    "name",
    "status",
    "statusMessage",
    "kind",
    "rootServiceName",
    "rootName",
    "traceDuration",
    "event:name",
    "event:timeSinceStart",
    "link:spanID",
    "link:traceID",
    "instrumentation:name",
    "instrumentation:version",
    "trace:id",
    "span:id",
    "span:parentID",
    "span:status",
    "span:statusMessage",
    "span:duration",
    "span:name",
    "span:kind",
    "trace:rootName",
    "trace:rootService",
    "trace:duration",
];

/// The scopes of attributes, in the order of the answer.
const SCOPES: [AttributeScope; 5] = [
    AttributeScope::Resource,
    AttributeScope::Span,
    AttributeScope::Event,
    AttributeScope::Link,
    AttributeScope::Instrumentation,
];

/// Which names are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    All,
    Intrinsics,
    Scope(AttributeScope),
}

impl Wanted {
    fn parse(params: &Params) -> Result<Self, ApiError> {
        let text = match params.get("scope") {
            None | Some("none") => return Ok(Self::All),
            Some(INTRINSIC) => return Ok(Self::Intrinsics),
            Some(text) => text,
        };
        let scope = SCOPES.into_iter().find(|scope| scope.as_str() == text);
        let expected = "resource, span, event, link, instrumentation, intrinsic or none";
        scope.map(Self::Scope).ok_or_else(|| malformed("scope", expected, text))
    }

    fn includes(self, scope: AttributeScope) -> bool {
        self == Self::All || self == Self::Scope(scope)
    }
}

/// `GET /api/search/tags`: names of attributes, or of intrinsics when they are asked for by scope.
pub(super) async fn tags_v1(
    State(state): State<ApiState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Failure> {
    let wanted = Wanted::parse(&params)?;
    let limit = names_max(&params)?;
    let names = names(&state, &headers, &params).await?;
    Ok(Format::accepted_by(&headers).message(&v1_response(&names, wanted, limit)))
}

/// `GET /api/v2/search/tags`: names by scope.
pub(super) async fn tags_v2(
    State(state): State<ApiState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Failure> {
    let wanted = Wanted::parse(&params)?;
    let limit = names_max(&params)?;
    let names = names(&state, &headers, &params).await?;
    Ok(Format::accepted_by(&headers).message(&v2_response(&names, wanted, limit)))
}

/// How many names per scope; zero, as in Tempo, means all.
fn names_max(params: &Params) -> Result<usize, ApiError> {
    let limit = params.number("limit", 0..=u32::MAX as usize)?.unwrap_or(0);
    Ok(if limit == 0 { usize::MAX } else { limit })
}

async fn names(
    state: &ApiState,
    headers: &HeaderMap,
    params: &Params,
) -> Result<TagNames, ApiError> {
    Ok(state.engine.tag_names(&tenant_of(headers)?, time_range(params)?).await?)
}

fn v1_response(names: &TagNames, wanted: Wanted, limit: usize) -> SearchTagsResponse {
    let scopes = names.iter().filter(|(scope, _)| wanted.includes(**scope));
    let mut flat: BTreeSet<&str> =
        scopes.flat_map(|(_, names)| names.iter().map(String::as_str)).collect();
    if wanted == Wanted::Intrinsics {
        flat.extend(INTRINSICS);
    }
    SearchTagsResponse {
        tag_names: flat.into_iter().take(limit).map(str::to_owned).collect(),
        metrics: Some(metadata_metrics()),
    }
}

fn v2_response(names: &TagNames, wanted: Wanted, limit: usize) -> SearchTagsV2Response {
    let mut scopes = Vec::new();
    for scope in SCOPES.into_iter().filter(|scope| wanted.includes(*scope)) {
        let tags: Vec<String> =
            names.get(&scope).into_iter().flatten().take(limit).cloned().collect();
        if !tags.is_empty() {
            scopes.push(SearchTagsV2Scope { name: scope.as_str().to_owned(), tags });
        }
    }
    if matches!(wanted, Wanted::All | Wanted::Intrinsics) {
        let tags = INTRINSICS.into_iter().take(limit).map(str::to_owned).collect();
        scopes.push(SearchTagsV2Scope { name: INTRINSIC.to_owned(), tags });
    }
    SearchTagsV2Response { scopes, metrics: Some(metadata_metrics()) }
}

/// A query is one job that is done when the answer is sent.
pub(super) fn metadata_metrics() -> MetadataMetrics {
    MetadataMetrics { total_jobs: 1, completed_jobs: 1, ..MetadataMetrics::default() }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::tempo::jsonpb::to_json;

    fn names() -> TagNames {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        TagNames::from([
            (AttributeScope::Span, set(&["foo", "http.method"])),
            (AttributeScope::Resource, set(&["foo", "service.name"])),
            (AttributeScope::Event, set(&[])),
        ])
    }

    /// The JSON with every name on a line of its own.
    fn lines(json: Vec<u8>) -> String {
        String::from_utf8(json).unwrap().replace(",\"", ",\n\"")
    }

    fn v1(wanted: Wanted, limit: usize) -> String {
        lines(to_json(&v1_response(&names(), wanted, limit)))
    }

    fn v2(wanted: Wanted, limit: usize) -> String {
        lines(to_json(&v2_response(&names(), wanted, limit)))
    }

    #[test]
    fn v1_is_one_sorted_list() {
        expect![[r#"
            {"tagNames":["foo",
            "http.method",
            "service.name"],
            "metrics":{"totalJobs":1,
            "completedJobs":1}}"#]]
        .assert_eq(&v1(Wanted::All, usize::MAX));
        expect![[r#"
            {"tagNames":["foo",
            "http.method"],
            "metrics":{"totalJobs":1,
            "completedJobs":1}}"#]]
        .assert_eq(&v1(Wanted::Scope(AttributeScope::Span), usize::MAX));
        expect![[r#"
            {"tagNames":["duration",
            "event:name"],
            "metrics":{"totalJobs":1,
            "completedJobs":1}}"#]]
        .assert_eq(&v1(Wanted::Intrinsics, 2));
    }

    #[test]
    fn v2_is_a_list_per_scope() {
        expect![[r#"
            {"scopes":[{"name":"resource",
            "tags":["foo",
            "service.name"]},{"name":"span",
            "tags":["foo",
            "http.method"]},{"name":"intrinsic",
            "tags":["duration",
            "name",
            "status",
            "statusMessage",
            "kind",
            "rootServiceName",
            "rootName",
            "traceDuration",
            "event:name",
            "event:timeSinceStart",
            "link:spanID",
            "link:traceID",
            "instrumentation:name",
            "instrumentation:version",
            "trace:id",
            "span:id",
            "span:parentID",
            "span:status",
            "span:statusMessage",
            "span:duration",
            "span:name",
            "span:kind",
            "trace:rootName",
            "trace:rootService",
            "trace:duration"]}],
            "metrics":{"totalJobs":1,
            "completedJobs":1}}"#]]
        .assert_eq(&v2(Wanted::All, usize::MAX));
        expect![[r#"
            {"scopes":[{"name":"resource",
            "tags":["foo"]}],
            "metrics":{"totalJobs":1,
            "completedJobs":1}}"#]]
        .assert_eq(&v2(Wanted::Scope(AttributeScope::Resource), 1));
        expect![[r#"
            {"metrics":{"totalJobs":1,
            "completedJobs":1}}"#]]
        .assert_eq(&v2(Wanted::Scope(AttributeScope::Link), 1));
        expect![[r#"
            {"scopes":[{"name":"intrinsic",
            "tags":["duration",
            "name",
            "status"]}],
            "metrics":{"totalJobs":1,
            "completedJobs":1}}"#]]
        .assert_eq(&v2(Wanted::Intrinsics, 3));
    }

    #[test]
    fn every_intrinsic_of_the_list_is_one_of_the_language() {
        for name in INTRINSICS {
            let attribute = spandrel_traceql::parse_identifier(name);
            assert!(matches!(attribute, Ok(spandrel_traceql::Attribute::Intrinsic(_))), "{name}");
        }
    }

    #[test]
    fn scopes_by_name() {
        let wanted = |query| Wanted::parse(&Params::parse(query)).map_err(|e| e.to_string());
        assert_eq!(wanted(""), Ok(Wanted::All));
        assert_eq!(wanted("scope=none"), Ok(Wanted::All));
        assert_eq!(wanted("scope=intrinsic"), Ok(Wanted::Intrinsics));
        assert_eq!(wanted("scope=event"), Ok(Wanted::Scope(AttributeScope::Event)));
        assert_eq!(
            wanted("scope=x"),
            Err("unable to parse param 'scope': expected resource, span, event, link, \
                instrumentation, intrinsic or none, got 'x'"
                .to_owned())
        );
    }
}
