//! Arbitrary bytes as TraceQL tokens.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| spandrel_sim::surface::query_tokens(bytes));
