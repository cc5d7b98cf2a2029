//! `POST /api/ui/sampling/check` and `POST /api/ui/sampling/simulate?start=...&end=...&limit=...`: the settings of a
//! `tail_sampling` processor, read as a pipeline reads them, and tried on traces that are stored. Nothing is put in
//! force.
//!
//! Policies are asked by the processor's own code, about whole traces. What cannot be the same is told in the answer:
//! all spans of a trace are there at once, in order of the traces' starts, and when only some traces are looked at,
//! time passes slower in proportion, so that a rate lets the same share of them through as it would of all.

mod read;
mod shown;
mod tally;

use axum::Json;
use axum::extract::State;
use http::HeaderMap;
use serde::Serialize;
use spandrel_model::TenantId;
use spandrel_query::{SampleShare, StoredBlock, TimeRange, TraceSample};
use spandrel_tail_sampling::TailSamplingSettings;

use self::read::read;
use self::shown::{PolicyPlace, ProblemJson, Shown};
use self::tally::{KeptJson, OutcomeJson, PolicyJson, Tally};
use crate::ApiState;
use crate::error::ApiError;
use crate::params::Params;
use crate::tempo::Failure;
use crate::tempo::time_range::time_range;
use crate::tenant::Tenants;

/// Bytes of settings.
pub(super) const BODY_BYTES_MAX: usize = 1 << 20;

/// Traces that are looked at.
const TRACES_DEFAULT: usize = 10_000;
const TRACES_MAX: usize = 50_000;
const HOUR_NANOS: i64 = 3600 * 1_000_000_000;
const DAY_NANOS: f64 = 24.0 * HOUR_NANOS as f64;

/// What there is to know about settings without any trace.
#[derive(Debug, Serialize)]
pub(super) struct Check {
    /// What a pipeline refuses to start with.
    problems: Vec<ProblemJson>,
    warnings: Vec<ProblemJson>,
    /// Under which the processor stands in the text; null when the text is its settings alone.
    id: Option<String>,
    /// As JSON, keys in their order; null when there are none.
    settings: Option<Shown>,
    /// Where each policy stands, in order.
    policies: Vec<PolicyPlace>,
}

