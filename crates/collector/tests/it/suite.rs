//! Files of `../shared/suites`: finding them, loading them, and what is known of those that do not load.

use std::fs;
use std::path::{Path, PathBuf};

use spandrel_collector::{Plan, StubPolicy};
use spandrel_config::{Config, Problems};
use spandrel_suites::say;

/// A folder of the suites; `None`, said aloud, when it is not there.
pub(crate) fn folder(name: &str) -> Option<PathBuf> {
    let root = Path::new("../../../shared/suites").join(name);
    if root.is_dir() {
        return Some(root);
    }
    say(&format!("skipped: {} is not there", root.display()));
    None
}

/// All YAML files below a folder, sorted.
pub(crate) fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.extension().and_then(|extension| extension.to_str()) {
                _ if path.is_dir() => open.push(path),
                Some("yaml" | "yml") => files.push(path),
                _ => {}
            }
        }
    }
    files.sort();
    files
}

/// Rows of an index whose file is there (the index is that of a larger collection): the file, and all columns.
pub(crate) fn index(folder: &Path) -> Vec<(PathBuf, Vec<String>)> {
    let text = fs::read_to_string(folder.join("INDEX.tsv")).unwrap();
    let rows =
        text.lines().skip(1).map(|line| line.split('\t').map(str::to_owned).collect::<Vec<_>>());
    let rows = rows.map(|row| (folder.join(&row[0]), row)).filter(|(path, _)| path.is_file());
    rows.collect()
}

/// Complete configurations of the wild that are meant to load.
pub(crate) fn complete(folder: &Path, expect: &str) -> Vec<PathBuf> {
    let rows = index(folder).into_iter();
    let rows = rows.filter(|(_, row)| row[3] == "complete" && row[4] == expect);
    rows.map(|(path, _)| path).collect()
}

/// Snippets of documentation that are whole configurations.
pub(crate) fn full_snippets(folder: &Path) -> Vec<PathBuf> {
    index(folder).into_iter().filter(|(_, row)| row[1] == "full").map(|(path, _)| path).collect()
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
pub(crate) fn load(path: &Path) -> Result<Plan, Problems> {
    load_as(path, StubPolicy::AllowPassthrough)
}

/// The same, under a policy.
pub(crate) fn load_as(path: &Path, policy: StubPolicy) -> Result<Plan, Problems> {
    let mut refused = None;
    for (endpoint, other) in ENVIRONMENTS {
        match load_with(path, policy, (endpoint, other)) {
            Ok(plan) => return Ok(plan),
            Err(problems) => refused = refused.or(Some(problems)),
        }
    }
    Err(refused.unwrap_or_default())
}

fn load_with(
    path: &Path,
    policy: StubPolicy,
    (endpoint, other): (&str, &str),
) -> Result<Plan, Problems> {
    let env = |name: &str| {
        let name = name.to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        Some(match () {
            () if has(&["endpoint", "url", "addr"]) => endpoint.to_owned(),
            () if name.ends_with("port") => "4317".to_owned(),
            () if has(&["percent", "mib", "size", "limit"]) => "50".to_owned(),
            () if name.ends_with("log_level") => "info".to_owned(),
            () => other.to_owned(),
        })
    };
    plan(&[format!("file:{}", path.display())], policy, &env)
}

/// Reads everything that can be read, so that all problems are found.
pub(crate) fn plan(
    sources: &[String],
    policy: StubPolicy,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Plan, Problems> {
    let inspection = Config::inspect(sources, &[], env);
    let planned = match inspection.config {
        Some(config) => Plan::new(config, policy),
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

/// What is known of a file that does not do what its folder promises: class and reason.
pub(crate) fn explanation(path: &Path) -> Option<(&'static str, &'static str)> {
    let path = path.to_str().unwrap();
    let rows = include_str!("explained.tsv").lines().skip(1).map(|line| {
        let mut columns = line.split('\t');
        let mut next = || columns.next().unwrap();
        (next(), next(), next())
    });
    let mut rows = rows.filter(|(of, ..)| path.ends_with(of));
    rows.next().map(|(_, class, reason)| (class, reason))
}
