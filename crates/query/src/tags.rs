//! Names and values of attributes, for completion.
//!
//! Without a filter, names, and values that a block's directory lists completely, come from the block indexes; only
//! other values are read from their column. With a filter, what counts are the spans that pass it: their columns
//! are read, or, when the filter looks at more than one span, their whole traces.
//!
//! What counts are the spans of which a moment lies in the time range, wherever they are: a block that the range
//! covers is taken by its index, of one at its edges the times of spans are read. A limit of the answer ends the
//! reading; the answer says so by [`TagsInspected::jobs`] and by being `truncated`.

mod keys;
mod of_traces;
mod present;
mod values;
mod walk;

use std::collections::{BTreeMap, BTreeSet};

use futures::future::BoxFuture;
use spandrel_model::{AttributeScope, TenantId};
use spandrel_traceql::{Attribute, FieldExpr};

use crate::{Jobs, Progress, QueryEngine, QueryError, TimeRange};

/// Attribute keys by scope, sorted.
pub type TagNames = BTreeMap<AttributeScope, BTreeSet<String>>;

/// Which names are asked for.
#[derive(Debug, Clone)]
pub struct TagNamesRequest<'a> {
    /// Of attributes of these scopes.
    pub scopes: &'a [AttributeScope],
    /// On spans that pass this filter only.
    pub filter: Option<&'a FieldExpr>,
    /// On spans of which a moment lies in this range.
    pub range: TimeRange,
    /// What ends the reading.
    pub limits: TagLimits,
}

/// Which values are asked for.
#[derive(Debug, Clone)]
pub struct TagValuesRequest<'a> {
    /// Of this attribute.
    pub attribute: &'a Attribute,
    /// Of spans that pass this filter only.
    pub filter: Option<&'a FieldExpr>,
    /// Of spans of which a moment lies in this range.
    pub range: TimeRange,
    /// What ends the reading.
    pub limits: TagLimits,
}

/// What ends the reading of names or values before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TagLimits {
    /// More values, or names of one scope, than this.
    pub n_max: usize,
    /// More bytes of them together than this.
    pub bytes_max: usize,
    /// As many known ones in a row without a new one; 0 for no such end. Each block and live run gives each of its
    /// own once.
    pub stale_max: usize,
}

impl TagLimits {
    /// Everything is read.
    pub const NONE: Self = Self { n_max: usize::MAX, bytes_max: usize::MAX, stale_max: 0 };
}

/// A value of an attribute.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub enum TagValue {
    /// A text.
    String(String),
    /// An integer.
    Int(i64),
    /// A float.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// A duration in nanoseconds.
    Duration(i64),
    /// A word of the language, such as `error` or `server`.
    Keyword(&'static str),
}

/// Names of attributes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TagNamesAnswer {
    /// The names.
    pub names: TagNames,
    /// Whether a limit ended the reading: there may be more.
    pub truncated: bool,
    /// What it took.
    pub inspected: TagsInspected,
}

/// Values of an attribute.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TagValues {
    /// The distinct values, in order of type and value.
    pub values: Vec<TagValue>,
    /// Whether a limit ended the reading: there may be more.
    pub truncated: bool,
    /// What it took.
    pub inspected: TagsInspected,
}

/// What names or values have been found since the last report.
#[derive(Debug, Clone, PartialEq)]
pub struct TagsReport<T> {
    /// The new ones, sorted.
    pub new: T,
    /// What it took until now.
    pub inspected: TagsInspected,
}

/// What was looked at for names or values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TagsInspected {
    /// The live spans are a job, each block is another. One that a limit ended is not done.
    pub jobs: Jobs,
    /// Blocks in the time range.
    pub blocks: u64,
    /// Their size.
    pub block_bytes: u64,
    /// Bytes of the columns that were read, in memory.
    pub bytes: u64,
}

impl QueryEngine {
    /// Keys of attributes.
    ///
    /// # Errors
    /// [`QueryError`].
    pub fn tag_names<'a>(
        &'a self,
        tenant: &'a TenantId,
        request: &'a TagNamesRequest<'_>,
        progress: &'a Progress<TagsReport<TagNames>>,
    ) -> BoxFuture<'a, Result<TagNamesAnswer, QueryError>> {
        Box::pin(self.within_deadline(async move {
            let view = self.view(tenant, request.range).await?;
            let limits = self.read_limits.tags(tenant, request.limits);
            let mut keys = keys::Keys::new(request, limits, progress);
            let inspected = walk::walk(self, &view, request.filter, &mut keys).await?;
            Ok(keys.finish(inspected))
        }))
    }

    /// Values of an attribute. Arrays count by their elements.
    ///
    /// # Errors
    /// [`QueryError`].
    pub fn tag_values<'a>(
        &'a self,
        tenant: &'a TenantId,
        request: &'a TagValuesRequest<'_>,
        progress: &'a Progress<TagsReport<Vec<TagValue>>>,
    ) -> BoxFuture<'a, Result<TagValues, QueryError>> {
        Box::pin(self.within_deadline(async move {
            let view = self.view(tenant, request.range).await?;
            let limits = self.read_limits.tags(tenant, request.limits);
            let mut found = values::Found::new(request, limits, progress);
            let inspected = walk::walk(self, &view, request.filter, &mut found).await?;
            Ok(found.finish(inspected))
        }))
    }
}

/// Counts names or values against their limits.
struct Room {
    limits: TagLimits,
    bytes: usize,
    n_stale: usize,
    is_full: bool,
}

impl Room {
    fn new(limits: TagLimits) -> Self {
        Self { limits, bytes: 0, n_stale: 0, is_full: false }
    }

    /// Something known came again.
    fn stale(&mut self) {
        self.n_stale += 1;
        if self.limits.stale_max > 0 && self.n_stale >= self.limits.stale_max {
            self.is_full = true;
        }
    }

    /// Whether there is room for something new, of which there are `n` already; takes the room.
    fn take(&mut self, n: usize, bytes: usize) -> bool {
        let bytes = self.bytes.saturating_add(bytes);
        if self.is_full || n >= self.limits.n_max || bytes > self.limits.bytes_max {
            self.is_full = true;
            return false;
        }
        (self.bytes, self.n_stale) = (bytes, 0);
        true
    }
}
