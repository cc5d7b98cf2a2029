//! Why the bytes of a block index cannot be read, or a block's facts cannot be written as one.

use super::Section;

/// Failure of encoding or decoding a block index. Decoding never panics: whatever the bytes are, the
/// answer is a value or one of these.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// The bytes end before the index does.
    #[error("block index is truncated: needs {needed} bytes, has {available}")]
    Truncated {
        /// Bytes that the index says it occupies.
        needed: u64,
        /// Bytes that are there.
        available: u64,
    },
    /// The bytes do not begin with the magic.
    #[error("not a block index: magic is missing")]
    NotAnIndex,
    /// The index was written by a newer release than this one.
    #[error("block index has version {found}, this release reads up to {supported}")]
    UnsupportedVersion {
        /// Version in the header.
        found: u16,
        /// Newest version that can be read.
        supported: u16,
    },
    /// The section table contradicts its checksum or itself.
    #[error("block index has a corrupt section table: {reason}")]
    CorruptTable {
        /// What is wrong.
        reason: &'static str,
    },
    /// A section that every index has is not there.
    #[error("block index has no section {section}")]
    Missing {
        /// The absent section.
        section: Section,
    },
    /// A section's bytes are not what was written.
    #[error("section {section} has crc {stored:#010x}, computed {computed:#010x}")]
    Checksum {
        /// The damaged section.
        section: Section,
        /// Checksum in the section table.
        stored: u32,
        /// Checksum of the bytes.
        computed: u32,
    },
    /// A section has a right checksum and impossible content.
    #[error("section {section} is corrupt: {reason}")]
    Corrupt {
        /// The section.
        section: Section,
        /// What is wrong.
        reason: &'static str,
    },
    /// A section is above the size or row limit of the format.
    #[error("section {section} is too large: {size}, at most {max}")]
    TooLarge {
        /// The section.
        section: Section,
        /// Bytes, or rows for the trace table.
        size: u64,
        /// The limit, in the same unit.
        max: u64,
    },
}
