//! Arbitrary bytes as the only segment of a write-ahead log.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| spandrel_sim::surface::wal_segment(bytes));
