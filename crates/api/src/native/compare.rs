//! `GET /api/ui/compare?q=...&selection=...&start=...&end=...`: which attributes tell the spans of a selection from all
//! others that match.

mod rank;
mod values;

use axum::Json;
use axum::extract::State;
use http::HeaderMap;
use serde::Serialize;
use spandrel_base::cpu;
use spandrel_insight::Sides;
use spandrel_query::{AttributesAnswer, AttributesQuery};
use spandrel_traceql::FieldExpr;

use self::rank::rank;
use super::filter_param::filter_param;
use crate::ApiState;
use crate::error::ApiError;
use crate::params::Params;
use crate::tempo::Failure;
use crate::tempo::time_range::time_range;
use crate::tenant::Tenants;

/// Attributes of an answer.
const ATTRIBUTES_MAX: usize = 500;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Comparison {
    selection: SideJson,
    baseline: SideJson,
    complete: bool,
    /// Attributes that are not told, and those that have too many values to be told apart.
    left_out: usize,
    attributes: Vec<AttributeJson>,
}

#[derive(Debug, Serialize)]
struct SideJson {
    spans: u64,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct AttributeJson {
    name: String,
    /// How strongly it tells the sides apart: G of the table of its values, less what chance gives.
    score: f64,
    /// How many times as frequent the value that speaks most for the selection is there.
    lift: f64,
    /// Whether hardly any two spans share a value, or there are too many values to be told apart.
    id_like: bool,
    /// Whether the selection was made by it, so that it tells nothing new.
    of_selection: bool,
    /// Other attributes that cut the spans into the same sets.
    same_as: Vec<String>,
    /// Those that contribute most, the first first.
    values: Vec<ValueJson>,
    other: SidesJson,
    absent: SidesJson,
}

#[derive(Debug, PartialEq, Serialize)]
struct ValueJson {
    /// As a query has it; of a duration the least one of its step.
    literal: String,
    text: String,
    /// The condition of a query that holds for these spans.
    filter: String,
    selection: u64,
    baseline: u64,
}

#[derive(Debug, PartialEq, Serialize)]
struct SidesJson {
    selection: u64,
    baseline: u64,
}

impl From<Sides> for SidesJson {
    fn from(Sides { selection, baseline }: Sides) -> Self {
        Self { selection, baseline }
    }
}

pub(super) async fn compare(
    State(state): State<ApiState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Json<Comparison>, Failure> {
    let tenants = Tenants::of(&headers, &state)?;
    let query = spandrel_traceql::compile(params.get("q").ok_or(ApiError::Required("q"))?)
        .map_err(ApiError::from)?;
    let selection = filter_param(&params, "selection")?.ok_or(ApiError::Required("selection"))?;
    let request = AttributesQuery { query, selection, range: time_range(&params)? };
    let answer = state.engine.count_attributes(tenants.only()?, &request).await?;
    Ok(Json(cpu::run(move || comparison(answer, &request.selection)).await?))
}

fn comparison(answer: AttributesAnswer, selection: &FieldExpr) -> Comparison {
    let all = answer.counts.all;
    let n_cut = answer.counts.attributes.iter().filter(|a| a.others != Default::default()).count();
    let mut attributes = rank(answer.counts, selection);
    let n_behind = attributes.len().saturating_sub(ATTRIBUTES_MAX);
    attributes.truncate(ATTRIBUTES_MAX);
    let left_out = n_cut + n_behind;
    Comparison {
        selection: SideJson { spans: all.selection },
        baseline: SideJson { spans: all.baseline },
        complete: left_out == 0,
        left_out,
        attributes,
    }
}
