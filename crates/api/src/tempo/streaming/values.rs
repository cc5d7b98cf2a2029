//! `SearchTagValues` and `SearchTagValuesV2`.

use futures::future::{BoxFuture, FutureExt};
use prost::Message;
use spandrel_proto::tempo::{
    MetadataMetrics, SearchTagValuesRequest, SearchTagValuesResponse, SearchTagValuesV2Response,
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
    let told = Told {
        pace: Pace::new(state.clock.clone()),
        values: Vec::new(),
        items: tag_values::texts,
        size: String::len,
        message: |tag_values, metrics| SearchTagValuesResponse {
            tag_values,
            metrics: Some(metrics),
        },
    };
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
    let told = Told {
        pace: Pace::new(state.clock.clone()),
        values: Vec::new(),
        items: tag_values::messages,
        size: Message::encoded_len,
        message: |tag_values, metrics| SearchTagValuesV2Response {
            tag_values,
            metrics: Some(metrics),
        },
    };
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

/// What the client was told, and the form in which it is told: items of type `T` in messages of type `M`.
struct Told<T, M> {
    pace: Pace,
    /// Sorted.
    values: Vec<TagValue>,
    items: fn(&[TagValue]) -> Vec<T>,
    size: fn(&T) -> usize,
    message: fn(Vec<T>, MetadataMetrics) -> M,
}

impl<T, M> Told<T, M> {
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

impl<T: Send + 'static, M: Send + 'static> Teller for Told<T, M> {
    type Report = TagsReport<Vec<TagValue>>;
    type Answer = TagValues;
    type Message = M;

    fn report(&mut self, report: Self::Report) -> Vec<M> {
        if !self.pace.is_due(!report.new.is_empty()) {
            return Vec::new();
        }
        let inspected = report.inspected;
        self.answer(TagValues { values: report.new, truncated: false, inspected })
    }

    fn answer(&mut self, answer: TagValues) -> Vec<M> {
        let metrics = metadata_metrics(&answer.inspected, answer.truncated);
        let items = (self.items)(&self.keep(answer.values));
        let groups = segments::groups(items, &metrics, self.size);
        groups.into_iter().map(|group| (self.message)(group, metrics.clone())).collect()
    }
}
