//! The columnar scan: which traces of a unit may match.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use futures::future::{BoxFuture, FutureExt};
use futures::stream::{self, StreamExt, TryStreamExt};
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use spandrel_ingest::LiveRun;
use spandrel_model::TraceId;
use spandrel_trace_values::Forest;
use spandrel_traceql::{Attribute, FieldExpr, Intrinsic, SpanValues, Static};

use crate::ahead::Promising;
use crate::block_cache::OpenBlock;
use crate::filter::{Evidence, LeafColumn, Node, RowMask, Verdict, own_attribute};
pub(crate) use crate::inspected::Counters;
use crate::plan::{Candidates, Plan};
use crate::unit::{PartialTrace, Unit};
use crate::{QueryError, SearchOrder};

/// Row groups read at the same time.
pub(crate) const SIDE_BY_SIDE_MAX: usize = 8;

/// A trace that may be in the answer. Ordered as answers are: by rank descending, then by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Candidate {
    /// See [`SearchOrder::rank`].
    pub(crate) rank: Reverse<i64>,
    pub(crate) trace_id: TraceId,
    /// Spans that it has where it was found.
    pub(crate) n_rows: u32,
    /// When they start, and when they end.
    pub(crate) start: i64,
    pub(crate) end: i64,
}

/// A plan on its way over the units. It leaves out only traces that cannot be found as far as all of their spans
/// are in the unit.
pub(crate) struct Scan {
    pub(crate) plan: Plan,
    order: SearchOrder,
    pub(crate) counters: Counters,
}

impl Scan {
    pub(crate) fn new(plan: Plan, order: SearchOrder) -> Self {
        Self { plan, order, counters: Counters::default() }
    }

    /// Row groups of a block that the index cannot rule out, ascending.
    pub(crate) fn row_groups(&self, block: &OpenBlock) -> Result<Vec<usize>, QueryError> {
        let mut kept = Vec::new();
        for row_group in 0..block.file.n_row_groups() {
            if self.is_possible(block, row_group)? {
                kept.push(row_group);
            }
        }
        Ok(kept)
    }

