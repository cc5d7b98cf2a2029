//! Arbitrary bytes as a TraceQL query that is being typed.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| spandrel_sim::surface::unfinished_query(bytes));
