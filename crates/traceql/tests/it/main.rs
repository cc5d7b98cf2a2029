//! Runs the TraceQL conformance data in `../shared/suites/traceql` over the public API.
//!
//! Each file is one test. A case counts as passed, as failed, as deliberately different (named in
//! the file's list with the reason), or as not yet served by this crate. The test fails for any
//! failed case, and for an entry of a list that no case needs.

#![expect(clippy::unwrap_used, reason = "data that is not as expected fails the test")]

mod editor;
mod evaluate;
mod lenient;
mod property;
mod spans;
mod syntax;
mod tree;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

/// What a case came to.
enum Outcome {
    Passed,
    Failed(String),
    /// Deliberately not as the data says, for a reason that holds for a whole class of cases.
    Different(&'static str),
    /// Concerns a part of the language that this crate only parses.
    NotYet,
}

impl Outcome {
    fn of(passed: bool, detail: impl FnOnce() -> String) -> Self {
        if passed { Self::Passed } else { Self::Failed(detail()) }
    }
}

/// Runs `run` over the cases of `file`, each known by the text that `name` finds in it.
///
/// `different` lists the cases that deliberately fail, with the reason.
fn suite(
    file: &str,
    different: &[(&str, &str)],
    name: impl Fn(&Value) -> String,
    run: impl Fn(&Value) -> Outcome,
) {
    let root = Path::new("../../../shared/suites");
    if !root.try_exists().unwrap() {
        print_line("skipped: ../shared/suites is not there");
        return;
    }
    let text = std::fs::read_to_string(root.join("traceql").join(file)).unwrap();
    let data: Value = serde_json::from_str(&text).unwrap();
    let (mut passed, mut not_yet) = (0, 0);
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    let failures = RefCell::new(Vec::new());
    let mut unused: Vec<&str> = different.iter().map(|(name, _)| *name).collect();
    for case in data["cases"].as_array().unwrap() {
        let name = name(case);
        let listed = different.iter().any(|(listed, _)| *listed == name);
        match run(case) {
            Outcome::Passed => passed += 1,
            Outcome::NotYet => not_yet += 1,
            Outcome::Different(reason) => *reasons.entry(reason).or_default() += 1,
            Outcome::Failed(_) if listed => unused.retain(|unused| *unused != name),
            Outcome::Failed(detail) => failures.borrow_mut().push(format!("{name}\n    {detail}")),
        }
    }
    let failures = failures.into_inner();
    let deliberate = different.len() - unused.len() + reasons.values().sum::<usize>();
    print_line(&format!(
        "{file}: {passed} passed, {} failed, {deliberate} deliberately different, {not_yet} not yet",
        failures.len()
    ));
    for (reason, n) in reasons {
        print_line(&format!("    {n} different: {reason}"));
    }
    assert!(failures.is_empty(), "{file}:\n{}", failures.join("\n"));
    assert!(unused.is_empty(), "{file}: listed as different but passing or absent: {unused:?}");
}

#[expect(clippy::print_stderr, reason = "the counts are for whoever runs the suites")]
fn print_line(line: &str) {
    eprintln!("{line}");
}

fn string(case: &Value, key: &str) -> String {
    case[key].as_str().unwrap_or_default().to_owned()
}
