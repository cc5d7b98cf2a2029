//! `/v0.7`: traces in chunks, and what is known of the tracer.

use std::borrow::Cow;

use spandrel_translate::{Room, Translated};

use super::fields::texts;
use super::list::spans;
use crate::DatadogError;
use crate::msgpack::Reader;
use crate::span::Text;
use crate::to_otlp::{Tracer, Translation};

/// Translates a `TracerPayload` in msgpack; what it does not say about the tracer is taken from `tracer`.
///
/// # Errors
/// [`DatadogError`] when it is none, or too large for the room.
pub fn payload(
    body: &[u8],
    tracer: &Tracer,
    room: &mut Room<'_>,
) -> Result<Translated, DatadogError> {
    let mut tracer = tracer.clone();
    let mut reader = Reader::new(body);
    let mut chunks = None;
    for _ in 0..reader.map()? {
        let key = reader.text()?;
        let field = match &*key {
            "container_id" => &mut tracer.container_id,
            "language_name" => &mut tracer.language,
            "language_version" => &mut tracer.language_version,
            "tracer_version" => &mut tracer.version,
            "env" => &mut tracer.environment,
            "hostname" => &mut tracer.host_name,
            "app_version" => &mut tracer.app_version,
            "tags" => {
                for (key, value) in texts(&mut reader, room)? {
                    room.take(2 * (key.len() + value.len()))?;
                    tracer.tags.push((key.into_owned(), value.into_owned()));
                }
                continue;
            }
            "chunks" => {
                // Read when everything about the tracer is known.
                chunks = Some(reader);
                reader.skip()?;
                continue;
            }
            _ => {
                reader.skip()?;
                continue;
            }
        };
        let text: Text<'_> = reader.text_or_empty()?;
        room.take(text.len())?;
        if !text.is_empty() {
            *field = Cow::into_owned(text);
        }
    }
    let mut translation = Translation::new(&tracer);
    let Some(mut reader) = chunks else { return Ok(translation.finish()) };
    for _ in 0..reader.array()? {
        for _ in 0..reader.map()? {
            let key = reader.text()?;
            match &*key {
                "spans" => translation.add_trace(&spans(&mut reader, room)?, room)?,
                _ => reader.skip()?,
            }
        }
    }
    Ok(translation.finish())
}
