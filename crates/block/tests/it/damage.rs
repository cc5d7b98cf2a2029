//! Damaged, foreign and newer files give errors: never a panic, never a wrong answer.

use bytes::Bytes;
use spandrel_block::BlockError;
use spandrel_block::read::{BlockFile, Opened};
use spandrel_block::schema::FORMAT_VERSION;

use crate::blocks::{Block, comparable};
use crate::requests::{run_of_spans, shop_run, span};

const MAGIC_BYTES: usize = 4;

/// Reads everything that a block has.
fn read_everything(bytes: Bytes) -> Result<Vec<String>, BlockError> {
    let block = Block::open(bytes)?;
    let index = block.file.index();
    let (_, traces) = (index.facts()?, index.traces()?);
    let (_, _, _) = (index.token_filters()?, index.attributes()?, index.operations()?);
    index.services()?;
    index.trace_filter()?;
    for row_group in 0..block.file.n_row_groups() {
        block.read_all(row_group, None)?;
        // Through the offset index.
        block.read_all(row_group, Some(0..1))?;
        block.few_rows(row_group, block.file.columns(), std::slice::from_ref(&(0..1)))?;
    }
    let spans = block.spans()?;
    if spans.len() as u64 != u64::from(traces.n_rows()) {
        return Err(BlockError::NotABlock("rows are missing"));
    }
    Ok(spans.into_iter().map(comparable).collect())
}

fn small_block() -> Bytes {
    let mut run = shop_run(300);
    run.truncate(150);
    Block::of(&run, 100).bytes
}

#[test]
fn every_truncation_is_an_error() {
    let bytes = small_block();
    read_everything(bytes.clone()).unwrap();
    for length in 0..bytes.len() {
        assert!(Block::open(bytes.slice(..length)).is_err(), "{length}");
    }
}

#[test]
fn a_truncated_tail_of_a_whole_file_is_an_error_or_needs_more() {
    let bytes = small_block();
    for cut in 1..200 {
        let tail = bytes.slice(bytes.len() / 2..bytes.len() - cut);
        match BlockFile::open(&tail, bytes.len() as u64) {
            Ok(Opened::File(_)) => panic!("opened without the last {cut} bytes"),
            Ok(Opened::NeedsTail(_)) | Err(_) => {}
        }
    }
}

#[test]
fn flipped_bits_are_errors() {
    let bytes = small_block();
    let whole = read_everything(bytes.clone()).unwrap();
    // All but the magic at the start, which nobody needs, is covered by a checksum.
    let positions = (MAGIC_BYTES..bytes.len()).step_by(5);
    for at in positions {
        let mut damaged = bytes.to_vec();
        damaged[at] ^= 1 << (at % 8);
        assert!(read_everything(damaged.into()).is_err(), "byte {at} of {}", bytes.len());
    }
    let mut damaged = bytes.to_vec();
    damaged[0] ^= 1;
    assert!(read_everything(damaged.into()).unwrap() == whole);
}

#[test]
fn a_newer_version_is_refused_by_its_number() {
    let bytes = small_block();
    // Field header, length, the digit.
    let digit = behind(&bytes, b"spandrel.format_version") + 2;
    assert_eq!(bytes[digit], b'0' + u8::try_from(FORMAT_VERSION).unwrap());
    let mut newer = bytes.to_vec();
    newer[digit] = b'9';
    seal(&mut newer);
    let error = Block::open(newer.into()).err().unwrap();
    let BlockError::UnsupportedVersion { found: 9, supported: FORMAT_VERSION } = error else {
        panic!("{error}")
    };
    assert!(error.to_string().contains("upgrade"));
}

/// The place behind the last occurrence of a key.
fn behind(bytes: &[u8], key: &[u8]) -> usize {
    bytes.windows(key.len()).rposition(|window| window == key).unwrap() + key.len()
}

/// Corrects the checksum, as a program that writes another version would.
fn seal(bytes: &mut [u8]) {
    let crc = behind(bytes, b"spandrel.checksum") + 2;
    let length = std::str::from_utf8(&bytes[crc + 9..crc + 19]).unwrap().parse::<usize>().unwrap();
    bytes[crc..crc + 8].fill(b'0');
    let checksum = format!("{:08x}", crc32fast::hash(&bytes[bytes.len() - length..]));
    bytes[crc..crc + 8].copy_from_slice(checksum.as_bytes());
}

#[test]
fn other_files_are_not_blocks() {
    for bytes in [vec![], b"PAR1".to_vec(), vec![0; 100], b"PAR1\0\0\0\0PAR1".to_vec()] {
        assert!(Block::open(bytes.into()).is_err());
    }
    let bytes = Block::of(&run_of_spans(vec![span(1, 1, 0)]), 10).bytes;
    for key in [b"spandrel.format_version".as_slice(), b"spandrel.index", b"spandrel.checksum"] {
        let mut other = bytes.to_vec();
        other[behind(&bytes, key) - 1] = b'z';
        if key != b"spandrel.checksum" {
            seal(&mut other);
        }
        let error = Block::open(other.into()).err().unwrap();
        assert!(matches!(error, BlockError::NotABlock(_)), "{error}");
    }
}
