//! `GET /api/ui/structure?q=...&start=...&end=...&limit=...`: all matching traces as one tree of calls.

mod durations;

use axum::Json;
use axum::extract::State;
use http::HeaderMap;
use serde::Serialize;
use spandrel_insight::{Path, PathFigures};
use spandrel_query::Search;

use self::durations::{Example, TimedRollUp};
use super::bare::kind_word;
use crate::ApiState;
use crate::error::ApiError;
use crate::params::Params;
use crate::tempo::Failure;
use crate::tempo::time_range::time_range;
use crate::tenant::Tenants;

/// Traces that are added up, the newest.
const TRACES_DEFAULT: usize = 1000;
const TRACES_MAX: usize = 10_000;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Structure {
    traces: u64,
    spans: u64,
    /// Traces that match and are not in it.
    left_out: u64,
    /// Whether there may be more of them than were counted.
    left_out_more: bool,
    /// Spans of its traces that have no node, because there are too many.
    spans_left_out: u64,
    complete: bool,
    nodes: Vec<NodeJson>,
}

/// Spans of one path; parents before their children.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct NodeJson {
    /// Position of the parent; -1 for none.
    parent: i64,
    service: String,
    name: String,
    kind: &'static str,
    spans: u64,
    traces: u64,
    errors: u64,
    error_origins: u64,
    total_nanos: u128,
    self_nanos: u128,
    p50: u64,
    p95: u64,
    /// The longest of the spans, the longest first.
    examples: Vec<ExampleJson>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ExampleJson {
    trace_id: String,
    span_id: String,
}

pub(super) async fn structure(
    State(state): State<ApiState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Json<Structure>, Failure> {
    let tenants = Tenants::of(&headers, &state)?;
    let query = spandrel_traceql::compile(params.get("q").ok_or(ApiError::Required("q"))?)
        .map_err(ApiError::from)?;
    let limit = params.number("limit", 1..=TRACES_MAX)?.unwrap_or(TRACES_DEFAULT);
    let search = Search::newest(query, time_range(&params)?, limit, 0);
    let folded = state.engine.fold_traces(
        tenants.only()?,
        &search,
        TimedRollUp::default(),
        TimedRollUp::add,
    );
    let folded = folded.await?;
    let roll_up = &folded.value.roll_up;
    let nodes = folded.value.nodes().map(|(path, figures, times)| {
        node_json(
            path,
            figures,
            [times.durations.quantile(0.5), times.durations.quantile(0.95)],
            &times.longest,
        )
    });
    let nodes = nodes.collect();
    Ok(Json(Structure {
        traces: roll_up.n_traces(),
        spans: roll_up.n_spans(),
        left_out: folded.left_out,
        left_out_more: folded.left_out_more,
        spans_left_out: roll_up.n_spans_left_out(),
        complete: folded.left_out == 0 && roll_up.n_spans_left_out() == 0,
        nodes,
    }))
}

fn node_json(
    path: &Path,
    figures: &PathFigures,
    [p50, p95]: [Option<u64>; 2],
    longest: &[Example],
) -> NodeJson {
    let example = |example: &Example| ExampleJson {
        trace_id: example.trace_id.to_string(),
        span_id: example.span_id.to_string(),
    };
    NodeJson {
        parent: path.parent.and_then(|parent| i64::try_from(parent).ok()).unwrap_or(-1),
        service: path.service.clone(),
        name: path.name.clone(),
        kind: kind_word(path.kind),
        spans: figures.n_spans,
        traces: figures.n_traces,
        errors: figures.n_errors,
        error_origins: figures.n_error_origins,
        total_nanos: figures.duration_nanos,
        self_nanos: figures.self_nanos,
        p50: p50.unwrap_or_default(),
        p95: p95.unwrap_or_default(),
        examples: longest.iter().map(example).collect(),
    }
}
