//! The leaf of every plan: reads units of spans and makes the columns of the table of them.

mod start_bounds;

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::cast::AsArray;
use datafusion::arrow::array::types::{Int32Type, Int64Type};
use datafusion::arrow::array::{
    Array, ArrayRef, Float64Array, RecordBatch, RecordBatchOptions, StringViewBuilder,
    TimestampNanosecondArray,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{
    Boundedness, EmissionType, ReplaceChildrenOptions,
};
use datafusion::physical_plan::filter_pushdown::{
    ChildPushdownResult, FilterPushdownPhase, FilterPushdownPropagation,
};
use datafusion::physical_plan::metrics::{
    BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet, RecordOutput,
};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::stream::{self, StreamExt, TryStreamExt};
use spandrel_query::{QueryError, RowUnits, RowsWanted, SpanRows, SpanTable, ValueKind};

use crate::columns::Form;

/// Texts of a batch are views into the dictionary of the unit, unless it is larger than this: then whoever holds the
/// batch would hold, and count, all of it.
const SHARED_TEXT_BYTES_MAX: usize = 64 * 1024;

/// A column of the table, made of columns that are read.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) form: Form,
    /// Places of what it is made of.
    pub(crate) of: Vec<usize>,
}

/// Reads spans.
pub(crate) struct SpansExec {
    source: Arc<Source>,
    properties: Arc<PlanProperties>,
    /// What operators above learn while they run of the rows that they still want.
    learned: Vec<Arc<dyn PhysicalExpr>>,
    metrics: ExecutionPlanMetricsSet,
}

/// What all partitions read from.
struct Source {
    spans: Arc<SpanTable>,
    wanted: RowsWanted,
    units: RowUnits,
    made: Vec<Made>,
    schema: SchemaRef,
}

impl SpansExec {
    pub(crate) fn new(
        spans: Arc<SpanTable>,
        wanted: RowsWanted,
        units: RowUnits,
        made: Vec<Made>,
        (schema, partitions_max): (SchemaRef, usize),
    ) -> Self {
        let n_partitions = units.units.len().clamp(1, partitions_max.max(1));
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(n_partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        let source = Source { spans, wanted, units, made, schema };
        let metrics = ExecutionPlanMetricsSet::new();
        let (source, properties) = (Arc::new(source), Arc::new(properties));
        Self { source, properties, learned: Vec::new(), metrics }
    }
}

impl ExecutionPlan for SpansExec {
    fn name(&self) -> &'static str {
        "SpansExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match children.is_empty() {
            true => Ok(self),
            false => internal_err!("a leaf has no children"),
        }
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match children.is_empty() {
            true => Ok(self),
            false => internal_err!("a leaf has no children"),
        }
    }

    fn handle_child_pushdown_result(
        &self,
        phase: FilterPushdownPhase,
        conditions: ChildPushdownResult,
        _: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        let mut learned = self.learned.clone();
        if matches!(phase, FilterPushdownPhase::Post) {
            learned.extend(conditions.parent_filters.iter().map(|of| Arc::clone(&of.filter)));
        }
        // Rows are left out where that is known in time; whoever asked computes the condition again.
        let mut propagation = FilterPushdownPropagation::all_unsupported(conditions);
        if learned.len() > self.learned.len() {
            let (source, properties) = (Arc::clone(&self.source), Arc::clone(&self.properties));
            let metrics = ExecutionPlanMetricsSet::new();
            let narrowed = Self { source, properties, learned, metrics };
            let node: Arc<dyn ExecutionPlan> = Arc::new(narrowed);
            propagation.updated_node = Some(node);
        }
        Ok(propagation)
    }

    fn execute(&self, partition: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let n_partitions = self.properties.partitioning.partition_count();
        let units = (partition..self.source.units.units.len()).step_by(n_partitions);
        let source = Arc::clone(&self.source);
        let learned: Arc<[_]> = self.learned.clone().into();
        let rows = stream::iter(units)
            .then(move |unit| read(Arc::clone(&source), unit, Arc::clone(&learned)));
        let source = Arc::clone(&self.source);
        let batches = rows
            .try_filter_map(|rows| std::future::ready(Ok(rows)))
            .map_ok(move |rows| stream::iter(Batches::new(Arc::clone(&source), rows)))
            .try_flatten()
            .map(move |batch| batch.record_output(&metrics));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), batches)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

async fn read(
    source: Arc<Source>,
    unit: usize,
    learned: Arc<[Arc<dyn PhysicalExpr>]>,
) -> Result<Option<SpanRows>> {
    let Source { spans, wanted, units, .. } = &*source;
    let range = start_bounds::narrowed(wanted.range, &learned)?;
    let rows = spans.read(units, &units.units[unit], wanted, range).await;
    rows.map_err(|error: QueryError| DataFusionError::External(Box::new(error)))
}

