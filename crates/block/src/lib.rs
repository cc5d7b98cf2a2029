//! The columnar block: layout, index, writer and reader of one Parquet file of spans.
//!
//! A block holds one row per span; all rows of a trace are adjacent, depth first, and similar traces are
//! neighbors (row order: root span name, root service, trace start, trace id). Any Parquet reader can read
//! it. Before the footer lies the block index ([`index`]), so that one request at the end of the file
//! brings everything that a query needs to decide what else to read.
//!
//! This crate does no I/O: the writer returns the file's bytes, the reader says which byte ranges it needs
//! ([`read::ColumnDecoder`]) and turns them into Arrow arrays. Byte-level description: docs/formats/block.md.
//!
//! # Invariants
//! - `order`, parents, subtrees: see [`spandrel_columns::arrange`].
//! - A trace never spans two row groups of a block.
//! - Reading old format versions never ends; there is exactly one version to write.

mod attributes;
mod checksum;
mod column;
mod derived;
mod encode;
mod error;
mod file;
mod gather;
pub mod index;
mod lists;
mod oversized;
mod owners;
mod pages;
pub mod read;
mod residual;
pub mod schema;
mod summary;
mod write;

pub use error::BlockError;
pub use lists::{event_field, link_field};
pub use write::{WriteOptions, WriteStage, WrittenBlock, write, write_observed};
