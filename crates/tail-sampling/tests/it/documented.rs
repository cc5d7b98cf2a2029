//! Examples that people copy: those of documents and of real configurations, read where they lie beside the checkout.

use std::fs;
use std::path::{Path, PathBuf};

use spandrel_config::yaml;
use spandrel_config::{Findings, Value, read_component};
use spandrel_tail_sampling::TailSamplingSettings;

const SUITES: &str = "../../../shared/suites/otel";
const FOLDERS: [&str; 5] = [
    "alloy-otelcolconvert",
    "configs",
    "configs-0.162-docs",
    "doc-snippets",
    "contrib-v0.115-testdata",
];

fn yaml_files(dir: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            yaml_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            found.push(path);
        }
    }
}

#[test]
fn examples_are_accepted() {
    if !Path::new(SUITES).is_dir() {
        eprintln!("skipped: ../shared/suites is not there");
        return;
    }
    let mut paths = Vec::new();
    for folder in FOLDERS {
        yaml_files(&Path::new(SUITES).join(folder), &mut paths);
    }
    paths.sort();
    let (mut n_accepted, mut n_refused) = (0, 0);
    for path in paths {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        if !text.contains("tail_sampling") {
            continue;
        }
        let name = path.display().to_string();
        let Ok(file) = yaml::parse(&text, &name) else { panic!("{name} is no YAML") };
        for section in sections_of(&file) {
            let mut findings = Findings::default();
            let path = "processors::tail_sampling";
            read_component(section, path, &mut findings, TailSamplingSettings::read);
            let problems: Vec<String> = findings.problems.iter().map(ToString::to_string).collect();
            let is_negative = name.contains("NEGATIVE");
            assert_eq!(problems.is_empty(), !is_negative, "{name}: {problems:?}");
            if is_negative {
                assert!(problems[0].contains("string_attribute: {key, value}"), "{problems:?}");
            }
            *if is_negative { &mut n_refused } else { &mut n_accepted } += 1;
        }
    }
    println!("{n_accepted} accepted, {n_refused} refused");
    assert!(n_accepted >= 9 && n_refused == 1, "{n_accepted} accepted, {n_refused} refused");
}

/// The sections of all `tail_sampling` processors of a file.
fn sections_of(file: &Value) -> Vec<&Value> {
    let processors = file.member("processors").and_then(Value::entries).unwrap_or_default();
    let is_ours = |name: &str| name.split('/').next() == Some("tail_sampling");
    processors.iter().filter(|(key, _)| is_ours(&key.text)).map(|(_, value)| value).collect()
}
