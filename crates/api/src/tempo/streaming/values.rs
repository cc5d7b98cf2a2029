//! `SearchTagValues` and `SearchTagValuesV2`.

use futures::future::{BoxFuture, FutureExt};
use prost::Message;
use spandrel_proto::tempo::{
    SearchTagValuesRequest, SearchTagValuesResponse, SearchTagValuesV2Response,
};
use spandrel_query::{Progress, TagValue, TagValues, TagsReport};

use super::pace::Pace;
use super::watched::{REPORTS_WAITING_MAX, Teller, messages};
use super::{Messages, segments};
use crate::ApiState;
use crate::error::ApiError;
use crate::params::Params;
use crate::tempo::federated;
use crate::tempo::tag_request::metadata_metrics;
use crate::tempo::tag_values::{self, ValuesRequest};
use crate::tenant::Tenants;

/// The messages of values as texts, by a plain name.
///
/// # Errors
/// [`ApiError`] when the request is malformed.
pub(super) fn v1(
    state: ApiState,
    tenants: Tenants,
    request: &SearchTagValuesRequest,
) -> Result<Messages<SearchTagValuesResponse>, ApiError> {
    let request = ValuesRequest::v1(&request.tag_name, &params(request))?;
    let told = Texts(Told::new(&state));
    let (progress, reports) = Progress::watched(REPORTS_WAITING_MAX);
    Ok(messages(query(state, tenants, request, progress), reports, told))
}

/// The messages of values with their types, by a TraceQL name.
///
/// # Errors
/// [`ApiError`] when the request is malformed.
pub(super) fn v2(
    state: ApiState,
    tenants: Tenants,
    request: &SearchTagValuesRequest,
) -> Result<Messages<SearchTagValuesV2Response>, ApiError> {
    let request = ValuesRequest::v2(&request.tag_name, &params(request))?;
    let told = Typed(Told::new(&state));
    let (progress, reports) = Progress::watched(REPORTS_WAITING_MAX);
    Ok(messages(query(state, tenants, request, progress), reports, told))
}

/// The parameters of the HTTP endpoint that say the same. 0 is how protobuf says nothing.
fn params(request: &SearchTagValuesRequest) -> Params {
    let number = |name, number: u32| (number > 0).then(|| (name, number.to_string()));
    let pairs = [
        Some(("q", request.query.clone())),
        number("start", request.start),
        number("end", request.end),
        number("limit", request.max_tag_values),
        number("maxStaleValues", request.stale_value_threshold),
    ];
    Params::of(pairs.into_iter().flatten())
}

fn query(
    state: ApiState,
    tenants: Tenants,
    request: ValuesRequest,
    progress: Progress<TagsReport<Vec<TagValue>>>,
) -> BoxFuture<'static, Result<TagValues, ApiError>> {
    async move {
        match (tenants.only(), request.fixed()) {
            (Ok(tenant), None) => {
                Ok(state.engine.tag_values(tenant, &request.for_engine(), &progress).await?)
            }
            _ => federated::tag_values(&state, &tenants, &request).await,
        }
    }
    .boxed()
}

/// What the client was told.
struct Told {
    pace: Pace,
    /// Sorted.
    values: Vec<TagValue>,
}

impl Told {
    fn new(state: &ApiState) -> Self {
        Self { pace: Pace::new(state.clock.clone()), values: Vec::new() }
    }

    /// Keeps sorted values, and returns those that are new.
    fn keep(&mut self, mut values: Vec<TagValue>) -> Vec<TagValue> {
        let order =
            |a: &TagValue, b: &TagValue| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal);
        values.retain(|value| self.values.binary_search_by(|known| order(known, value)).is_err());
        if !values.is_empty() {
            self.values.extend(values.iter().cloned());
            self.values.sort_by(order);
        }
        values
    }
}

struct Texts(Told);

impl Teller for Texts {
    type Report = TagsReport<Vec<TagValue>>;
    type Answer = TagValues;
    type Message = SearchTagValuesResponse;

    fn report(&mut self, report: Self::Report) -> Vec<SearchTagValuesResponse> {
        if !self.0.pace.is_due(!report.new.is_empty()) {
            return Vec::new();
        }
        let inspected = report.inspected;
        self.answer(TagValues { values: report.new, truncated: false, inspected })
    }

    fn answer(&mut self, answer: TagValues) -> Vec<SearchTagValuesResponse> {
        let metrics = metadata_metrics(&answer.inspected, answer.truncated);
        let texts = tag_values::texts(&self.0.keep(answer.values));
        let groups = segments::groups(texts, &metrics, String::len);
        let message =
            |tag_values| SearchTagValuesResponse { tag_values, metrics: Some(metrics.clone()) };
        groups.into_iter().map(message).collect()
    }
}

struct Typed(Told);

impl Teller for Typed {
    type Report = TagsReport<Vec<TagValue>>;
    type Answer = TagValues;
    type Message = SearchTagValuesV2Response;

    fn report(&mut self, report: Self::Report) -> Vec<SearchTagValuesV2Response> {
        if !self.0.pace.is_due(!report.new.is_empty()) {
            return Vec::new();
        }
        let inspected = report.inspected;
        self.answer(TagValues { values: report.new, truncated: false, inspected })
    }

    fn answer(&mut self, answer: TagValues) -> Vec<SearchTagValuesV2Response> {
        let metrics = metadata_metrics(&answer.inspected, answer.truncated);
        let values = tag_values::messages(&self.0.keep(answer.values));
        let groups = segments::groups(values, &metrics, Message::encoded_len);
        let message =
            |tag_values| SearchTagValuesV2Response { tag_values, metrics: Some(metrics.clone()) };
        groups.into_iter().map(message).collect()
    }
}
