//! Damaged and hostile bytes give errors: never a panic, never a wrong answer that a checksum could
//! have caught.

use bytes::Bytes;
use proptest::prelude::*;

use super::sample::sample;
use crate::index::container::{FRAME_BYTES, frame};
use crate::index::{BlockIndex, IndexError, IndexReader, Section};

const SECTIONS: [Section; 7] = [
    Section::Facts,
    Section::TraceFilter,
    Section::TokenFilters,
    Section::Traces,
    Section::Attributes,
    Section::Operations,
    Section::Services,
];

#[test]
fn every_truncation_is_an_error() {
    let bytes = Bytes::from(sample().encode().unwrap());
    for length in 0..bytes.len() {
        let error = IndexReader::open(bytes.slice(..length)).unwrap_err();
        assert!(matches!(error, IndexError::Truncated { .. }), "{length}: {error}");
    }
    BlockIndex::decode(bytes).unwrap();
}

#[test]
fn bytes_behind_the_index_are_ignored() {
    let mut bytes = sample().encode().unwrap();
    bytes.extend_from_slice(b"the Parquet footer");
    BlockIndex::decode(bytes.into()).unwrap();
}

#[test]
fn every_flipped_bit_is_noticed() {
    let bytes = sample().encode().unwrap();
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        let Ok(reader) = IndexReader::open(damaged.into()) else { continue };
        let failures = [
            reader.facts().is_err(),
            reader.trace_filter().is_err(),
            reader.token_filters().is_err(),
            reader.traces().is_err(),
            reader.attributes().is_err(),
            reader.operations().is_err(),
            reader.services().is_err(),
        ];
        assert_eq!(failures.iter().filter(|&&failed| failed).count(), 1, "byte {at}");
    }
}

#[test]
fn other_files_and_newer_versions_are_told_apart() {
    let bytes = sample().encode().unwrap();
    let changed = |at: usize, byte: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = byte;
        IndexReader::open(bytes.into()).unwrap_err()
    };
    assert_eq!(changed(0, b'P'), IndexError::NotAnIndex);
    assert_eq!(changed(8, 2), IndexError::UnsupportedVersion { found: 2, supported: 1 });
    assert_eq!(changed(10, 5), IndexError::CorruptTable { reason: "checksum differs" });
}

#[test]
fn absent_sections_are_named() {
    let reader = IndexReader::open(frame(&[]).unwrap().into()).unwrap();
    assert_eq!(reader.facts(), Err(IndexError::Missing { section: Section::Facts }));
    assert_eq!(reader.stored_bytes(Section::Facts), 0);
}

#[test]
fn a_bomb_is_refused_before_it_is_decompressed() {
    // 16 MiB of zeros compress to less than a hundredth; the writer leaves them as they are.
    let zeros = vec![0; 16 << 20];
    let honest = frame(&[(Section::Traces, zeros.clone())]).unwrap();
    assert_eq!(honest.len(), FRAME_BYTES + zeros.len());
    let packed = zstd::bulk::compress(&zeros, 1).unwrap();
    let mut bytes = frame(&[(Section::Traces, packed)]).unwrap();
    let table = 16;
    bytes[table + 2] = 1;
    bytes[table + 12..table + 16].copy_from_slice(&(16u32 << 20).to_le_bytes());
    let mut covered = bytes[8..12].to_vec();
    covered.extend_from_slice(&bytes[table..FRAME_BYTES]);
    bytes[12..16].copy_from_slice(&crc32fast::hash(&covered).to_le_bytes());
    let error = IndexReader::open(bytes.into()).unwrap().traces().unwrap_err();
    let reason = "claims to be too large when decompressed";
    assert_eq!(error, IndexError::Corrupt { section: Section::Traces, reason });
}

/// Decodes `raw` as the content of every section, with right checksums.
fn decode_as_every_section(raw: &[u8]) {
    let sections = SECTIONS.map(|section| (section, raw.to_vec()));
    let reader = IndexReader::open(frame(&sections).unwrap().into()).unwrap();
    // The results do not matter; that there are results does.
    let _ = (reader.facts(), reader.trace_filter(), reader.token_filters());
    let _ = (reader.attributes(), reader.operations(), reader.services());
    if let Ok(traces) = reader.traces() {
        assert_eq!(traces.iter().count(), traces.len());
        let _ = (traces.trace_of_row(0), traces.trace_of_row(u32::MAX));
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        decode_as_every_section(&bytes);
        let _ = BlockIndex::decode(bytes.into());
    }

    #[test]
    fn damage_under_a_right_checksum_never_panics(
        section in 0..SECTIONS.len(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let reader = IndexReader::open(sample().encode().unwrap().into()).unwrap();
        let mut raw = reader.raw(SECTIONS[section]).unwrap().into_owned();
        for (at, byte) in changes {
            let at = at.index(raw.len());
            raw[at] = byte;
        }
        decode_as_every_section(&raw);
        raw.truncate(cut.index(raw.len()));
        decode_as_every_section(&raw);
    }
}
