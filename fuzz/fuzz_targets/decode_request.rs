//! Arbitrary bytes as an OTLP request: never a panic, a rejected request leaves no row, and what is
//! accepted can be read back and written again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use spandrel_columns::SpanColumns;
use spandrel_otlp::{DecodeLimits, decode_request, span_at};

fuzz_target!(|bytes: &[u8]| {
    let mut columns = SpanColumns::default();
    match decode_request(bytes, &DecodeLimits::default(), &mut columns) {
        Ok(summary) => {
            assert_eq!(u64::from(columns.len()), summary.spans);
            for row in 0..columns.len() {
                span_at(&columns, row).expect("accepted values are checked");
            }
        }
        Err(_) => assert!(columns.is_empty() && columns.events.is_empty()),
    }
});
