//! What can be wrong with a block.

use crate::index::IndexError;

/// A block cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum BlockError {
    /// The file is not a whole Parquet file, or its pages are damaged.
    #[error("damaged block")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// The block index is damaged.
    #[error("damaged block index")]
    Index(#[from] IndexError),
    /// A column has another shape than this version writes.
    #[error("column {column}: {reason}")]
    Column {
        /// The column.
        column: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A newer program wrote the block.
    #[error(
        "block has format version {found}, this program reads up to {supported}: upgrade spandrel"
    )]
    UnsupportedVersion {
        /// The block's version.
        found: u16,
        /// The newest version that can be read.
        supported: u16,
    },
    /// The file is Parquet, but not one of our blocks.
    #[error("not a spandrel block: {0}")]
    NotABlock(&'static str),
    /// The end of the file is not what was written.
    #[error("damaged block: the checksum of the footer differs")]
    Checksum,
    /// A page is not what was written, or was handed over in part.
    #[error("damaged block: the checksum of the page at byte {offset} differs")]
    Page {
        /// Where in the file the page begins.
        offset: u64,
    },
    /// A residual attribute list is damaged.
    #[error("damaged attributes in row {row}")]
    Attributes {
        /// The row.
        row: u32,
        /// What is wrong with them.
        #[source]
        source: spandrel_otlp::DecodeError,
    },
    /// The stream that takes the file failed.
    #[error("block could not be written")]
    Io(#[from] std::io::Error),
}

impl BlockError {
    pub(crate) fn column(column: &str, reason: impl Into<String>) -> Self {
        Self::Column { column: column.to_owned(), reason: reason.into() }
    }
}
