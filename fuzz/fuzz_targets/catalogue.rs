//! Arbitrary bytes as a commit of a table, after the golden ones and alone.

#![no_main]

use libfuzzer_sys::fuzz_target;
use spandrel_sim::surface::catalogue;

const CREATED: &[u8] = include_bytes!("../../crates/catalog/testdata/v1/00000000000000000000.json");
const ADDED: &[u8] = include_bytes!("../../crates/catalog/testdata/v1/00000000000000000001.json");

fuzz_target!(|bytes: &[u8]| {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime needs no more than memory");
    runtime.block_on(async {
        catalogue(&[CREATED, ADDED, bytes]).await;
        catalogue(&[bytes]).await;
    });
});
