//! Rules on prose: what a document points at exists, and nothing of one machine leaks into the text.

use std::collections::BTreeMap;

use crate::tidy::Finding;
use crate::tidy::tree::{TextFile, Tree};

const ADR_DIR: &str = "docs/adr/";
const ADR_INDEX: &str = "docs/adr/README.md";

/// Top-level directories; a back-ticked path below one of them must exist.
const CHECKED_DIRS: [&str; 5] = ["crates/", "docs/", "xtask/", "proto/", "tests/"];

/// Text that only makes sense on the machine or in the conversation that it was written in. Split,
/// so that this file passes.
const FORBIDDEN: [&str; 8] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/tmp/", "brief"),
    concat!("sub", "agent"),
    concat!("cla", "ude"),
    concat!("anth", "ropic"),
    concat!("chat", "gpt"),
    concat!("co", "pilot"),
];

/// `words`: the text is about the project, not about where it was typed.
pub(crate) fn words(file: &TextFile, findings: &mut Vec<Finding>) {
    if file.is_vendored() || file.path == "Cargo.lock" {
        return;
    }
    for (i, line) in file.text.lines().enumerate() {
        let lower = line.to_ascii_lowercase();
        for word in FORBIDDEN.iter().filter(|word| lower.contains(**word)) {
            let message = format!("{word:?} has no place in the repository");
            findings.push(Finding::error(&file.path, i + 1, "words", &message));
        }
    }
}

/// `link`: relative links and back-ticked paths lead somewhere.
pub(crate) fn links(tree: &Tree, file: &TextFile, findings: &mut Vec<Finding>) {
    let markdown = file.path.ends_with(".md") && !file.is_vendored();
    if !markdown && !file.is_rust() {
        return;
    }
    for (i, line) in file.text.lines().enumerate() {
        let comment = line.trim_start();
        if !markdown && !comment.starts_with("//") {
            continue;
        }
        let mut missing: Vec<&str> = back_ticked(line)
            .filter(|path| CHECKED_DIRS.iter().any(|dir| path.starts_with(dir)))
            .filter(|path| {
                !path.contains(|c: char| "*<>{}$ :".contains(c)) && !path.contains("...")
            })
            .filter(|path| !tree.has_path(path))
            .collect();
        if markdown {
            let dir = file.path.rsplit_once('/').map_or("", |(dir, _)| dir);
            missing.extend(targets(line).filter(|target| !tree.has_path(&resolve(dir, target))));
        }
        for path in missing {
            let message = format!("{path} does not exist");
            findings.push(Finding::error(&file.path, i + 1, "link", &message));
        }
    }
}

/// Every text between two back-ticks.
fn back_ticked(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// The relative targets of Markdown links, without their anchors.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let ends = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    ends.map(|target| target.split('#').next().unwrap_or(target))
        .filter(|target| !target.is_empty() && !target.contains(':'))
}

/// `target`, seen from `dir`, as a path from the root.
fn resolve(dir: &str, target: &str) -> String {
    let mut parts: Vec<&str> = dir.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// `adr`: decision records have a number of their own and stand in the index.
pub(crate) fn decision_records(tree: &Tree, findings: &mut Vec<Finding>) {
    let index = tree.file(ADR_INDEX).map_or("", |file| &file.text);
    let mut numbers: BTreeMap<&str, &str> = BTreeMap::new();
    for file in &tree.files {
        let Some(name) = file.path.strip_prefix(ADR_DIR).filter(|name| *name != "README.md") else {
            continue;
        };
        let number = name.split('-').next().unwrap_or(name);
        if number.len() != 4 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            findings.push(Finding::error(&file.path, 1, "adr", "is called NNNN-subject.md"));
        } else if let Some(other) = numbers.insert(number, name) {
            let message = format!("has the number of {other}");
            findings.push(Finding::error(&file.path, 1, "adr", &message));
        }
        if !index.contains(&format!("({name})")) {
            let message = format!("is not listed in {ADR_INDEX}");
            findings.push(Finding::error(&file.path, 1, "adr", &message));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(findings: &[Finding]) -> Vec<String> {
        findings.iter().map(|f| format!("{}:{}: {}", f.path, f.line, f.message)).collect()
    }

    #[test]
    fn forbidden_words() {
        for (text, n) in [
            (concat!("fine\nsee /wo", "rk/main\n"), 1),
            (concat!("Asked a Sub", "Agent\n"), 1),
            ("a jaeger agent, a query session\n", 0),
        ] {
            let mut findings = Vec::new();
            words(&TextFile::new("docs/a.md", text), &mut findings);
            assert_eq!(findings.len(), n, "{text}");
        }
    }

    #[test]
    fn links_and_paths_exist() {
        let doc = "[a](../README.md#x) [b](https://example.org) [c](#y) `docs/b.md` `docs/x/*.md`\n\
            [d](gone.md) `crates/gone/src`\n";
        let tree = Tree {
            files: vec![
                TextFile::new("README.md", ""),
                TextFile::new("docs/a.md", doc),
                TextFile::new("docs/b.md", ""),
                TextFile::new("src/a.rs", "//! See `docs/c.md`.\nf(\"`docs/d.md`\");\n"),
            ],
        };
        let mut findings = Vec::new();
        for file in &tree.files {
            links(&tree, file, &mut findings);
        }
        let expected = [
            "docs/a.md:2: crates/gone/src does not exist",
            "docs/a.md:2: gone.md does not exist",
            "src/a.rs:1: docs/c.md does not exist",
        ];
        assert_eq!(found(&findings), expected);
    }

    #[test]
    fn records_are_numbered_and_listed() {
        let tree = Tree {
            files: vec![
                TextFile::new("docs/adr/0001-a.md", ""),
                TextFile::new("docs/adr/0001-b.md", ""),
                TextFile::new("docs/adr/README.md", "[a](0001-a.md) [b](0001-b.md) [d](new.md)\n"),
                TextFile::new("docs/adr/new.md", ""),
                TextFile::new("docs/adr/0002-c.md", ""),
            ],
        };
        let mut findings = Vec::new();
        decision_records(&tree, &mut findings);
        let expected = [
            "docs/adr/0001-b.md:1: has the number of 0001-a.md",
            "docs/adr/new.md:1: is called NNNN-subject.md",
            "docs/adr/0002-c.md:1: is not listed in docs/adr/README.md",
        ];
        assert_eq!(found(&findings), expected);
    }
}
