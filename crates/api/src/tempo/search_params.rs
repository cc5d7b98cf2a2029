//! Parameters of a search, and the search that they ask for.

use spandrel_query::{InvalidCursor, Search, SearchCursor, SearchOrder, UnknownOrder};
use spandrel_traceql::ast::{BinaryOp, Root, SpansetExpr, Stage};
use spandrel_traceql::{FieldExpr, Intrinsic, Query, Static, compile};

use super::legacy_tags;
use super::time_range::time_range;
use crate::error::ApiError;
use crate::go_duration::duration_param;
use crate::params::{Params, malformed};
use crate::value_match::{all_of, compare, filter_query};

const TRACES_DEFAULT: usize = 20;
const TRACES_MAX: usize = 262_144;
const SPANS_PER_SPANSET_DEFAULT: usize = 3;
const SPANS_PER_SPANSET_MAX: usize = 100;

/// The search that the parameters ask for; without `q` and `tags` that is any trace.
///
/// # Errors
/// [`ApiError`], which names the parameter at fault.
pub(crate) fn search(params: &Params) -> Result<Search, ApiError> {
    let order = order(params)?;
    Ok(Search {
        query: with_durations(query(params)?, duration_conditions(params)?)?,
        range: time_range(params)?,
        traces_max: params.number("limit", 1..=TRACES_MAX)?.unwrap_or(TRACES_DEFAULT),
        spans_per_spanset: params
            .number("spss", 0..=SPANS_PER_SPANSET_MAX)?
            // Zero is what a client sends that says nothing.
            .filter(|n| *n > 0)
            .unwrap_or(SPANS_PER_SPANSET_DEFAULT),
        order,
        after: after(params, order)?,
    })
}

/// `order=start` (the newest first) or `order=duration` (the longest first): not a parameter of Tempo's.
fn order(params: &Params) -> Result<SearchOrder, ApiError> {
    let Some(word) = params.get("order") else { return Ok(SearchOrder::NewestFirst) };
    word.parse().map_err(|error: UnknownOrder| malformed("order", expected(&error), word))
}

/// `after=` the cursor of another answer in the same order: not a parameter of Tempo's.
fn after(params: &Params, order: SearchOrder) -> Result<Option<SearchCursor>, ApiError> {
    let Some(text) = params.get("after") else { return Ok(None) };
    let cursor: SearchCursor =
        text.parse().map_err(|error: InvalidCursor| malformed("after", expected(&error), text))?;
    if cursor.order != order {
        return Err(ApiError::Contradiction("'after' is a cursor of another 'order'"));
    }
    Ok(Some(cursor))
}

/// What is expected, of an error that says so.
fn expected(error: &impl ToString) -> String {
    let text = error.to_string();
    text.strip_prefix("expected ").unwrap_or(&text).to_owned()
}

fn query(params: &Params) -> Result<Query, ApiError> {
    match (params.get("q"), params.get("tags")) {
        (Some(_), Some(_)) => Err(ApiError::Contradiction(
            "parameters 'q' and 'tags' exclude each other: expected one of them",
        )),
        (Some(q), None) => Ok(compile(q)?),
        (None, Some(tags)) => legacy_tags::filter(tags).map(filter_query),
        (None, None) => Ok(filter_query(all_of([]))),
    }
}

/// Bounds of the duration of the trace.
fn duration_conditions(params: &Params) -> Result<Vec<FieldExpr>, ApiError> {
    let min = duration_param(params, "minDuration")?;
    let max = duration_param(params, "maxDuration")?;
    if min.zip(max).is_some_and(|(min, max)| max < min) {
        return Err(ApiError::Contradiction("'maxDuration' should be greater than 'minDuration'"));
    }
    let bound = |op, nanos| compare(Intrinsic::TraceDuration, op, Static::Duration(nanos));
    let min = min.map(|nanos| bound(BinaryOp::GreaterEqual, nanos));
    let max = max.map(|nanos| bound(BinaryOp::LessEqual, nanos));
    Ok(min.into_iter().chain(max).collect())
}

