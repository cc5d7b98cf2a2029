//! Patterns of paths: `*` and `?` within a name, `[a-z]` and `[!a-z]` for one character, `**` for any folders.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders within folders that `**` looks into.
const DEPTH_MAX: usize = 32;

/// A pattern of paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    /// What comes before the first name with a pattern.
    root: PathBuf,
    parts: Vec<String>,
}

impl Glob {
    /// Reads a pattern; every text is one.
    pub fn new(pattern: &str) -> Self {
        let mut root = PathBuf::from(if pattern.starts_with('/') { "/" } else { "" });
        let mut parts = Vec::new();
        for part in pattern.split('/').filter(|part| !part.is_empty()) {
            if parts.is_empty() && !part.contains(['*', '?', '[']) {
                root.push(part);
            } else {
                parts.push(part.to_owned());
            }
        }
        Self { root, parts }
    }

    /// Adds the files that match to `found`, up to `files_max` of them. What cannot be read is passed over.
    pub(crate) fn expand(&self, files_max: usize, found: &mut Vec<PathBuf>) {
        expand(&self.root, &self.parts, DEPTH_MAX, files_max, found);
    }

    /// Whether a path matches.
    pub(crate) fn matches(&self, path: &Path) -> bool {
        let Ok(rest) = path.strip_prefix(&self.root) else { return false };
        let names: Vec<_> = rest.iter().map(|name| name.to_string_lossy()).collect();
        let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
        path_matches(&self.parts, &names)
    }
}

fn expand(at: &Path, parts: &[String], depth: usize, files_max: usize, found: &mut Vec<PathBuf>) {
    let Some((part, rest)) = parts.split_first() else {
        let is_file = fs::metadata(at).is_ok_and(|metadata| metadata.is_file());
        if is_file && found.len() < files_max && !found.iter().any(|other| other == at) {
            found.push(at.to_owned());
        }
        return;
    };
    let Some(depth) = depth.checked_sub(1) else { return };
    if part == "**" {
        expand(at, rest, depth, files_max, found);
    }
    let folder = if at.as_os_str().is_empty() { Path::new(".") } else { at };
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut entries: Vec<_> = entries.filter_map(Result::ok).collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = at.join(entry.file_name());
        let is_folder = || entry.file_type().is_ok_and(|kind| kind.is_dir());
        if part == "**" {
            if is_folder() {
                expand(&path, parts, depth, files_max, found);
            }
        } else if name_matches(part, &entry.file_name().to_string_lossy()) {
            expand(&path, rest, depth, files_max, found);
        }
    }
}

fn path_matches(parts: &[String], names: &[&str]) -> bool {
    match (parts.split_first(), names.split_first()) {
        (None, None) => true,
        (Some((part, rest)), _) if part == "**" => {
            (0..=names.len()).any(|skipped| path_matches(rest, names.get(skipped..).unwrap_or(&[])))
        }
        (Some((part, parts)), Some((name, names))) => {
            name_matches(part, name) && path_matches(parts, names)
        }
        _ => false,
    }
}

/// Whether a name matches a pattern without `/`.
fn name_matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where the last `*` stands, and how far it reaches.
    let mut star: Option<(usize, usize)> = None;
    while let Some(&character) = name.get(n) {
        let step = pattern.get(p..).and_then(|rest| one_matches(rest, character));
        match (pattern.get(p), step, star) {
            (Some('*'), _, _) => {
                star = Some((p, n));
                p += 1;
            }
            (_, Some(step), _) => {
                p += step;
                n += 1;
            }
            (_, None, Some((at, reach))) => {
                star = Some((at, reach + 1));
                p = at + 1;
                n = reach + 1;
            }
            (_, None, None) => return false,
        }
    }
    pattern.get(p..).unwrap_or(&[]).iter().all(|rest| *rest == '*')
}

/// How long the beginning of `pattern` is that stands for one character; `None` if not for this one.
fn one_matches(pattern: &[char], character: char) -> Option<usize> {
    match pattern.first()? {
        '?' => Some(1),
        '[' => {
            let end = pattern.iter().skip(2).position(|other| *other == ']')? + 2;
            let set = pattern.get(1..end)?;
            let (set, negated) = match set.split_first() {
                Some(('!' | '^', rest)) => (rest, true),
                _ => (set, false),
            };
            (in_set(set, character) != negated).then_some(end + 1)
        }
        literal => (*literal == character).then_some(1),
    }
}

fn in_set(set: &[char], character: char) -> bool {
    let mut rest = set;
    while let Some((first, others)) = rest.split_first() {
        if let ['-', last, after @ ..] = others {
            if (*first..=*last).contains(&character) {
                return true;
            }
            rest = after;
        } else {
            if *first == character {
                return true;
            }
            rest = others;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_patterns() {
        let cases = [
            ("*.json", "a.json", true),
            ("*.json", ".json", true),
            ("*.json", "a.jsonl", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c", false),
            ("?", "a", true),
            ("?", "", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[^a]", "b", true),
            ("[a-]", "-", true),
            ("[", "[", false),
            ("**", "anything", true),
            ("", "", true),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(name_matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn paths_and_folders() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("a/b")).unwrap();
        for file in ["1.json", "a/2.json", "a/b/3.json", "a/b/4.txt"] {
            fs::File::create(root.join(file)).unwrap();
        }
        let cases: [(&str, &[&str]); 5] = [
            ("1.json", &["1.json"]),
            ("*.json", &["1.json"]),
            ("**/*.json", &["1.json", "a/2.json", "a/b/3.json"]),
            ("*/?.json", &["a/2.json"]),
            ("none/*", &[]),
        ];
        for (pattern, expected) in cases {
            let glob = Glob::new(&root.join(pattern).to_string_lossy());
            let mut found = Vec::new();
            glob.expand(100, &mut found);
            let expected: Vec<_> = expected.iter().map(|file| root.join(file)).collect();
            assert_eq!(found, expected, "{pattern}");
            assert!(expected.iter().all(|path| glob.matches(path)), "{pattern}");
            assert!(!glob.matches(&root.join("a/b/4.txt")), "{pattern}");
        }
    }
}
