//! Ids of traces as Jaeger's clients write them: hex digits, leading zeros at will, or base64.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use spandrel_model::TraceId;

use crate::error::ApiError;

/// Characters of 16 bytes in base64, padding included.
const BASE64_CHARS_MAX: usize = 24;

/// The id of a trace.
///
/// # Errors
/// [`ApiError::TraceId`] when it is neither hex digits nor base64 of 8 or 16 bytes.
pub(super) fn parse(text: &str) -> Result<TraceId, ApiError> {
    let error = match TraceId::from_hex(text) {
        Ok(id) => return Ok(id),
        Err(error) => error,
    };
    if text.len() > BASE64_CHARS_MAX {
        return Err(error.into());
    }
    let engines = [STANDARD, URL_SAFE, STANDARD_NO_PAD, URL_SAFE_NO_PAD];
    let bytes = engines.iter().find_map(|engine| engine.decode(text).ok());
    bytes.and_then(|bytes| of_bytes(&bytes)).ok_or_else(|| error.into())
}

/// The id in these bytes, of which there may be 8 or 16.
pub(super) fn of_bytes(bytes: &[u8]) -> Option<TraceId> {
    let mut id = [0; 16];
    match bytes.len() {
        16 => id.copy_from_slice(bytes),
        8 => id.get_mut(8..)?.copy_from_slice(bytes),
        _ => return None,
    }
    Some(TraceId(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_or_base64() {
        let short = TraceId::from_hex("abc").unwrap();
        let long = TraceId::from_hex("0102030405060708090a0b0c0d0e0ff0").unwrap();
        for (text, id) in [
            ("abc", short),
            ("0000000000000ABC", short),
            ("AAAAAAAACrw=", short),
            ("AAAAAAAACrw", short),
            ("0102030405060708090a0b0c0d0e0ff0", long),
            ("AQIDBAUGBwgJCgsMDQ4P8A==", long),
            ("AQIDBAUGBwgJCgsMDQ4P8A", long),
        ] {
            assert_eq!(parse(text).unwrap(), id, "{text}");
        }
        for text in
            ["", "xyz", "AQID", "AQIDBAUGBwgJCgsMDQ4P8AAAAA==", "0102030405060708090a0b0c0d0e0ff01"]
        {
            assert!(matches!(parse(text), Err(ApiError::TraceId(_))), "{text}");
        }
    }
}
