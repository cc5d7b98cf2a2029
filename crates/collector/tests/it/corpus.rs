//! Real configurations, read from `../shared/suites` when it is there: what must load loads, what must not does
//! not, and how many of each there are is printed.
//!
//! `explained.tsv` says why files do not load that one would expect to: `double`, they name components of a test;
//! `upstream`, the Collector refuses them as well; `start`, it does so when it starts; `missing`, they need what
//! is not here. A file that is refused and not explained fails the test, as does one that is explained and loads.

use std::collections::BTreeMap;
use std::path::PathBuf;

use spandrel_collector::StubPolicy;
use spandrel_config::Problems;
use spandrel_suites::say;

use crate::suite::{
    complete, explanation, folder, full_snippets, index, load, load_as, yaml_files,
};

/// Of files and how loading them went.
#[derive(Default)]
struct Count {
    loaded: Vec<PathBuf>,
    refused: Vec<(PathBuf, Problems)>,
}

impl Count {
    fn of(files: impl IntoIterator<Item = PathBuf>) -> Self {
        let mut count = Self::default();
        for file in files {
            match load(&file) {
                Ok(_) => count.loaded.push(file),
                Err(problems) => count.refused.push((file, problems)),
            }
        }
        count
    }

    fn say(&self, what: &str) {
        let all = self.loaded.len() + self.refused.len();
        let as_they_are =
            self.loaded.iter().filter(|file| load_as(file, StubPolicy::Accept).is_ok());
        say(&format!(
            "{what}: {} of {all} load, {} of them as they are, the others with --allow-passthrough",
            self.loaded.len(),
            as_they_are.count()
        ));
        let mut reasons: BTreeMap<_, usize> = BTreeMap::new();
        for (file, _) in &self.refused {
            *reasons.entry(explanation(file)).or_default() += 1;
        }
        for (reason, n) in reasons {
            let (class, reason) = reason.unwrap_or(("?", "not explained"));
            say(&format!("  {n:>3} {class:<9} {reason}"));
        }
    }

    /// Files that are refused and nobody knows why, and such as load although somebody knows why not.
    fn unexplained(&self) -> Vec<String> {
        let refused = self.refused.iter().filter(|(file, _)| explanation(file).is_none());
        let refused = refused.map(|(file, problems)| format!("{}: {problems}", file.display()));
        let loaded = self.loaded.iter().filter(|file| explanation(file).is_some());
        refused.chain(loaded.map(|file| format!("{}: loads", file.display()))).collect()
    }

    /// How many of those load that do not name components of a test.
    fn share(&self) -> f64 {
        let is_double = |file| explanation(file).is_some_and(|(class, _)| class == "double");
        let doubles = self.refused.iter().filter(|(file, _)| is_double(file)).count();
        let loaded = self.loaded.len();
        loaded as f64 / (loaded + self.refused.len() - doubles).max(1) as f64
    }
}

/// Guarantees: at least 95 % of the real, complete configurations load, test doubles aside; and those that do not
/// are refused by the Collector as well.
#[test]
fn real_configurations_load() {
    let Some(folder) = folder("otel/configs") else { return };
    let count = Count::of(complete(&folder, "positive"));
    count.say("configs, positive and complete");
    assert_eq!(count.unexplained(), [""; 0]);
    assert!(count.share() >= 0.95, "{:.3}", count.share());
    let partial = index(&folder).into_iter().filter(|(_, row)| row[3] == "partial");
    let partial = Count::of(partial.map(|(path, _)| path));
    let all = partial.loaded.len() + partial.refused.len();
    say(&format!("configs, positive and partial: {} of {all} load", partial.loaded.len()));
    for (file, problems) in &partial.refused {
        let is_incomplete = |text: &str| {
            ["not defined", "there are no", "must name at least", "of no pipeline", "is required"]
                .iter()
                .any(|part| text.contains(part))
        };
        let all_of_it = problems.iter().any(|problem| is_incomplete(&problem.message));
        assert!(all_of_it, "{}: {problems}", file.display());
    }
}

/// Guarantees: wrong configurations are refused with file and line, the path of the key, and what to do about it.
#[test]
fn wrong_configurations_are_refused_well() {
    let Some(folder) = folder("otel/configs") else { return };
    let count = Count::of(complete(&folder, "maybe-negative"));
    say(&format!("configs, maybe-negative: {} are refused", count.refused.len()));
    for file in &count.loaded {
        let (class, reason) = explanation(file).unwrap_or(("?", "not explained"));
        assert_eq!(class, "right", "{}: loads", file.display());
        say(&format!("    1 {class:<9} {reason}"));
    }
    for (file, problems) in &count.refused {
        let name = file.file_name().unwrap().to_str().unwrap();
        for problem in problems {
            let text = problem.to_string();
            assert!(problem.position.is_some() && text.contains(&format!("{name}:")), "{text}");
            assert!(problem.path.contains("::"), "{text}");
            // What is expected is in the message, or what to do beside it.
            let advises = problem.message.contains("must") || problem.message.contains("at least");
            assert!(advises || problem.advice.is_some(), "{text}");
        }
        say(&format!("  {}", problems.iter().map(ToString::to_string).next().unwrap()));
    }
}

/// Guarantees: complete snippets of documentation load, unless the Collector would refuse them too.
#[test]
fn snippets_of_documentation_load() {
    let Some(snippets) = folder("otel/doc-snippets") else { return };
    let count = Count::of(full_snippets(&snippets));
    count.say("doc-snippets, full");
    assert_eq!(count.unexplained(), [""; 0]);
    let Some(newer) = folder("otel/configs-0.162-docs") else { return };
    for path in yaml_files(&newer) {
        let loaded = load(&path);
        let is_negative = path.file_name().unwrap().to_string_lossy().starts_with("NEGATIVE");
        assert_eq!(loaded.is_err(), is_negative, "{}: {:?}", path.display(), loaded.err());
    }
}

/// Guarantees: what another reader of the same language accepts is accepted.
#[test]
fn configurations_of_alloy_load() {
    let Some(folder) = folder("otel/alloy-otelcolconvert") else { return };
    let count = Count::of(yaml_files(&folder));
    count.say("alloy-otelcolconvert");
    assert_eq!(count.unexplained(), [""; 0]);
}

/// Guarantees: Jaeger's own configurations load.
#[test]
fn configurations_of_jaeger_load() {
    let Some(folder) = folder("jaeger/configs") else { return };
    let count = Count::of(yaml_files(&folder));
    count.say("jaeger/configs");
    assert_eq!(count.unexplained(), [""; 0]);
}
