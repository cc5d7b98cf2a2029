//! Arbitrary bytes as an OTLP/JSON request.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| spandrel_sim::surface::otlp_json(bytes));
