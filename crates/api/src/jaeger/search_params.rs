//! Parameters of a search of the legacy API.

use std::collections::{BTreeMap, HashSet};

use spandrel_model::TraceId;
use spandrel_query::TimeRange;

use super::span_query::{SpanQuery, TRACES_DEFAULT, TRACES_MAX};
use super::trace_id;
use crate::error::ApiError;
use crate::go_duration::duration_param;
use crate::params::{Params, malformed};
use crate::value_match::TAGS_MAX;

const NANOS_PER_MICRO: i64 = 1_000;
/// How far back is searched when nobody says.
const LOOKBACK_NANOS: i64 = 2 * 24 * 3_600 * 1_000_000_000;

/// What is asked for.
#[derive(Debug, PartialEq)]
pub(super) enum Request {
    /// These traces, whatever else is given.
    ById(Vec<TraceId>),
    /// Traces with a span that has all of this.
    Search(SpanQuery),
}

/// Reads the parameters.
///
/// # Errors
/// [`ApiError`], with the texts of Jaeger where it has one.
pub(super) fn request(params: &Params, now_unix_nanos: u64) -> Result<Request, ApiError> {
    let ids: Vec<TraceId> = params.all("traceID").map(trace_id::parse).collect::<Result<_, _>>()?;
    if !ids.is_empty() {
        return Ok(Request::ById(distinct(ids)));
    }
    // Zero is how Jaeger's clients say that there is no limit.
    let duration_min = duration_param(params, "minDuration")?.filter(|nanos| *nanos > 0);
    let duration_max = duration_param(params, "maxDuration")?.filter(|nanos| *nanos > 0);
    if duration_min.zip(duration_max).is_some_and(|(min, max)| max < min) {
        return Err(ApiError::Contradiction("'maxDuration' should be greater than 'minDuration'"));
    }
    let now = i64::try_from(now_unix_nanos).unwrap_or(i64::MAX);
    Ok(Request::Search(SpanQuery {
        service: params.get("service").map(str::to_owned),
        operation: params.get("operation").map(str::to_owned),
        tags: tags(params)?,
        duration_min,
        duration_max,
        filter: None,
        range: TimeRange {
            start_unix_nanos: micros(params, "start")?
                .unwrap_or(now.saturating_sub(LOOKBACK_NANOS)),
            end_unix_nanos: micros(params, "end")?.unwrap_or(now),
        },
        traces_max: params.number("limit", 1..=TRACES_MAX)?.unwrap_or(TRACES_DEFAULT),
    }))
}

/// Each id once, in the order of the first ones.
fn distinct(ids: Vec<TraceId>) -> Vec<TraceId> {
    let mut seen = HashSet::with_capacity(ids.len());
    ids.into_iter().filter(|id| seen.insert(*id)).collect()
}

/// A time in nanoseconds, from microseconds.
pub(super) fn micros(params: &Params, name: &'static str) -> Result<Option<i64>, ApiError> {
    let Some(text) = params.get(name) else { return Ok(None) };
    let micros = text.parse::<i64>().ok();
    let nanos = micros.and_then(|micros| micros.checked_mul(NANOS_PER_MICRO));
    nanos.map(Some).ok_or_else(|| malformed(name, "Unix microseconds", text))
}

/// `tag=key:value` and `tags={"key":"value"}`, both repeated at will; of duplicates the last
/// counts.
fn tags(params: &Params) -> Result<BTreeMap<String, String>, ApiError> {
    let mut tags = BTreeMap::new();
    for pair in params.all("tag") {
        let (key, value) =
            pair.split_once(':').ok_or_else(|| ApiError::TagPair(pair.to_owned()))?;
        tags.insert(key.to_owned(), value.to_owned());
    }
    for json in params.all("tags") {
        let map: BTreeMap<String, String> = serde_json::from_str(json).map_err(ApiError::TagMap)?;
        tags.extend(map);
    }
    if tags.len() > TAGS_MAX {
        let found = format!("{} tags", tags.len());
        return Err(malformed("tags", format!("at most {TAGS_MAX} tags"), &found));
    }
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000_000_000_000;

    fn parse(query: &str) -> Result<Request, String> {
        request(&Params::parse(query), NOW).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_is_required() {
        let empty =
            "operation=&start=&end=&limit=&minDuration=&maxDuration=&tags=&traceID=&lookback=1h";
        let any = SpanQuery::any(TimeRange {
            start_unix_nanos: 1_700_000_000_000_000_000 - 172_800_000_000_000,
            end_unix_nanos: 1_700_000_000_000_000_000,
        });
        for query in ["", "service=", empty, "minDuration=0s&maxDuration=0ms"] {
            assert_eq!(parse(query), Ok(Request::Search(any.clone())), "{query}");
        }
        let of_shop = SpanQuery { service: Some("shop".to_owned()), ..any };
        assert_eq!(parse(&format!("service=shop&{empty}")), Ok(Request::Search(of_shop)));
    }

    #[test]
    fn everything_given() {
        let query = "service=shop&operation=GET+%2F&start=1000&end=2000&limit=7&minDuration=4500ns&maxDuration=1h2m3.5s\
            &tag=a:b:c&tags=%7B%22a%22%3A%22x%22%2C%22n%22%3A%22500%22%7D&tag=only:";
        let tags = [("a", "x"), ("n", "500"), ("only", "")];
        let expected = SpanQuery {
            service: Some("shop".to_owned()),
            operation: Some("GET /".to_owned()),
            tags: tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
            duration_min: Some(4_500),
            duration_max: Some(3_723_500_000_000),
            filter: None,
            range: TimeRange { start_unix_nanos: 1_000_000, end_unix_nanos: 2_000_000 },
            traces_max: 7,
        };
        assert_eq!(parse(query), Ok(Request::Search(expected)));
    }

    #[test]
    fn trace_ids_need_nothing_else() {
        let ids = ["1", "ab"].map(|id| TraceId::from_hex(id).unwrap());
        assert_eq!(
            parse("traceID=1&traceID=000ab&traceID=01&limit=x"),
            Ok(Request::ById(ids.into()))
        );
    }

    #[test]
    fn errors_have_the_texts_of_jaeger() {
        for (query, error) in [
            (
                "service=s&minDuration=2s&maxDuration=1s",
                "'maxDuration' should be greater than 'minDuration'",
            ),
            (
                "service=s&start=now",
                "unable to parse param 'start': expected Unix microseconds, got 'now'",
            ),
            (
                "service=s&end=9223372036854775807",
                "unable to parse param 'end': expected Unix microseconds, got \
                    '9223372036854775807'",
            ),
            (
                "service=s&limit=0",
                "unable to parse param 'limit': expected a whole number from 1 to 100000, got '0'",
            ),
            ("service=s&tag=ab", "malformed 'tag' parameter, expecting key:value, received: ab"),
            (
                "service=s&tags=x",
                "malformed 'tags' parameter, cannot unmarshal JSON: expected value at line 1 \
                    column 1",
            ),
            (
                "traceID=xyz",
                "trace IDs can only contain hex characters: invalid character 'x' at position 1",
            ),
        ] {
            assert_eq!(parse(query), Err(error.to_owned()), "{query}");
        }
    }
}
