//! Arbitrary bytes as an OTLP request.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| spandrel_sim::surface::otlp_request(bytes));
