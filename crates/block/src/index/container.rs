//! The frame of a block index: header, section table, compressed sections with checksums.
//!
//! ```text
//! header   magic 8 | version u16 | n_sections u16 | crc32 of (version, n_sections, table) u32
//! table    n_sections x (id u16 | flags u16 | offset u32 | stored_len u32 | raw_len u32 | crc32 u32)
//! sections stored bytes, in table order
//! ```
//!
//! Little-endian. `offset` counts from the magic; `crc32` is over the stored bytes. Opening checks the
//! header and the table; a section is checked and decompressed when it is asked for. A decompressed
//! section is at most [`SECTION_BYTES_MAX`] and at most [`RATIO_MAX`] times its stored bytes, so a
//! hostile index cannot ask for much more memory than it has bytes.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use spandrel_service_model::Rollup;

use super::services;
use super::wire::Cursor;
use super::{
    AttributeDirectory, BlockFacts, IndexError, OperationDirectory, TokenFilters, TraceFilter,
    TraceTable,
};

const MAGIC: &[u8; 8] = b"SPNDLIDX";
/// Newest version that this release reads, and the one that it writes.
const VERSION: u16 = 1;
const HEADER_BYTES: usize = 16;
/// Bytes of the frame around a single section.
#[cfg(test)]
pub(super) const FRAME_BYTES: usize = HEADER_BYTES + TABLE_ENTRY_BYTES;
/// Where the bytes begin that the header's checksum covers, apart from the table.
const CHECKED_FROM: usize = 8;
const CHECKED_TO: usize = 12;
const TABLE_ENTRY_BYTES: usize = 20;
const FLAG_ZSTD: u16 = 1;
const ZSTD_LEVEL: i32 = 1;
/// Upper limit of a section, decompressed.
pub(super) const SECTION_BYTES_MAX: usize = 256 << 20;
/// A section is never compressed further than this.
const RATIO_MAX: usize = 100;

/// A part of the index that is decoded on its own. The numbers are persisted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum Section {
    /// [`BlockFacts`].
    Facts = 1,
    /// [`TraceFilter`].
    TraceFilter = 2,
    /// [`TraceTable`].
    Traces = 3,
    /// [`TokenFilters`].
    TokenFilters = 4,
    /// [`AttributeDirectory`].
    Attributes = 5,
    /// [`OperationDirectory`].
    Operations = 6,
    /// [`Rollup`]; absent in blocks from before it.
    Services = 7,
}

impl Section {
    /// Every section, in the order of the numbers.
    pub const ALL: [Self; 7] = [
        Self::Facts,
        Self::TraceFilter,
        Self::Traces,
        Self::TokenFilters,
        Self::Attributes,
        Self::Operations,
        Self::Services,
    ];
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Facts => "facts",
            Self::TraceFilter => "trace filter",
            Self::Traces => "traces",
            Self::TokenFilters => "token filters",
            Self::Attributes => "attributes",
            Self::Operations => "operations",
            Self::Services => "services",
        })
    }
}

/// Frames `sections`, in this order.
///
/// # Errors
/// [`IndexError::TooLarge`] when a section, or the sum of the sections before it, does not fit.
pub(super) fn frame(sections: &[(Section, Vec<u8>)]) -> Result<Vec<u8>, IndexError> {
    let mut table = Vec::with_capacity(sections.len() * TABLE_ENTRY_BYTES);
    let mut bodies = Vec::new();
    let bodies_at = HEADER_BYTES + sections.len() * TABLE_ENTRY_BYTES;
    for (section, raw) in sections {
        if raw.len() > SECTION_BYTES_MAX {
            return Err(too_large(*section, raw.len(), SECTION_BYTES_MAX));
        }
        let offset = bodies_at + bodies.len();
        let Ok(offset) = u32::try_from(offset) else {
            return Err(too_large(*section, offset, u32::MAX as usize));
        };
        let (flags, stored) = compress(raw);
        table.extend_from_slice(&(*section as u16).to_le_bytes());
        table.extend_from_slice(&flags.to_le_bytes());
        table.extend_from_slice(&offset.to_le_bytes());
        table.extend_from_slice(&(stored.len() as u32).to_le_bytes());
        table.extend_from_slice(&(raw.len() as u32).to_le_bytes());
        table.extend_from_slice(&crc32fast::hash(&stored).to_le_bytes());
        bodies.extend_from_slice(&stored);
    }
    let mut out = Vec::with_capacity(bodies_at + bodies.len());
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&(sections.len() as u16).to_le_bytes());
    let crc = table_crc(&out[CHECKED_FROM..CHECKED_TO], &table);
    out.extend_from_slice(&crc.to_le_bytes());
    out.extend_from_slice(&table);
    out.extend_from_slice(&bodies);
    Ok(out)
}

