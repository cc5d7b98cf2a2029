//! Rate, errors and latency of services, as Jaeger's Monitor page reads them: `GET /api/metrics/...`.
//!
//! Jaeger asks Prometheus for them; here they are computed from spans. A point tells of the time `ratePer` before
//! it, in whole steps.

mod family;
mod window;

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use spandrel_model::{SpanKind, TenantId};
use spandrel_query::{RED_SERIES_MAX, RedBy, RedQuery, TimeRange};

use self::family::{Family, Figure};
use super::answer::is_pretty;
use super::envelope::{Envelope, Failure, json_response};
use super::millis;
use crate::ApiState;
use crate::error::ApiError;
use crate::params::{Params, malformed};
use crate::tenant::jaeger_tenant;

const LOOKBACK: Duration = Duration::from_secs(3600);
const STEP: Duration = Duration::from_secs(5);
const RATE_PER: Duration = Duration::from_secs(600);
/// Between services where the web interface joins several in one parameter.
const JOINED: &str = ",service=";

/// `GET /api/metrics/latencies`.
pub(super) async fn latencies(
    State(state): State<ApiState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Failure> {
    let expected = "a number from 0 to 1";
    let text = params.get("quantile").unwrap_or_default();
    let quantile: Option<f64> = text.parse().ok().filter(|q| (0.0..=1.0).contains(q));
    let quantile = quantile.ok_or_else(|| malformed("quantile", expected, text))?;
    answer(&state, &jaeger_tenant(&headers)?, &params, Figure::Latency { quantile }).await
}

/// `GET /api/metrics/calls`.
pub(super) async fn calls(
    State(state): State<ApiState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Failure> {
    answer(&state, &jaeger_tenant(&headers)?, &params, Figure::CallRate).await
}

/// `GET /api/metrics/errors`.
pub(super) async fn errors(
    State(state): State<ApiState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Failure> {
    answer(&state, &jaeger_tenant(&headers)?, &params, Figure::ErrorRate).await
}

/// `GET /api/metrics/minstep`: the shortest step in milliseconds.
pub(super) async fn min_step(params: Params) -> Response {
    json_response(Envelope::value(1).body(is_pretty(&params)))
}

async fn answer(
    state: &ApiState,
    tenant: &TenantId,
    params: &Params,
    figure: Figure,
) -> Result<Response, Failure> {
    let asked = Asked::of(params, state.clock.now_unix_nanos())?;
    let red = state.engine.red(tenant, &asked.query()).await?;
    let family = Family::new(figure, &asked, red.series);
    Ok(json_response(family.body(is_pretty(params))))
}

/// What the parameters say.
#[derive(Debug, Clone, PartialEq)]
struct Asked {
    services: Vec<String>,
    by_operation: bool,
    kinds: Vec<SpanKind>,
    /// From the first point to the last.
    range: TimeRange,
    step: Duration,
    /// Steps that a point tells of.
    steps_per_point: usize,
}

impl Asked {
    fn of(params: &Params, now_unix_nanos: u64) -> Result<Self, ApiError> {
        let services = params.all("service").flat_map(|value| value.split(JOINED));
        let services: Vec<String> = services.map(str::to_owned).collect();
        if services.is_empty() {
            return Err(malformed("service", "at least one service name", ""));
        }
        let step = millis::length(params, "step", STEP)?;
        let rate_per = millis::length(params, "ratePer", RATE_PER)?;
        let steps_per_point = rate_per.as_nanos().div_ceil(step.as_nanos());
        Ok(Self {
            services,
            by_operation: params.flag("groupByOperation")?,
            kinds: kinds(params)?,
            range: millis::range(params, now_unix_nanos, LOOKBACK)?,
            step,
            steps_per_point: usize::try_from(steps_per_point).unwrap_or(usize::MAX),
        })
    }

    /// Beginning one point's time before the first point. Where that is too many steps, the engine refuses it.
    fn query(&self) -> RedQuery {
        let steps = i64::try_from(self.steps_per_point).unwrap_or(i64::MAX);
        let before = steps.saturating_mul(self.step_nanos());
        RedQuery {
            range: TimeRange {
                start_unix_nanos: self.range.start_unix_nanos.saturating_sub(before),
                end_unix_nanos: self.range.end_unix_nanos.saturating_sub(1),
            },
            step: Some(self.step),
            by: if self.by_operation { RedBy::Operation } else { RedBy::Service },
            services: self.services.clone(),
            operation: None,
            kinds: self.kinds.clone(),
            series_max: RED_SERIES_MAX,
        }
    }

    fn step_nanos(&self) -> i64 {
        i64::try_from(self.step.as_nanos()).unwrap_or(i64::MAX)
    }
}

fn kinds(params: &Params) -> Result<Vec<SpanKind>, ApiError> {
    let expected = "unspecified, internal, server, client, producer or consumer";
    let kind = |text: &str| {
        let found = SpanKind::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| malformed("spanKind", expected, text))
    };
    let kinds: Vec<SpanKind> = params.all("spanKind").map(kind).collect::<Result<_, _>>()?;
    Ok(if kinds.is_empty() { vec![SpanKind::Server] } else { kinds })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000_000_000_000;

    fn asked(query: &str) -> Result<Asked, String> {
        Asked::of(&Params::parse(query), NOW).map_err(|error| error.to_string())
    }

    #[test]
    fn defaults_are_those_of_jaeger() {
        let asked = asked("service=a,service=b&service=c&endTs=").unwrap();
        assert_eq!(asked.services, ["a", "b", "c"]);
        assert_eq!(asked.kinds, [SpanKind::Server]);
        assert_eq!(asked.range.end_unix_nanos, 1_700_000_000_000_000_000);
        assert_eq!(asked.range.start_unix_nanos, 1_699_996_400_000_000_000);
        assert_eq!((asked.step, asked.steps_per_point), (STEP, 120));
        assert_eq!(asked.query().range.start_unix_nanos, 1_699_995_800_000_000_000);
    }

    #[test]
    fn what_is_malformed_is_named() {
        for (query, text) in [
            ("", "unable to parse param 'service': expected at least one service name"),
            ("service=", "unable to parse param 'service'"),
            ("service=a&spanKind=SERVER", "unable to parse param 'spanKind'"),
            ("service=a&endTs=now", "unable to parse param 'endTs': expected Unix milliseconds"),
            ("service=a&endTs=9223372036854775807", "unable to parse param 'endTs'"),
            ("service=a&lookback=0", "unable to parse param 'lookback'"),
            ("service=a&step=-1", "unable to parse param 'step': expected milliseconds above"),
            ("service=a&ratePer=1h", "unable to parse param 'ratePer'"),
            ("service=a&groupByOperation=maybe", "unable to parse param 'groupByOperation'"),
        ] {
            let error = asked(query).unwrap_err();
            assert!(error.starts_with(text), "{query}: {error}");
        }
    }
}
