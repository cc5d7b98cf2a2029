//! `compare`: every attribute of the spans that match, counted for the selection and for the rest.
//!
//! Ids, durations, and what lies in events and links are not compared: their values are hardly ever shared. A marked
//! comparison has durations too, by steps of 1, 2 and 5, and knows of every value which spans have it.

mod duration_steps;
mod slots;

use std::collections::BTreeSet;

use arrow_array::cast::AsArray;
use arrow_buffer::BooleanBuffer;
use hashbrown::HashMap;
use spandrel_base::cpu;
use spandrel_block::schema::{AttributeType, attribute_column, residual_column};
use spandrel_model::{Attribute as SpanAttribute, AttributeScope, Span};
use spandrel_otlp::decode_key_value_list;
use spandrel_series::{Area, Comparison};
use spandrel_trace_values::{SpanOfTrace, find_attribute, static_of};
use spandrel_traceql::ast::MetricsFunction;
use spandrel_traceql::{Attribute, Intrinsic, Scope, SpanValues, Static};

use self::duration_steps::duration_step;
pub use self::duration_steps::duration_step_end;
use self::slots::{ByCode, NONE, Slots, scattered};
use super::codes::coded;
use super::condition::Failing;
use super::plan::Plan;
use super::rows::Rows;
use super::scan::Scan;
use super::starts::{Starts, UnitIntervals};
use crate::block_cache::OpenBlock;
use crate::filter::{Layer, LeafColumn, Meaning};
use crate::unit::{self, used};
use crate::{QueryError, memory};

/// Fields of spans that are compared.
const INTRINSICS: [Intrinsic; 8] = [
    Intrinsic::Name,
    Intrinsic::Kind,
    Intrinsic::Status,
    Intrinsic::StatusMessage,
    Intrinsic::RootName,
    Intrinsic::RootServiceName,
    Intrinsic::InstrumentationName,
    Intrinsic::InstrumentationVersion,
];

const DURATION: Attribute = Attribute::Intrinsic(Intrinsic::Duration);

/// Owners whose attributes are compared.
const SCOPES: [(AttributeScope, Scope); 3] = [
    (AttributeScope::Span, Scope::Span),
    (AttributeScope::Resource, Scope::Resource),
    (AttributeScope::Instrumentation, Scope::Instrumentation),
];

/// The rows of a unit that match.
pub(super) struct Unit<'a> {
    pub(super) unit: &'a unit::Unit,
    /// Another one than that of any other unit of the query.
    pub(super) number: u64,
    pub(super) starts: Starts,
    pub(super) intervals: UnitIntervals,
    pub(super) rows: Rows,
}

/// Whether a span is in the selection. Where the condition cannot be computed, it is not.
pub(super) fn is_selected(plan: &Plan<'_>, span: &SpanOfTrace<'_>, start: i64) -> bool {
    let Some(selection) = &plan.selection else { return false };
    in_window(plan, start) && spandrel_traceql::matches(&selection.expr, span).unwrap_or(false)
}

fn in_window(plan: &Plan<'_>, start: i64) -> bool {
    match plan.aggregate.function {
        MetricsFunction::Compare { window: Some((from, to)), .. } => start >= from && start < to,
        _ => true,
    }
}

/// Adds one span of a whole trace.
pub(super) fn add_span(
    plan: &Plan<'_>,
    span: &Span,
    values: &SpanOfTrace<'_>,
    selected: bool,
    comparison: &mut Comparison,
) {
    let start = span.start_unix_nanos.cast_signed();
    let Some(interval) = plan.settings.intervals.of(start) else { return };
    let area = if selected { Area::Selection } else { Area::Baseline };
    let mark = comparison.is_marked().then(|| mark_of(span));
    let mut add = |attribute: &Attribute, value: &Static| {
        if counts(value) {
            let known = comparison.attribute(&attribute.to_string());
            let number = known.add(value, area, interval, 1);
            mark.into_iter().for_each(|mark| known.mark(number, mark));
        }
    };
    for intrinsic in INTRINSICS {
        let attribute = Attribute::Intrinsic(intrinsic);
        let value = values.value(&attribute);
        add(&attribute, &value);
    }
    let owners: [&[SpanAttribute]; 3] =
        [&span.attributes, &span.resource.attributes, &span.scope.attributes];
    for ((_, scope), attributes) in SCOPES.into_iter().zip(owners) {
        let keys: BTreeSet<&str> = attributes.iter().map(|a| a.key.as_str()).collect();
        for key in keys {
            add(&Attribute::scoped(scope, key), &find_attribute(attributes, key));
        }
    }
    if let Some(mark) = mark {
        add(&DURATION, &Static::Int(duration_step(span.duration_nanos())));
        let all = comparison.all();
        all.add(area, 1);
        all.mark = all.mark.wrapping_add(mark);
    }
}

