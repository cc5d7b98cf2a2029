//! `MetricsQueryRange` and `MetricsQueryInstant`: the answers of the HTTP endpoints.
//!
//! A value is certain when all blocks were looked at, so everything is sent at the end, in as many messages as its
//! size needs. The last one says whether something is left out.

use futures::stream::{self, StreamExt};
use prost::Message;
use spandrel_proto::tempo::{
    InstantSeries, QueryInstantRequest, QueryInstantResponse, QueryRangeRequest,
    QueryRangeResponse, TimeSeries,
};
use spandrel_query::{MetricsAnswer, MetricsQuery};
use spandrel_series::Intervals;

use super::{Messages, segments};
use crate::ApiState;
use crate::error::ApiError;
use crate::params::Params;
use crate::tempo::metrics::{params, response};
use crate::tenant::Tenants;

/// The messages of a query for values over time.
///
/// # Errors
/// [`ApiError`] when the request is malformed.
pub(super) fn query_range(
    state: ApiState,
    tenants: Tenants,
    request: &QueryRangeRequest,
) -> Result<Messages<QueryRangeResponse>, ApiError> {
    let query = params::range(&range_params(request), state.clock.now_unix_nanos())?;
    Ok(messages(state, tenants, query, response::query_range))
}

/// The messages of a query for one value.
///
/// # Errors
/// As [`query_range`].
pub(super) fn query_instant(
    state: ApiState,
    tenants: Tenants,
    request: &QueryInstantRequest,
) -> Result<Messages<QueryInstantResponse>, ApiError> {
    let QueryInstantRequest { query, start, end } = request;
    let pairs = times(query, *start, *end);
    let query = params::instant(&Params::of(pairs), state.clock.now_unix_nanos())?;
    Ok(messages(state, tenants, query, |answer, _| response::query_instant(answer)))
}

/// A response whose series may be too many for one message.
trait InParts: Message + Clone + Default + 'static {
    type Series: Message;

    fn series(&mut self) -> &mut Vec<Self::Series>;

    /// Leaves away what the last message alone says.
    fn is_not_last(&mut self);
}

impl InParts for QueryRangeResponse {
    type Series = TimeSeries;

    fn series(&mut self) -> &mut Vec<TimeSeries> {
        &mut self.series
    }

    fn is_not_last(&mut self) {
        (self.status, self.message) = (0, String::new());
    }
}

impl InParts for QueryInstantResponse {
    type Series = InstantSeries;

    fn series(&mut self) -> &mut Vec<InstantSeries> {
        &mut self.series
    }

    fn is_not_last(&mut self) {
        (self.status, self.message) = (0, String::new());
    }
}

/// Nobody else polls the query: dropped with the stream, it ends.
fn messages<R: InParts>(
    state: ApiState,
    tenants: Tenants,
    query: MetricsQuery,
    respond: fn(&MetricsAnswer, &Intervals) -> R,
) -> Messages<R> {
    let answered = async move {
        let answer = state.engine.metrics_of_all(tenants.all(), &query).await;
        let answer = answer.map_err(ApiError::from)?;
        Ok(parts(respond(&answer, &query.intervals)))
    };
    let sent = stream::once(answered).flat_map(|answer: Result<Vec<R>, ApiError>| {
        let sent = match answer {
            Ok(messages) => messages.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        };
        stream::iter(sent)
    });
    sent.boxed()
}

fn parts<R: InParts>(mut response: R) -> Vec<R> {
    let series = std::mem::take(response.series());
    let mut groups = segments::groups(series, &response, Message::encoded_len);
    // There is at least one group.
    let last = groups.pop().unwrap_or_default();
    let mut messages = Vec::new();
    for series in groups {
        let mut message = response.clone();
        message.is_not_last();
        *message.series() = series;
        messages.push(message);
    }
    *response.series() = last;
    messages.push(response);
    messages
}

/// The parameters of the HTTP endpoint that say the same. 0 is how protobuf says nothing.
fn range_params(request: &QueryRangeRequest) -> Params {
    let number = |name, number: u32| (number > 0).then(|| (name, number.to_string()));
    let rest = [
        (request.step > 0).then(|| ("step", format!("{}ns", request.step))),
        number("exemplars", request.exemplars),
        number("maxSeries", request.max_series),
        request.instant.map(|instant| ("instant", instant.to_string())),
    ];
    let pairs = times(&request.query, request.start, request.end);
    Params::of(pairs.into_iter().chain(rest.into_iter().flatten()))
}

/// The query and its range, Unix nanoseconds.
fn times(query: &str, start: u64, end: u64) -> Vec<(&'static str, String)> {
    // As many digits as nanoseconds are known by.
    let time = |name, nanos: u64| (nanos > 0).then(|| (name, format!("{nanos:019}")));
    let query = Some(("q", query.to_owned()));
    [query, time("start", start), time("end", end)].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_says_what_parameters_say() {
        let params = |request: &QueryRangeRequest| {
            let params = range_params(request);
            let names = ["q", "start", "end", "step", "exemplars", "maxSeries", "instant"];
            names.map(|name| params.get(name).unwrap_or_default().to_owned())
        };
        assert_eq!(params(&QueryRangeRequest::default()), [""; 7]);
        let request = QueryRangeRequest {
            query: "{ } | rate()".to_owned(),
            start: 5,
            end: 1_711_000_000_000_000_000,
            step: 1_000_000_000,
            exemplars: 7,
            max_series: 8,
            instant: Some(false),
            ..QueryRangeRequest::default()
        };
        let (start, end) = ("0000000000000000005", "1711000000000000000");
        let wanted = ["{ } | rate()", start, end, "1000000000ns", "7", "8", "false"];
        assert_eq!(params(&request), wanted);
    }

    #[test]
    fn what_is_left_out_is_said_at_the_end() {
        let label = |n: usize| spandrel_proto::otlp::common::KeyValue {
            key: "x".repeat(300_000 + n),
            value: None,
        };
        let series =
            |n| spandrel_proto::tempo::TimeSeries { labels: vec![label(n)], ..Default::default() };
        let whole = QueryRangeResponse {
            series: (0..7).map(series).collect(),
            metrics: Some(spandrel_proto::tempo::SearchMetrics::default()),
            status: 1,
            message: "some".to_owned(),
        };
        let messages = parts(whole.clone());
        let lengths: Vec<usize> = messages.iter().map(|message| message.series.len()).collect();
        assert_eq!(lengths, [3, 3, 1]);
        let told: Vec<&str> = messages.iter().map(|message| &*message.message).collect();
        assert_eq!(told, ["", "", "some"]);
        assert!(messages.iter().all(|message| message.metrics.is_some()));
        let joined: Vec<_> = messages.into_iter().flat_map(|message| message.series).collect();
        assert_eq!(joined, whole.series);
    }
}
