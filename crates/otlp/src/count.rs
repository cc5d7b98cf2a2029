//! How many spans a request holds, without decoding them: for the accounting of refused requests.

use crate::wire::{Reader, Value};

/// Spans of an `ExportTraceServiceRequest`; of a malformed one, those before the fault.
pub fn count_spans(bytes: &[u8]) -> u64 {
    // resource_spans = 1, scope_spans = 2, spans = 2.
    count(bytes, &[1, 2, 2])
}

fn count(bytes: &[u8], path: &[u32]) -> u64 {
    let Some((&field, rest)) = path.split_first() else { return 1 };
    let mut reader = Reader::new(bytes, "ExportTraceServiceRequest");
    let mut total = 0;
    while let Ok(Some((number, value))) = reader.next_field() {
        if let (true, Value::Bytes(message)) = (number == field, value) {
            total += count(message, rest);
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_all_resources_and_scopes_are_counted() {
        // Two resources, the first with a scope of two empty spans, the second with none.
        let request = [0x0a, 6, 0x12, 4, 0x12, 0, 0x12, 0, 0x0a, 0];
        assert_eq!(count_spans(&request), 2);
        assert_eq!(count_spans(&request[..5]), 0);
        assert_eq!(count_spans(b""), 0);
    }
}
