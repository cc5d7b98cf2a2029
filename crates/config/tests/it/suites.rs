//! The conformance data in `../shared/suites/otel`: configurations of the wild, fixtures of upstream.

mod corpus;
mod fixtures;
mod schemas;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Where cargo runs the tests of this package from, or of a copy one folder deeper.
const PLACES: [&str; 2] = ["../../../shared/suites/otel", "../../shared/suites/otel"];

/// A folder of the data; `None`, said aloud, when it is not there.
fn folder(name: &str) -> Option<PathBuf> {
    let Some(root) = PLACES.iter().map(Path::new).find(|place| place.is_dir()) else {
        say("skipped: ../shared/suites/otel is not there");
        return None;
    };
    Some(root.join(name))
}

/// A line past the test runner, which keeps the output of a test that passes to itself.
fn say(line: &str) {
    // Who has closed standard error does not want to know.
    drop(writeln!(io::stderr(), "{line}"));
}

/// All YAML files below a folder, sorted.
fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|end| end == "yaml" || end == "yml") {
                files.push(path);
            }
        }
    }
    files.sort();
    assert!(!files.is_empty());
    files
}
