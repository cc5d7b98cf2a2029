//! Where the data lies.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde_json::Value;

/// Seen from packages one and two folders below the checkout, where cargo runs their tests.
const PLACES: [&str; 2] = ["../../shared/suites", "../../../shared/suites"];

/// A file of the folder `traceql`; `None`, said aloud, when the data is not there.
///
/// # Panics
/// When the data is there without this file, or the file is not JSON.
pub fn traceql(file: &str) -> Option<Value> {
    let Some(root) = PLACES.iter().map(Path::new).find(|place| place.is_dir()) else {
        say("skipped: ../shared/suites is not there");
        return None;
    };
    let path = root.join("traceql").join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    Some(serde_json::from_str(&text).unwrap())
}

/// The cases of a file that was read.
///
/// # Panics
/// When it has none.
pub fn cases(file: &Value) -> &[Value] {
    let cases = file["cases"].as_array().unwrap();
    assert!(!cases.is_empty());
    cases
}

/// A text member of a case, empty when it is absent.
pub fn member<'a>(case: &'a Value, key: &str) -> &'a str {
    case[key].as_str().unwrap_or_default()
}

/// A line past the test runner, which keeps the output of a test that passes to itself.
pub fn say(line: &str) {
    // Who has closed standard error does not want to know.
    drop(writeln!(io::stderr(), "{line}"));
}
