//! `/v0.3` and `/v0.4`: a list of traces, which are lists of spans.

use spandrel_translate::{Room, Translated};

use super::fields::span;
use crate::DatadogError;
use crate::msgpack::Reader;
use crate::span::Span;
use crate::to_otlp::{Tracer, Translation};

/// Translates traces in msgpack.
///
/// # Errors
/// [`DatadogError`] when they are none, or too large for the room.
pub fn traces_msgpack(
    body: &[u8],
    tracer: &Tracer,
    room: &mut Room<'_>,
) -> Result<Translated, DatadogError> {
    let mut translation = Translation::new(tracer);
    let mut reader = Reader::new(body);
    for _ in 0..reader.array()? {
        translation.add_trace(&spans(&mut reader, room)?, room)?;
    }
    Ok(translation.finish())
}

/// The spans of one trace.
pub(super) fn spans<'a>(
    reader: &mut Reader<'a>,
    room: &mut Room<'_>,
) -> Result<Vec<Span<'a>>, DatadogError> {
    let mut spans = Vec::new();
    for _ in 0..reader.array()? {
        spans.push(span(reader, room)?);
    }
    Ok(spans)
}
