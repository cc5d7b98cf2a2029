//! The calls of Jaeger's agent, one in a datagram.

use spandrel_translate::thrift::{Kind, Protocol, Reader};
use spandrel_translate::{Room, Translated};

use crate::JaegerError;
use crate::thrift::read_batch;

const METHOD: &str = "emitBatch";
/// Of a name that is none, for the log.
const METHOD_CHARS_MAX: usize = 64;

/// Translates the call `emitBatch` of `agent.thrift`.
///
/// # Errors
/// [`JaegerError`] when it is another call, damaged, or too large for the room.
pub fn agent_call(
    datagram: &[u8],
    protocol: Protocol,
    room: &mut Room<'_>,
) -> Result<Translated, JaegerError> {
    let mut reader = Reader::new(datagram, protocol);
    let message = reader.message()?;
    if message.name != METHOD {
        let method = message.name.chars().take(METHOD_CHARS_MAX).collect();
        return Err(JaegerError::UnsupportedMethod { method });
    }
    let mut last = 0;
    while let Some(field) = reader.field(&mut last)? {
        match (field.id, field.kind) {
            (1, Kind::Struct) => return read_batch(&mut reader, room),
            _ => reader.skip(field)?,
        }
    }
    Err(JaegerError::MissingField { structure: METHOD, field: "batch" })
}
