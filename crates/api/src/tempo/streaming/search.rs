//! `Search`.

use std::collections::HashSet;

use futures::future::FutureExt;
use prost::Message;
use spandrel_model::TraceId;
use spandrel_proto::tempo::{SearchRequest, SearchResponse};
use spandrel_query::{Jobs, Progress, SearchAnswer, SearchReport, TraceMatch};

use super::pace::Pace;
use super::watched::{REPORTS_WAITING_MAX, Teller, messages};
use super::{Messages, segments};
use crate::ApiState;
use crate::error::ApiError;
use crate::params::Params;
use crate::tempo::federated;
use crate::tempo::search_params;
use crate::tempo::search_response::search_response;
use crate::tenant::Tenants;

/// The messages of a search.
///
/// # Errors
/// [`ApiError`] when the request is malformed.
pub(super) fn search(
    state: ApiState,
    tenants: Tenants,
    request: &SearchRequest,
) -> Result<Messages<SearchResponse>, ApiError> {
    let search = search_params::search(&params(request))?;
    let (progress, reports) = Progress::watched(REPORTS_WAITING_MAX);
    let teller = Told { pace: Pace::new(state.clock.clone()), sent: HashSet::new(), total: None };
    let query = async move {
        match tenants.only() {
            Ok(tenant) => Ok(state.engine.search_reporting(tenant, &search, &progress).await?),
            // What is certain of one tenant's answer is not certain of all of theirs.
            Err(_several) => federated::search(&state, &tenants, &search).await,
        }
    };
    Ok(messages(query.boxed(), reports, teller))
}

/// The parameters of the HTTP endpoint that say the same. 0 is how protobuf says nothing.
fn params(request: &SearchRequest) -> Params {
    let number = |name, number: u32| (number > 0).then(|| (name, number.to_string()));
    let millis = |name, millis: u32| (millis > 0).then(|| (name, format!("{millis}ms")));
    let tags = request.tags.iter().map(|(key, value)| {
        // Keys of logfmt have no quotes; a value may have what JSON may.
        format!("{key}={}", serde_json::Value::from(value.as_str()))
    });
    let tags: Vec<String> = tags.collect();
    let has_range = request.start > 0 || request.end > 0;
    let time = |name, seconds: u32| has_range.then(|| (name, seconds.to_string()));
    let pairs = [
        Some(("q", request.query.clone())),
        Some(("tags", tags.join(" "))),
        millis("minDuration", request.min_duration_ms),
        millis("maxDuration", request.max_duration_ms),
        number("limit", request.limit),
        number("spss", request.spans_per_span_set),
        time("start", request.start),
        time("end", request.end),
    ];
    Params::of(pairs.into_iter().flatten())
}

/// What the client was told.
struct Told {
    pace: Pace,
    sent: HashSet<TraceId>,
    /// All jobs, once it is known how many there are.
    total: Option<u64>,
}

impl Told {
    fn messages(&mut self, answer: SearchAnswer, jobs: Jobs) -> Vec<SearchResponse> {
        let is_new = |found: &TraceMatch| self.sent.insert(found.trace_id);
        let SearchAnswer { mut traces, next, inspected } = answer;
        traces.retain(is_new);
        let SearchResponse { traces, metrics } =
            search_response(&SearchAnswer { traces, next, inspected });
        let mut metrics = metrics.unwrap_or_default();
        metrics.completed_jobs = u32::try_from(jobs.done).unwrap_or(u32::MAX);
        metrics.total_jobs = u32::try_from(jobs.total).unwrap_or(u32::MAX);
        let groups = segments::groups(traces, &metrics, Message::encoded_len);
        let message = |traces| SearchResponse { traces, metrics: Some(metrics.clone()) };
        groups.into_iter().map(message).collect()
    }
}

impl Teller for Told {
    type Report = SearchReport;
    type Answer = SearchAnswer;
    type Message = SearchResponse;

    fn report(&mut self, report: SearchReport) -> Vec<SearchResponse> {
        self.total = Some(report.jobs.total);
        if !self.pace.is_due(!report.traces.is_empty()) {
            return Vec::new();
        }
        let SearchReport { traces, inspected, .. } = report;
        let answer = SearchAnswer { traces, next: None, inspected };
        self.messages(answer, report.jobs)
    }

    /// Blocks that could not change the answer any more were not read; they are done with all the same.
    fn answer(&mut self, answer: SearchAnswer) -> Vec<SearchResponse> {
        let total = self.total.unwrap_or(1);
        self.messages(answer, Jobs { done: total, total })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_request_says_what_parameters_say() {
        let params = |request: &SearchRequest| {
            let params = super::params(request);
            let names =
                ["q", "tags", "minDuration", "maxDuration", "limit", "spss", "start", "end"];
            names.map(|name| params.get(name).unwrap_or_default().to_owned())
        };
        assert_eq!(params(&SearchRequest::default()), [""; 8]);
        let request = SearchRequest {
            tags: BTreeMap::from([("a b".to_owned(), "x \"y\"".to_owned())]),
            min_duration_ms: 5,
            max_duration_ms: 6,
            limit: 7,
            end: 9,
            query: "{}".to_owned(),
            spans_per_span_set: 8,
            ..SearchRequest::default()
        };
        assert_eq!(
            params(&request),
            ["{}", "a b=\"x \\\"y\\\"\"", "5ms", "6ms", "7", "8", "0", "9"]
        );
    }
}
