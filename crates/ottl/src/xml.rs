//! XML as the language's functions see it: texts into trees, paths that select nodes, trees into texts.
//!
//! The reader below is `quick-xml`; a tree has as many nodes as its text has parts, and no element deeper than
//! [`DEPTH_MAX`]. Of XPath there is what configurations use, see [`xpath`].

mod document;
mod write;
pub(crate) mod xpath;

pub(crate) use document::{Document, Kind, parse};
pub(crate) use write::escape;

/// How deep elements may lie in each other.
pub(crate) const DEPTH_MAX: usize = 256;
