//! The checksum of a block's end: page index and footer, which Parquet itself leaves unprotected.
//!
//! It lies in the footer's metadata as `CRC,LENGTH`: CRC-32 in hexadecimal, of the last `LENGTH` bytes
//! of the file, taken while the eight digits of the CRC were zeros. The place is found by searching for
//! the metadata key, so that nothing of a damaged footer is ever parsed.

use crate::error::BlockError;
use crate::schema::CHECKSUM_KEY;

/// The value before the checksum is known; its length never changes.
pub(crate) const PLACEHOLDER: &str = "00000000,0000000000";
const CRC_DIGITS: usize = 8;

/// Bytes behind the footer: its length and the magic.
const TRAILER_BYTES: usize = 8;
const MAGIC: &[u8] = b"PAR1";

/// How much of the end of a file is needed.
pub(crate) enum Verified {
    /// The end is what was written.
    Yes,
    /// At least so many bytes have to be there.
    NeedsTail(u64),
}

/// Writes the checksum over everything behind `from` into a finished file.
pub(crate) fn seal(file: &mut [u8], from: usize) -> Result<(), BlockError> {
    let length = file.len() - from;
    let missing = BlockError::NotABlock("it has no checksum");
    let Some(at) = find_value(&file[from..]).map(|at| from + at) else { return Err(missing) };
    let value = &mut file[at..at + PLACEHOLDER.len()];
    value.copy_from_slice(format!("{:0CRC_DIGITS$x},{length:010}", 0).as_bytes());
    let crc = crc32fast::hash(&file[from..]);
    file[at..at + CRC_DIGITS].copy_from_slice(format!("{crc:08x}").as_bytes());
    Ok(())
}

/// Checks the end of a file of `file_bytes` bytes.
pub(crate) fn verify(tail: &[u8], file_bytes: u64) -> Result<Verified, BlockError> {
    if file_bytes < TRAILER_BYTES as u64 {
        return Err(BlockError::NotABlock("it is too short"));
    }
    let Some((rest, trailer)) = tail.split_last_chunk::<TRAILER_BYTES>() else {
        return Ok(Verified::NeedsTail(TRAILER_BYTES as u64));
    };
    if &trailer[4..] != MAGIC {
        return Err(BlockError::NotABlock("it does not end like a Parquet file"));
    }
    let footer_bytes = u32::from_le_bytes([trailer[0], trailer[1], trailer[2], trailer[3]]);
    let end_bytes = u64::from(footer_bytes) + TRAILER_BYTES as u64;
    if end_bytes > file_bytes {
        return Err(BlockError::NotABlock("the footer is longer than the file"));
    }
    if rest.len() < footer_bytes as usize {
        return Ok(Verified::NeedsTail(end_bytes));
    }
    let footer = &rest[rest.len() - footer_bytes as usize..];
    let value = find_value(footer).and_then(|at| footer.get(at..at + PLACEHOLDER.len()));
    let digits = value.and_then(|value| std::str::from_utf8(value).ok()?.split_once(','));
    let parsed = digits.and_then(|(crc, length)| Some((crc, length.parse::<u64>().ok()?)));
    let (crc, length) = parsed.ok_or(BlockError::NotABlock("it has no checksum"))?;
    if length < end_bytes || length > file_bytes {
        return Err(BlockError::NotABlock("its checksum covers something else"));
    }
    if length > tail.len() as u64 {
        return Ok(Verified::NeedsTail(length));
    }
    let covered = &tail[tail.len() - length as usize..];
    // Of all that is covered the footer comes last.
    let at = find_value(covered).ok_or(BlockError::NotABlock("it has no checksum"))?;
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&covered[..at]);
    hasher.update(&PLACEHOLDER.as_bytes()[..CRC_DIGITS]);
    hasher.update(&covered[at + CRC_DIGITS..]);
    // As text, because a damaged digit may mean the same number.
    if format!("{:0CRC_DIGITS$x}", hasher.finalize()) != crc {
        return Err(BlockError::Checksum);
    }
    Ok(Verified::Yes)
}

/// Where the value lies: behind the last occurrence of the key, a field header and a length.
fn find_value(bytes: &[u8]) -> Option<usize> {
    let key = CHECKSUM_KEY.as_bytes();
    let at = bytes.windows(key.len()).rposition(|window| window == key)?;
    let value = at + key.len() + 2;
    (value + PLACEHOLDER.len() <= bytes.len()).then_some(value)
}
