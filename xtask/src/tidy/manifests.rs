//! Rules on `Cargo.toml` files.
//!
//! The reader knows the subset of TOML that our manifests use: sections, and one key with its value
//! per line. A manifest that needs more should be simpler.

use std::collections::BTreeSet;

use crate::tidy::Finding;
use crate::tidy::source::find_word;
use crate::tidy::tree::{TextFile, Tree};

/// The page with a line for each direct dependency.
const DEPENDENCIES_PAGE: &str = "docs/dependencies.md";
/// Where an error type without a shape is fine.
const ANYHOW_PACKAGES: [&str; 3] = ["spandrel-app", "spandrel-tests", "xtask"];

/// One line of a manifest.
#[derive(Debug, PartialEq)]
pub(crate) struct Entry<'a> {
    pub(crate) line: usize,
    pub(crate) section: &'a str,
    /// Up to the first dot: `serde.workspace = true` has the key `serde`.
    pub(crate) key: &'a str,
    /// What follows the key: `.workspace = true`, or ` = { ... }`.
    pub(crate) rest: &'a str,
}

/// The entries of a manifest.
pub(crate) fn entries(text: &str) -> Vec<Entry<'_>> {
    let mut section = "";
    let mut entries = Vec::new();
    for (i, line) in text.lines().enumerate() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end().trim_matches(['[', ']']);
        } else if line.starts_with(|c: char| c.is_ascii_alphabetic()) {
            let end = line.find(['.', ' ', '=']).unwrap_or(line.len());
            entries.push(Entry { line: i + 1, section, key: &line[..end], rest: &line[end..] });
        }
    }
    entries
}

/// A package of this workspace.
#[derive(Debug)]
pub(crate) struct Package<'a> {
    pub(crate) manifest: &'a TextFile,
    pub(crate) name: &'a str,
    /// With a trailing `/`.
    dir: &'a str,
    pub(crate) entries: Vec<Entry<'a>>,
}

impl<'a> Package<'a> {
    /// Direct dependencies of the library or binary itself, not of its tests.
    pub(crate) fn dependencies(&self) -> impl Iterator<Item = &Entry<'a>> {
        self.entries.iter().filter(|entry| entry.section == "dependencies")
    }
}

/// Every package of the workspace, by path. A folder that is a workspace of its own (`fuzz`) is not ours.
pub(crate) fn packages(tree: &Tree) -> Vec<Package<'_>> {
    let manifests = tree
        .files
        .iter()
        .filter(|file| file.path.ends_with("/Cargo.toml") && !file.text.contains("\n[workspace]"));
    let packages = manifests.filter_map(|manifest| {
        let entries = entries(&manifest.text);
        let name = entries.iter().find(|e| e.section == "package" && e.key == "name")?;
        let name = name.rest.trim_matches([' ', '=', '"']);
        let dir = manifest.path.trim_end_matches("Cargo.toml");
        Some(Package { manifest, name, dir, entries })
    });
    packages.collect()
}

/// `manifest`: each package takes lints, versions and publishing from the workspace.
pub(crate) fn inherits(package: &Package<'_>, findings: &mut Vec<Finding>) {
    let path = &package.manifest.path;
    let has = |section: &str, key: &str, rest: &[&str]| {
        let mut entries = package.entries.iter();
        entries.any(|e| e.section == section && e.key == key && rest.contains(&e.rest.trim()))
    };
    if !has("lints", "workspace", &["= true"]) {
        findings.push(Finding::error(path, 1, "manifest", "has `[lints] workspace = true`"));
    }
    if !has("package", "publish", &[".workspace = true", "= false"]) {
        findings.push(Finding::error(path, 1, "manifest", "has `publish.workspace = true`"));
    }
    for entry in &package.entries {
        if entry.section.ends_with("dependencies") && !entry.rest.contains("workspace = true") {
            let message = format!("the version of {} stands in the root manifest", entry.key);
            findings.push(Finding::error(path, entry.line, "manifest", &message));
        }
        let library = !ANYHOW_PACKAGES.contains(&package.name);
        if entry.key == "anyhow" && entry.section == "dependencies" && library {
            let message = "library errors have a shape: use thiserror";
            findings.push(Finding::error(path, entry.line, "manifest", message));
        }
    }
}

