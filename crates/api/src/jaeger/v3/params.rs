//! Parameters of `/api/v3`: in camel case, or in snake case as Grafana sends them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use spandrel_model::TraceId;
use spandrel_query::TimeRange;

use super::super::filter::Filter;
use super::super::span_query::{SpanQuery, TRACES_DEFAULT, TRACES_MAX, go_bool};
use super::super::trace_id;
use super::malformed;
use crate::error::ApiError;
use crate::go_duration;
use crate::params::Params;
use crate::value_match::TAGS_MAX;

/// Characters of a time before its offset: `2006-01-02T15:04:05`.
const TIME_CHARS: usize = 19;

/// A parameter under the name of now, and under older ones.
type Names = &'static [&'static str];

const START: Names = &["startTime", "start_time"];
const END: Names = &["endTime", "end_time"];
const RAW: Names = &["rawTraces", "raw_traces"];
const SERVICE: Names = &["query.serviceName", "query.service_name"];
const OPERATION: Names = &["query.operationName", "query.operation_name"];
const ATTRIBUTES: Names = &["query.attributes"];
const FILTER: Names = &["query.filter"];
const START_MIN: Names = &["query.startTimeMin", "query.start_time_min"];
const START_MAX: Names = &["query.startTimeMax", "query.start_time_max"];
const DEPTH: Names = &["query.searchDepth", "query.search_depth", "query.num_traces"];
const DURATION_MIN: Names = &["query.durationMin", "query.duration_min"];
const DURATION_MAX: Names = &["query.durationMax", "query.duration_max"];
const QUERY_RAW: Names = &["query.rawTraces", "query.raw_traces"];

/// The trace of a path, and whether it is wanted as it was stored.
///
/// # Errors
/// [`ApiError`] with the name of the parameter.
pub(super) fn trace(id: &str, params: &Params) -> Result<(TraceId, bool), ApiError> {
    let id = trace_id::parse(id).map_err(|error| malformed("trace_id", error.to_string()))?;
    time(params, START)?;
    time(params, END)?;
    Ok((id, flag(params, RAW)?))
}

/// A search, and whether its traces are wanted as they were stored.
///
/// # Errors
/// [`ApiError`] with the name of the parameter.
pub(super) fn search(params: &Params) -> Result<(SpanQuery, bool), ApiError> {
    let filter = match named(params, FILTER) {
        None => None,
        Some((name, json)) => {
            Some(Filter::from_json(json).map_err(|reason| malformed(name, reason))?)
        }
    };
    let text = |names| named(params, names).map(|(_, text)| text.to_owned());
    let query = SpanQuery {
        service: text(SERVICE),
        operation: text(OPERATION),
        tags: attributes(params)?,
        range: required_range(params)?,
        traces_max: depth(params)?,
        duration_min: duration(params, DURATION_MIN)?,
        duration_max: duration(params, DURATION_MAX)?,
        filter,
    };
    check_alone(&query)?;
    Ok((query, flag(params, QUERY_RAW)?))
}

/// A filter says everything, or there is none.
///
/// # Errors
/// [`ApiError::Malformed`] when there are other conditions too.
pub(in super::super) fn check_alone(query: &SpanQuery) -> Result<(), ApiError> {
    let others = query.service.is_some()
        || query.operation.is_some()
        || !query.tags.is_empty()
        || query.duration_min.is_some()
        || query.duration_max.is_some();
    match query.filter.is_some() && others {
        true => Err(malformed(
            "query.filter",
            "it cannot be combined with serviceName, operationName, attributes, durationMin or \
                durationMax",
        )),
        false => Ok(()),
    }
}

/// The range of dependencies.
///
/// # Errors
/// [`ApiError`] when a time is missing or malformed, or they are reversed.
pub(super) fn dependencies(params: &Params) -> Result<TimeRange, ApiError> {
    let start = time(params, START)?.ok_or(ApiError::Contradiction("start_time is required"))?;
    let end = time(params, END)?.ok_or(ApiError::Contradiction("end_time is required"))?;
    match end > start {
        true => Ok(TimeRange { start_unix_nanos: start, end_unix_nanos: end }),
        false => Err(ApiError::Contradiction("end_time must be after start_time")),
    }
}

