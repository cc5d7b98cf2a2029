//! The columnar scan: which traces of a unit may match.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::cast::AsArray;
use futures::future::{BoxFuture, FutureExt};
use futures::stream::{self, StreamExt, TryStreamExt};
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use spandrel_model::TraceId;
use spandrel_trace_values::needs_shape;
use spandrel_traceql::{Attribute, FieldExpr, Intrinsic, SpanValues, Static};

use crate::QueryError;
use crate::ahead::Promising;
use crate::filter::{LeafColumn, Node, RowMask};
use crate::unit::Unit;

/// Row groups read at the same time.
pub(crate) const SIDE_BY_SIDE_MAX: usize = 8;

/// What was read, counted by all parts of a search.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) row_groups_read: AtomicU64,
    pub(crate) spans: AtomicU64,
    pub(crate) bytes: AtomicU64,
}

/// A trace that may be in the answer. Ordered from the newest: by start descending, then by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Candidate {
    pub(crate) start: Reverse<i64>,
    pub(crate) trace_id: TraceId,
    /// Spans that it has where it was found.
    pub(crate) n_rows: u32,
}

/// A filter on its way over the units. It leaves out only traces that cannot match as far as all of their spans
/// are in the unit.
pub(crate) struct Scan {
    pub(crate) node: Node,
    /// Whether a condition reads the tree of spans.
    shape: bool,
    pub(crate) counters: Counters,
}

impl Scan {
    pub(crate) fn new(filter: &FieldExpr) -> Self {
        let shape = filter.attributes().any(needs_shape);
        Self { node: Node::compile(filter, true), shape, counters: Counters::default() }
    }

    /// Candidates of each of these blocks. All of them are done when this returns: who reads and is then not
    /// polled keeps its core.
    pub(crate) async fn blocks(
        &self,
        blocks: &[Promising<'_>],
    ) -> Result<Vec<Vec<Candidate>>, QueryError> {
        let units =
            blocks.iter().enumerate().flat_map(|(number, Promising { block, row_groups, .. })| {
                let unit = |row_group: &usize| (number, Unit::Block(Arc::clone(block), *row_group));
                row_groups.iter().map(unit).collect::<Vec<_>>()
            });
        let scans = units.map(|(number, unit)| async move {
            Ok::<_, QueryError>((number, self.unit(&unit).await?))
        });
        let mut scans = stream::iter(scans).buffer_unordered(SIDE_BY_SIDE_MAX).boxed();
        let mut candidates = vec![Vec::new(); blocks.len()];
        while let Some((number, found)) = scans.try_next().await? {
            candidates[number].extend(found);
        }
        Ok(candidates)
    }

    /// Candidates of a unit.
    pub(crate) async fn unit(&self, unit: &Unit) -> Result<Vec<Candidate>, QueryError> {
        self.counters.row_groups_read.fetch_add(1, Ordering::Relaxed);
        self.counters.spans.fetch_add(unit.n_rows() as u64, Ordering::Relaxed);
        let mut mask = passing_rows(&self.node, unit, &self.counters).await?;
        if self.shape {
            mask = &mask | &rows_of_repeated_ids(unit).await?;
        }
        let traces = unit.traces_of(&mask)?;
        let candidate = |trace: crate::unit::PartialTrace| Candidate {
            start: Reverse(trace.start),
            trace_id: trace.trace_id,
            n_rows: trace.n_rows,
        };
        Ok(traces.into_iter().map(candidate).collect())
    }
}

/// Rows whose span id another row of their trace has too. If one is a copy of the other, the tree that
/// the unit knows is not the tree of the trace.
async fn rows_of_repeated_ids(unit: &Unit) -> Result<RowMask, QueryError> {
    let traces = unit.column(&Intrinsic::TraceId.into()).await?;
    let spans = unit.column(&Intrinsic::SpanId.into()).await?;
    let ids = |column: &LeafColumn| {
        let arrays = column.layers.first().into_iter().flat_map(|layer| &layer.arrays);
        arrays.filter_map(|(_, array)| array.as_fixed_size_binary_opt().cloned()).next()
    };
    let mut repeated = vec![false; unit.n_rows()];
    let Some((traces, spans)) = ids(&traces).zip(ids(&spans)) else {
        return Ok(repeated.into());
    };
    let mut first_rows = HashMap::with_capacity(repeated.len());
    for row in 0..repeated.len() {
        match first_rows.entry((traces.value(row), spans.value(row))) {
            Entry::Vacant(entry) => {
                entry.insert(row);
            }
            Entry::Occupied(entry) => {
                repeated[row] = true;
                repeated[*entry.get()] = true;
            }
        }
    }
    Ok(repeated.into())
}

/// Rows of a unit that pass the filter. The right side of `&&` is read only when the left one leaves rows.
pub(crate) fn passing_rows<'s>(
    node: &'s Node,
    unit: &'s Unit,
    counters: &'s Counters,
) -> BoxFuture<'s, Result<RowMask, QueryError>> {
    async move {
        let n_rows = unit.n_rows();
        Ok(match node {
            Node::Const(true) => RowMask::new_set(n_rows),
            Node::Const(false) => RowMask::new_unset(n_rows),
            Node::And(left, right) => {
                let left = passing_rows(left, unit, counters).await?;
                if left.count_set_bits() == 0 {
                    return Ok(left);
                }
                &left & &passing_rows(right, unit, counters).await?
            }
            Node::Or(left, right) => {
                let left = passing_rows(left, unit, counters).await?;
                &left | &passing_rows(right, unit, counters).await?
            }
            Node::Not(operand) => !&passing_rows(operand, unit, counters).await?,
            Node::Leaf(leaf) => {
                let column = unit.column_for(leaf).await?;
                counters.bytes.fetch_add(column.size_bytes() as u64, Ordering::Relaxed);
                leaf.mask(&column)
            }
            Node::Rows { expr, on_error } => {
                let rows = RowValues::load(expr, unit, counters).await?;
                let passes = |row| {
                    let passes = spandrel_traceql::matches(expr, &Row { values: &rows, row });
                    passes.unwrap_or(*on_error)
                };
                RowMask::collect_bool(n_rows, passes)
            }
        })
    }
    .boxed()
}

/// Several attributes of a unit, for conditions that compare them with each other.
struct RowValues {
    columns: Vec<(Attribute, LeafColumn)>,
}

impl RowValues {
    async fn load(expr: &FieldExpr, unit: &Unit, counters: &Counters) -> Result<Self, QueryError> {
        let mut columns: Vec<(Attribute, LeafColumn)> = Vec::new();
        for attribute in expr.attributes() {
            if columns.iter().all(|(known, _)| known != attribute) {
                let column = unit.column(attribute).await?;
                counters.bytes.fetch_add(column.size_bytes() as u64, Ordering::Relaxed);
                columns.push((attribute.clone(), column));
            }
        }
        Ok(Self { columns })
    }
}

struct Row<'a> {
    values: &'a RowValues,
    row: usize,
}

impl SpanValues for Row<'_> {
    fn value(&self, attribute: &Attribute) -> Cow<'_, Static> {
        let column = self.values.columns.iter().find(|(known, _)| known == attribute);
        let value = column.map(|(_, column)| column.value(self.row));
        Cow::Owned(value.unwrap_or(Static::Nil))
    }
}
