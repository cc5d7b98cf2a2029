//! Arbitrary bytes as an OTLP/JSON request: never a panic, and whatever is accepted is a valid
//! protobuf request.

#![no_main]

use libfuzzer_sys::fuzz_target;
use spandrel_columns::SpanColumns;
use spandrel_otlp::{DecodeLimits, decode_request, json_to_protobuf};

fuzz_target!(|json: &[u8]| {
    let limits = DecodeLimits::default();
    if let Ok(protobuf) = json_to_protobuf(json, &limits) {
        // Limits other than the number of spans are the decoder's.
        let decoded = decode_request(&protobuf, &limits, &mut SpanColumns::default());
        assert!(decoded.is_ok() || json.len() > 1 << 16, "{decoded:?}");
    }
});
