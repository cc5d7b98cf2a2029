//! The files that are read, by path, over renames.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::tail::{Place, Tail, identity_at};

/// How many files that are gone are remembered, in case that they come back or turn up under another name.
const GONE_MAX: usize = 1024;

/// How far each file has been read.
#[derive(Debug, Default)]
pub(crate) struct Tails(BTreeMap<PathBuf, Tail>);

impl Tails {
    /// Files that were read before.
    pub(crate) fn known(places: impl IntoIterator<Item = (PathBuf, Place)>) -> Self {
        let tail = |(path, place): (PathBuf, Place)| (path.clone(), Tail::at(path, place));
        Self(places.into_iter().map(tail).collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every file with its place.
    pub(crate) fn places(&self) -> impl Iterator<Item = (&Path, Place)> {
        self.0.iter().map(|(path, tail)| (path.as_path(), tail.place()))
    }

    pub(crate) fn take(&mut self, path: &Path) -> Option<Tail> {
        self.0.remove(path)
    }

    pub(crate) fn put(&mut self, tail: Tail) {
        self.0.insert(tail.path.clone(), tail);
    }

    /// Takes the files that there are now. One that has another name goes on where it was; a new one begins at its
    /// beginning, or, with `at_end`, after what is there. Blocks.
    pub(crate) fn update(&mut self, found: &[PathBuf], at_end: bool) {
        let mut before = std::mem::take(&mut self.0);
        let mut others = Vec::new();
        for path in found {
            let Some(identity) = identity_at(path) else { continue };
            match before.remove(path) {
                Some(tail) if tail.place().identity == identity => self.put(tail),
                tail => {
                    before.extend(tail.map(|tail| (path.clone(), tail)));
                    others.push((path, identity));
                }
            }
        }
        // What is left of those before is not any more where it was.
        for (path, identity) in others {
            let is_it = |tail: &Tail| identity != 0 && tail.place().identity == identity;
            let old = before.iter().find(|(_, tail)| is_it(tail)).map(|(old, _)| old.clone());
            if let Some(tail) = old.and_then(|old| before.remove(&old)) {
                self.put(Tail::at(path.clone(), tail.place()));
                continue;
            }
            match Tail::open(path, at_end) {
                Ok(tail) => self.put(tail),
                Err(error) => {
                    tracing::debug!(path = %path.display(), %error, "cannot read a file");
                }
            }
        }
        for (path, tail) in before.into_iter().take(GONE_MAX) {
            self.0.entry(path).or_insert(tail);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Names and offsets.
    fn shown(tails: &Tails) -> Vec<(String, u64)> {
        let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
        tails.places().map(|(path, place)| (name(path), place.offset)).collect()
    }

    fn pairs(pairs: &[(&str, u64)]) -> Vec<(String, u64)> {
        pairs.iter().map(|(name, offset)| ((*name).to_owned(), *offset)).collect()
    }

    #[expect(clippy::disallowed_methods, reason = "nothing here has to survive")]
    fn rename(from: &Path, to: &Path) {
        fs::rename(from, to).unwrap();
    }

    #[test]
    fn files_that_are_renamed_go_on_where_they_were() {
        let folder = tempfile::tempdir().unwrap();
        let [a, a1, a2] = ["a", "a.1", "a.2"].map(|name| folder.path().join(name));
        fs::File::create(&a).unwrap().set_len(3).unwrap();
        fs::File::create(&a1).unwrap().set_len(5).unwrap();
        let mut tails = Tails::default();
        tails.update(&[a.clone(), a1.clone()], true);
        assert_eq!(shown(&tails), pairs(&[("a", 3), ("a.1", 5)]));

        rename(&a1, &a2);
        rename(&a, &a1);
        fs::File::create(&a).unwrap();
        tails.update(&[a.clone(), a1.clone(), a2.clone()], false);
        assert_eq!(shown(&tails), pairs(&[("a", 0), ("a.1", 3), ("a.2", 5)]));

        // One that cannot be seen for a while is not begun again.
        tails.update(std::slice::from_ref(&a), false);
        tails.update(&[a, a1, a2], false);
        assert_eq!(shown(&tails), pairs(&[("a", 0), ("a.1", 3), ("a.2", 5)]));
    }
}