fn required_range(params: &Params) -> Result<TimeRange, ApiError> {
    let (start, end) = (named(params, START_MIN), named(params, START_MAX));
    if start.is_none() || end.is_none() {
        let required = "query.startTimeMin and query.startTimeMax are required";
        return Err(ApiError::Contradiction(required));
    }
    let start = time(params, START_MIN)?.unwrap_or(i64::MIN);
    let end = time(params, START_MAX)?.unwrap_or(i64::MAX);
    match start < end {
        true => Ok(TimeRange { start_unix_nanos: start, end_unix_nanos: end }),
        false => {
            Err(ApiError::Contradiction("query.startTimeMin must be before query.startTimeMax"))
        }
    }
}

/// The first name that has a value, and the value.
fn named(params: &Params, names: Names) -> Option<(&'static str, &str)> {
    names.iter().find_map(|name| Some((*name, params.get(name)?)))
}

/// A time in Unix nanoseconds. Who does not encode a plus sign sends a space.
fn time(params: &Params, names: Names) -> Result<Option<i64>, ApiError> {
    let Some((name, text)) = named(params, names) else { return Ok(None) };
    let (before, offset) = text.split_at_checked(TIME_CHARS).unwrap_or((text, ""));
    let parsed = format!("{before}{}", offset.replace(' ', "+")).parse::<Timestamp>().ok();
    let nanos = parsed.and_then(|time| i64::try_from(time.as_nanosecond()).ok());
    let reason = || {
        let expected = "a time in RFC 3339 between the years 1678 and 2261";
        malformed(name, format!("expected {expected}, got '{text}'"))
    };
    nanos.map(Some).ok_or_else(reason)
}

/// A duration in nanoseconds; zero is no limit.
fn duration(params: &Params, names: Names) -> Result<Option<i64>, ApiError> {
    let Some((name, text)) = named(params, names) else { return Ok(None) };
    let Some(nanos) = go_duration::parse(text) else {
        let reason = format!("expected a duration such as 1.5s, 100ms or 1h2m, got '{text}'");
        return Err(malformed(name, reason));
    };
    Ok(Some(nanos).filter(|nanos| *nanos > 0))
}

fn flag(params: &Params, names: Names) -> Result<bool, ApiError> {
    let Some((name, text)) = named(params, names) else { return Ok(false) };
    go_bool(text).ok_or_else(|| malformed(name, format!("expected true or false, got '{text}'")))
}

fn depth(params: &Params) -> Result<usize, ApiError> {
    let Some((name, text)) = named(params, DEPTH) else { return Ok(TRACES_DEFAULT) };
    let depth = text.parse().ok().filter(|depth| (1..=TRACES_MAX).contains(depth));
    let reason =
        || malformed(name, format!("expected a whole number from 1 to {TRACES_MAX}, got '{text}'"));
    depth.ok_or_else(reason)
}

