//! Arbitrary bytes as the file of a block.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| spandrel_sim::surface::block_file(bytes));
