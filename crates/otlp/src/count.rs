//! How many spans a request holds, without decoding them.

use crate::DecodeError;
use crate::wire::Reader;

/// Numbers of fields: `resource_spans`, then `scope_spans`, then `spans`.
const RESOURCE_SPANS: u32 = 1;
const SCOPE_SPANS: u32 = 2;
const SPANS: u32 = 2;

/// Spans of an `ExportTraceServiceRequest`; of a malformed one, those before the fault.
pub fn count_spans(request: &[u8]) -> u64 {
    let mut total = 0;
    // What was counted before a fault counts.
    let _ = count_request(request, &mut total);
    total
}

/// Spans of an `ExportTraceServiceRequest` whose frames are sound down to those of the spans, so that it can be
/// put together with others. The insides of spans are not looked at.
///
/// # Errors
/// [`DecodeError`] when a message on the way to a span is damaged.
pub fn check_frames(request: &[u8]) -> Result<u64, DecodeError> {
    let mut total = 0;
    count_request(request, &mut total)?;
    Ok(total)
}

fn count_request(request: &[u8], total: &mut u64) -> Result<(), DecodeError> {
    let mut reader = Reader::new(request, "ExportTraceServiceRequest");
    while let Some(resource_spans) = reader.next_message(RESOURCE_SPANS)? {
        let mut reader = Reader::new(resource_spans, "ResourceSpans");
        while let Some(scope_spans) = reader.next_message(SCOPE_SPANS)? {
            let mut reader = Reader::new(scope_spans, "ScopeSpans");
            while reader.next_message(SPANS)?.is_some() {
                *total += 1;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_all_resources_and_scopes_are_counted() {
        // Two resources, the first with a scope of two empty spans, the second with none.
        let request = [0x0a, 6, 0x12, 4, 0x12, 0, 0x12, 0, 0x0a, 0];
        assert_eq!((count_spans(&request), check_frames(&request)), (2, Ok(2)));
        assert_eq!(count_spans(&request[..5]), 0);
        assert_eq!((count_spans(b""), check_frames(b"")), (0, Ok(0)));
    }

    #[test]
    fn faults_are_told_and_what_came_before_is_counted() {
        let request = [0x0a, 6, 0x12, 4, 0x12, 0, 0x12, 9, 0x0a];
        assert_eq!(count_spans(&request), 1);
        assert_eq!(check_frames(&request), Err(DecodeError::Truncated { message: "ScopeSpans" }));
    }
}
