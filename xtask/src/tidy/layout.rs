//! Rules on files: names, sizes, and that each belongs to a module tree.

use std::collections::BTreeMap;

use crate::tidy::Finding;
use crate::tidy::source::{SourceFile, find_word};
use crate::tidy::tree::{TextFile, Tree};

/// Production lines at which a file should be split, and at which it must be.
const FILE_LINES_WARN: usize = 500;
const FILE_LINES_MAX: usize = 800;
/// `lib.rs` is a table of contents.
const LIB_LINES_MAX: usize = 200;
/// Files that are larger for now: `path lines` on each line; the number only falls.
const RATCHET: &str = "xtask/file-sizes.txt";

/// Names that say nothing about what is inside and attract everything.
const BANNED_STEMS: [&str; 8] =
    ["mod", "util", "utils", "common", "helper", "helpers", "misc", "core"];

/// `name`: a file is called after what it holds.
pub(crate) fn name(file: &TextFile, findings: &mut Vec<Finding>) {
    let stem = file.path.rsplit('/').next().and_then(|name| name.strip_suffix(".rs"));
    if stem.is_some_and(|stem| BANNED_STEMS.contains(&stem)) {
        let message = "is called after what it holds; a module with children is foo.rs beside foo/";
        findings.push(Finding::error(&file.path, 1, "name", message));
    }
}

/// `size`: a file can be read in one sitting.
pub(crate) fn size(
    source: &SourceFile<'_>,
    ratchet: &BTreeMap<&str, usize>,
    findings: &mut Vec<Finding>,
) {
    let path = &source.file.path;
    let lines = source.production_lines();
    let allowed = ratchet.get(path.as_str()).copied();
    if path.ends_with("/lib.rs") && lines > LIB_LINES_MAX {
        let message = format!("{lines} lines; lib.rs is a table of contents of {LIB_LINES_MAX}");
        findings.push(Finding::error(path, 1, "size", &message));
    } else if lines > allowed.unwrap_or(FILE_LINES_MAX) {
        let max = allowed.unwrap_or(FILE_LINES_MAX);
        let message = format!("{lines} production lines, at most {max}; split along a noun");
        findings.push(Finding::error(path, 1, "size", &message));
    } else if lines > FILE_LINES_WARN && allowed.is_none() {
        let message =
            format!("{lines} production lines; think of splitting above {FILE_LINES_WARN}");
        findings.push(Finding::warning(path, 1, "size", &message));
    }
}

/// The allow-list, by path. Its own findings: an entry that is not needed any more.
pub(crate) fn ratchet<'a>(tree: &'a Tree, findings: &mut Vec<Finding>) -> BTreeMap<&'a str, usize> {
    let mut allowed = BTreeMap::new();
    let lines = tree.file(RATCHET).map_or("", |file| &file.text).lines();
    for (i, line) in lines.enumerate().filter(|(_, line)| !line.starts_with('#')) {
        let entry = line.split_once(' ').and_then(|(path, n)| Some((path, n.parse().ok()?)));
        let Some((path, max)) = entry else {
            findings.push(Finding::error(RATCHET, i + 1, "size", "is `path lines`"));
            continue;
        };
        let actual = tree.file(path).map(|file| SourceFile::new(file).production_lines());
        if actual.is_none_or(|actual| actual <= FILE_LINES_MAX) {
            findings.push(Finding::error(RATCHET, i + 1, "size", "is not needed any more"));
        } else if actual.is_some_and(|actual| actual < max) {
            findings.push(Finding::error(RATCHET, i + 1, "size", "lower it to the current size"));
        }
        allowed.insert(path, max);
    }
    allowed
}