pub(super) async fn check(
    State(state): State<ApiState>,
    headers: HeaderMap,
    body: String,
) -> Result<Json<Check>, Failure> {
    Tenants::of(&headers, &state)?;
    let text = read(&body);
    Ok(Json(Check {
        policies: text.body.as_ref().map(shown::places).unwrap_or_default(),
        settings: text.body.map(Shown),
        id: text.id,
        problems: text.problems.into_iter().map(ProblemJson::from).collect(),
        warnings: text.warnings.into_iter().map(ProblemJson::from).collect(),
    }))
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    warnings: Vec<ProblemJson>,
    start_unix_nanos: String,
    end_unix_nanos: String,
    traces: TracesJson,
    /// Spans of the traces that were looked at.
    spans: u64,
    kept: KeptJson,
    policies: Vec<PolicyJson>,
    /// Of the whole.
    examples: OutcomeJson,
    /// Traces that last longer than `decision_wait`: they would be decided on the spans that came until then.
    longer_than_wait: u64,
    /// Traces above `maximum_trace_size_bytes`.
    above_maximum_size: u64,
    bytes: BytesJson,
    /// How the simulation differs from the processor, in sentences.
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct TracesJson {
    /// All of the range; estimated when `complete` is false.
    in_range: u64,
    /// Whether all of them were looked at.
    complete: bool,
    looked_at: u64,
    /// Those with too many spans to be looked at whole.
    too_large: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct BytesJson {
    /// What a span takes; null when it is not known.
    per_span: Option<f64>,
    /// Where that is from: `blocks`, or `otlp` when there are no blocks yet.
    of: &'static str,
    per_day: Option<f64>,
    kept_per_day: Option<f64>,
}

pub(super) async fn simulate(
    State(state): State<ApiState>,
    headers: HeaderMap,
    params: Params,
    body: String,
) -> Result<Json<Answer>, Failure> {
    let tenants = Tenants::of(&headers, &state)?;
    let tenant = tenants.only()?;
    let range = last_hour(&state, time_range(&params)?);
    let traces_max = params.number("limit", 1..=TRACES_MAX)?.unwrap_or(TRACES_DEFAULT);
    let (settings, warnings) = read(&body).settings().map_err(ApiError::from)?;
    let start = range.start_unix_nanos.max(0).cast_unsigned();
    let folded = state.engine.fold_evenly(
        tenant,
        TraceSample { range, traces_max },
        |share| Tally::new(&settings, start, share.fraction()),
        Tally::add,
    );
    let folded = folded.await?;
    let (share, tally) = (folded.share, folded.value);
    let per_span = bytes_per_span(&state, tenant, range).await?;
    let traces = TracesJson {
        in_range: share.n_all,
        complete: !share.is_cut() && folded.too_large == 0,
        looked_at: tally.kept.of_traces,
        too_large: folded.too_large,
    };
    Ok(Json(Answer {
        warnings: warnings.into_iter().map(ProblemJson::from).collect(),
        start_unix_nanos: range.start_unix_nanos.to_string(),
        end_unix_nanos: range.end_unix_nanos.to_string(),
        bytes: bytes(&tally, per_span, range, traces.in_range),
        traces,
        spans: tally.kept.of_spans,
        longer_than_wait: tally.longer_than_wait,
        above_maximum_size: tally.too_large,
        notes: notes(&settings, share),
        kept: KeptJson::from(&tally.kept),
        policies: tally.policies(),
        examples: OutcomeJson::from(&tally.examples),
    }))
}

/// The hour until now, when no range was asked for.
fn last_hour(state: &ApiState, range: TimeRange) -> TimeRange {
    if range != TimeRange::ALL {
        return range;
    }
    let end_unix_nanos = i64::try_from(state.clock.now_unix_nanos()).unwrap_or(i64::MAX);
    TimeRange { start_unix_nanos: end_unix_nanos.saturating_sub(HOUR_NANOS), end_unix_nanos }
}

/// What a span takes in the blocks of the range, else in all blocks; `None` without blocks.
async fn bytes_per_span(
    state: &ApiState,
    tenant: &TenantId,
    range: TimeRange,
) -> Result<Option<f64>, ApiError> {
    let blocks = state.engine.stored_blocks(tenant).await?;
    let signed = |nanos: u64| i64::try_from(nanos).unwrap_or(i64::MAX);
    let in_range = |block: &&StoredBlock| {
        range.overlaps(signed(block.start_unix_nanos), signed(block.end_unix_nanos))
    };
    let mean = |blocks: &mut dyn Iterator<Item = &StoredBlock>| {
        let sum = |(bytes, spans): (u64, u64), block: &StoredBlock| {
            (bytes + block.size_bytes, spans + block.n_spans)
        };
        let (bytes, spans) = blocks.fold((0, 0), sum);
        (spans > 0).then(|| bytes as f64 / spans as f64)
    };
    Ok(mean(&mut blocks.iter().filter(in_range)).or_else(|| mean(&mut blocks.iter())))
}

/// What the traces of the range come to in a day.
fn bytes(tally: &Tally, of_blocks: Option<f64>, range: TimeRange, n_all: u64) -> BytesJson {
    let (of_traces, of_spans) = (tally.kept.of_traces as f64, tally.kept.of_spans as f64);
    let of_otlp = || (of_spans > 0.0).then(|| tally.bytes as f64 / of_spans);
    let per_span = of_blocks.or_else(of_otlp);
    let length = range.end_unix_nanos.saturating_sub(range.start_unix_nanos).max(1);
    let times_a_day = DAY_NANOS / length as f64 * n_all as f64 / of_traces.max(1.0);
    let per_day = |spans: f64| per_span.map(|bytes| bytes * spans * times_a_day);
    BytesJson {
        per_span,
        of: if of_blocks.is_some() { "blocks" } else { "otlp" },
        per_day: per_day(of_spans),
        kept_per_day: per_day(tally.kept.spans as f64),
    }
}

fn notes(settings: &TailSamplingSettings, share: SampleShare) -> Vec<String> {
    use spandrel_tail_sampling::settings::SamplingStrategy;
    let mut notes = vec![
        "Every trace was looked at whole, in the order of the traces' starts.".to_owned(),
        "Rates were filled by the times of the traces, from full buckets at the first one."
            .to_owned(),
    ];
    if share.is_cut() {
        notes.push(format!(
            "{} of about {} traces were looked at, those with the smallest hashes of their ids, which lie evenly \
             over the range; for rates, time passed slower in proportion.",
            share.n_taken, share.n_all
        ));
    }
    if settings.sampling_strategy == SamplingStrategy::SpanIngest {
        notes.push(
            "With sampling_strategy: span-ingest each arriving part is decided by itself; here the whole trace was."
                .to_owned(),
        );
    }
    notes
}
