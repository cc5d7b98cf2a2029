//! Fetched pages, inflated one after the other.

use std::ops::Range;

use bytes::Bytes;

use super::Damage;
use super::header::{self, PageKind};
use super::leaf::Leaf;
use crate::error::BlockError;

/// The bytes of pages, and the context that inflates them.
pub(super) struct Pages<'r> {
    ranges: &'r [Range<u64>],
    bytes: Vec<Bytes>,
    zstd: zstd::bulk::Decompressor<'static>,
    raw: Vec<u8>,
}

impl<'r> Pages<'r> {
    /// Bytes by range, these ascending.
    pub(super) fn new(ranges: &'r [Range<u64>], bytes: Vec<Bytes>) -> Result<Self, BlockError> {
        let zstd = zstd::bulk::Decompressor::new()?;
        Ok(Self { ranges, bytes, zstd, raw: Vec::new() })
    }

    /// A page of this leaf: what it is, and its body as it was before compression.
    pub(super) fn read(
        &mut self,
        leaf: &Leaf,
        page: &Range<u64>,
    ) -> Result<(PageKind, &[u8]), Damage> {
        let missing = "has a page that was not fetched";
        let at = self.ranges.partition_point(|range| range.end <= page.start);
        let (range, bytes) = self.ranges.get(at).zip(self.bytes.get(at)).ok_or(missing)?;
        let start = page.start.checked_sub(range.start).ok_or(missing)? as usize;
        let bytes = bytes.get(start..start + (page.end - page.start) as usize).ok_or(missing)?;
        let (header, body) = header::parse(bytes)?;
        // The footer, whose checksum has been compared, bounds what a page may claim.
        if header.raw_bytes > leaf.raw_bytes_max {
            return Err("has a page that claims to be larger than its column");
        }
        if !leaf.is_compressed {
            return Ok((header.kind, body));
        }
        self.raw.clear();
        self.raw.reserve(header.raw_bytes);
        let inflated = self.zstd.decompress_to_buffer(body, &mut self.raw);
        if inflated.is_err() || self.raw.len() != header.raw_bytes {
            return Err("has a page that cannot be inflated");
        }
        Ok((header.kind, &self.raw))
    }
}
