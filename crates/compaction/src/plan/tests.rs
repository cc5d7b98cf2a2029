//! What is merged with what, as tables.

use std::time::Duration;

use super::*;

const MINUTE: u64 = 60_000_000_000;
/// A multiple of all windows.
const START: u64 = 20_000 * 24 * 60 * MINUTE;

/// A block that was written five minutes after its last trace began.
fn block(number: u8, level: u8, minute: u64, n_spans: u64) -> Arc<BlockEntry> {
    late_block(number, level, minute, n_spans, minute + 5)
}

fn late_block(number: u8, level: u8, minute: u64, n_spans: u64, written: u64) -> Arc<BlockEntry> {
    let millis = (START + written * MINUTE) / 1_000_000;
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
    (bytes[6], bytes[8], bytes[15]) = (0x70, 0x80, number);
    let id = BlockId::from_bytes(bytes);
    let start = START + minute * MINUTE;
    Arc::new(BlockEntry {
        id,
        path: format!("blocks/{id}.parquet"),
        size_bytes: n_spans * 50,
        n_spans,
        n_traces: n_spans,
        min_start_unix_nanos: start - MINUTE,
        max_end_unix_nanos: start,
        max_trace_start_unix_nanos: start,
        max_received_unix_nanos: id.unix_nanos(),
        format_version: 1,
        level,
        tail: None,
    })
}

/// The merges that are due at a minute: `level: numbers of the inputs`.
fn due(blocks: &[Arc<BlockEntry>], minute: u64) -> Vec<String> {
    let options = PlanOptions {
        windows: [15, 120].map(|minutes| Duration::from_secs(60 * minutes)).to_vec(),
        fan_in: 4,
        final_fan_in: 6,
        merge_spans_max: 1000,
        merge_bytes_max: 1_000_000,
    };
    let jobs = plan(blocks, START + minute * MINUTE, &options);
    let job = |job: MergeJob| {
        let numbers = job.inputs.iter().map(|entry| entry.id.as_bytes()[15].to_string());
        format!("{}: {}", job.level, numbers.collect::<Vec<_>>().join(" "))
    };
    jobs.into_iter().map(job).collect()
}

#[test]
fn an_open_window_waits_for_enough_blocks() {
    let mut blocks = vec![block(1, 0, 0, 10), block(2, 0, 1, 10), block(3, 0, 2, 10)];
    assert_eq!(due(&blocks, 10), [""; 0]);
    blocks.insert(0, block(4, 0, 3, 10));
    assert_eq!(due(&blocks, 10), ["1: 1 2 3 4"]);
}

#[test]
fn a_full_merge_does_not_wait() {
    let blocks = [block(1, 0, 0, 400), block(2, 0, 1, 400), block(3, 0, 2, 400)];
    assert_eq!(due(&blocks, 3), ["1: 1 2"]);
}

#[test]
fn a_quiet_window_is_merged_whatever_it_has() {
    let blocks = [block(1, 0, 0, 10), block(2, 0, 14, 10), block(3, 0, 15, 10)];
    // The last block of the window was written in minute 19; half a window later nothing more is expected.
    assert_eq!(due(&blocks, 26), [""; 0]);
    assert_eq!(due(&blocks, 27), ["1: 1 2"]);
    assert_eq!(due(&blocks[1..], 1000), ["2: 2 3"], "across the small windows");
    assert_eq!(due(&blocks[2..], 1000), [""; 0]);
}

#[test]
fn late_blocks_wait_for_each_other() {
    let late = |number, written| late_block(number, 0, 1, 10, written);
    let blocks = [block(1, 2, 1, 10), late(2, 500), late(3, 505)];
    assert_eq!(due(&blocks, 510), [""; 0]);
    assert_eq!(due(&blocks, 513), ["1: 2 3"]);
    let blocks = [late(2, 500), late(3, 505), late(4, 506), late(5, 507)];
    assert_eq!(due(&blocks, 508), ["1: 2 3 4 5"]);
}

#[test]
fn higher_levels_take_what_lower_ones_left() {
    let blocks =
        [block(1, 0, 3, 10), block(2, 1, 20, 10), block(3, 1, 40, 10), block(4, 1, 60, 10)];
    assert_eq!(due(&blocks, 179), [""; 0]);
    assert_eq!(due(&blocks, 180), ["2: 1 2 3 4"]);
    // Level 0 first, and each block once.
    let mut blocks = blocks.to_vec();
    blocks.extend([block(5, 0, 4, 10), block(6, 0, 5, 10), block(7, 0, 6, 10)]);
    assert_eq!(due(&blocks, 12), ["1: 1 5 6 7"]);
    assert_eq!(due(&blocks, 180), ["1: 1 5 6 7", "2: 2 3 4"]);
}

#[test]
fn the_last_level_waits_for_more() {
    let mut blocks: Vec<_> = (1..=5).map(|n| block(n, 1, 10 * u64::from(n), 10)).collect();
    assert_eq!(due(&blocks, 60), [""; 0]);
    // Blocks of other levels do not count.
    blocks.push(block(6, 0, 60, 10));
    assert_eq!(due(&blocks, 65), [""; 0]);
    blocks.push(block(7, 1, 61, 10));
    assert_eq!(due(&blocks, 66), ["2: 1 2 3 4 5 7"]);
}

#[test]
fn final_blocks_stay() {
    let top = [block(1, 2, 0, 10), block(2, 2, 1, 10), block(3, 2, 2, 10), block(4, 3, 3, 10)];
    assert_eq!(due(&top, 10_000), [""; 0]);
    let large = [block(1, 0, 0, 501), block(2, 0, 1, 600), block(3, 1, 2, 5000)];
    assert_eq!(due(&large, 10_000), [""; 0]);
}

#[test]
fn a_merge_holds_no_more_than_its_maximum() {
    let mut blocks: Vec<_> = (1..=9).map(|number| block(number, 0, number.into(), 300)).collect();
    assert_eq!(due(&blocks, 1000), ["1: 1 2 3", "1: 4 5 6", "1: 7 8 9"]);
    for block in &mut blocks {
        Arc::make_mut(block).size_bytes = 450_000;
    }
    assert_eq!(due(&blocks, 1000), ["1: 1 2", "1: 3 4", "1: 5 6", "1: 7 8"]);
}

#[test]
fn times_at_the_ends_of_the_world_are_times() {
    let mut blocks = vec![block(1, 0, 0, 10), block(2, 0, 1, 10)];
    for block in &mut blocks {
        Arc::make_mut(block).max_trace_start_unix_nanos = u64::MAX;
    }
    assert_eq!(due(&blocks, 1000), [""; 0]);
    for block in &mut blocks {
        Arc::make_mut(block).max_trace_start_unix_nanos = 0;
    }
    assert_eq!(due(&blocks, 1000), ["1: 1 2"]);
    let without = PlanOptions { windows: vec![], ..PlanOptions::default() };
    assert!(plan(&blocks, u64::MAX, &without).is_empty());
}
