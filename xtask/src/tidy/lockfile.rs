//! Rules on the whole dependency tree: one version where two would not fit, nothing banned, a size.
//!
//! `deny.toml` says the same to those who have cargo-deny; this check needs nothing installed. What
//! is allowed is read from that file, so that it is said once.

use std::collections::BTreeMap;

use anyhow::Context;

use crate::tidy::Finding;
use crate::tidy::license::Expression;
use crate::tidy::tree::{TextFile, Tree};

const LOCK: &str = "Cargo.lock";
const DENY: &str = "deny.toml";

/// Packages in the lock file, all platforms and development included; raise it in a commit that
/// says what for. Some 50 are below kube and rdkafka, which only features build that are off by default.
const PACKAGES_MAX: usize = 590;

/// A package of the lock file.
#[derive(Debug, PartialEq)]
struct Locked<'a> {
    line: usize,
    name: &'a str,
    source: Option<&'a str>,
    dependencies: Vec<&'a str>,
}

/// An entry of `bans.deny`: cargo-deny lets only the packages in `wrappers` depend on it, and
/// without any nothing at all.
struct Ban<'a> {
    name: &'a str,
    wrappers: Vec<&'a str>,
}

impl<'a> Ban<'a> {
    fn parse(entry: &'a str) -> Option<Self> {
        let wrappers = entry.split_once("wrappers = [").and_then(|(_, rest)| rest.split_once(']'));
        let wrappers = wrappers.map_or(Vec::new(), |(list, _)| {
            list.split(',').map(|name| name.trim().trim_matches('"')).collect()
        });
        Some(Self { name: entry.split('"').nth(1)?, wrappers })
    }

    fn forbids(&self, packages: &[Locked<'_>]) -> bool {
        let used_by = |package: &&Locked<'_>| package.dependencies.contains(&self.name);
        let mut users = packages.iter().filter(used_by);
        self.wrappers.is_empty() || users.any(|user| !self.wrappers.contains(&user.name))
    }
}

fn locked(text: &str) -> Vec<Locked<'_>> {
    let mut packages = Vec::new();
    for (i, line) in text.lines().enumerate() {
        if let Some(name) = line.strip_prefix("name = ") {
            let name = name.trim_matches('"');
            packages.push(Locked { line: i + 1, name, source: None, dependencies: Vec::new() });
            continue;
        }
        let Some(last) = packages.last_mut() else { continue };
        if let Some(source) = line.strip_prefix("source = ") {
            last.source = Some(source.trim_matches('"'));
        } else if let Some(dependency) = line.strip_prefix(" \"") {
            // Where there are several versions, the name is followed by one.
            let end = dependency.find(['"', ' ']).unwrap_or(dependency.len());
            last.dependencies.push(&dependency[..end]);
        }
    }
    packages
}

/// `lock`: duplicates, bans, sources and size.
pub(crate) fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    let Some(lock) = tree.file(LOCK) else { return };
    let packages = locked(&lock.text);
    let mut versions: BTreeMap<&str, usize> = BTreeMap::new();
    for package in &packages {
        *versions.entry(package.name).or_default() += 1;
    }
    let bans = tree.file(DENY).map(|deny| array(deny, "[bans]", "deny")).unwrap_or_default();
    let (once, banned): (Vec<&str>, Vec<&str>) =
        bans.into_iter().partition(|entry| entry.contains("deny-multiple-versions = true"));
    let once = first_strings(&once);
    let banned: Vec<Ban<'_>> = banned.into_iter().filter_map(Ban::parse).collect();
    for package in &packages {
        let mut error = |message: String| {
            findings.push(Finding::error(LOCK, package.line, "lock", &message));
        };
        let name = package.name;
        if once.contains(&name) && versions[name] > 1 {
            error(format!("{name} is there in {} versions", versions[name]));
        }
        if banned.iter().any(|ban| ban.name == name && ban.forbids(&packages)) {
            error(format!("{name} is banned, see {DENY}"));
        }
        if package
            .source
            .is_some_and(|s| s != "registry+https://github.com/rust-lang/crates.io-index")
        {
            error(format!("{name} does not come from crates.io"));
        }
    }
    if packages.len() > PACKAGES_MAX {
        let message = format!("{} packages, the budget is {PACKAGES_MAX}", packages.len());
        findings.push(Finding::error(LOCK, 1, "lock", &message));
    }
}