fn too_large(section: Section, size: usize, max: usize) -> IndexError {
    IndexError::TooLarge { section, size: size as u64, max: max as u64 }
}

/// Compressed when that saves at least an eighth, as it is otherwise: fingerprints and ids do not
/// compress, and reading them back uncompressed is free.
fn compress(raw: &[u8]) -> (u16, Cow<'_, [u8]>) {
    match zstd::bulk::compress(raw, ZSTD_LEVEL) {
        Ok(packed)
            if packed.len() <= raw.len() / 8 * 7 && raw.len() <= packed.len() * RATIO_MAX =>
        {
            (FLAG_ZSTD, Cow::Owned(packed))
        }
        _ => (0, Cow::Borrowed(raw)),
    }
}

fn table_crc(counted: &[u8], table: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(counted);
    hasher.update(table);
    hasher.finalize()
}

#[derive(Debug, Clone, Copy)]
struct TableEntry {
    id: u16,
    flags: u16,
    offset: u32,
    stored_len: u32,
    raw_len: u32,
    crc: u32,
}

impl TableEntry {
    fn parse(bytes: &[u8; TABLE_ENTRY_BYTES]) -> Self {
        let &[i0, i1, f0, f1, o0, o1, o2, o3, s0, s1, s2, s3, r0, r1, r2, r3, c0, c1, c2, c3] =
            bytes;
        Self {
            id: u16::from_le_bytes([i0, i1]),
            flags: u16::from_le_bytes([f0, f1]),
            offset: u32::from_le_bytes([o0, o1, o2, o3]),
            stored_len: u32::from_le_bytes([s0, s1, s2, s3]),
            raw_len: u32::from_le_bytes([r0, r1, r2, r3]),
            crc: u32::from_le_bytes([c0, c1, c2, c3]),
        }
    }

    fn end(&self) -> u64 {
        u64::from(self.offset) + u64::from(self.stored_len)
    }
}

/// An opened index: the section table is checked, sections are decoded when they are asked for.
///
/// Nothing is cached: keep what a method returns.
#[derive(Debug, Clone)]
pub struct IndexReader {
    bytes: Bytes,
    table: Vec<TableEntry>,
}

impl IndexReader {
    /// Opens the index that begins at the first of `bytes`; bytes behind its end are ignored.
    ///
    /// # Errors
    /// When the bytes are no index, are cut, come from a newer version, or the table is damaged.
    pub fn open(bytes: Bytes) -> Result<Self, IndexError> {
        let reader = Self::open_head(bytes)?;
        let needed = reader.table.iter().map(TableEntry::end).max().unwrap_or(0);
        let available = reader.bytes.len() as u64;
        if needed > available {
            return Err(IndexError::Truncated { needed, available });
        }
        Ok(reader)
    }

    /// As [`IndexReader::open`] of an index of which only the first bytes are there. Only the sections that lie
    /// in these can be read.
    ///
    /// # Errors
    /// As [`IndexReader::open`], and when the section table is cut.
    pub fn open_head(bytes: Bytes) -> Result<Self, IndexError> {
        let truncated =
            |needed: u64| IndexError::Truncated { needed, available: bytes.len() as u64 };
        let Some((header, rest)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
            return Err(truncated(HEADER_BYTES as u64));
        };
        let &[_, _, _, _, _, _, _, _, v0, v1, n0, n1, c0, c1, c2, c3] = header;
        if !header.starts_with(MAGIC) {
            return Err(IndexError::NotAnIndex);
        }
        let version = u16::from_le_bytes([v0, v1]);
        if version > VERSION {
            return Err(IndexError::UnsupportedVersion { found: version, supported: VERSION });
        }
        let n_sections = usize::from(u16::from_le_bytes([n0, n1]));
        let table_bytes = n_sections * TABLE_ENTRY_BYTES;
        let Some(table) = rest.get(..table_bytes) else {
            return Err(truncated((HEADER_BYTES + table_bytes) as u64));
        };
        if table_crc(&[v0, v1, n0, n1], table) != u32::from_le_bytes([c0, c1, c2, c3]) {
            return Err(IndexError::CorruptTable { reason: "checksum differs" });
        }
        let (entries, _) = table.as_chunks::<TABLE_ENTRY_BYTES>();
        let table = entries.iter().map(TableEntry::parse).collect();
        Ok(Self { bytes, table })
    }

    /// What the block holds, and where its row groups begin.
    ///
    /// # Errors
    /// When the section is absent or damaged; so for all sections.
    pub fn facts(&self) -> Result<BlockFacts, IndexError> {
        self.decode(Section::Facts, BlockFacts::decode)
    }