fn with_durations(query: Query, conditions: Vec<FieldExpr>) -> Result<Query, ApiError> {
    if conditions.is_empty() {
        return Ok(query);
    }
    if let Some(filter) = query.spanset_filter() {
        let conditions = std::iter::once(filter.clone()).chain(conditions);
        return Ok(Query { hints: query.hints.clone(), ..filter_query(all_of(conditions)) });
    }
    // The duration is the same for all spans of a trace, so a filter in front is one of traces.
    let Root::Pipeline(mut pipeline) = query.root else {
        return Err(ApiError::Contradiction(
            "'minDuration' and 'maxDuration' need a 'q' that is a pipeline of spansets; write \
                traceDuration in 'q' instead",
        ));
    };
    pipeline.stages.insert(0, Stage::Spanset(SpansetExpr::Filter(all_of(conditions))));
    Ok(Query { root: Root::Pipeline(pipeline), hints: query.hints })
}

#[cfg(test)]
mod tests {
    use spandrel_query::TimeRange;

    use super::*;

    fn parse(query: &str) -> Result<Search, String> {
        search(&Params::parse(query)).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_given_means_any_trace() {
        let search = parse("q=&limit=&spss=0").unwrap();
        assert_eq!(search.query.to_string(), "{ true }");
        assert_eq!(search.range, TimeRange::ALL);
        assert_eq!((search.traces_max, search.spans_per_spanset), (20, 3));
    }

    #[test]
    fn everything_given() {
        let search = parse(
            "q=%7B.a%3D1%7D+with(most_recent%3Dtrue)&limit=5&spss=100&start=1&end=2&minDuration=1s&maxDuration=2s",
        );
        let search = search.unwrap();
        assert_eq!(
            search.query.to_string(),
            "{ ((.a = 1) && (traceDuration >= 1s)) && (traceDuration <= 2s) } \
                with(most_recent=true)"
        );
        assert_eq!((search.traces_max, search.spans_per_spanset), (5, 100));
        assert_eq!(search.range.start_unix_nanos, 1_000_000_000);
    }

    #[test]
    fn durations_of_pipelines_come_first() {
        let search = parse("q=%7B.a%7D%7Cby(.b)&minDuration=1s").unwrap();
        assert_eq!(search.query.to_string(), "{ traceDuration >= 1s }|{ .a }|by(.b)");
    }

    #[test]
    fn the_longest_from_a_position_on() {
        let search = parse("order=duration&after=duration:5:0000000000000000000000000000000a");
        let search = search.unwrap();
        assert_eq!(search.order, SearchOrder::LongestFirst);
        let after = search.after.unwrap();
        assert_eq!((after.order, after.nanos), (SearchOrder::LongestFirst, 5));
        assert_eq!(parse("").unwrap().order, SearchOrder::NewestFirst);
    }

    #[test]
    fn legacy_tags_with_durations() {
        let search = parse("tags=foo%3DBar&minDuration=999ms").unwrap();
        assert_eq!(search.query.to_string(), "{ (.foo = `Bar`) && (traceDuration >= 999ms) }");
    }

    #[test]
    fn errors_name_the_parameter() {
        for (query, error) in [
            (
                "q=%7B%7D&tags=a%3Db",
                "parameters 'q' and 'tags' exclude each other: expected one of them",
            ),
            (
                "limit=0",
                "unable to parse param 'limit': expected a whole number from 1 to 262144, got '0'",
            ),
            (
                "limit=-1",
                "unable to parse param 'limit': expected a whole number from 1 to 262144, got '-1'",
            ),
            (
                "spss=101",
                "unable to parse param 'spss': expected a whole number from 0 to 100, got '101'",
            ),
            ("minDuration=2s&maxDuration=1s", "'maxDuration' should be greater than 'minDuration'"),
            ("end=5", "'end' needs a 'start'"),
            ("order=size", "unable to parse param 'order': expected start or duration, got 'size'"),
            (
                "after=5",
                "unable to parse param 'after': expected the cursor of an answer, such as \
                    start:1767225600000000000:<trace id>, got '5'",
            ),
            ("after=duration:5:ab", "'after' is a cursor of another 'order'"),
        ] {
            assert_eq!(parse(query).map(drop), Err(error.to_owned()), "{query}");
        }
        let error = parse("q=%7B").unwrap_err();
        assert!(
            error.starts_with("parse error at line 1, col 2: syntax error: unexpected $end"),
            "{error}"
        );
    }
}