/// `license`: every package can be used under a license that `deny.toml` allows.
///
/// `metadata` is what `cargo metadata` prints.
pub(crate) fn licenses(
    tree: &Tree,
    metadata: &[u8],
    findings: &mut Vec<Finding>,
) -> anyhow::Result<()> {
    let allowed =
        tree.file(DENY).map(|deny| array(deny, "[licenses]", "allow")).unwrap_or_default();
    let allowed = first_strings(&allowed);
    let metadata: serde_json::Value =
        serde_json::from_slice(metadata).context("parse cargo metadata")?;
    let packages = metadata["packages"].as_array().context("cargo metadata without packages")?;
    for package in packages {
        let name = package["name"].as_str().unwrap_or("?");
        let license = package["license"].as_str().unwrap_or("none");
        let fits = Expression::parse(license).is_some_and(|expression| expression.allows(&allowed));
        if !fits {
            let message = format!("{name} is licensed under {license}, see {DENY}");
            findings.push(Finding::error(LOCK, 1, "license", &message));
        }
    }
    Ok(())
}

/// The lines of the array `key` in `section`, one element each, without comments.
fn array<'a>(file: &'a TextFile, section: &str, key: &str) -> Vec<&'a str> {
    let open = format!("{key} = [");
    let lines = file.text.lines().skip_while(|line| *line != section).skip(1);
    let lines = lines.take_while(|line| !line.starts_with('['));
    let items = lines.skip_while(|line| *line != open).skip(1).take_while(|line| *line != "]");
    items.filter(|line| !line.trim_start().starts_with('#')).collect()
}

/// The first quoted string of each element.
fn first_strings<'a>(elements: &[&'a str]) -> Vec<&'a str> {
    elements.iter().filter_map(|element| element.split('"').nth(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DENY_TEXT: &str = "[licenses]\nallow = [\n  \"MIT\", # why\n  \"Zlib\",\n]\n\n\
        [bans]\ndeny = [\n  { crate = \"openssl\", reason = \"two stacks\" },\n  \
        { crate = \"openssl-sys\", wrappers = [\"rdkafka-sys\"] },\n  \
        { crate = \"parquet\", deny-multiple-versions = true },\n]\n";

    fn tree(lock: &str) -> Tree {
        Tree { files: vec![TextFile::new(LOCK, lock), TextFile::new(DENY, DENY_TEXT)] }
    }

    #[track_caller]
    fn check_lock(lock: &str, expected: &[&str]) {
        let mut findings = Vec::new();
        check(&tree(lock), &mut findings);
        let found: Vec<&str> = findings.iter().map(|finding| finding.message.as_str()).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn one_arrow() {
        let lock = "name = \"parquet\"\nname = \"parquet\"\nname = \"syn\"\nname = \"syn\"\n";
        check_lock(lock, &["parquet is there in 2 versions"; 2]);
    }

    #[test]
    fn bans_and_sources() {
        check_lock("name = \"openssl\"\n", &["openssl is banned, see deny.toml"]);
        check_lock(
            "name = \"a\"\nsource = \"git+https://x\"\n",
            &["a does not come from crates.io"],
        );
        let source = "registry+https://github.com/rust-lang/crates.io-index";
        check_lock(&format!("name = \"a\"\nsource = \"{source}\"\n"), &[]);
    }

    #[test]
    fn wrappers_may() {
        let used = "name = \"openssl-sys\"\nname = \"rdkafka-sys\"\n \"openssl-sys 0.9.1\",\n";
        check_lock(used, &[]);
        let also = format!("{used}name = \"a\"\n \"openssl-sys\",\n");
        check_lock(&also, &["openssl-sys is banned, see deny.toml"]);
    }

    #[test]
    fn budget() {
        check_lock(&"name = \"a\"\n".repeat(591), &["591 packages, the budget is 590"]);
    }

    #[test]
    fn every_license_is_allowed() {
        let metadata = r#"{"packages": [
            {"name": "a", "license": "MIT OR GPL-3.0"},
            {"name": "b", "license": "MIT AND GPL-3.0"},
            {"name": "c", "license": null}
        ]}"#;
        let mut findings = Vec::new();
        licenses(&tree(""), metadata.as_bytes(), &mut findings).unwrap();
        let found: Vec<&str> = findings.iter().map(|finding| finding.message.as_str()).collect();
        let expected = [
            "b is licensed under MIT AND GPL-3.0, see deny.toml",
            "c is licensed under none, see deny.toml",
        ];
        assert_eq!(found, expected);
    }
}
