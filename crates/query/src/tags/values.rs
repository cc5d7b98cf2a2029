//! Values of an attribute.

use std::cmp::Ordering;
use std::sync::atomic::Ordering::Relaxed;

use hashbrown::HashSet;
use spandrel_block::index::{AttributeDirectory, Values};
use spandrel_model::{AttributeScope, Trace};
use spandrel_trace_values::TraceValues;
use spandrel_traceql::{Attribute, Intrinsic, Scope, SpanValues, Static};

use super::walk::{Collect, WantedOfTraces};
use super::{Room, TagLimits, TagValue, TagValues, TagValuesRequest, TagsInspected, TagsReport};
use crate::block_cache::OpenBlock;
use crate::filter::RowMask;
use crate::scan::Counters;
use crate::unit::Unit;
use crate::{Progress, QueryError};

/// The attribute that has a directory of its own.
const SERVICE_NAME: &str = "service.name";

/// Values found until now.
pub(super) struct Found<'a> {
    request: &'a TagValuesRequest<'a>,
    progress: &'a Progress<TagsReport<Vec<TagValue>>>,
    values: HashSet<Static>,
    /// Those that were not reported.
    new: Vec<Static>,
    room: Room,
}

impl<'a> Found<'a> {
    pub(super) fn new(
        request: &'a TagValuesRequest<'a>,
        limits: TagLimits,
        progress: &'a Progress<TagsReport<Vec<TagValue>>>,
    ) -> Self {
        let room = Room::new(limits);
        Self { request, progress, values: HashSet::new(), new: Vec::new(), room }
    }

    pub(super) fn finish(self, inspected: TagsInspected) -> TagValues {
        let values = tag_values(self.values.into_iter().collect());
        TagValues { values, truncated: self.room.is_full, inspected }
    }

    /// Adds all elements of a value.
    fn add(&mut self, value: &Static) {
        match value {
            Static::Nil => {}
            value if value.is_array() || matches!(value, Static::Several(_)) => {
                value.elements().iter().for_each(|element| self.add(element));
            }
            value if self.is_no_value(value) => {}
            value if self.values.contains(value) => self.room.stale(),
            value => {
                if self.room.take(self.values.len(), answer_bytes(value)) {
                    self.values.insert(value.clone());
                    self.new.push(value.clone());
                }
            }
        }
    }

    /// Intrinsics are empty where there is nothing: a span without parent, a trace without root.
    fn is_no_value(&self, value: &Static) -> bool {
        let is_intrinsic = matches!(self.request.attribute, Attribute::Intrinsic(_));
        is_intrinsic && matches!(value, Static::String(text) if text.is_empty())
    }

    /// Adds each distinct value of one source once.
    fn add_all(&mut self, values: impl IntoIterator<Item = Static>) {
        for value in values {
            if self.room.is_full {
                break;
            }
            self.add(&value);
        }
    }
}

impl Collect for Found<'_> {
    fn is_full(&self) -> bool {
        self.room.is_full
    }

    /// Takes the values from the block's directories when they hold all of them.
    fn listed(&mut self, block: &OpenBlock) -> Result<bool, QueryError> {
        let Some(values) = listed_values(block, self.request.attribute)? else { return Ok(false) };
        self.add_all(values);
        Ok(true)
    }

    async fn rows(
        &mut self,
        unit: &Unit,
        rows: Option<&RowMask>,
        counters: &Counters,
    ) -> Result<(), QueryError> {
        let column = unit.column(self.request.attribute).await?;
        counters.bytes.fetch_add(column.size_bytes() as u64, Relaxed);
        let all = RowMask::new_set(unit.n_rows());
        // Known values are counted once each, if they are counted.
        let counts_known = self.request.limits.stale_max > 0;
        let mut counted = HashSet::new();
        // Neighbors are often equal: a value is looked up only when it changes.
        let mut last = Static::Nil;
        for row in rows.unwrap_or(&all).set_indices() {
            if self.room.is_full {
                break;
            }
            let value = column.value(row);
            if value != last && (!counts_known || counted.insert(value.clone())) {
                self.add(&value);
            }
            last = value;
        }
        Ok(())
    }

    fn wanted(&self, mut filter: Vec<Attribute>) -> WantedOfTraces {
        filter.push(self.request.attribute.clone());
        WantedOfTraces::For(filter)
    }

    fn spans(&mut self, trace: &Trace, indexes: &[usize]) {
        let attribute = self.request.attribute;
        let values = TraceValues::new(trace, std::iter::once(attribute));
        for &index in indexes {
            self.add(&values.span(index).value(attribute));
        }
    }

    async fn report(&mut self, inspected: TagsInspected) {
        let new = std::mem::take(&mut self.new);
        self.progress.report(|| TagsReport { new: tag_values(new), inspected }).await;
    }
}