    /// Candidates of each of these blocks. All of them are done when this returns: who reads and is then not
    /// polled keeps its core.
    pub(crate) async fn blocks(
        &self,
        blocks: &[Promising<'_>],
    ) -> Result<Vec<Vec<Candidate>>, QueryError> {
        let units =
            blocks.iter().enumerate().flat_map(|(number, Promising { block, row_groups, .. })| {
                row_groups.iter().map(move |row_group| (number, block, *row_group))
            });
        let scans = units.map(|(number, block, row_group)| async move {
            Ok::<_, QueryError>((number, self.row_group(block, row_group).await?))
        });
        let mut scans = stream::iter(scans).buffer_unordered(SIDE_BY_SIDE_MAX).boxed();
        let mut candidates = vec![Vec::new(); blocks.len()];
        while let Some((number, found)) = scans.try_next().await? {
            candidates[number].extend(found);
        }
        Ok(candidates)
    }

    /// Candidates of a row group.
    pub(crate) async fn row_group(
        &self,
        block: &Arc<OpenBlock>,
        row_group: usize,
    ) -> Result<Vec<Candidate>, QueryError> {
        Counters::add(&self.counters.row_groups_read, 1);
        self.unit(&Unit::Block(Arc::clone(block), row_group)).await
    }

    /// Whether the index leaves a chance to a trace that lies in the row group.
    fn is_possible(&self, block: &OpenBlock, row_group: usize) -> Result<bool, QueryError> {
        let evidence = Evidence::of_whole_traces(block, row_group);
        let filters = self.plan.filters.iter().map(|filter| evidence.verdict(filter));
        let verdicts = filters.collect::<Result<Vec<_>, _>>()?;
        if self.plan.possible(|number| verdicts[number] == Verdict::Possible) {
            return Ok(true);
        }
        let by_statistics =
            !self.plan.possible(|number| verdicts[number] != Verdict::RuledOutByStatistics);
        let counters = &self.counters;
        let counter = match by_statistics {
            true => &counters.row_groups_ruled_out_by_statistics,
            false => &counters.row_groups_ruled_out_by_filter,
        };
        Counters::add(counter, 1);
        Ok(false)
    }

    /// Candidates of a live run.
    pub(crate) async fn live(&self, run: &Arc<LiveRun>) -> Result<Vec<Candidate>, QueryError> {
        Counters::add(&self.counters.live_runs, 1);
        self.unit(&Unit::Live(Arc::clone(run))).await
    }

    /// Candidates of a unit.
    async fn unit(&self, unit: &Unit) -> Result<Vec<Candidate>, QueryError> {
        Counters::add(&self.counters.spans, unit.n_rows());
        let mask = Candidates::new(&self.plan, unit, &self.counters).rows().await?;
        let traces = unit.traces_of(&mask)?;
        let candidate = |trace: PartialTrace| Candidate {
            rank: Reverse(self.order.rank(trace.start, trace.end)),
            trace_id: trace.trace_id,
            n_rows: trace.n_rows,
            start: trace.start,
            end: trace.end,
        };
        Ok(traces.into_iter().map(candidate).collect())
    }
}

/// Rows whose span id another row of their trace has too. If one is a copy of the other, the tree that
/// the unit knows is not the tree of the trace.
pub(crate) async fn rows_of_repeated_ids(unit: &Unit) -> Result<RowMask, QueryError> {
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
                Counters::add(&counters.bytes, column.size_bytes());
                let mask = leaf.mask(&column);
                if !leaf.of_parent {
                    return Ok(mask);
                }
                let forest = unit.forest(&unit.traces_of_rows()?).await?;
                let without = leaf.passes(&Static::Nil);
                RowMask::collect_bool(n_rows, |row| {
                    forest.parent(row).map_or(without, |parent| mask.value(parent))
                })
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
    /// Without `parent.`.
    columns: Vec<(Attribute, LeafColumn)>,
    /// When an attribute of a parent is among them.
    forest: Option<Forest>,
}

impl RowValues {
    async fn load(expr: &FieldExpr, unit: &Unit, counters: &Counters) -> Result<Self, QueryError> {
        let mut columns: Vec<(Attribute, LeafColumn)> = Vec::new();
        let mut of_parents = false;
        for attribute in expr.attributes() {
            let (attribute, of_parent) = own_attribute(attribute);
            of_parents |= of_parent;
            if columns.iter().all(|(known, _)| *known != attribute) {
                let column = unit.column(&attribute).await?;
                Counters::add(&counters.bytes, column.size_bytes());
                columns.push((attribute, column));
            }
        }
        let forest = match of_parents {
            true => Some(unit.forest(&unit.traces_of_rows()?).await?),
            false => None,
        };
        Ok(Self { columns, forest })
    }
}

struct Row<'a> {
    values: &'a RowValues,
    row: usize,
}

impl SpanValues for Row<'_> {
    fn value(&self, attribute: &Attribute) -> Cow<'_, Static> {
        let row = match &self.values.forest {
            Some(forest) if attribute.is_parent() => forest.parent(self.row),
            _ => Some(self.row),
        };
        let column = self.values.columns.iter().find(|(own, _)| is_own(own, attribute));
        let value = row.zip(column).map(|(row, (_, column))| column.value(row));
        Cow::Owned(value.unwrap_or(Static::Nil))
    }
}

/// Whether the attribute is `own`, but for `parent.`.
fn is_own(own: &Attribute, attribute: &Attribute) -> bool {
    match (own, attribute) {
        (
            Attribute::Scoped { scope, name, .. },
            Attribute::Scoped { scope: other_scope, name: other_name, .. },
        ) => scope == other_scope && name == other_name,
        (own, attribute) => own == attribute,
    }
}
