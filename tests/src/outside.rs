//! Programs and data that are not ours: SDKs, a Delta Lake reader, recorded traces. Paths are relative to
//! this package, where cargo runs its tests.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::settings::binary;

/// Python with what `tests/install` installs.
///
/// # Panics
/// When it is not installed.
pub fn python() -> Command {
    let python = Path::new(".venv/bin/python");
    assert!(python.is_file(), "run tests/install first");
    Command::new(python)
}

/// The command under test, with arguments; for its tools. A server is started by [`crate::Home`].
pub fn spandrel(arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(arguments);
    command
}

/// Node.js with what `tests/install` installs.
///
/// # Panics
/// When it is not installed.
pub fn node() -> Command {
    let installed = Path::new("senders/node/node_modules/.installed");
    assert!(installed.is_file(), "run tests/install first");
    Command::new("node")
}

/// Azure's emulator of Blob Storage, which `tests/install` installs.
///
/// # Panics
/// When it is not installed.
pub fn azurite() -> Command {
    let installed = Path::new("stores/azurite/node_modules/.installed");
    assert!(installed.is_file(), "run tests/install first");
    let mut command = Command::new("node");
    command.arg("stores/azurite/serve.js");
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
    let dir = Path::new("../../shared/suites").join(folder);
    dir.is_dir().then_some(dir)
}