/// The mark of a span of a whole trace.
fn mark_of(span: &Span) -> u64 {
    let half = |bytes: &[u8]| bytes.iter().fold(0, |sum: u64, byte| sum << 8 | u64::from(*byte));
    let (front, back) = span.trace_id.0.split_at(8);
    let parts = [half(front), half(back), half(&span.span_id.0), span.kind as u64];
    parts.into_iter().fold(0, |mixed, part| scattered(mixed ^ part))
}

/// Whether spans are counted by a value.
fn counts(value: &Static) -> bool {
    !matches!(value, Static::Nil | Static::Duration(_))
}

/// Adds the rows of a unit.
pub(super) async fn scan(
    scan: &Scan<'_>,
    unit: Unit<'_>,
    mut comparison: Comparison,
) -> Result<Comparison, QueryError> {
    let mut slots = slots(scan, &unit).await?;
    let mut intrinsics: Vec<_> = INTRINSICS.map(Attribute::Intrinsic).into();
    if comparison.is_marked() {
        slots.unit = Some(unit.number);
        count_all(&slots, &mut comparison);
        intrinsics.push(DURATION);
    }
    for attribute in intrinsics {
        let column = scan.column(unit.unit, &attribute).await?;
        comparison = counted(&attribute, column, &slots, comparison).await?;
    }
    match unit.unit {
        unit::Unit::Live(run) => {
            for attribute in live_attributes(run.spans()) {
                let column = scan.column(unit.unit, &attribute).await?;
                comparison = counted(&attribute, column, &slots, comparison).await?;
            }
        }
        unit::Unit::Block(block, row_group) => {
            for (owner, scope) in SCOPES {
                let own = Owner { block, row_group: *row_group, owner, scope };
                comparison = own.add(scan, unit.unit, &slots, comparison).await?;
            }
        }
    }
    Ok(comparison)
}

/// Counts the rows themselves.
fn count_all(slots: &Slots, comparison: &mut Comparison) {
    let all = comparison.all();
    for row in slots.rows.iter().filter(|row| slots.of_rows[*row] != NONE) {
        let (area, _, spans) = slots.cell(slots.of_rows[row] as usize, 1);
        all.add(area, spans);
        all.mark = all.mark.wrapping_add(slots.mark(row).unwrap_or_default());
    }
}

async fn slots(scan: &Scan<'_>, unit: &Unit<'_>) -> Result<Slots, QueryError> {
    let Unit { starts, intervals, rows, .. } = unit;
    let inside = |row: usize| in_window(scan.plan, starts.nanos[row]);
    let windowed = rows.clone().and(&BooleanBuffer::collect_bool(rows.len(), inside));
    let selected = match &scan.plan.selection {
        Some(selection) => {
            selection.passing(unit.unit, windowed, Failing::Span, scan.counters).await?
        }
        None => Rows::of(BooleanBuffer::new_unset(rows.len())),
    };
    let _held = memory::reserve(rows.len() * size_of::<u32>())?;
    let mut of_rows = vec![NONE; rows.len()];
    rows.for_each(|row| {
        if let Some(interval) = intervals.index(starts.nanos[row]) {
            of_rows[row] = 2 * interval + u32::from(selected.contains(row));
        }
    });
    Ok(Slots {
        of_rows: of_rows.into(),
        n: 2 * intervals.count,
        first_interval: intervals.first,
        rows: rows.clone(),
        unit: None,
    })
}

/// Counts the values of a column.
async fn counted(
    attribute: &Attribute,
    column: LeafColumn,
    slots: &Slots,
    mut comparison: Comparison,
) -> Result<Comparison, QueryError> {
    if column.layers.iter().all(|l| l.arrays.is_empty() && l.others.is_empty())
        && !counts(&column.absent)
    {
        return Ok(comparison);
    }
    let (name, slots) = (attribute.to_string(), slots.clone());
    let in_steps = *attribute == DURATION;
    Ok(cpu::run(move || {
        let mut coded = coded(&column, &slots.rows);
        if in_steps {
            coded.values.iter_mut().for_each(into_step);
        }
        ByCode::of(&coded, &slots).add_to(comparison.attribute(&name), coded.values, &slots);
        comparison
    })
    .await?)
}

fn into_step(value: &mut Static) {
    if let Static::Duration(nanos) = value {
        *value = Static::Int(duration_step(*nanos));
    }
}

