//! Programs and data that are not ours: SDKs, a Delta Lake reader, recorded traces.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The folder of this package.
pub fn tests_dir() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Python with what `tests/install` installs.
///
/// # Panics
/// When it is not installed.
pub fn python() -> Command {
    let dir = tests_dir();
    let python = dir.join(".venv/bin/python");
    assert!(python.is_file(), "run tests/install first");
    let mut command = Command::new(python);
    command.current_dir(dir);
    command
}

/// Node.js with what `tests/install` installs.
///
/// # Panics
/// When it is not installed.
pub fn node() -> Command {
    let dir = tests_dir();
    assert!(dir.join("senders/node/node_modules/.installed").is_file(), "run tests/install first");
    let mut command = Command::new("node");
    command.current_dir(dir);
    command
}

/// Whether programs in Go can be built, and so have been by `tests/install`.
pub fn has_go() -> bool {
    Command::new("go").arg("version").output().is_ok_and(|output| output.status.success())
}

/// Runs a program; returns what it printed, as JSON when it is JSON.
///
/// # Panics
/// When it fails.
pub fn run(command: &mut Command) -> Value {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{errors}", output.status);
    let printed = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&printed).unwrap_or_else(|_not_json| Value::String(printed.into_owned()))
}

/// A folder of recorded data that lies beside the checkout, `None` when it is not there.
pub fn suites(folder: &str) -> Option<PathBuf> {
    let dir = tests_dir().join("../../shared/suites").join(folder);
    dir.is_dir().then_some(dir)
}
