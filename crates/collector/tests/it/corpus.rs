//! Real configurations, read from `../shared/suites/otel` when it is there: what must load loads, what must not does
//! not, and how many of each there are is printed.

use std::fs;
use std::path::{Path, PathBuf};

use spandrel_collector::{Plan, StubPolicy};
use spandrel_config::{Config, Problems};
use spandrel_suites::say;

fn otel(folder: &str) -> Option<PathBuf> {
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/suites/otel").join(folder);
    if root.is_dir() {
        return Some(root);
    }
    say(&format!("skipped: {} is not there", root.display()));
    None
}

/// What a variable may hold that a file expects somebody to set.
fn dummy(name: &str) -> Option<String> {
    let name = name.to_ascii_lowercase();
    let has = |word: &str| name.contains(word);
    Some(match () {
        () if has("port") => "4317".to_owned(),
        () if has("endpoint") || has("url") || has("addr") => "http://localhost:4317".to_owned(),
        () if has("host") || has("ip") => "localhost".to_owned(),
        () if has("percent") || has("mib") || has("size") || has("limit") => "50".to_owned(),
        () => "dummy".to_owned(),
    })
}

fn load(path: &Path) -> Result<Plan, Problems> {
    let source = format!("file:{}", path.display());
    let inspection = Config::inspect(&[source], &[], &dummy);
    let planned = match inspection.config {
        Some(config) => Plan::new(config, StubPolicy::AllowPassthrough),
        None => Err(Problems::default()),
    };
    match planned {
        Ok(plan) if inspection.problems.is_empty() => Ok(plan),
        planned => {
            let mut problems = inspection.problems;
            problems.extend(planned.err().map(Problems::into_vec).unwrap_or_default());
            Err(Problems::new(problems))
        }
    }
}

/// Of files and how loading them went.
#[derive(Default)]
struct Count {
    loaded: usize,
    refused: Vec<(PathBuf, Problems)>,
}

impl Count {
    fn of(files: impl IntoIterator<Item = PathBuf>) -> Self {
        let mut count = Self::default();
        for file in files {
            match load(&file) {
                Ok(_) => count.loaded += 1,
                Err(problems) => count.refused.push((file, problems)),
            }
        }
        count
    }

    fn say(&self, what: &str) {
        let all = self.loaded + self.refused.len();
        say(&format!("{what}: {} of {all} load", self.loaded));
        for (file, problems) in &self.refused {
            let first: Vec<String> = problems.iter().take(3).map(ToString::to_string).collect();
            say(&format!("  refused {}: {}", file.display(), first.join(" | ")));
        }
    }

    fn share(&self) -> f64 {
        self.loaded as f64 / (self.loaded + self.refused.len()).max(1) as f64
    }
}

/// Rows of an index: path, and the other columns by name.
fn index(folder: &Path) -> Vec<(PathBuf, Vec<String>)> {
    let text = fs::read_to_string(folder.join("INDEX.tsv")).unwrap();
    let rows =
        text.lines().skip(1).map(|line| line.split('\t').map(str::to_owned).collect::<Vec<_>>());
    rows.filter(|row| !row.is_empty()).map(|row| (folder.join(&row[0]), row)).collect()
}

/// Guarantees: at least 95 % of real, complete configurations load, and those that must fail do.
#[test]
fn real_configurations_load() {
    let Some(folder) = otel("configs") else { return };
    let rows = index(&folder);
    let files = |expect: &str, refs: &str| {
        let rows = rows.iter().filter(|(_, row)| row[4] == expect && row[3] == refs);
        rows.map(|(path, _)| path.clone()).collect::<Vec<_>>()
    };
    let complete = Count::of(files("positive", "complete"));
    complete.say("positive, complete");
    Count::of(files("positive", "partial")).say("positive, partial (definitions are missing)");
    let negative = Count::of(files("maybe-negative", "complete"));
    negative.say("maybe-negative");
    assert!(complete.share() >= 0.95, "{:.3}", complete.share());
    for (file, problems) in &negative.refused {
        assert!(!problems.is_empty(), "{}", file.display());
    }
}

/// Guarantees: complete snippets of documentation load.
#[test]
fn snippets_of_documentation_load() {
    let Some(folder) = otel("doc-snippets") else { return };
    let full = index(&folder).into_iter().filter(|(_, row)| row[1] == "full").map(|(path, _)| path);
    let full = Count::of(full);
    full.say("full snippets");
    let Some(newer) = otel("configs-0.162-docs") else { return };
    for entry in fs::read_dir(newer).unwrap() {
        let path = entry.unwrap().path();
        let loaded = load(&path);
        let is_negative = path.file_name().unwrap().to_string_lossy().starts_with("NEGATIVE");
        assert_eq!(loaded.is_err(), is_negative, "{}: {:?}", path.display(), loaded.err());
    }
}

/// Guarantees: what another reader of the same language accepts is accepted.
#[test]
fn configurations_of_alloy_load() {
    let Some(folder) = otel("alloy-otelcolconvert") else { return };
    let mut files = Vec::new();
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.extension().and_then(|extension| extension.to_str()) {
                _ if path.is_dir() => folders.push(path),
                Some("yaml" | "yml") => files.push(path),
                _ => {}
            }
        }
    }
    files.sort();
    let all = Count::of(files);
    all.say("alloy");
    assert!(all.share() >= 0.9, "{:.3}", all.share());
}
