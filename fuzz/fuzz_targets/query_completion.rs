//! Arbitrary bytes as a TraceQL query with a cursor in it.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| spandrel_sim::surface::query_completion(bytes));
