//! The value of a record into OTLP. What it takes besides the value itself is asked for before it is taken.

mod jaeger_json;

use bytes::{BufMut, Bytes, BytesMut};
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len};
use spandrel_jaeger::{JaegerError, post_spans};
use spandrel_otlp::{DecodeLimits, check_frames, json_to_protobuf};
use spandrel_translate::{NoRoom, Room, Translated};
use spandrel_zipkin::{Options, ZipkinError, v1_thrift, v2_json, v2_protobuf};

use crate::encoding::Encoding;

/// The field `batch` of `PostSpansRequest`, and the field `spans` of `Batch`.
const FIELD: u32 = 1;

/// Why the value of a record is not spans.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RecordError {
    /// It is not what the encoding says.
    #[error("{0}")]
    Malformed(String),
    /// There is no memory for the translation now.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
}

impl From<JaegerError> for RecordError {
    fn from(error: JaegerError) -> Self {
        match error {
            JaegerError::NoRoom(no_room) => no_room.into(),
            other => Self::Malformed(other.to_string()),
        }
    }
}

impl From<ZipkinError> for RecordError {
    fn from(error: ZipkinError) -> Self {
        match error {
            ZipkinError::NoRoom(no_room) => no_room.into(),
            other => Self::Malformed(other.to_string()),
        }
    }
}

/// Translates the value of a record.
///
/// # Errors
/// [`RecordError`] when it is none of this encoding, or there is no room for the translation.
pub(crate) fn decode(
    value: &Bytes,
    encoding: Encoding,
    room: &mut Room<'_>,
) -> Result<Translated, RecordError> {
    let malformed = |error: &dyn std::fmt::Display| RecordError::Malformed(error.to_string());
    Ok(match encoding {
        Encoding::OtlpProto => {
            let spans = check_frames(value).map_err(|error| malformed(&error))?;
            Translated { otlp: value.clone(), spans }
        }
        Encoding::OtlpJson => {
            room.take(value.len())?;
            let otlp = json_to_protobuf(value, &DecodeLimits::default());
            let otlp = Bytes::from(otlp.map_err(|error| malformed(&error))?);
            let spans = check_frames(&otlp).map_err(|error| malformed(&error))?;
            Translated { otlp, spans }
        }
        Encoding::JaegerProto => post_spans(&as_batch(value, room)?, room)?,
        Encoding::JaegerJson => {
            let span = jaeger_json::to_protobuf(value, room)?;
            post_spans(&as_batch(&span, room)?, room)?
        }
        Encoding::ZipkinProto => v2_protobuf(value, Options::default(), room)?,
        Encoding::ZipkinJson => v2_json(value, Options::default(), room)?,
        Encoding::ZipkinThrift => v1_thrift(value, Options::default(), room)?,
    })
}

/// A span as the only one of a `PostSpansRequest`.
fn as_batch(span: &[u8], room: &mut Room<'_>) -> Result<Bytes, NoRoom> {
    let batch_len = key_len(FIELD) + encoded_len_varint(span.len() as u64) + span.len();
    room.take(batch_len + 16)?;
    let mut request = BytesMut::with_capacity(batch_len + 16);
    for length in [batch_len, span.len()] {
        encode_key(FIELD, WireType::LengthDelimited, &mut request);
        encode_varint(length as u64, &mut request);
    }
    request.put_slice(span);
    Ok(request.freeze())
}

#[cfg(test)]
mod tests;
