//! Tests of the test: worlds in which a part is broken on purpose.

use spandrel_sim::{RunOptions, Sabotage, Violation, run_seed};

/// Worlds within which it must be noticed.
const SEEDS: u64 = 60;

/// The first world that notices it.
fn caught(sabotage: Sabotage) -> Violation {
    let options = RunOptions { sabotage: Some(sabotage), ..RunOptions::default() };
    let caught = (0..SEEDS).find_map(|seed| run_seed(seed, options).err());
    *caught.unwrap_or_else(|| panic!("{SEEDS} seeds did not notice {sabotage}"))
}

fn assert_caught(sabotage: Sabotage, as_one_of: &[&str]) {
    let violation = caught(sabotage);
    let is_expected = as_one_of.iter().any(|text| violation.what.contains(text));
    assert!(is_expected, "{violation}");
    let again = format!("--first {} --seeds 1 --steps 60 --sabotage {sabotage}", violation.seed);
    assert!(violation.to_string().ends_with(&again), "{violation}");
}

#[test]
fn a_disk_whose_syncs_do_nothing() {
    assert_caught(Sabotage::LyingDisk, &["but lost"]);
}

#[test]
fn an_acknowledgment_before_the_sync() {
    assert_caught(Sabotage::EarlyAcknowledgment, &["but lost"]);
}

/// Who is overwritten may also notice that the table is not what it was.
#[test]
fn an_object_store_that_overwrites_commits() {
    assert_caught(
        Sabotage::OverwritingStore,
        &["but lost", "fails", "named by the table", "does not"],
    );
}

#[test]
fn a_merge_that_forgets_traces() {
    assert_caught(Sabotage::ForgetfulMerge, &["but lost", "are there"]);
}

/// It takes files from under searches, merges and the table.
#[test]
fn a_vacuum_without_a_grace_time() {
    assert_caught(Sabotage::HastyVacuum, &["named by the table", "fails", "does not compact"]);
}
