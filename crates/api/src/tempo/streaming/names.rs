//! `SearchTags` and `SearchTagsV2`.

use std::collections::BTreeSet;

use futures::future::{BoxFuture, FutureExt};
use prost::Message;
use spandrel_proto::tempo::{
    MetadataMetrics, SearchTagsRequest, SearchTagsResponse, SearchTagsV2Response, SearchTagsV2Scope,
};
use spandrel_query::{Progress, TagNames, TagNamesAnswer, TagsReport};

use super::pace::Pace;
use super::watched::{REPORTS_WAITING_MAX, Teller, messages};
use super::{Messages, segments};
use crate::ApiState;
use crate::error::ApiError;
use crate::params::Params;
use crate::tempo::federated;
use crate::tempo::tag_request::metadata_metrics;
use crate::tempo::tags::{self, NamesRequest};
use crate::tenant::Tenants;

/// The messages of names in one list.
///
/// # Errors
/// [`ApiError`] when the request is malformed.
pub(super) fn v1(
    state: ApiState,
    tenants: Tenants,
    request: &SearchTagsRequest,
) -> Result<Messages<SearchTagsResponse>, ApiError> {
    let request = NamesRequest::parse(&params(request))?;
    let pace = Pace::new(state.clock.clone());
    let told = Flat { pace, request: request.clone(), sent: BTreeSet::new() };
    let (progress, reports) = Progress::watched(REPORTS_WAITING_MAX);
    Ok(messages(query(state, tenants, request, progress), reports, told))
}

/// The messages of names by scope.
///
/// # Errors
/// [`ApiError`] when the request is malformed.
pub(super) fn v2(
    state: ApiState,
    tenants: Tenants,
    request: &SearchTagsRequest,
) -> Result<Messages<SearchTagsV2Response>, ApiError> {
    let request = NamesRequest::parse(&params(request))?;
    let pace = Pace::new(state.clock.clone());
    let told = ByScope { pace, request: request.clone(), sent: TagNames::new(), is_begun: false };
    let (progress, reports) = Progress::watched(REPORTS_WAITING_MAX);
    Ok(messages(query(state, tenants, request, progress), reports, told))
}

/// The parameters of the HTTP endpoint that say the same. 0 is how protobuf says nothing.
fn params(request: &SearchTagsRequest) -> Params {
    let number = |name, number: u32| (number > 0).then(|| (name, number.to_string()));
    let pairs = [
        Some(("scope", request.scope.clone())),
        Some(("q", request.query.clone())),
        number("start", request.start),
        number("end", request.end),
        number("limit", request.max_tags_per_scope),
        number("maxStaleValues", request.stale_values_threshold),
    ];
    Params::of(pairs.into_iter().flatten())
}

fn query(
    state: ApiState,
    tenants: Tenants,
    request: NamesRequest,
    progress: Progress<TagsReport<TagNames>>,
) -> BoxFuture<'static, Result<TagNamesAnswer, ApiError>> {
    async move {
        match tenants.only() {
            Ok(tenant) => {
                Ok(state.engine.tag_names(tenant, &request.for_engine(), &progress).await?)
            }
            Err(_several) => federated::tag_names(&state, &tenants, &request).await,
        }
    }
    .boxed()
}

/// Names of all scopes in one list, which has no more names than each scope may have.
struct Flat {
    pace: Pace,
    request: NamesRequest,
    sent: BTreeSet<String>,
}

impl Flat {
    /// The names that were not sent, and whether there is no room for all of them.
    fn new_names(&mut self, names: &TagNames) -> (Vec<String>, bool) {
        let mut new = tags::flat(names, self.request.wanted);
        new.retain(|name| !self.sent.contains(name));
        let n_max = self.request.for_engine().limits.n_max;
        let room = n_max.saturating_sub(self.sent.len());
        let is_cut = new.len() > room;
        new.truncate(room);
        self.sent.extend(new.iter().cloned());
        (new, is_cut)
    }

    fn messages(names: Vec<String>, metrics: &MetadataMetrics) -> Vec<SearchTagsResponse> {
        let message = |tag_names| SearchTagsResponse { tag_names, metrics: Some(metrics.clone()) };
        segments::groups(names, metrics, String::len).into_iter().map(message).collect()
    }
}

impl Teller for Flat {
    type Report = TagsReport<TagNames>;
    type Answer = TagNamesAnswer;
    type Message = SearchTagsResponse;

    fn report(&mut self, report: TagsReport<TagNames>) -> Vec<SearchTagsResponse> {
        if !self.pace.is_due(!report.new.is_empty()) {
            return Vec::new();
        }
        let (names, _) = self.new_names(&report.new);
        Self::messages(names, &metadata_metrics(&report.inspected, false))
    }

    fn answer(&mut self, answer: TagNamesAnswer) -> Vec<SearchTagsResponse> {
        let (names, is_cut) = self.new_names(&answer.names);
        Self::messages(names, &metadata_metrics(&answer.inspected, answer.truncated || is_cut))
    }
}

/// Names by scope. The intrinsics come with the first message.
struct ByScope {
    pace: Pace,
    request: NamesRequest,
    sent: TagNames,
    is_begun: bool,
}

impl ByScope {
    /// The names that were not sent.
    fn new_scopes(&mut self, names: TagNames) -> Vec<SearchTagsV2Scope> {
        let mut new = TagNames::new();
        for (scope, names) in names {
            let sent = self.sent.entry(scope).or_default();
            let names = names.into_iter().filter(|name| sent.insert(name.clone()));
            new.insert(scope, names.collect());
        }
        let mut scopes = tags::by_scope(&new);
        if !self.is_begun {
            scopes.extend(tags::intrinsics(&self.request));
            self.is_begun = true;
        }
        scopes
    }

    fn messages(
        scopes: Vec<SearchTagsV2Scope>,
        metrics: &MetadataMetrics,
    ) -> Vec<SearchTagsV2Response> {
        let message = |scopes| SearchTagsV2Response { scopes, metrics: Some(metrics.clone()) };
        let groups = segments::groups(scopes, metrics, Message::encoded_len);
        groups.into_iter().map(message).collect()
    }
}

impl Teller for ByScope {
    type Report = TagsReport<TagNames>;
    type Answer = TagNamesAnswer;
    type Message = SearchTagsV2Response;

    fn report(&mut self, report: TagsReport<TagNames>) -> Vec<SearchTagsV2Response> {
        if !self.pace.is_due(!report.new.is_empty()) {
            return Vec::new();
        }
        let scopes = self.new_scopes(report.new);
        Self::messages(scopes, &metadata_metrics(&report.inspected, false))
    }

    fn answer(&mut self, answer: TagNamesAnswer) -> Vec<SearchTagsV2Response> {
        let scopes = self.new_scopes(answer.names);
        Self::messages(scopes, &metadata_metrics(&answer.inspected, answer.truncated))
    }
}