fn attributes(params: &Params) -> Result<BTreeMap<String, String>, ApiError> {
    let Some((name, json)) = named(params, ATTRIBUTES) else { return Ok(BTreeMap::new()) };
    let attributes: Result<BTreeMap<String, String>, _> = serde_json::from_str(json);
    let attributes = attributes.map_err(|error| malformed(name, error.to_string()))?;
    match attributes.len() > TAGS_MAX {
        true => Err(malformed(name, format!("expected at most {TAGS_MAX} attributes"))),
        false => Ok(attributes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANGE: &str =
        "query.startTimeMin=2023-11-14T22:13:20Z&query.startTimeMax=2023-11-14T23:13:20.5Z";

    fn parse(query: &str) -> Result<(SpanQuery, bool), String> {
        search(&Params::parse(query)).map_err(|error| error.to_string())
    }

    fn of_range() -> SpanQuery {
        SpanQuery::any(TimeRange {
            start_unix_nanos: 1_700_000_000_000_000_000,
            end_unix_nanos: 1_700_003_600_500_000_000,
        })
    }

    #[test]
    fn only_the_times_are_required() {
        let empty = "&query.serviceName=&query.operationName=&query.attributes=&query.searchDepth=\
            &query.durationMin=&query.durationMax=0s&query.filter=&query.rawTraces=";
        assert_eq!(parse(RANGE), Ok((of_range(), false)));
        assert_eq!(parse(&format!("{RANGE}{empty}")), Ok((of_range(), false)));
    }

    #[test]
    fn names_of_now_come_before_older_ones() {
        // Grafana does not encode the plus sign.
        let snake = "query.start_time_min=2023-11-14T23:13:20+01:00\
            &query.start_time_max=2023-11-14T23:13:20.500000000+00:00&query.service_name=shop\
            &query.operation_name=pay&query.search_depth=7&query.duration_min=1ms\
            &query.duration_max=2ms&query.raw_traces=1&query.attributes={\"a\":\"b\"}";
        let expected = SpanQuery {
            service: Some("shop".to_owned()),
            operation: Some("pay".to_owned()),
            tags: BTreeMap::from([("a".to_owned(), "b".to_owned())]),
            duration_min: Some(1_000_000),
            duration_max: Some(2_000_000),
            traces_max: 7,
            ..of_range()
        };
        assert_eq!(parse(snake), Ok((expected.clone(), true)));
        let both = format!("{snake}&query.serviceName=bank&query.num_traces=9");
        let bank = SpanQuery { service: Some("bank".to_owned()), ..expected };
        assert_eq!(parse(&both), Ok((bank, true)));
        let old = format!("{RANGE}&query.num_traces=9");
        assert_eq!(parse(&old), Ok((SpanQuery { traces_max: 9, ..of_range() }, false)));
    }

    #[test]
    fn errors_name_the_parameter_as_it_was_sent() {
        for (query, text) in [
            ("", "query.startTimeMin and query.startTimeMax are required"),
            ("query.startTimeMin=2023-11-14T22:13:20Z", "are required"),
            (
                "query.startTimeMin=2023-11-14T22:13:20Z&query.startTimeMax=2023-11-14T22:13:20Z",
                "query.startTimeMin must be before query.startTimeMax",
            ),
            (
                "query.start_time_min=1&query.startTimeMax=2023-11-14T22:13:20Z",
                "malformed parameter query.start_time_min: expected a time in RFC 3339",
            ),
            (
                "query.startTimeMin=9999-01-01T00:00:00Z&query.startTimeMax=2023-11-14T22:13:20Z",
                "malformed parameter query.startTimeMin",
            ),
        ] {
            let error = parse(query).unwrap_err();
            assert!(error.contains(text), "{query}: {error}");
        }
        for (params, text) in [
            ("query.searchDepth=x", "malformed parameter query.searchDepth: expected a whole"),
            ("query.search_depth=-1", "malformed parameter query.search_depth"),
            ("query.num_traces=0", "malformed parameter query.num_traces"),
            ("query.searchDepth=100001", "malformed parameter query.searchDepth"),
            ("query.durationMin=5", "malformed parameter query.durationMin: expected a duration"),
            ("query.duration_max=-1s", "malformed parameter query.duration_max"),
            (
                "query.rawTraces=maybe",
                "malformed parameter query.rawTraces: expected true or false",
            ),
            ("query.attributes=a:b", "malformed parameter query.attributes"),
            ("query.attributes={\"a\":1}", "malformed parameter query.attributes"),
            ("query.filter={}", "malformed parameter query.filter: filter call has no operator"),
            (
                "query.serviceName=a&query.filter={\"op\":\"exists\",\"args\":[{\"attr\":{\"key\":\"a\"}}]}",
                "malformed parameter query.filter: it cannot be combined",
            ),
        ] {
            let error = parse(&format!("{RANGE}&{params}")).unwrap_err();
            assert!(error.contains(text), "{params}: {error}");
        }
    }

    #[test]
    fn a_range_of_dependencies_has_both_ends() {
        let range = |query| dependencies(&Params::parse(query)).map_err(|error| error.to_string());
        assert!(range("startTime=2023-11-14T22:13:20Z&end_time=2023-11-14T22:13:21Z").is_ok());
        for (query, text) in [
            ("endTime=2023-11-14T22:13:20Z", "start_time is required"),
            ("startTime=2023-11-14T22:13:20Z", "end_time is required"),
            (
                "startTime=2023-11-14T22:13:20Z&endTime=2023-11-14T22:13:20Z",
                "end_time must be after start_time",
            ),
        ] {
            assert_eq!(range(query), Err(text.to_owned()));
        }
    }
}
