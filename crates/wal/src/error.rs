//! Everything that can go wrong with the log, and what the caller may do about it.

use std::io;
use std::path::PathBuf;

use spandrel_base::byte_size::ByteSize;
use spandrel_base::fs::{self, FsError};

/// Why an operation on the log was not done.
#[derive(Debug, thiserror::Error)]
pub enum WalError {
    /// The log has reached its budget; truncating it makes room.
    #[error(
        "write-ahead log is full: {} of {} are used",
        ByteSize(*.used),
        ByteSize(*.limit)
    )]
    Full {
        /// Bytes of all segments.
        used: u64,
        /// The budget, `WalOptions::bytes_max`.
        limit: u64,
    },
    /// The operating system refused.
    #[error("cannot {operation} {}", .path.display())]
    Io {
        /// What was tried, as a verb.
        operation: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A record does not fit the format.
    #[error("{field} of {bytes} bytes exceeds the {limit} bytes that a record can hold")]
    RecordTooLarge {
        /// `payload` or `tenant`.
        field: &'static str,
        /// Its size.
        bytes: usize,
        /// The most the format holds.
        limit: usize,
    },
    /// A segment was written by a newer program; nothing has been changed.
    #[error(
        "{} has format version {found}, this program reads up to version {supported}; \
         start the newer program again or let it flush the log before going back",
        .path.display()
    )]
    UnsupportedVersion {
        /// The segment.
        path: PathBuf,
        /// Its version.
        found: u16,
        /// The newest version that can be read.
        supported: u16,
    },
    /// The directory of the log cannot be made or is in use.
    #[error(transparent)]
    Directory(#[from] FsError),
}

impl WalError {
    /// Whether the same append may succeed later: after a truncation, or on a disk that recovers.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Full { .. } | Self::Io { .. } => true,
            Self::RecordTooLarge { .. } | Self::UnsupportedVersion { .. } | Self::Directory(_) => {
                false
            }
        }
    }

    /// Whether the disk, its quota or the budget of the log is used up.
    pub fn is_disk_full(&self) -> bool {
        match self {
            Self::Full { .. } => true,
            Self::Io { source, .. } => fs::is_disk_full(source),
            Self::Directory(err) => err.is_disk_full(),
            Self::RecordTooLarge { .. } | Self::UnsupportedVersion { .. } => false,
        }
    }
}