impl DisplayAs for SpansExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Source { wanted, units, schema, .. } = &*self.source;
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        write!(f, "SpansExec: columns=[{}]", names.join(", "))?;
        if let Some(filter) = &wanted.filter {
            write!(f, ", filter={{ {filter} }}")?;
        }
        let (n_units, pruned) = (units.units.len(), units.row_groups_pruned);
        write!(f, ", units={n_units}, row_groups_pruned={pruned}")
    }
}

impl fmt::Debug for SpansExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_as(DisplayFormatType::Default, f)
    }
}

/// The rows of a unit, a batch at a time.
struct Batches {
    source: Arc<Source>,
    rows: SpanRows,
    next: usize,
}

impl Batches {
    /// As many rows as DataFusion's own leaves give out together.
    const ROWS: usize = 8192;

    fn new(source: Arc<Source>, rows: SpanRows) -> Self {
        Self { source, rows, next: 0 }
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let n_rows = Self::ROWS.min(self.rows.n_rows - self.next);
        if n_rows == 0 {
            return None;
        }
        let from = self.next;
        self.next += n_rows;
        let slice = |column: &ArrayRef| column.slice(from, n_rows);
        let columns = self.source.made.iter().map(|made| {
            let parts: Vec<ArrayRef> =
                made.of.iter().map(|&i| slice(&self.rows.columns[i])).collect();
            make(made.form, &parts)
        });
        let columns = match columns.collect::<Result<Vec<_>>>() {
            Ok(columns) => columns,
            Err(error) => return Some(Err(error)),
        };
        let options = RecordBatchOptions::new().with_row_count(Some(n_rows));
        let schema = Arc::clone(&self.source.schema);
        Some(RecordBatch::try_new_with_options(schema, columns, &options).map_err(Into::into))
    }
}

/// A column of the table.
fn make(form: Form, parts: &[ArrayRef]) -> Result<ArrayRef> {
    Ok(match (form, parts) {
        (Form::Time, [starts]) => {
            let starts = starts.as_primitive::<Int64Type>().iter();
            Arc::new(starts.collect::<TimestampNanosecondArray>().with_timezone("UTC"))
        }
        (Form::End, [starts, durations]) => {
            let starts = starts.as_primitive::<Int64Type>().iter();
            let durations = durations.as_primitive::<Int64Type>().iter();
            let ends = starts.zip(durations).map(|(start, duration)| {
                start.zip(duration).map(|(start, duration)| start.saturating_add(duration))
            });
            Arc::new(ends.collect::<TimestampNanosecondArray>().with_timezone("UTC"))
        }
        (Form::Hex, [ids]) => Arc::new(hex(ids)),
        (Form::Millis, [nanos]) => {
            let nanos = nanos.as_primitive::<Int64Type>().iter();
            Arc::new(nanos.map(|nanos| nanos.map(millis)).collect::<Float64Array>())
        }
        (Form::Plain(ValueKind::Text), [texts]) => views(texts)?,
        (Form::Plain(_), [column]) => compact(column),
        _ => return internal_err!("a column is made of something else"),
    })
}

#[expect(clippy::cast_precision_loss, reason = "it is for people; duration_nanos is exact")]
fn millis(nanos: i64) -> f64 {
    nanos as f64 / 1e6
}

fn hex(ids: &ArrayRef) -> datafusion::arrow::array::StringViewArray {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let ids = ids.as_fixed_size_binary();
    let mut texts = StringViewBuilder::with_capacity(ids.len());
    let mut text = String::with_capacity(32);
    for id in ids {
        let Some(id) = id else {
            texts.append_null();
            continue;
        };
        text.clear();
        for byte in id {
            text.push(char::from(DIGITS[usize::from(byte >> 4)]));
            text.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
        texts.append_value(&text);
    }
    texts.finish()
}

fn views(texts: &ArrayRef) -> Result<ArrayRef> {
    let dictionary = texts.as_dictionary::<Int32Type>();
    if dictionary.values().get_buffer_memory_size() <= SHARED_TEXT_BYTES_MAX {
        return Ok(cast(texts, &DataType::Utf8View)?);
    }
    let own = cast(texts, &DataType::Utf8)?;
    Ok(cast(&own, &DataType::Utf8View)?)
}

/// A slice that does not hold the whole that it is a slice of.
fn compact(slice: &ArrayRef) -> ArrayRef {
    match slice.data_type() {
        DataType::Int64 => {
            let numbers = slice.as_primitive::<Int64Type>().iter();
            Arc::new(numbers.collect::<datafusion::arrow::array::Int64Array>())
        }
        DataType::Float64 => {
            let numbers = slice.as_primitive::<datafusion::arrow::array::types::Float64Type>();
            Arc::new(numbers.iter().collect::<Float64Array>())
        }
        DataType::Boolean => {
            let truths = slice.as_boolean().iter();
            Arc::new(truths.collect::<datafusion::arrow::array::BooleanArray>())
        }
        _ => Arc::clone(slice),
    }
}