/// Bytes that a value takes in an answer, about.
fn answer_bytes(value: &Static) -> usize {
    match value {
        Static::String(text) => text.len(),
        _ => size_of::<i64>(),
    }
}

/// In order of type and value.
fn tag_values(values: Vec<Static>) -> Vec<TagValue> {
    let mut values: Vec<TagValue> = values.into_iter().filter_map(tag_value).collect();
    values.sort_by(|a, b| a.partial_cmp(b).unwrap_or(Ordering::Equal));
    values
}

fn tag_value(value: Static) -> Option<TagValue> {
    Some(match value {
        Static::String(text) => TagValue::String(text),
        Static::Int(number) => TagValue::Int(number),
        Static::Duration(nanos) => TagValue::Duration(nanos),
        Static::Float(number) => TagValue::Float(number),
        Static::Bool(truth) => TagValue::Bool(truth),
        Static::Status(status) => TagValue::Keyword(status.as_str()),
        Static::Kind(kind) => TagValue::Keyword(kind.as_str()),
        _ => return None,
    })
}

/// All values of a block; `None` when its directories do not list all.
fn listed_values(
    block: &OpenBlock,
    attribute: &Attribute,
) -> Result<Option<Vec<Static>>, QueryError> {
    match attribute {
        Attribute::Intrinsic(Intrinsic::Name) => {
            let operations = block.operations()?;
            let names = operations.operations().iter().filter_map(|o| o.name.as_ref());
            let names = names.map(|name| Static::String(name.to_string()));
            Ok(operations.is_complete().then(|| names.collect()))
        }
        Attribute::Intrinsic(_) | Attribute::Scoped { parent: true, .. } => Ok(None),
        Attribute::Scoped { scope, name, .. } => {
            let directory = block.attributes()?;
            let has = |scope| directory.find(scope, name).is_some();
            let scope = match scope {
                // Where both have the key, spans hide values of the resource.
                Scope::None if has(AttributeScope::Span) && has(AttributeScope::Resource) => {
                    return Ok(None);
                }
                Scope::None if has(AttributeScope::Resource) => AttributeScope::Resource,
                Scope::None | Scope::Span => AttributeScope::Span,
                Scope::Resource => AttributeScope::Resource,
                Scope::Instrumentation => AttributeScope::Instrumentation,
                Scope::Event => AttributeScope::Event,
                Scope::Link => AttributeScope::Link,
            };
            match listed_in(directory, scope, name) {
                None if scope == AttributeScope::Resource && name == SERVICE_NAME => {
                    listed_services(block)
                }
                listed => Ok(listed),
            }
        }
    }
}

/// All services of a block, however many there are, when all of them are texts.
fn listed_services(block: &OpenBlock) -> Result<Option<Vec<Static>>, QueryError> {
    let entry = block.attributes()?.find(AttributeScope::Resource, SERVICE_NAME);
    let are_texts = entry.is_some_and(|entry| {
        entry.oversized().is_none()
            && entry.types.iter().all(|summary| matches!(summary.values, Values::Strings(_)))
    });
    if !are_texts {
        return Ok(None);
    }
    let services = block.operations()?.services().flatten();
    Ok(Some(services.map(|service| Static::String(service.to_string())).collect()))
}

/// All values under a key; `None` when the directory does not list all.
fn listed_in(
    directory: &AttributeDirectory,
    scope: AttributeScope,
    key: &str,
) -> Option<Vec<Static>> {
    let Some(entry) = directory.find(scope, key) else { return Some(Vec::new()) };
    let mut values = Vec::new();
    for summary in &entry.types {
        if !summary.complete {
            return None;
        }
        match &summary.values {
            Values::Strings(texts) => {
                values.extend(texts.iter().map(|(text, _)| Static::String(text.to_string())));
            }
            Values::Ints { top, .. } => values.extend(top.iter().map(|(n, _)| Static::Int(*n))),
            Values::Bools(truths) => values.extend(truths.iter().map(|(b, _)| Static::Bool(*b))),
            Values::Doubles { .. } | Values::Others => return None,
        }
    }
    Some(values)
}
