//! `cargo xtask tidy`: the house rules that a program can check, in under two seconds.
//!
//! Prints `path:line: rule: message` and fails on the first kind of finding, an error; a warning
//! asks for thought. The same check is a test, so that `cargo test` cannot pass without it. Rules
//! and their reasons stand in `STYLE.md`; each rule here has a test with a bad example.
//!
//! Rules look at text, not at types: what needs the compiler is clippy's, in `clippy.toml`.

mod documents;
mod layers;
mod layout;
mod lexer;
mod license;
mod lockfile;
mod manifests;
mod source;
mod style;
mod tree;

use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};

use source::SourceFile;
use tree::Tree;

use crate::workspace_root;

/// Something that breaks a rule.
#[derive(Debug)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    rule: &'static str,
    message: String,
    is_error: bool,
}

impl Finding {
    fn error(path: &str, line: usize, rule: &'static str, message: &str) -> Self {
        Self { path: path.to_owned(), line, rule, message: message.to_owned(), is_error: true }
    }

    fn warning(path: &str, line: usize, rule: &'static str, message: &str) -> Self {
        Self { is_error: false, ..Self::error(path, line, rule, message) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, rule, message, is_error } = self;
        let warning = if *is_error { "" } else { " (warning)" };
        write!(f, "{path}:{line}: {rule}{warning}: {message}")
    }
}

/// Checks the workspace and prints what it finds.
///
/// # Errors
/// When a rule is broken, or the workspace cannot be read.
pub(crate) fn run() -> anyhow::Result<()> {
    let findings = check(&workspace_root()?)?;
    let mut out = io::stdout().lock();
    for finding in &findings {
        writeln!(out, "{finding}")?;
    }
    let errors = findings.iter().filter(|finding| finding.is_error).count();
    ensure!(errors == 0, "{errors} findings");
    writeln!(out, "tidy: ok")?;
    Ok(())
}

fn check(root: &Path) -> anyhow::Result<Vec<Finding>> {
    let tree = Tree::read(root)?;
    let mut findings = Vec::new();
    let ratchet = layout::ratchet(&tree, &mut findings);
    for file in tree.rust() {
        let source = SourceFile::new(file);
        layout::name(file, &mut findings);
        layout::size(&source, &ratchet, &mut findings);
        layout::orphan(&tree, &source, &mut findings);
        style::check(&source, &mut findings);
    }
    for file in &tree.files {
        documents::words(file, &mut findings);
        documents::links(&tree, file, &mut findings);
    }
    documents::decision_records(&tree, &mut findings);
    let packages = manifests::packages(&tree);
    for package in &packages {
        manifests::inherits(package, &mut findings);
        manifests::unused(&tree, package, &mut findings);
    }
    manifests::root(&tree, &packages, &mut findings);
    layers::check(&packages, &mut findings);
    lockfile::check(&tree, &mut findings);
    lockfile::licenses(&tree, &cargo_metadata(root)?, &mut findings)?;
    Ok(findings)
}

/// Licenses are in the packages' own manifests, which cargo has at hand after a build. Restricted to
/// one platform, because cargo does not download what only others need.
fn cargo_metadata(root: &Path) -> anyhow::Result<Vec<u8>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let output = Command::new(cargo)
        .current_dir(root)
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform", &platform])
        .output()
        .context("run cargo metadata")?;
    let problem = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "cargo metadata: {problem}");
    Ok(output.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workspace_is_tidy() {
        let findings = check(&workspace_root().unwrap()).unwrap();
        let errors: Vec<String> =
            findings.iter().filter(|finding| finding.is_error).map(Finding::to_string).collect();
        assert!(errors.is_empty(), "\n{}", errors.join("\n"));
    }

    #[test]
    fn findings_can_be_clicked() {
        let error = Finding::error("a/b.rs", 3, "doc", "is missing");
        assert_eq!(error.to_string(), "a/b.rs:3: doc: is missing");
        let warning = Finding::warning("a/b.rs", 3, "size", "is long");
        assert_eq!(warning.to_string(), "a/b.rs:3: size (warning): is long");
    }
}