/// `orphan`: every file is compiled; a forgotten `mod` line would hide its tests.
pub(crate) fn orphan(tree: &Tree, source: &SourceFile<'_>, findings: &mut Vec<Finding>) {
    let path = source.file.path.as_str();
    let Some((dir, name)) = path.rsplit_once('/') else {
        return;
    };
    let is_root = matches!(name, "main.rs" | "lib.rs" | "build.rs")
        || ["bin", "tests", "benches", "examples", "fuzz_targets"]
            .iter()
            .any(|root| dir.ends_with(root));
    if is_root {
        return;
    }
    let stem = name.trim_end_matches(".rs");
    let parents = [format!("{dir}.rs"), format!("{dir}/main.rs"), format!("{dir}/lib.rs")];
    let declares = |parent: &String| {
        let parent = tree.file(parent).map(SourceFile::new);
        parent.is_some_and(|parent| {
            let code = &parent.lexed.code;
            let names = find_word(code, "mod").into_iter().map(|at| &code[at + "mod".len()..]);
            let mut names = names.filter_map(|rest| rest.split(['{', ';']).next());
            names.any(|declared| declared.trim() == stem)
        })
    };
    if !parents.iter().any(declares) {
        let message = "belongs to no module: `mod` is missing in its parent";
        findings.push(Finding::error(path, 1, "orphan", message));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(n: usize) -> String {
        "//! D.\n".to_owned() + &"fn f() {}\n".repeat(n - 1)
    }

    #[track_caller]
    fn check_size(path: &str, n: usize, ratchet: &[(&str, usize)], expected: Option<bool>) {
        let text = lines(n);
        let file = TextFile::new(path, &text);
        let mut findings = Vec::new();
        size(&SourceFile::new(&file), &ratchet.iter().copied().collect(), &mut findings);
        assert_eq!(findings.first().map(|finding| finding.is_error), expected, "{findings:?}");
    }

    #[test]
    fn sizes() {
        check_size("crates/a/src/f.rs", 500, &[], None);
        check_size("crates/a/src/f.rs", 501, &[], Some(false));
        check_size("crates/a/src/f.rs", 801, &[], Some(true));
        check_size("crates/a/src/f.rs", 900, &[("crates/a/src/f.rs", 900)], None);
        check_size("crates/a/src/f.rs", 901, &[("crates/a/src/f.rs", 900)], Some(true));
        check_size("crates/a/src/lib.rs", 201, &[], Some(true));
        check_size("crates/a/src/f/tests.rs", 2000, &[], None);
    }

    #[test]
    fn ratchet_only_falls() {
        let allow_list = "# why\na.rs 900\nb.rs 900\nc.rs 900\nd.rs nine\n";
        let files = vec![
            TextFile::new("a.rs", &lines(900)),
            TextFile::new("b.rs", &lines(850)),
            TextFile::new("c.rs", &lines(10)),
            TextFile::new(RATCHET, allow_list),
        ];
        let mut findings = Vec::new();
        let tree = Tree { files };
        ratchet(&tree, &mut findings);
        let found: Vec<usize> = findings.iter().map(|finding| finding.line).collect();
        assert_eq!(found, [3, 4, 5], "{findings:?}");
    }

    #[test]
    fn banned_names() {
        for (path, n) in [("a/src/utils.rs", 1), ("a/src/foo/mod.rs", 1), ("a/src/module.rs", 0)] {
            let mut findings = Vec::new();
            name(&TextFile::new(path, ""), &mut findings);
            assert_eq!(findings.len(), n, "{path}");
        }
    }

    #[test]
    fn orphans() {
        let tree = Tree {
            files: vec![
                TextFile::new("crates/a/src/lib.rs", "mod b;\n#[cfg(test)]\nmod c {}\n// mod d;\n"),
                TextFile::new("crates/a/src/b.rs", "pub(crate) mod e;\n"),
                TextFile::new("crates/a/src/b/e.rs", ""),
                TextFile::new("crates/a/src/d.rs", ""),
                TextFile::new("crates/a/tests/it.rs", ""),
            ],
        };
        let mut findings = Vec::new();
        for file in &tree.files {
            orphan(&tree, &SourceFile::new(file), &mut findings);
        }
        let found: Vec<&str> = findings.iter().map(|finding| finding.path.as_str()).collect();
        assert_eq!(found, ["crates/a/src/d.rs"]);
    }
}
