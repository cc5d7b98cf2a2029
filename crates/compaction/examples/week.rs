//! What compaction costs and saves over a week: `cargo run -p spandrel-compaction --example week`.
//!
//! A simulation on catalogue entries; no block is written.

#![expect(clippy::print_stdout, reason = "the figures are what this program is for")]

use spandrel_compaction::PlanOptions;
use spandrel_compaction::simulation::{Traffic, run};

fn main() {
    println!(
        "{:>15} {:>8} {:>10} {:>10} {:>8} {:>8} {:>13} {:>18}",
        "spans per block",
        "late",
        "blocks in",
        "blocks out",
        "writes",
        "rewrites",
        "last hour max",
        "past day, by day"
    );
    for (spans_per_block, late_per_mille) in
        [(200, 0), (2_000, 0), (20_000, 0), (200_000, 0), (2_000, 10), (20_000, 10)]
    {
        let traffic = Traffic { blocks_per_minute: 10, spans_per_block, late_per_mille, days: 7 };
        let outcome = run(&traffic, &PlanOptions::default());
        let days = outcome.day_blocks.iter().zip(&outcome.day_blocks_least);
        let days: Vec<String> = days.map(|(blocks, least)| format!("{blocks}/{least}")).collect();
        println!(
            "{spans_per_block:>15} {:>7.1}% {:>10} {:>10} {:>8.2} {:>8} {:>13} {:>18}",
            late_per_mille as f64 / 10.0,
            outcome.blocks_in,
            outcome.blocks_out,
            outcome.write_amplification(),
            outcome.rewrites_max,
            format!("{}/{}", outcome.last_hour_blocks_max, outcome.last_hour_blocks_least),
            days.join(" "),
        );
    }
    println!(
        "\n10 blocks a minute. Blocks are opened/least possible; writes per span that arrived."
    );
}
