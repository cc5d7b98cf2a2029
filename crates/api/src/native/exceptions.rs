//! `GET /api/ui/exceptions?q=&start=&end=&limit=`: exceptions of spans, grouped by what makes them the same.

use axum::Json;
use axum::extract::State;
use http::HeaderMap;
use serde::Serialize;
use spandrel_model::{SpanId, TraceId};
use spandrel_query::{ExceptionGroup, ExceptionsQuery};

use super::filter_param::filter_param;
use crate::ApiState;
use crate::params::Params;
use crate::tempo::Failure;
use crate::tempo::time_range::time_range;
use crate::tenant::Tenants;

/// Steps of a sparkline.
const STEPS: usize = 40;
const GROUPS: usize = 200;
const GROUPS_MAX: usize = 1000;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    complete: bool,
    /// Exceptions of groups that are not listed.
    left_out: u64,
    /// What the steps of the series divide.
    start_unix_nanos: String,
    end_unix_nanos: String,
    groups: Vec<Group>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    #[serde(rename = "type")]
    type_name: String,
    message: String,
    frame: Option<String>,
    service: String,
    count: u64,
    first_unix_nanos: String,
    last_unix_nanos: String,
    series: Vec<u64>,
    versions: Vec<String>,
    examples: Vec<Example>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Example {
    trace_id: String,
    span_id: String,
}

pub(super) async fn exceptions(
    State(state): State<ApiState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Json<Answer>, Failure> {
    let tenants = Tenants::of(&headers, &state)?;
    let filter = filter_param(&params, "q")?;
    let query = ExceptionsQuery {
        filter: filter.as_ref(),
        range: time_range(&params)?,
        n_steps: STEPS,
        groups_max: params.number("limit", 1..=GROUPS_MAX)?.unwrap_or(GROUPS),
    };
    let found = state.engine.exceptions(tenants.only()?, &query).await?;
    Ok(Json(Answer {
        complete: found.left_out == 0,
        left_out: found.left_out,
        start_unix_nanos: found.range.start_unix_nanos.to_string(),
        end_unix_nanos: found.range.end_unix_nanos.to_string(),
        groups: found.groups.into_iter().map(group).collect(),
    }))
}

fn group(group: ExceptionGroup) -> Group {
    let example = |(trace_id, span_id): (TraceId, SpanId)| Example {
        trace_id: trace_id.to_string(),
        span_id: span_id.to_string(),
    };
    Group {
        type_name: group.type_name,
        message: group.message,
        frame: group.frame,
        service: group.service,
        count: group.count,
        first_unix_nanos: group.first_unix_nanos.to_string(),
        last_unix_nanos: group.last_unix_nanos.to_string(),
        series: group.series,
        versions: group.versions,
        examples: group.examples.into_iter().map(example).collect(),
    }
}