/// Attributes that live spans have.
fn live_attributes(spans: &spandrel_columns::SpanColumns) -> BTreeSet<Attribute> {
    let keys = spans.attributes.keys().iter().filter(|columns| !columns.is_empty());
    let mut found: BTreeSet<Attribute> =
        keys.map(|columns| Attribute::scoped(Scope::Span, &*columns.key)).collect();
    for resource in used(spans.resource_table.values(), &spans.resources) {
        let keys = resource.attributes.iter().map(|a| a.key.as_str());
        found.extend(keys.map(|key| Attribute::scoped(Scope::Resource, key)));
    }
    for scope in used(spans.scope_table.values(), &spans.scopes) {
        let keys = scope.attributes.iter().map(|a| a.key.as_str());
        found.extend(keys.map(|key| Attribute::scoped(Scope::Instrumentation, key)));
    }
    found
}

/// The attributes of one kind of owner in a row group.
struct Owner<'a> {
    block: &'a OpenBlock,
    row_group: usize,
    owner: AttributeScope,
    scope: Scope,
}

impl Owner<'_> {
    async fn add(
        &self,
        scan: &Scan<'_>,
        unit: &unit::Unit,
        slots: &Slots,
        mut comparison: Comparison,
    ) -> Result<Comparison, QueryError> {
        let entries = self.block.attributes()?.entries().iter();
        let mut in_lists: HashMap<String, String> = HashMap::new();
        for entry in entries.filter(|entry| entry.scope == self.owner) {
            let attribute = Attribute::scoped(self.scope, &*entry.key);
            let column = if entry.oversized().is_some() {
                // Large values lie in a column of their own, which a search knows how to read.
                scan.column(unit, &attribute).await?
            } else {
                if entry.types.iter().any(|summary| !summary.column) {
                    in_lists.insert(entry.key.to_string(), attribute.to_string());
                }
                self.typed(&entry.key).await?
            };
            comparison = counted(&attribute, column, slots, comparison).await?;
        }
        if in_lists.is_empty() {
            return Ok(comparison);
        }
        self.lists(in_lists, slots, comparison).await
    }

    /// The columns that an attribute has of its own.
    async fn typed(&self, key: &str) -> Result<LeafColumn, QueryError> {
        let n_rows = self.block.file.row_group_rows(self.row_group).len();
        let kinds = AttributeType::ALL.map(|kind| (kind, attribute_column(self.owner, key, kind)));
        let names = kinds.iter().map(|(_, name)| name.as_str());
        let mut layer = Layer::default();
        if let Some(columns) = self.block.columns(self.row_group, names, None).await? {
            for (kind, name) in &kinds {
                let meaning = match kind {
                    AttributeType::String => Meaning::Text,
                    AttributeType::Int => Meaning::Int,
                    AttributeType::Double => Meaning::Double,
                    AttributeType::Bool => Meaning::Bool,
                };
                let column = columns.column_by_name(name).cloned();
                layer.arrays.extend(column.map(|column| (meaning, column)));
            }
            layer.held.extend(columns.held.iter().cloned());
        }
        Ok(LeafColumn { n_rows, layers: vec![layer], absent: Static::Nil })
    }

    /// Attributes without a column, all of them in one pass. `names` has their names in a query by key.
    async fn lists(
        &self,
        names: HashMap<String, String>,
        slots: &Slots,
        mut comparison: Comparison,
    ) -> Result<Comparison, QueryError> {
        let name = residual_column(self.owner);
        let Some(columns) = self.block.columns(self.row_group, [name], None).await? else {
            return Ok(comparison);
        };
        let Some(column) = columns.column_by_name(name).cloned() else { return Ok(comparison) };
        let slots = slots.clone();
        let counted = cpu::run(move || {
            let _held = columns.held.clone();
            let Some(lists) = column.as_binary_opt::<i32>() else { return Ok(comparison) };
            for row in slots.rows.iter().filter(|row| slots.of_rows[*row] != NONE) {
                if arrow_array::Array::is_null(lists, row) {
                    continue;
                }
                let (area, interval, _) = slots.cell(slots.of_rows[row] as usize, 1);
                for SpanAttribute { key, value } in decode_key_value_list(lists.value(row))? {
                    let value = static_of(&value);
                    if let Some(name) = names.get(&key).filter(|_| counts(&value)) {
                        let known = comparison.attribute(name);
                        let number = known.add(&value, area, interval, 1);
                        slots.mark(row).into_iter().for_each(|mark| known.mark(number, mark));
                    }
                }
            }
            Ok(comparison)
        });
        counted.await?
    }
}
