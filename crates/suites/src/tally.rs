//! Cases of a file, counted.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::files::{cases, say, traceql};

/// What a case came to.
#[derive(Debug)]
pub enum Outcome {
    /// As the data says.
    Passed,
    /// What came instead.
    Failed(String),
    /// Deliberately not as the data says, for a reason that holds for a whole class of cases.
    Different(&'static str),
    /// It says nothing about what is tested.
    Silent,
}

impl Outcome {
    /// Passed, or failed with what came instead.
    pub fn of(passed: bool, detail: impl FnOnce() -> String) -> Self {
        if passed { Self::Passed } else { Self::Failed(detail()) }
    }

    /// Of a check that says what is wrong.
    pub fn from_result(result: Result<(), String>) -> Self {
        result.map_or_else(Self::Failed, |()| Self::Passed)
    }
}

/// The outcomes of the cases of one file.
#[derive(Debug)]
pub struct Tally<'a> {
    file: String,
    /// Cases that deliberately fail, by name, with the reason.
    listed: &'a [(&'a str, &'a str)],
    passed: usize,
    silent: usize,
    failures: Vec<String>,
    reasons: BTreeMap<&'a str, usize>,
    /// Listed cases that have not failed.
    unused: Vec<&'a str>,
}

impl<'a> Tally<'a> {
    /// Of a file, with the cases that deliberately fail.
    pub fn new(file: &str, listed: &'a [(&'a str, &'a str)]) -> Self {
        Self {
            file: file.to_owned(),
            listed,
            passed: 0,
            silent: 0,
            failures: Vec::new(),
            reasons: BTreeMap::new(),
            unused: listed.iter().map(|(name, _)| *name).collect(),
        }
    }

    /// Counts a case.
    pub fn count(&mut self, name: &str, outcome: Outcome) {
        let listed = self.listed.iter().find(|(listed, _)| *listed == name);
        match (outcome, listed) {
            (Outcome::Passed, _) => self.passed += 1,
            (Outcome::Silent, _) => self.silent += 1,
            (Outcome::Different(reason), _) => *self.reasons.entry(reason).or_default() += 1,
            (Outcome::Failed(_), Some((_, reason))) => {
                *self.reasons.entry(reason).or_default() += 1;
                self.unused.retain(|unused| *unused != name);
            }
            (Outcome::Failed(detail), None) => {
                self.failures.push(format!("{name}\n    {detail}"));
            }
        }
    }

    /// Prints the counts.
    ///
    /// # Errors
    /// What failed, when something has that is not listed, when a listed case has not failed, or when
    /// nothing was decided.
    pub fn report(self) -> Result<(), String> {
        let Self { file, passed, silent, failures, reasons, unused, .. } = self;
        let different: usize = reasons.values().sum();
        let failed = failures.len();
        say(&format!(
            "{file}: {passed} passed, {failed} failed, {different} deliberately different, \
             {silent} say nothing here"
        ));
        for (reason, n) in reasons {
            say(&format!("    {n} different: {reason}"));
        }
        if failed > 0 {
            return Err(format!("{file}:\n{}", failures.join("\n")));
        }
        if !unused.is_empty() {
            return Err(format!("{file}: listed as different, but pass or are absent: {unused:?}"));
        }
        if passed == 0 { Err(format!("{file}: nothing was decided")) } else { Ok(()) }
    }

    /// As [`Self::report`], for a test of one file.
    ///
    /// # Panics
    /// On its errors.
    pub fn finish(self) {
        if let Err(failures) = self.report() {
            panic!("{failures}");
        }
    }
}

/// Runs all cases of a file, each known by the text that `name` finds in it.
///
/// # Panics
/// As [`Tally::finish`].
pub fn run(
    file: &str,
    listed: &[(&str, &str)],
    name: impl Fn(&Value) -> String,
    outcome: impl Fn(&Value) -> Outcome,
) {
    let Some(data) = traceql(file) else { return };
    let mut tally = Tally::new(file, listed);
    for case in cases(&data) {
        tally.count(&name(case), outcome(case));
    }
    tally.finish();
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTED: [(&str, &str); 1] = [("listed", "on purpose")];

    fn report(outcomes: Vec<(&str, Outcome)>) -> Result<(), String> {
        let mut tally = Tally::new("test.json", &LISTED);
        for (name, outcome) in outcomes {
            tally.count(name, outcome);
        }
        tally.report()
    }

    #[test]
    fn only_what_is_listed_may_fail_and_must() {
        let listed = || ("listed", Outcome::of(false, || "no".to_owned()));
        assert_eq!(report(vec![listed(), ("a", Outcome::Passed), ("b", Outcome::Silent)]), Ok(()));
        let failed = ("c", Outcome::from_result(Err("wrong".to_owned())));
        let failed = report(vec![listed(), ("a", Outcome::Passed), failed]);
        assert_eq!(failed, Err("test.json:\nc\n    wrong".to_owned()));
        let unused = report(vec![("listed", Outcome::Passed)]).unwrap_err();
        assert!(unused.contains("[\"listed\"]"), "{unused}");
        let nothing = report(vec![listed(), ("a", Outcome::Different("else"))]);
        assert_eq!(nothing, Err("test.json: nothing was decided".to_owned()));
    }
}
