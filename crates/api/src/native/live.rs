//! `GET /api/ui/live?q=&service=`: spans as they arrive, as server-sent events.
//!
//! `spans` comes at most every quarter of a second, when something has arrived, and never with more than 50 spans a
//! second; the others are counted. `ping` comes at once, and then after 15 seconds without anything else. The stream
//! ends with the process, or after `error`.

mod pace;

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::Event;
use futures::stream::{self, Stream, StreamExt};
use http::HeaderMap;
use serde::Serialize;
use spandrel_query::{LiveTail, Tailed, TailedSpan};

use self::pace::Pace;
use super::filter_param::filter_param;
use crate::ApiState;
use crate::error::ApiError;
use crate::params::Params;
use crate::tempo::Failure;
use crate::tenant::Tenants;

/// How often is looked for what has arrived.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Looks without anything after which the client hears that the stream is alive: 15 seconds.
const QUIET_LOOKS_MAX: u32 = 60;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Arrived {
    spans: Vec<SpanJson>,
    /// Since the last event: those that are sent and those that are not.
    received: u64,
    dropped: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SpanJson {
    trace_id: String,
    span_id: String,
    service: String,
    name: String,
    start_unix_nanos: String,
    duration_nanos: i64,
    error: bool,
    root: bool,
}

pub(super) async fn live(
    State(state): State<ApiState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Failure> {
    let tenants = Tenants::of(&headers, &state)?;
    let filter = filter_param(&params, "q")?;
    let service = params.get("service");
    let tail = state.engine.live_tail(tenants.only()?, filter.as_ref(), service).await?;
    let watch = Watch { tail: Some(tail), pace: Pace::default(), quiet_looks: 0 };
    let first = stream::iter([Ok(ping())]);
    let rest = stream::unfold(watch, |watch| async move {
        let (event, watch) = watch.next().await?;
        Some((Ok(event), watch))
    });
    Ok(Sse::new(first.chain(rest)))
}

struct Watch {
    /// `None` when it has failed, and the client has been told.
    tail: Option<LiveTail>,
    pace: Pace,
    quiet_looks: u32,
}

impl Watch {
    /// The next event, and what comes after it.
    async fn next(mut self) -> Option<(Event, Self)> {
        loop {
            let mut tail = self.tail.take()?;
            tokio::time::sleep(LOOK_EVERY).await;
            let tailed = match tail.look(self.pace.spans_max()).await {
                Ok(tailed) => tailed?,
                Err(error) => {
                    let error = ApiError::from(error);
                    error.log();
                    let event = Event::default().event("error").data(error.to_string());
                    return Some((event, self));
                }
            };
            self.tail = Some(tail);
            self.pace.sent(tailed.spans.len());
            if tailed.passed > 0 || tailed.missed > 0 {
                self.quiet_looks = 0;
                return Some((arrived(tailed), self));
            }
            self.quiet_looks += 1;
            if self.quiet_looks >= QUIET_LOOKS_MAX {
                self.quiet_looks = 0;
                return Some((ping(), self));
            }
        }
    }
}

fn ping() -> Event {
    // An event without data is not shown to who listens.
    Event::default().event("ping").data("{}")
}

fn arrived(tailed: Tailed) -> Event {
    let Tailed { spans, passed, missed } = tailed;
    let received = passed + missed;
    let arrived = Arrived {
        received,
        dropped: received.saturating_sub(spans.len() as u64),
        spans: spans.into_iter().map(span_json).collect(),
    };
    let json = serde_json::to_string(&arrived).expect("text and numbers are JSON");
    Event::default().event("spans").data(json)
}

fn span_json(span: TailedSpan) -> SpanJson {
    SpanJson {
        trace_id: span.trace_id.to_string(),
        span_id: span.span_id.to_string(),
        service: span.service,
        name: span.name,
        start_unix_nanos: span.start_unix_nanos.to_string(),
        duration_nanos: span.duration_nanos,
        error: span.is_error,
        root: span.is_root,
    }
}
