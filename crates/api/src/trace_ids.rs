//! How trace ids are written in answers. Each API has its own habit with leading zeros.

use spandrel_model::TraceId;

/// In Tempo's search results: without leading zeros, which Tempo's clients pad again.
pub(crate) fn in_search_results(id: TraceId) -> String {
    let hex = id.to_string();
    let trimmed = hex.trim_start_matches('0');
    if trimmed.is_empty() { "0".to_owned() } else { trimmed.to_owned() }
}

/// In Jaeger's JSON: 16 digits when the high half is zero, else 32.
pub(crate) fn in_jaeger_json(id: TraceId) -> String {
    let hex = id.to_string();
    match hex.strip_prefix("0000000000000000") {
        Some(low) => low.to_owned(),
        None => hex,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_zeros() {
        for (id, search, jaeger) in [
            ("0a0b", "a0b", "0000000000000a0b"),
            ("00f00000000000000001", "f00000000000000001", "00000000000000f00000000000000001"),
            (
                "102030405060708090a0b0c0d0e0f10",
                "102030405060708090a0b0c0d0e0f10",
                "0102030405060708090a0b0c0d0e0f10",
            ),
        ] {
            let id = TraceId::from_hex(id).unwrap();
            assert_eq!(in_search_results(id), search);
            assert_eq!(in_jaeger_json(id), jaeger);
        }
    }
}