    /// The filter that rules the block out for a trace id.
    ///
    /// # Errors
    /// When the section is absent or damaged.
    pub fn trace_filter(&self) -> Result<TraceFilter, IndexError> {
        self.decode(Section::TraceFilter, TraceFilter::decode)
    }

    /// The traces in row order.
    ///
    /// # Errors
    /// When the section is absent or damaged.
    pub fn traces(&self) -> Result<TraceTable, IndexError> {
        self.decode(Section::Traces, TraceTable::decode)
    }

    /// The `key = value` filters of the row groups.
    ///
    /// # Errors
    /// When the section is absent or damaged.
    pub fn token_filters(&self) -> Result<TokenFilters, IndexError> {
        self.decode(Section::TokenFilters, TokenFilters::decode)
    }

    /// The attribute keys with their types and top values.
    ///
    /// # Errors
    /// When the section is absent or damaged.
    pub fn attributes(&self) -> Result<AttributeDirectory, IndexError> {
        self.decode(Section::Attributes, AttributeDirectory::decode)
    }

    /// The operations with their counts and durations.
    ///
    /// # Errors
    /// When the section is absent or damaged.
    pub fn operations(&self) -> Result<OperationDirectory, IndexError> {
        self.decode(Section::Operations, OperationDirectory::decode)
    }

    /// The roll-up of services; `None` when the block is from before it.
    ///
    /// # Errors
    /// When the section is damaged.
    pub fn services(&self) -> Result<Option<Rollup>, IndexError> {
        match self.entry(Section::Services) {
            Some(_) => self.decode(Section::Services, services::decode).map(Some),
            None => Ok(None),
        }
    }

    /// Bytes of the index in memory, with all sections decompressed once.
    pub fn memory_bytes(&self) -> usize {
        let raw = self.table.iter().map(|entry| entry.raw_len as usize);
        self.bytes.len() + raw.sum::<usize>()
    }

    /// How many bytes from the magic it takes to read `section`; `None` when it is absent.
    pub fn bytes_to(&self, section: Section) -> Option<u64> {
        let table_bytes = (HEADER_BYTES + self.table.len() * TABLE_ENTRY_BYTES) as u64;
        self.entry(section).map(|entry| entry.end().max(table_bytes))
    }

    /// Bytes of `section` as stored; zero when it is absent.
    pub fn stored_bytes(&self, section: Section) -> usize {
        self.entry(section).map_or(0, |entry| entry.stored_len as usize)
    }

    /// Bytes of `section` decompressed; zero when it is absent.
    pub fn raw_bytes(&self, section: Section) -> usize {
        self.entry(section).map_or(0, |entry| entry.raw_len as usize)
    }

    fn entry(&self, section: Section) -> Option<&TableEntry> {
        self.table.iter().find(|entry| entry.id == section as u16)
    }

    fn decode<T>(
        &self,
        section: Section,
        decode: impl FnOnce(&mut Cursor<'_>) -> Result<T, IndexError>,
    ) -> Result<T, IndexError> {
        let raw = self.raw(section)?;
        let mut cursor = Cursor::new(section, &raw);
        let value = decode(&mut cursor)?;
        cursor.finish()?;
        Ok(value)
    }

    /// The section, checked and decompressed.
    pub(super) fn raw(&self, section: Section) -> Result<Cow<'_, [u8]>, IndexError> {
        let entry = self.entry(section).ok_or(IndexError::Missing { section })?;
        let corrupt = |reason| IndexError::Corrupt { section, reason };
        let range = entry.offset as usize..entry.end() as usize;
        let stored = self.bytes.get(range).ok_or(corrupt("lies outside the index"))?;
        let computed = crc32fast::hash(stored);
        if computed != entry.crc {
            return Err(IndexError::Checksum { section, stored: entry.crc, computed });
        }
        let raw_len = entry.raw_len as usize;
        match entry.flags {
            0 if raw_len == stored.len() => Ok(Cow::Borrowed(stored)),
            0 => Err(corrupt("uncompressed, and its two lengths differ")),
            FLAG_ZSTD => {
                if raw_len > SECTION_BYTES_MAX || raw_len > stored.len().saturating_mul(RATIO_MAX) {
                    return Err(corrupt("claims to be too large when decompressed"));
                }
                let raw = zstd::bulk::decompress(stored, raw_len)
                    .map_err(|_| corrupt("cannot be decompressed"))?;
                if raw.len() != raw_len {
                    return Err(corrupt("decompressed length differs"));
                }
                Ok(Cow::Owned(raw))
            }
            _ => Err(corrupt("has flags that this release does not know")),
        }
    }
}
