//! The state of the table at one version.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::{BlockEntry, BlockId};

/// The blocks and application ids at one version of the table; never changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CatalogSnapshot {
    pub(crate) version: u64,
    pub(crate) blocks: BTreeMap<BlockId, Arc<BlockEntry>>,
    pub(crate) application_ids: BTreeMap<String, i64>,
}

impl CatalogSnapshot {
    /// The number of the last commit in this state; the commit that created the table is 0.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// All blocks, oldest id first.
    pub fn blocks(&self) -> impl ExactSizeIterator<Item = &Arc<BlockEntry>> + DoubleEndedIterator {
        self.blocks.values()
    }

    /// The block with this id, if it is in the table.
    pub fn block(&self, id: BlockId) -> Option<&Arc<BlockEntry>> {
        self.blocks.get(&id)
    }

    /// The last sequence of `application` that the blocks contain, `None` before its first commit.
    pub fn application_id(&self, application: &str) -> Option<i64> {
        self.application_ids.get(application).copied()
    }

    /// All application ids with their last sequence, by name.
    pub fn application_ids(&self) -> impl Iterator<Item = (&str, i64)> {
        self.application_ids.iter().map(|(application, sequence)| (application.as_str(), *sequence))
    }
}
