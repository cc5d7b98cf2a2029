//! Settings of a test run, from the environment.

use std::path::{Path, PathBuf};

const KILL_ROUNDS: usize = 6;
const SEED: u64 = 20_260_101;

#[expect(clippy::disallowed_methods, reason = "a test run is configured by its environment")]
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The binary under test.
///
/// # Panics
/// When there is none.
pub fn binary() -> PathBuf {
    if let Some(path) = setting("SPANDREL_BIN") {
        return path.into();
    }
    let workspace = Path::new("..");
    let target = workspace.join(setting("CARGO_TARGET_DIR").unwrap_or_else(|| "target".to_owned()));
    let builds = ["release", "debug"].map(|profile| target.join(profile).join("spandrel"));
    let found = builds.iter().find(|path| path.is_file()).cloned();
    found.unwrap_or_else(|| {
        panic!("no binary: run `cargo build --package spandrel-app`, or set SPANDREL_BIN; looked for {builds:?}")
    })
}

/// Tempo's program, for the comparison with it.
///
/// # Panics
/// When it is not named.
pub fn tempo_binary() -> PathBuf {
    setting("TEMPO_BIN").expect("TEMPO_BIN names Tempo's program: cargo xtask compare tempo").into()
}

/// A binary with the feature `sql`, if there is one.
pub fn sql_binary() -> Option<PathBuf> {
    setting("SPANDREL_SQL_BIN").map(PathBuf::from)
}

/// How often the process is killed.
///
/// # Panics
/// When the setting is not a number.
pub fn kill_rounds() -> usize {
    let text = setting("SPANDREL_KILL_ROUNDS");
    text.map_or(KILL_ROUNDS, |text| text.parse().expect("SPANDREL_KILL_ROUNDS is a number"))
}

/// Seed of whatever is random.
///
/// # Panics
/// When the setting is not a number.
pub fn seed() -> u64 {
    setting("SPANDREL_SEED").map_or(SEED, |text| text.parse().expect("SPANDREL_SEED is a number"))
}
