//! `Search`, and the same for the web interface.

use std::collections::HashSet;

use futures::future::FutureExt;
use futures::stream::{StreamExt, TryStreamExt};
use prost::Message;
use spandrel_model::TraceId;
use spandrel_proto::tempo::{SearchRequest, SearchResponse, TraceSearchMetadata};
use spandrel_query::{
    Jobs, Progress, Search, SearchAnswer, SearchCursor, SearchOrder, SearchReport, TraceMatch,
};

use super::pace::Pace;
use super::watched::{self, REPORTS_WAITING_MAX, Teller};
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
pub(super) fn messages(
    state: ApiState,
    tenants: Tenants,
    request: &SearchRequest,
) -> Result<Messages<SearchResponse>, ApiError> {
    let search = search_params::search(&params(request))?;
    Ok(pieces(state, tenants, search).map_ok(|piece| piece.found).boxed())
}

/// A part of the answer to a search.
pub(crate) struct Piece {
    /// Traces that no piece before had, and what it took until now.
    pub(crate) found: SearchResponse,
    /// What `after` has to be for the traces behind those of this piece. `None` in the last piece when there surely
    /// is nothing, and in others that have no traces.
    pub(crate) next: Option<SearchCursor>,
    /// Whether this is the last piece.
    pub(crate) is_last: bool,
}

/// The pieces of a search.
pub(crate) fn pieces(state: ApiState, tenants: Tenants, search: Search) -> Messages<Piece> {
    let (progress, reports) = Progress::watched(REPORTS_WAITING_MAX);
    let teller = Told {
        order: search.order,
        pace: Pace::new(state.clock.clone()),
        sent: HashSet::new(),
        total: None,
    };
    let query = async move {
        match tenants.only() {
            Ok(tenant) => Ok(state.engine.search_reporting(tenant, &search, &progress).await?),
            // What is certain of one tenant's answer is not certain of all of theirs.
            Err(_several) => federated::search(&state, &tenants, &search).await,
        }
    };
    watched::messages(query.boxed(), reports, teller)
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
    order: SearchOrder,
    pace: Pace,
    sent: HashSet<TraceId>,
    /// All jobs, once it is known how many there are.
    total: Option<u64>,
}

impl Told {
    fn pieces(&mut self, answer: SearchAnswer, jobs: Jobs) -> Vec<Piece> {
        let is_new = |found: &TraceMatch| self.sent.insert(found.trace_id);
        let SearchAnswer { mut traces, next, inspected } = answer;
        traces.retain(is_new);
        let cursors: Vec<_> = traces.iter().map(|found| self.order.cursor_at(found)).collect();
        let SearchResponse { traces, metrics } =
            search_response(&SearchAnswer { traces, next, inspected });
        let mut metrics = metrics.unwrap_or_default();
        metrics.completed_jobs = u32::try_from(jobs.done).unwrap_or(u32::MAX);
        metrics.total_jobs = u32::try_from(jobs.total).unwrap_or(u32::MAX);
        let groups = segments::groups(traces, &metrics, Message::encoded_len);
        let mut cursors = cursors.into_iter();
        let piece = |traces: Vec<TraceSearchMetadata>| Piece {
            next: cursors.by_ref().take(traces.len()).last(),
            found: SearchResponse { traces, metrics: Some(metrics.clone()) },
            is_last: false,
        };
        groups.into_iter().map(piece).collect()
    }
}

impl Teller for Told {
    type Report = SearchReport;
    type Answer = SearchAnswer;
    type Message = Piece;

    fn report(&mut self, report: SearchReport) -> Vec<Piece> {
        self.total = Some(report.jobs.total);
        if !self.pace.is_due(!report.traces.is_empty()) {
            return Vec::new();
        }
        let SearchReport { traces, inspected, .. } = report;
        let answer = SearchAnswer { traces, next: None, inspected };
        self.pieces(answer, report.jobs)
    }

    /// Blocks that could not change the answer any more were not read; they are done with all the same.
    fn answer(&mut self, answer: SearchAnswer) -> Vec<Piece> {
        let total = self.total.unwrap_or(1);
        let next = answer.next;
        let mut pieces = self.pieces(answer, Jobs { done: total, total });
        if let Some(last) = pieces.last_mut() {
            last.next = next;
            last.is_last = true;
        }
        pieces
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