/// `unused`: a dependency that no file of the package names costs build time for nothing.
pub(crate) fn unused(tree: &Tree, package: &Package<'_>, findings: &mut Vec<Finding>) {
    let sources: Vec<&TextFile> = tree
        .files
        .iter()
        .filter(|file| file.path.starts_with(package.dir) && file.path.ends_with(".rs"))
        .collect();
    for entry in package.entries.iter().filter(|e| e.section.ends_with("dependencies")) {
        // The one package whose library is called otherwise.
        let ident = match entry.key {
            "md-5" => "md5".to_owned(),
            key => key.replace('-', "_"),
        };
        if !sources.iter().any(|file| !find_word(&file.text, &ident).is_empty()) {
            let message = format!("{} is named in no file of the package", entry.key);
            findings.push(Finding::error(&package.manifest.path, entry.line, "unused", &message));
        }
    }
}

/// `dependency`: each direct dependency is used, and is justified on the dependencies page.
pub(crate) fn root(tree: &Tree, packages: &[Package<'_>], findings: &mut Vec<Finding>) {
    let Some(root) = tree.file("Cargo.toml") else {
        return;
    };
    let page = tree.file(DEPENDENCIES_PAGE).map_or("", |file| &file.text);
    let rows = page.lines().filter_map(|line| line.strip_prefix('|')?.split('|').next());
    let justified: BTreeSet<&str> = rows.map(|cell| cell.trim().trim_matches('`')).collect();
    let in_use: BTreeSet<&str> =
        packages.iter().flat_map(|package| &package.entries).map(|entry| entry.key).collect();
    for entry in entries(&root.text) {
        let ours = entry.key.starts_with("spandrel-");
        if entry.section != "workspace.dependencies" {
            continue;
        }
        if !ours && !justified.contains(entry.key) {
            let message = format!("{} has no line in {DEPENDENCIES_PAGE}", entry.key);
            findings.push(Finding::error("Cargo.toml", entry.line, "dependency", &message));
        }
        if !ours && !in_use.contains(entry.key) {
            let message = format!("{} is used by no package", entry.key);
            findings.push(Finding::error("Cargo.toml", entry.line, "dependency", &message));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[package]\nname = \"spandrel-a\"\npublish.workspace = true\n\n\
        [lints]\nworkspace = true\n\n[dependencies]\nserde.workspace = true\n";

    fn tree(manifest: &str, source: &str) -> Tree {
        Tree {
            files: vec![
                TextFile::new(
                    "Cargo.toml",
                    "[workspace.dependencies]\nserde = \"1\"\nregex = { version = \"1\" }\n",
                ),
                TextFile::new("crates/a/Cargo.toml", manifest),
                TextFile::new("crates/a/src/lib.rs", source),
                TextFile::new(DEPENDENCIES_PAGE, "| crate | why |\n| `serde` | JSON |\n"),
            ],
        }
    }

    /// Checks the only package of `tree`; expects exactly these `line: rule`.
    #[track_caller]
    fn check(manifest: &str, source: &str, expected: &[&str]) {
        let tree = tree(manifest, source);
        let packages = packages(&tree);
        let mut findings = Vec::new();
        inherits(&packages[0], &mut findings);
        unused(&tree, &packages[0], &mut findings);
        let found: Vec<String> =
            findings.iter().map(|finding| format!("{}: {}", finding.line, finding.rule)).collect();
        assert_eq!(found, expected, "{findings:?}");
    }

    #[test]
    fn entries_know_their_section() {
        let entries = entries("[a]\nb = 1\n# c\n[d.e]\nf.workspace = true\n");
        let expected = [
            Entry { line: 2, section: "a", key: "b", rest: " = 1" },
            Entry { line: 5, section: "d.e", key: "f", rest: ".workspace = true" },
        ];
        assert_eq!(entries, expected);
    }

    #[test]
    fn a_good_manifest_passes() {
        check(GOOD, "use serde::Serialize;", &[]);
    }

    #[test]
    fn lints_publish_and_versions_come_from_the_workspace() {
        check(&GOOD.replace("[lints]\nworkspace = true\n", ""), "serde", &["1: manifest"]);
        check(&GOOD.replace("publish.workspace = true\n", ""), "serde", &["1: manifest"]);
        check(
            &GOOD.replace(".workspace = true\n", " = \"1\"\n"),
            "serde",
            &["1: manifest", "9: manifest"],
        );
        check(&(GOOD.to_owned() + "anyhow.workspace = true\n"), "serde anyhow", &["10: manifest"]);
    }

    #[test]
    fn unused_dependency() {
        check(GOOD, "use serde_json::Value;", &["9: unused"]);
    }

    #[test]
    fn root_dependencies_are_justified_and_used() {
        let tree = tree(GOOD, "");
        let mut findings = Vec::new();
        root(&tree, &packages(&tree), &mut findings);
        let found: Vec<&str> = findings.iter().map(|finding| finding.message.as_str()).collect();
        let expected = ["regex has no line in docs/dependencies.md", "regex is used by no package"];
        assert_eq!(found, expected);
    }
}
