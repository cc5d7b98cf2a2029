//! Arbitrary bytes as the index of a block.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| spandrel_sim::surface::block_index(bytes));
