//! The files that tidy looks at: every file of the checkout except build products.
//!
//! It walks the directory instead of asking git, so that it sees a file before it is added and also
//! works on an unpacked archive.

use std::fs;
use std::path::Path;

use anyhow::Context;

/// Directories that are never looked at.
const SKIPPED_DIRS: [&str; 5] =
    ["target", "node_modules", "spandrel-data", "__pycache__", "playwright-report"];
/// Hidden directories that are ours.
const HIDDEN_DIRS: [&str; 4] = [".ci", ".cargo", ".config", ".github"];
/// In a linked worktree a file, which names a folder of the machine.
const GIT: &str = ".git";
/// Larger files are data.
const TEXT_BYTES_MAX: u64 = 1024 * 1024;

/// A file. One that is no text, as a picture is, is only known to be there.
#[derive(Debug)]
pub(crate) struct TextFile {
    /// Relative to the workspace root, with `/` between the parts.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl TextFile {
    #[cfg(test)]
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// Written by a program: the style rules do not apply.
    pub(crate) fn is_generated(&self) -> bool {
        self.path.starts_with("crates/proto/src/generated")
    }

    /// Copied from elsewhere: not ours to edit.
    pub(crate) fn is_vendored(&self) -> bool {
        self.path.starts_with("proto/")
    }

    /// A Rust file that people write.
    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs") && !self.is_generated()
    }
}

/// The whole checkout, in memory.
#[derive(Debug)]
pub(crate) struct Tree {
    /// Sorted by path.
    pub(crate) files: Vec<TextFile>,
}

impl Tree {
    /// Reads every file below `root`.
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let mut files = Vec::new();
        read_dir(root, "", &mut files)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { files })
    }

    pub(crate) fn file(&self, path: &str) -> Option<&TextFile> {
        self.files.iter().find(|file| file.path == path)
    }

    pub(crate) fn rust(&self) -> impl Iterator<Item = &TextFile> {
        self.files.iter().filter(|file| file.is_rust())
    }

    /// Is there a file at `path`, or a directory?
    pub(crate) fn has_path(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let is_it = |file: &TextFile| {
            let rest = file.path.strip_prefix(path);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.files.iter().any(is_it)
    }
}

fn read_dir(dir: &Path, prefix: &str, files: &mut Vec<TextFile>) -> anyhow::Result<()> {
    let entries = fs::read_dir(dir).with_context(|| format!("list {}", dir.display()))?;
    for entry in entries {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let path = format!("{prefix}{name}");
        let kind = entry.file_type()?;
        if kind.is_dir() {
            let hidden = name.starts_with('.') && !HIDDEN_DIRS.contains(&name.as_str());
            if !hidden && !SKIPPED_DIRS.contains(&name.as_str()) {
                read_dir(&entry.path(), &format!("{path}/"), files)?;
            }
        } else if kind.is_file() && name != GIT && entry.metadata()?.len() <= TEXT_BYTES_MAX {
            let bytes = fs::read(entry.path()).with_context(|| format!("read {path}"))?;
            files.push(TextFile { path, text: String::from_utf8(bytes).unwrap_or_default() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_count_as_paths() {
        let tree = Tree { files: vec![TextFile::new("docs/adr/README.md", "")] };
        assert!(tree.has_path("docs/adr"));
        assert!(tree.has_path("docs/adr/"));
        assert!(tree.has_path("docs/adr/README.md"));
        assert!(!tree.has_path("docs/ad"));
    }
}
