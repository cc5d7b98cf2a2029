//! The bytes of one cached chunk on disk.
//!
//! ```text
//! 8   "SPCHUNK1"
//! 4   CRC-32 of everything behind it
//! 8   size of the object
//! 8   when the object was modified, nanoseconds since 1970
//! 4   length of the name of the object
//! 4   length of its entity tag, or u32::MAX when it has none
//! ..  name, entity tag, bytes of the chunk
//! ```
//!
//! Integers are little endian. A file that was cut off, changed, or written by another version has no
//! meaning and is a miss; the name tells objects apart whose hashes are equal. The cache may be deleted at
//! any time, so the layout may change with any version.

use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use object_store::ObjectMeta;
use object_store::path::Path;

const MAGIC: &[u8; 8] = b"SPCHUNK1";
const NO_TAG: u32 = u32::MAX;
/// Offset of what the checksum covers.
const CHECKED: usize = 12;

/// A part of an object, with what the store said about the object.
#[derive(Debug, Clone)]
pub(super) struct Chunk {
    pub(super) meta: ObjectMeta,
    pub(super) bytes: Bytes,
}

/// Everything of the file before the bytes of the chunk, given those.
pub(super) fn header(name: &str, chunk: &Chunk) -> Vec<u8> {
    let since_epoch =
        std::time::SystemTime::from(chunk.meta.last_modified).duration_since(UNIX_EPOCH);
    let modified = u64::try_from(since_epoch.unwrap_or_default().as_nanos()).unwrap_or(u64::MAX);
    let tag = chunk.meta.e_tag.as_deref();
    let length = |text: &str| u32::try_from(text.len()).unwrap_or(NO_TAG);

    let mut checked = Vec::with_capacity(64 + name.len());
    checked.extend_from_slice(&chunk.meta.size.to_le_bytes());
    checked.extend_from_slice(&modified.to_le_bytes());
    checked.extend_from_slice(&length(name).to_le_bytes());
    checked.extend_from_slice(&tag.map_or(NO_TAG, length).to_le_bytes());
    checked.extend_from_slice(name.as_bytes());
    checked.extend_from_slice(tag.unwrap_or_default().as_bytes());
    let mut crc = crc32fast::Hasher::new();
    crc.update(&checked);
    crc.update(&chunk.bytes);
    [&MAGIC[..], &crc.finalize().to_le_bytes(), &checked].concat()
}

/// The chunk in a file, if it is whole and of this object.
pub(super) fn parse(file: Bytes, name: &str, location: &Path) -> Option<Chunk> {
    let mut rest = Reader { rest: &file };
    let (magic, crc) = (rest.take(MAGIC.len())?, rest.u32()?);
    if magic != MAGIC || crc32fast::hash(file.get(CHECKED..)?) != crc {
        return None;
    }
    let (size, modified) = (rest.u64()?, rest.u64()?);
    let (name_length, tag_length) = (rest.u32()?, rest.u32()?);
    if rest.take(usize::try_from(name_length).ok()?)? != name.as_bytes() {
        return None;
    }
    let e_tag = match tag_length {
        NO_TAG => None,
        length => {
            let tag = rest.take(usize::try_from(length).ok()?)?;
            Some(str::from_utf8(tag).ok()?.to_owned())
        }
    };
    let last_modified = UNIX_EPOCH.checked_add(Duration::from_nanos(modified))?.into();
    let bytes = file.slice_ref(rest.rest);
    let location = location.clone();
    Some(Chunk { meta: ObjectMeta { location, last_modified, size, e_tag, version: None }, bytes })
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(e_tag: Option<&str>) -> Vec<u8> {
        let modified = UNIX_EPOCH + Duration::from_nanos(1_795_232_183_185_000_001);
        let meta = ObjectMeta {
            location: Path::from("blocks/a.parquet"),
            last_modified: modified.into(),
            size: 900,
            e_tag: e_tag.map(str::to_owned),
            version: None,
        };
        let chunk = Chunk { meta, bytes: Bytes::from_static(b"columns") };
        [header("s3://b/blocks/a.parquet", &chunk), chunk.bytes.to_vec()].concat()
    }

    fn parsed(file: Vec<u8>) -> Option<Chunk> {
        parse(file.into(), "s3://b/blocks/a.parquet", &Path::from("blocks/a.parquet"))
    }

    #[test]
    fn what_was_written_is_read() {
        for tag in [None, Some(""), Some("\"abc\"")] {
            let chunk = parsed(file(tag)).unwrap();
            assert_eq!(chunk.bytes, "columns");
            assert_eq!((chunk.meta.size, chunk.meta.e_tag.as_deref()), (900, tag));
            assert_eq!(
                chunk.meta.last_modified.timestamp_nanos_opt(),
                Some(1_795_232_183_185_000_001)
            );
        }
    }

    #[test]
    fn every_damaged_bit_and_every_cut_is_noticed() {
        let whole = file(Some("tag"));
        for length in 0..whole.len() {
            assert!(parsed(whole[..length].to_vec()).is_none(), "cut to {length}");
        }
        for bit in 0..whole.len() * 8 {
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(parsed(damaged).is_none(), "bit {bit}");
        }
    }

    #[test]
    fn another_object_with_the_same_hash_is_another_object() {
        let other = parse(file(None).into(), "s3://b/blocks/b.parquet", &Path::from("b"));
        assert!(other.is_none());
    }
}
