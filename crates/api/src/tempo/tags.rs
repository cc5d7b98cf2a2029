//! Names of tags, for completion: a flat list (v1) and a list per scope (v2).

use std::collections::BTreeSet;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use spandrel_model::AttributeScope;
use spandrel_proto::tempo::{SearchTagsResponse, SearchTagsV2Response, SearchTagsV2Scope};
use spandrel_query::{TagNames, TagNamesAnswer, TagNamesRequest};

use super::answer::{Failure, Format};
use super::federated;
use super::tag_request::{TagRequest, metadata_metrics};
use crate::ApiState;
use crate::error::ApiError;
use crate::params::{Params, malformed};
use crate::tenant::Tenants;

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
pub(super) enum Wanted {
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

    fn scopes(self) -> Vec<AttributeScope> {
        SCOPES.into_iter().filter(|s| self == Self::All || self == Self::Scope(*s)).collect()
    }

    fn has_intrinsics(self) -> bool {
        matches!(self, Self::All | Self::Intrinsics)
    }
}

/// A request for names.
#[derive(Debug, Clone)]
pub(super) struct NamesRequest {
    pub(super) wanted: Wanted,
    scopes: Vec<AttributeScope>,
    common: TagRequest,
}

impl NamesRequest {
    /// From `scope` and the parameters of [`TagRequest`].
    ///
    /// # Errors
    /// [`ApiError`], which names the parameter at fault.
    pub(super) fn parse(params: &Params) -> Result<Self, ApiError> {
        let wanted = Wanted::parse(params)?;
        Ok(Self { wanted, scopes: wanted.scopes(), common: TagRequest::parse(params)? })
    }

    /// What the engine is asked.
    pub(super) fn for_engine(&self) -> TagNamesRequest<'_> {
        TagNamesRequest {
            scopes: &self.scopes,
            filter: self.common.filter.as_ref(),
            range: self.common.range,
            limits: self.common.limits,
        }
    }

    /// How many names, of each scope in the second version.
    fn n_max(&self) -> usize {
        self.common.limits.n_max
    }
}

/// `GET /api/search/tags`: names of attributes, or of intrinsics when they are asked for by scope.
pub(super) async fn tags_v1(
    State(state): State<ApiState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Failure> {
    let request = NamesRequest::parse(&params)?;
    let answer = names(&state, &headers, &request).await?;
    Ok(Format::accepted_by(&headers).message(&v1_response(&answer, &request)))
}

/// `GET /api/v2/search/tags`: names by scope.
pub(super) async fn tags_v2(
    State(state): State<ApiState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Failure> {
    let request = NamesRequest::parse(&params)?;
    let answer = names(&state, &headers, &request).await?;
    Ok(Format::accepted_by(&headers).message(&v2_response(&answer, &request)))
}

async fn names(
    state: &ApiState,
    headers: &HeaderMap,
    request: &NamesRequest,
) -> Result<TagNamesAnswer, ApiError> {
    federated::tag_names(state, &Tenants::of(headers, state)?, request).await
}

pub(super) fn v1_response(answer: &TagNamesAnswer, request: &NamesRequest) -> SearchTagsResponse {
    let mut names = flat(&answer.names, request.wanted);
    let truncated = answer.truncated || names.len() > request.n_max();
    names.truncate(request.n_max());
    let mut metrics = metadata_metrics(&answer.inspected, truncated);
    if truncated && !answer.truncated {
        metrics.completed_jobs = metrics.completed_jobs.saturating_sub(1);
    }
    SearchTagsResponse { tag_names: names, metrics: Some(metrics) }
}

/// The names of all scopes in one list; with those of intrinsics only when nothing else was asked for.
pub(super) fn flat(names: &TagNames, wanted: Wanted) -> Vec<String> {
    let mut flat: BTreeSet<&str> = names.values().flatten().map(String::as_str).collect();
    if wanted == Wanted::Intrinsics {
        flat.extend(INTRINSICS);
    }
    flat.into_iter().map(str::to_owned).collect()
}

pub(super) fn v2_response(answer: &TagNamesAnswer, request: &NamesRequest) -> SearchTagsV2Response {
    let mut scopes = by_scope(&answer.names);
    scopes.extend(intrinsics(request));
    let metrics = metadata_metrics(&answer.inspected, answer.truncated);
    SearchTagsV2Response { scopes, metrics: Some(metrics) }
}

/// The names of each scope that has some.
pub(super) fn by_scope(names: &TagNames) -> Vec<SearchTagsV2Scope> {
    let named = SCOPES.into_iter().filter_map(|scope| Some((scope, names.get(&scope)?)));
    let named = named.filter(|(_, names)| !names.is_empty());
    let scope = |(scope, names): (AttributeScope, &BTreeSet<String>)| SearchTagsV2Scope {
        name: scope.as_str().to_owned(),
        tags: names.iter().cloned().collect(),
    };
    named.map(scope).collect()
}

/// The intrinsics, if they are asked for.
pub(super) fn intrinsics(request: &NamesRequest) -> Option<SearchTagsV2Scope> {
    let tags = INTRINSICS.into_iter().take(request.n_max()).map(str::to_owned).collect();
    let scope = SearchTagsV2Scope { name: INTRINSIC.to_owned(), tags };
    request.wanted.has_intrinsics().then_some(scope)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use spandrel_query::{Jobs, TagsInspected};

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

    /// What the engine answers, which leaves out other scopes and what is beyond the limit of one.
    fn asked(wanted: Wanted, limit: usize) -> (TagNamesAnswer, NamesRequest) {
        let mut request = NamesRequest::parse(&Params::parse("")).unwrap();
        (request.wanted, request.scopes) = (wanted, wanted.scopes());
        request.common.limits.n_max = limit;
        let names = names().into_iter().filter(|(scope, _)| request.scopes.contains(scope));
        let names = names.map(|(scope, keys)| (scope, keys.into_iter().take(limit).collect()));
        let jobs = Jobs { done: 1, total: 1 };
        let inspected = TagsInspected { jobs, ..TagsInspected::default() };
        (TagNamesAnswer { names: names.collect(), truncated: false, inspected }, request)
    }

    fn v1(wanted: Wanted, limit: usize) -> String {
        let (answer, request) = asked(wanted, limit);
        lines(to_json(&v1_response(&answer, &request)))
    }

    fn v2(wanted: Wanted, limit: usize) -> String {
        let (answer, request) = asked(wanted, limit);
        lines(to_json(&v2_response(&answer, &request)))
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
        // There are more than were asked for, and the metrics say so.
        expect![[r#"
            {"tagNames":["duration",
            "event:name"],
            "metrics":{"totalJobs":1,
            "additionalMetrics":{"truncated":"1"}}}"#]]
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
            {"scopes":[],
            "metrics":{"totalJobs":1,
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
