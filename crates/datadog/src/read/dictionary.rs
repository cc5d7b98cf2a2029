//! `/v0.5`: a table of texts, and traces whose spans are lists of twelve fields with numbers of texts.

use spandrel_translate::{Room, Translated};

use super::fields::{PAIR_BYTES, not_negative};
use crate::DatadogError;
use crate::msgpack::Reader;
use crate::span::{Span, Text};
use crate::to_otlp::{Tracer, Translation};

const FIELDS: usize = 12;

/// Translates traces with a table of texts in msgpack.
///
/// # Errors
/// [`DatadogError`] when they are none, or too large for the room.
pub fn traces_with_dictionary(
    body: &[u8],
    tracer: &Tracer,
    room: &mut Room<'_>,
) -> Result<Translated, DatadogError> {
    let mut reader = Reader::new(body);
    let n_parts = reader.array()?;
    if n_parts != 2 {
        return Err(DatadogError::FieldCount(n_parts));
    }
    let mut table = Vec::new();
    for _ in 0..reader.array()? {
        room.take(2 * size_of::<Text<'_>>())?;
        table.push(reader.text()?);
    }
    let table = Table(table);
    let mut translation = Translation::new(tracer);
    for _ in 0..reader.array()? {
        let mut spans = Vec::new();
        for _ in 0..reader.array()? {
            spans.push(table.span(&mut reader, room)?);
        }
        translation.add_trace(&spans, room)?;
    }
    Ok(translation.finish())
}

struct Table<'a>(Vec<Text<'a>>);

impl<'a> Table<'a> {
    fn text(&self, reader: &mut Reader<'a>) -> Result<Text<'a>, DatadogError> {
        let number = reader.bits()?;
        let place = usize::try_from(number).ok();
        let text = place.and_then(|place| self.0.get(place));
        // What is not borrowed was not UTF-8, and is rare.
        text.cloned().ok_or(DatadogError::NoSuchText(number))
    }

    fn span(&self, reader: &mut Reader<'a>, room: &mut Room<'_>) -> Result<Span<'a>, DatadogError> {
        room.take(2 * size_of::<Span<'_>>())?;
        let n_fields = reader.array()?;
        if n_fields != FIELDS {
            return Err(DatadogError::FieldCount(n_fields));
        }
        let mut span = Span {
            service: self.text(reader)?,
            name: self.text(reader)?,
            resource: self.text(reader)?,
            trace_id: reader.bits()?,
            span_id: reader.bits()?,
            parent_id: reader.bits()?,
            start_unix_nanos: not_negative(reader.bits()?),
            duration_nanos: not_negative(reader.bits()?),
            is_error: reader.bits()? != 0,
            ..Span::default()
        };
        for _ in 0..reader.map()? {
            room.take(PAIR_BYTES)?;
            let (key, value) = (self.text(reader)?, self.text(reader)?);
            room.take(owned_bytes(&key) + owned_bytes(&value))?;
            span.meta.push((key, value));
        }
        for _ in 0..reader.map()? {
            room.take(PAIR_BYTES)?;
            let key = self.text(reader)?;
            room.take(owned_bytes(&key))?;
            if let Some(number) = reader.number()? {
                span.metrics.push((key, number));
            }
        }
        span.kind = self.text(reader)?;
        Ok(span)
    }
}

/// A text that was no UTF-8 is copied wherever it is used.
fn owned_bytes(text: &Text<'_>) -> usize {
    match text {
        Text::Borrowed(_) => 0,
        Text::Owned(text) => text.len(),
    }
}
