//! Names and values of attributes, for completion.
//!
//! Names, and values that a block's directory lists completely, come from the block indexes; only other values
//! are read from their column.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hashbrown::HashSet;
use spandrel_block::index::{AttributeDirectory, Values};
use spandrel_model::{AttributeScope, TenantId};
use spandrel_otlp::decode_key_value_list;
use spandrel_traceql::{Attribute, FieldExpr, Intrinsic, Scope, Static};

use crate::block_cache::OpenBlock;
use crate::engine::OPENING;
use crate::filter::{Node, row_groups};
use crate::scan::{Counters, passing_rows};
use crate::unit::{Unit, used};
use crate::{QueryEngine, QueryError, TimeRange};

/// Attribute keys by scope, sorted.
pub type TagNames = BTreeMap<AttributeScope, BTreeSet<String>>;

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
    /// A word of the language, such as `error` or `server`.
    Keyword(&'static str),
}

/// Values of an attribute, in order of type and value.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TagValues {
    /// The distinct values.
    pub values: Vec<TagValue>,
    /// Whether there are more than were asked for.
    pub truncated: bool,
}

/// Which values are asked for.
#[derive(Debug, Clone)]
pub struct TagValuesRequest<'a> {
    /// Of this attribute.
    pub attribute: &'a Attribute,
    /// Of spans that pass this filter only.
    pub filter: Option<&'a FieldExpr>,
    /// Of spans in blocks and runs that overlap this range.
    pub range: TimeRange,
    /// How many at most.
    pub values_max: usize,
}

impl QueryEngine {
    /// Keys of all attributes of spans in the range.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn tag_names(
        &self,
        tenant: &TenantId,
        range: TimeRange,
    ) -> Result<TagNames, QueryError> {
        self.within_deadline(async {
            let view = self.view(tenant, range).await?;
            let mut names = TagNames::new();
            for run in &view.live {
                live_names(run.spans(), &mut names)?;
            }
            for entries in view.in_range().chunks(OPENING) {
                for block in self.open_some(&view, entries).await? {
                    for entry in block.attributes()?.entries() {
                        names.entry(entry.scope).or_default().insert(entry.key.to_string());
                    }
                }
            }
            Ok(names)
        })
        .await
    }

    /// Values of an attribute. Arrays count by their elements.
    ///
    /// # Errors
    /// [`QueryError`].
    pub async fn tag_values(
        &self,
        tenant: &TenantId,
        request: &TagValuesRequest<'_>,
    ) -> Result<TagValues, QueryError> {
        self.within_deadline(async {
            let view = self.view(tenant, request.range).await?;
            let mut found = Found { values: HashSet::new(), values_max: request.values_max };
            let all = FieldExpr::Static(Static::Bool(true));
            let node = Node::compile(request.filter.unwrap_or(&all), false);
            for run in &view.live {
                unit_values(&Unit::Live(Arc::clone(run)), &node, request, &mut found).await?;
            }
            for entries in view.in_range().chunks(OPENING) {
                for block in self.open_some(&view, entries).await? {
                    block_values(&block, &node, request, &mut found).await?;
                }
            }
            Ok(found.finish())
        })
        .await
    }
}

/// Distinct values, at most one more than asked for.
struct Found {
    values: HashSet<Static>,
    values_max: usize,
}

impl Found {
    fn is_full(&self) -> bool {
        self.values.len() > self.values_max
    }

    fn add(&mut self, value: Static) {
        match value {
            Static::Nil => {}
            value if value.is_array() || matches!(value, Static::Several(_)) => {
                value.elements().into_iter().for_each(|element| self.add(element));
            }
            value if !self.is_full() => {
                self.values.insert(value);
            }
            _ => {}
        }
    }

    fn finish(self) -> TagValues {
        let truncated = self.is_full();
        let mut values: Vec<TagValue> = self.values.into_iter().filter_map(tag_value).collect();
        values.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
        values.truncate(self.values_max);
        TagValues { values, truncated }
    }
}

fn tag_value(value: Static) -> Option<TagValue> {
    Some(match value {
        Static::String(text) => TagValue::String(text),
        Static::Int(number) | Static::Duration(number) => TagValue::Int(number),
        Static::Float(number) => TagValue::Float(number),
        Static::Bool(truth) => TagValue::Bool(truth),
        Static::Status(status) => TagValue::Keyword(status.as_str()),
        Static::Kind(kind) => TagValue::Keyword(kind.as_str()),
        _ => return None,
    })
}

