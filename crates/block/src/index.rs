//! The block index: what answers "is it here, and where" without reading a row.
//!
//! It is a byte string in front of the Parquet footer and is read together with it. Sections decode
//! on their own ([`IndexReader`]), because a search by trace id needs other ones than a list of
//! services. Pure: no I/O, no clock. Encoding equal contents gives equal sections; the compressed
//! bytes may change with the zstd release.
//!
//! Layout and every byte: docs/formats/block-index.md. Sections that this release does not know are
//! skipped; a newer version is refused. Whatever the bytes are, decoding returns a value or an
//! [`IndexError`], and allocates in proportion to the bytes that it is given.

mod attribute_codec;
mod attributes;
mod block_filters;
mod container;
mod error;
mod facts;
mod filter;
mod operations;
mod operations_builder;
mod oversized;
mod services;
mod sketch;
mod strings;
mod token;
mod traces;
mod wire;

#[cfg(test)]
mod tests;

use bytes::Bytes;
use spandrel_service_model::Rollup;

pub use attributes::{
    AttributeDirectory, AttributeEntry, LISTED_BYTES_MAX, LISTED_TEXT_BYTES_MAX, TOP_VALUES_MAX,
    TypeSummary, Values,
};
pub use block_filters::{TokenFilters, TraceFilter};
pub use container::{IndexReader, Section};
pub use error::IndexError;
pub use facts::BlockFacts;
pub use filter::Filter;
pub use operations::{OPERATIONS_MAX, Operation, OperationDirectory, OperationStats};
pub use operations_builder::{OperationDirectoryBuilder, OperationId};
pub use oversized::Oversized;
pub use sketch::DurationSketch;
pub use strings::StringTable;
pub use token::{KeyHasher, TokenValue, token};
pub use traces::{NO_STRING, TraceFacts, TraceRow, TraceTable, TraceTableBuilder};

/// All sections of a block's index. The trace filter is derived from the traces.
#[derive(Debug, Clone, PartialEq)]
pub struct BlockIndex {
    /// What the block holds, and where its row groups begin.
    pub facts: BlockFacts,
    /// The traces in row order.
    pub traces: TraceTable,
    /// The `key = value` filters of the row groups.
    pub token_filters: TokenFilters,
    /// The attribute keys with their types and top values.
    pub attributes: AttributeDirectory,
    /// The operations with their counts and durations.
    pub operations: OperationDirectory,
    /// Figures by operation and edge over time.
    pub services: Option<Rollup>,
}

impl BlockIndex {
    /// The bytes that stand in front of the Parquet footer.
    ///
    /// # Errors
    /// [`IndexError::TooLarge`] when a section is above the limit of the format.
    pub fn encode(&self) -> Result<Vec<u8>, IndexError> {
        // What rules a block out comes first.
        let mut sections = vec![
            (Section::Facts, written(|out| self.facts.encode(out))),
            (Section::TraceFilter, written(|out| TraceFilter::build(&self.traces).encode(out))),
            (Section::TokenFilters, written(|out| self.token_filters.encode(out))),
            (Section::Traces, written(|out| self.traces.encode(out))),
            (Section::Attributes, written(|out| self.attributes.encode(out))),
            (Section::Operations, written(|out| self.operations.encode(out))),
        ];
        if let Some(rollup) = &self.services {
            sections.push((Section::Services, written(|out| services::encode(rollup, out))));
        }
        container::frame(&sections)
    }

    /// Decodes all sections.
    ///
    /// # Errors
    /// When the bytes are no index of a version that this release reads, or are damaged.
    pub fn decode(bytes: Bytes) -> Result<Self, IndexError> {
        let reader = IndexReader::open(bytes)?;
        Ok(Self {
            facts: reader.facts()?,
            traces: reader.traces()?,
            token_filters: reader.token_filters()?,
            attributes: reader.attributes()?,
            operations: reader.operations()?,
            services: reader.services()?,
        })
    }
}

fn written(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out);
    out
}
