//! The golden file of format version 1: what it holds stays readable, and what is written today has
//! the same bytes before compression.

use std::path::Path;

use bytes::Bytes;

use super::sample::sample;
use crate::index::{BlockIndex, IndexReader, Section};

/// Set to write the golden file anew. Only for a format that no release has written yet.
const WRITE_VARIABLE: &str = "SPANDREL_WRITE_GOLDEN";

#[expect(clippy::disallowed_methods, reason = "a file for the repository, not data to keep")]
fn golden() -> Bytes {
    let path = Path::new("testdata/v1/index.bin");
    if std::env::var_os(WRITE_VARIABLE).is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, sample().encode().unwrap()).unwrap();
    }
    std::fs::read(path).unwrap().into()
}

#[test]
fn the_golden_file_is_readable() {
    // Compared as text, because a NaN does not equal itself.
    let decoded = BlockIndex::decode(golden()).unwrap();
    assert_eq!(format!("{decoded:#?}"), format!("{:#?}", sample()));
}

#[test]
fn the_golden_file_is_what_is_written_today() {
    let written = sample().encode().unwrap();
    let (golden, written) =
        (IndexReader::open(golden()).unwrap(), IndexReader::open(written.into()).unwrap());
    for section in [
        Section::Facts,
        Section::TraceFilter,
        Section::TokenFilters,
        Section::Traces,
        Section::Attributes,
        Section::Operations,
    ] {
        assert_eq!(golden.raw(section).unwrap(), written.raw(section).unwrap(), "{section}");
    }
}
