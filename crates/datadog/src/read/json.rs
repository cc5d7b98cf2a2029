//! `/v0.3` and `/v0.4` in JSON, which tracers of the beginning sent.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use spandrel_translate::{Room, Translated};

use crate::DatadogError;
use crate::span::{Span, Text};
use crate::to_otlp::{Tracer, Translation};

/// What a byte of JSON takes at most when it is read: `{},` becomes a span, in a list that may have twice the room
/// that it needs, first as JSON's and then as ours.
const BYTES_PER_BYTE: usize = 4 * size_of::<Span<'_>>() / 3;

/// Translates traces in JSON.
///
/// # Errors
/// [`DatadogError`] when they are none, or too large for the room.
pub fn traces_json(
    body: &[u8],
    tracer: &Tracer,
    room: &mut Room<'_>,
) -> Result<Translated, DatadogError> {
    room.take(body.len().saturating_mul(BYTES_PER_BYTE))?;
    let traces: Option<Vec<Option<Vec<JsonSpan>>>> =
        serde_json::from_slice(body).map_err(|error| DatadogError::Json(error.to_string()))?;
    let mut translation = Translation::new(tracer);
    for trace in traces.into_iter().flatten().flatten() {
        let spans: Vec<Span<'_>> = trace.into_iter().map(JsonSpan::into_span).collect();
        translation.add_trace(&spans, room)?;
    }
    Ok(translation.finish())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct JsonSpan {
    service: Option<String>,
    name: Option<String>,
    resource: Option<String>,
    r#type: Option<String>,
    trace_id: u64,
    span_id: u64,
    parent_id: Option<u64>,
    start: i64,
    duration: i64,
    error: i64,
    meta: Option<BTreeMap<String, Option<String>>>,
    metrics: Option<BTreeMap<String, Option<f64>>>,
}

impl JsonSpan {
    fn into_span(self) -> Span<'static> {
        let text = |text: Option<String>| Cow::Owned(text.unwrap_or_default());
        let pair = |(key, value): (String, Option<String>)| -> (Text<'static>, Text<'static>) {
            (key.into(), text(value))
        };
        let number = |(key, value): (String, Option<f64>)| Some((Cow::from(key), value?));
        Span {
            service: text(self.service),
            name: text(self.name),
            resource: text(self.resource),
            kind: text(self.r#type),
            trace_id: self.trace_id,
            span_id: self.span_id,
            parent_id: self.parent_id.unwrap_or(0),
            start_unix_nanos: u64::try_from(self.start).unwrap_or(0),
            duration_nanos: u64::try_from(self.duration).unwrap_or(0),
            is_error: self.error != 0,
            meta: self.meta.into_iter().flatten().map(pair).collect(),
            metrics: self.metrics.into_iter().flatten().filter_map(number).collect(),
            ..Span::default()
        }
    }
}