/// Takes the values of a block from its directories, or else reads them.
async fn block_values(
    block: &Arc<OpenBlock>,
    node: &Node,
    request: &TagValuesRequest<'_>,
    found: &mut Found,
) -> Result<(), QueryError> {
    if found.is_full()
        || request.filter.is_none() && listed_values(block, request.attribute, found)?
    {
        return Ok(());
    }
    for row_group in row_groups(node, block)? {
        unit_values(&Unit::Block(Arc::clone(block), row_group), node, request, found).await?;
    }
    Ok(())
}

/// Reads the values of rows that pass.
async fn unit_values(
    unit: &Unit,
    node: &Node,
    request: &TagValuesRequest<'_>,
    found: &mut Found,
) -> Result<(), QueryError> {
    let mask = passing_rows(node, unit, &Counters::default()).await?;
    if mask.count_set_bits() == 0 {
        return Ok(());
    }
    let column = unit.column(request.attribute).await?;
    // Neighbors are often equal: a value is looked up only when it changes.
    let mut last = Static::Nil;
    for row in mask.set_indices() {
        if found.is_full() {
            break;
        }
        let value = column.value(row);
        if value != last {
            found.add(value.clone());
            last = value;
        }
    }
    Ok(())
}

/// Takes the values from the block's directories. Returns whether they hold all of them.
fn listed_values(
    block: &OpenBlock,
    attribute: &Attribute,
    found: &mut Found,
) -> Result<bool, QueryError> {
    match attribute {
        Attribute::Intrinsic(Intrinsic::Name) => {
            let operations = block.operations()?;
            if operations.is_complete() {
                let names = operations.operations().iter().filter_map(|o| o.name.as_ref());
                names.for_each(|name| found.add(Static::String(name.to_string())));
            }
            Ok(operations.is_complete())
        }
        Attribute::Intrinsic(_) | Attribute::Scoped { parent: true, .. } => Ok(false),
        Attribute::Scoped { scope, name, .. } => {
            let directory = block.attributes()?;
            let has = |scope| directory.find(scope, name).is_some();
            let scope = match scope {
                // Where both have the key, spans hide values of the resource.
                Scope::None if has(AttributeScope::Span) && has(AttributeScope::Resource) => {
                    return Ok(false);
                }
                Scope::None if has(AttributeScope::Resource) => AttributeScope::Resource,
                Scope::None | Scope::Span => AttributeScope::Span,
                Scope::Resource => AttributeScope::Resource,
                Scope::Instrumentation => AttributeScope::Instrumentation,
                Scope::Event => AttributeScope::Event,
                Scope::Link => AttributeScope::Link,
            };
            let Some(listed) = listed_in(directory, scope, name) else { return Ok(false) };
            listed.into_iter().for_each(|value| found.add(value));
            Ok(true)
        }
    }
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

fn live_names(
    spans: &spandrel_columns::SpanColumns,
    names: &mut TagNames,
) -> Result<(), QueryError> {
    let mut add = |scope, key: &str| {
        let keys: &mut BTreeSet<String> = names.entry(scope).or_default();
        if !keys.contains(key) {
            keys.insert(key.to_owned());
        }
    };
    for columns in spans.attributes.keys().iter().filter(|columns| !columns.is_empty()) {
        add(AttributeScope::Span, &columns.key);
    }
    for resource in used(spans.resource_table.values(), &spans.resources) {
        resource.attributes.iter().for_each(|a| add(AttributeScope::Resource, &a.key));
    }
    for scope in used(spans.scope_table.values(), &spans.scopes) {
        scope.attributes.iter().for_each(|a| add(AttributeScope::Instrumentation, &a.key));
    }
    for &list in &spans.events.attributes {
        let attributes = decode_key_value_list(spans.events.attribute_lists.get(list))?;
        attributes.iter().for_each(|a| add(AttributeScope::Event, &a.key));
    }
    for &list in &spans.links.attributes {
        let attributes = decode_key_value_list(spans.links.attribute_lists.get(list))?;
        attributes.iter().for_each(|a| add(AttributeScope::Link, &a.key));
    }
    Ok(())
}
