//! The golden files of format version 1, without and with the services: what they hold stays readable, and what is
//! written today has the same bytes before compression.

use std::path::Path;

use bytes::Bytes;

use super::sample::sample;
use crate::index::{BlockIndex, IndexReader, Section};

/// Set to write the golden file anew. Only for a format that no release has written yet.
const WRITE_VARIABLE: &str = "SPANDREL_WRITE_GOLDEN";

#[expect(clippy::disallowed_methods, reason = "a file for the repository, not data to keep")]
fn golden(name: &str, index: &BlockIndex) -> Bytes {
    let path = Path::new("testdata/v1").join(name);
    if std::env::var_os(WRITE_VARIABLE).is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, index.encode().unwrap()).unwrap();
    }
    std::fs::read(path).unwrap().into()
}

/// The files, and what is in them.
fn goldens() -> [(Bytes, BlockIndex); 2] {
    let before = BlockIndex { services: None, ..sample() };
    [("index.bin", before), ("index-with-services.bin", sample())]
        .map(|(name, index)| (golden(name, &index), index))
}

#[test]
fn the_golden_files_are_readable() {
    for (bytes, index) in goldens() {
        // Compared as text, because a NaN does not equal itself.
        let decoded = BlockIndex::decode(bytes).unwrap();
        assert_eq!(format!("{decoded:#?}"), format!("{index:#?}"));
    }
}

#[test]
fn the_golden_files_are_what_is_written_today() {
    for (bytes, index) in goldens() {
        let written = index.encode().unwrap();
        let (golden, written) =
            (IndexReader::open(bytes).unwrap(), IndexReader::open(written.into()).unwrap());
        let n_sections = if index.services.is_some() { 7 } else { 6 };
        for section in Section::ALL.into_iter().take(n_sections) {
            assert_eq!(golden.raw(section).unwrap(), written.raw(section).unwrap(), "{section}");
        }
    }
}
