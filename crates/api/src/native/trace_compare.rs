//! `GET /api/ui/traces/{a}/compare/{b}`: two traces by path, and `GET /api/ui/traces/{id}/typical`: which trace to
//! compare one with.

mod typical;

use axum::Json;
use axum::extract::{Path, State};
use http::HeaderMap;
use serde::Serialize;
use spandrel_base::cpu;
use spandrel_insight::{PathFigures, Paths, SpanTree};
use spandrel_model::{Span, StatusCode};
use spandrel_query::TraceSpans;

pub(super) use self::typical::typical;
use super::bare::{SPAN_BYTES, kind_word};
use super::trace_of;
use crate::ApiState;
use crate::error::ApiError;
use crate::tempo::Failure;

/// Spans that two traces may have together: all of them are values at the same time.
const SPANS_MAX: usize = 400_000;
/// Span ids of a path on each side.
const IDS_MAX: usize = 100;

#[derive(Debug, Serialize)]
pub(super) struct TraceComparison {
    a: TraceFacts,
    b: TraceFacts,
    nodes: Vec<NodeJson>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct TraceFacts {
    trace_id: String,
    duration_nanos: i64,
    spans: usize,
    errors: usize,
}

/// A path of either trace; parents before their children.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct NodeJson {
    /// Position of the parent; -1 for none.
    parent: i64,
    service: String,
    name: String,
    kind: &'static str,
    change: &'static str,
    a: Option<FiguresJson>,
    b: Option<FiguresJson>,
    spans_a: Vec<String>,
    spans_b: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FiguresJson {
    calls: u64,
    errors: u64,
    total_nanos: u128,
    self_nanos: u128,
}

pub(super) async fn compare(
    State(state): State<ApiState>,
    Path((a, b)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Json<TraceComparison>, Failure> {
    let a = trace_of(&state, &headers, &a).await?;
    let b = trace_of(&state, &headers, &b).await?;
    let n_spans = a.n_spans() + b.n_spans();
    if n_spans > SPANS_MAX {
        return Err(ApiError::DiffTooLarge { n_spans, n_max: SPANS_MAX }.into());
    }
    let held = state.engine.hold(n_spans * SPAN_BYTES)?;
    let comparison = cpu::run(move || {
        let _held = held;
        comparison(&a, &b)
    });
    Ok(Json(comparison.await?))
}

fn comparison(a: &TraceSpans, b: &TraceSpans) -> TraceComparison {
    let mut paths = Paths::new(usize::MAX);
    let (mut a, mut b) = (Side::of(a, &mut paths), Side::of(b, &mut paths));
    let nodes = paths.nodes().iter().enumerate().map(|(place, path)| {
        let (in_a, in_b) = (a.figures(place), b.figures(place));
        NodeJson {
            parent: path.parent.and_then(|parent| i64::try_from(parent).ok()).unwrap_or(-1),
            service: path.service.clone(),
            name: path.name.clone(),
            kind: kind_word(path.kind),
            change: change(in_a, in_b),
            a: in_a.map(figures_json),
            b: in_b.map(figures_json),
            spans_a: a.take_ids(place),
            spans_b: b.take_ids(place),
        }
    });
    let nodes = nodes.collect();
    TraceComparison { a: a.facts, b: b.facts, nodes }
}

/// One of the traces.
struct Side {
    facts: TraceFacts,
    figures: Vec<PathFigures>,
    /// The first spans of each path.
    ids: Vec<Vec<String>>,
}

impl Side {
    fn of(trace: &TraceSpans, paths: &mut Paths) -> Self {
        let spans: Vec<Span> = trace.bare().map(|bare| bare.span).collect();
        let tree = SpanTree::new(&spans);
        let places = paths.place(&spans, &tree);
        let mut figures = Vec::new();
        PathFigures::add_trace(&mut figures, &spans, &tree, &places);
        let mut ids = vec![Vec::new(); figures.len()];
        for (span, place) in spans.iter().zip(&places) {
            let Some(own) = place.and_then(|place| ids.get_mut(place)) else { continue };
            if own.len() < IDS_MAX {
                own.push(span.span_id.to_string());
            }
        }
        let (start, end) = trace.extent();
        let failed = |span: &&Span| span.status_code == StatusCode::Error;
        let facts = TraceFacts {
            trace_id: trace.trace_id().to_string(),
            duration_nanos: end.saturating_sub(start),
            spans: spans.len(),
            errors: spans.iter().filter(failed).count(),
        };
        Self { facts, figures, ids }
    }

    /// The figures of a path; `None` when the trace has no span of it.
    fn figures(&self, place: usize) -> Option<&PathFigures> {
        self.figures.get(place).filter(|figures| figures.n_spans > 0)
    }

    fn take_ids(&mut self, place: usize) -> Vec<String> {
        self.ids.get_mut(place).map(std::mem::take).unwrap_or_default()
    }
}

/// What became of a path: durations always differ, so numbers of calls and errors decide.
fn change(a: Option<&PathFigures>, b: Option<&PathFigures>) -> &'static str {
    match (a, b) {
        (None, _) => "added",
        (_, None) => "removed",
        (Some(a), Some(b)) if (a.n_spans, a.n_errors) == (b.n_spans, b.n_errors) => "same",
        _ => "changed",
    }
}

fn figures_json(figures: &PathFigures) -> FiguresJson {
    FiguresJson {
        calls: figures.n_spans,
        errors: figures.n_errors,
        total_nanos: figures.duration_nanos,
        self_nanos: figures.self_nanos,
    }
}
