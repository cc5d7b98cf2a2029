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

/// What variables may hold that a file expects somebody to set: endpoints, and everything else.
const ENVIRONMENTS: [(&str, &str); 8] = [
    ("http://localhost:4317", "localhost"),
    ("localhost:4317", "localhost"),
    ("localhost:4317", "localhost:4317"),
    ("http://localhost:4317", "http://localhost:4317"),
    ("localhost", "localhost"),
    ("localhost:4317", "10s"),
    ("localhost:4317", "50"),
    ("http://localhost:4317", "detailed"),
];

/// Loads it with the first environment that it loads with.
fn load(path: &Path) -> Result<Plan, Problems> {
    let mut refused = None;
    for (endpoint, other) in ENVIRONMENTS {
        match load_with(path, endpoint, other) {
            Ok(plan) => return Ok(plan),
            Err(problems) => refused = refused.or(Some(problems)),
        }
    }
    Err(refused.unwrap_or_default())
}

fn load_with(path: &Path, endpoint: &str, other: &str) -> Result<Plan, Problems> {
    let env = |name: &str| {
        let name = name.to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        Some(match () {
            () if has(&["endpoint", "url", "addr"]) => endpoint.to_owned(),
            () if name.ends_with("port") => "4317".to_owned(),
            () if has(&["percent", "mib", "size", "limit"]) => "50".to_owned(),
            () => other.to_owned(),
        })
    };
    let source = format!("file:{}", path.display());
    let inspection = Config::inspect(&[source], &[], &env);
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
    // The index is that of a larger collection.
    let rows = rows.map(|row| (folder.join(&row[0]), row)).filter(|(path, _)| path.is_file());
    rows.collect()
}

/// Guarantees: no fewer of the real, complete configurations load than did. Those that do not name components that
/// exist in tests only, have placeholders for endpoints, or leave out what the Collector itself requires.
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
    assert!(complete.share() >= 0.88, "{:.3}", complete.share());
    assert!(negative.loaded <= 3, "{} of the wrong ones load", negative.loaded);
    for (file, problems) in &negative.refused {
        let has_place = problems.iter().any(|problem| problem.position.is_some());
        assert!(has_place, "{}: {problems}", file.display());
    }
}

/// Guarantees: complete snippets of documentation load.
#[test]
fn snippets_of_documentation_load() {
    let Some(folder) = otel("doc-snippets") else { return };
    let full = index(&folder).into_iter().filter(|(_, row)| row[1] == "full").map(|(path, _)| path);
    let full = Count::of(full);
    full.say("full snippets");
    assert!(full.share() >= 0.64, "{:.3}", full.share());
    let Some(newer) = otel("configs-0.162-docs") else { return };
    for entry in fs::read_dir(newer).unwrap() {
        let path = entry.unwrap().path();
        let loaded = load(&path);
        let is_negative = path.file_name().unwrap().to_string_lossy().starts_with("NEGATIVE");
        assert_eq!(loaded.is_err(), is_negative, "{}: {:?}", path.display(), loaded.err());
    }
}

/// Guarantees: what another reader of the same language accepts is accepted, but for endpoints without scheme, an
/// unknown way to match, and a file that is wrong on purpose.
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
    assert!(all.share() >= 0.84, "{:.3}", all.share());
}
