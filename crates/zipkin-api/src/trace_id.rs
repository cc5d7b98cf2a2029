//! Trace ids as Zipkin's clients write them: 16 or 32 digits, or fewer.

use spandrel_model::{IdError, TraceId};

use crate::error::ZipkinApiError;

/// Reads an id. Zeros may be missing before it.
///
/// # Errors
/// [`ZipkinApiError`], with the text of Zipkin.
pub(crate) fn parse(text: &str) -> Result<TraceId, ZipkinApiError> {
    let text = text.trim();
    TraceId::from_hex(text).map_err(|error| match error {
        IdError::NotHex { .. } => ZipkinApiError::NotHex(text.to_owned()),
        IdError::Empty | IdError::TooLong { .. } => ZipkinApiError::TraceIdLength(text.to_owned()),
    })
}

/// An id as it is shown: 16 digits when the high half is zero, else 32.
pub(crate) fn shown(id: TraceId) -> String {
    let hex = id.to_string();
    match hex.strip_prefix("0000000000000000") {
        Some(low) => low.to_owned(),
        None => hex,
    }
}

/// The low half alone, of an id that has a high one: senders of 64 bits know a trace by it.
pub(crate) fn low_half(id: TraceId) -> Option<TraceId> {
    let number = u128::from_be_bytes(id.0);
    (number >> 64 != 0).then(|| TraceId(u128::from(number as u64).to_be_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_both_lengths() {
        let id = parse("48485a3953bb6124").unwrap();
        assert_eq!((shown(id), low_half(id)), ("48485a3953bb6124".to_owned(), None));
        let wide = parse("463ac35c9f6413ad48485a3953bb6124").unwrap();
        assert_eq!(shown(wide), "463ac35c9f6413ad48485a3953bb6124");
        assert_eq!(low_half(wide), Some(id));
        assert_eq!(
            parse("0e8b46e1-81b").unwrap_err().to_string(),
            "0e8b46e1-81b should be lower-hex encoded with no prefix"
        );
    }
}
