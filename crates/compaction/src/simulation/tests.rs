//! The bounds that the plan promises, over a week of ten blocks a minute.

use super::*;

fn week(spans_per_block: u64, late_per_mille: u64) -> Outcome {
    let traffic = Traffic { blocks_per_minute: 10, spans_per_block, late_per_mille, days: 7 };
    let outcome = run(&traffic, &PlanOptions::default());
    assert_eq!(outcome.blocks_in, 100_800);
    outcome
}

/// No span is written more than four times: when it arrives, and once per level.
fn assert_writes_are_bounded(outcome: &Outcome) {
    assert!(outcome.rewrites_max <= 3, "{outcome:?}");
    assert!(outcome.write_amplification() <= 4.0, "{outcome:?}");
}

#[test]
fn a_week_of_steady_traffic() {
    for spans_per_block in [200, 2_000, 20_000, 200_000] {
        let outcome = week(spans_per_block, 0);
        assert_writes_are_bounded(&outcome);
        for (blocks, least) in outcome.day_blocks.iter().zip(&outcome.day_blocks_least) {
            // Two more for the blocks that reach over midnight.
            assert!(*blocks <= 2 * least + 3, "{outcome:?}");
        }
        // Each level may lack one block to a merge, and two windows may overlap the hour.
        let open = 2 * (9 + 9 + 39);
        assert!(
            outcome.last_hour_blocks_max <= 2 * outcome.last_hour_blocks_least + open,
            "{outcome:?}"
        );
    }
}

#[test]
fn a_week_in_which_one_block_of_a_hundred_is_late() {
    for spans_per_block in [2_000, 20_000] {
        let outcome = week(spans_per_block, 10);
        assert_writes_are_bounded(&outcome);
        for (blocks, least) in outcome.day_blocks.iter().zip(&outcome.day_blocks_least) {
            // 144 blocks a day are late; they are merged with each other or with what still waits.
            assert!(*blocks <= 2 * least + 3 + 40, "{outcome:?}");
        }
    }
}
