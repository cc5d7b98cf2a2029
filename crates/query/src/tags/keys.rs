//! Attribute keys.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering::Relaxed;

use spandrel_columns::SpanColumns;
use spandrel_model::{AttributeScope, Trace};
use spandrel_otlp::decode_key_value_list;
use spandrel_traceql::ast::UnaryOp;
use spandrel_traceql::{Attribute, FieldExpr, Scope};

use super::walk::{Collect, WantedOfTraces};
use super::{
    Room, TagLimits, TagNames, TagNamesAnswer, TagNamesRequest, TagsInspected, TagsReport,
};
use crate::block_cache::OpenBlock;
use crate::filter::{Leaf, RowMask};
use crate::scan::Counters;
use crate::unit::{Unit, used};
use crate::{Progress, QueryError};

/// Keys found until now.
pub(super) struct Keys<'a> {
    request: &'a TagNamesRequest<'a>,
    progress: &'a Progress<TagsReport<TagNames>>,
    names: TagNames,
    /// Those that were not reported.
    new: TagNames,
    room: Room,
}

impl<'a> Keys<'a> {
    pub(super) fn new(
        request: &'a TagNamesRequest<'a>,
        limits: TagLimits,
        progress: &'a Progress<TagsReport<TagNames>>,
    ) -> Self {
        let room = Room::new(limits);
        Self { request, progress, names: TagNames::new(), new: TagNames::new(), room }
    }

    pub(super) fn finish(self, inspected: TagsInspected) -> TagNamesAnswer {
        TagNamesAnswer { names: self.names, truncated: self.room.is_full, inspected }
    }

    fn wants(&self, scope: AttributeScope) -> bool {
        self.request.scopes.contains(&scope)
    }

    fn knows(&self, scope: AttributeScope, key: &str) -> bool {
        self.names.get(&scope).is_some_and(|keys| keys.contains(key))
    }

    fn add(&mut self, scope: AttributeScope, key: &str) {
        if !self.wants(scope) {
            return;
        }
        let keys: &mut BTreeSet<String> = self.names.entry(scope).or_default();
        if keys.contains(key) {
            self.room.stale();
        } else if self.room.take(keys.len(), key.len()) {
            keys.insert(key.to_owned());
            self.new.entry(scope).or_default().insert(key.to_owned());
        }
    }

    /// Adds the keys of a unit that a row of the mask has a value under.
    async fn add_present(
        &mut self,
        unit: &Unit,
        keys: Vec<(AttributeScope, String)>,
        mask: &RowMask,
        counters: &Counters,
    ) -> Result<(), QueryError> {
        for (scope, key) in keys {
            if self.room.is_full {
                break;
            }
            if self.knows(scope, &key) {
                self.room.stale();
                continue;
            }
            let attribute = Attribute::scoped(language_scope(scope), key.as_str());
            let operand = Box::new(FieldExpr::Attribute(attribute.clone()));
            let expr = FieldExpr::Unary { op: UnaryOp::Exists, operand };
            let leaf = Leaf { attribute, expr, number: None, on_error: false, of_parent: false };
            let column = unit.column_for(&leaf).await?;
            counters.bytes.fetch_add(column.size_bytes() as u64, Relaxed);
            if (&leaf.mask(&column) & mask).count_set_bits() > 0 {
                self.add(scope, &key);
            }
        }
        Ok(())
    }
}

impl Collect for Keys<'_> {
    fn is_full(&self) -> bool {
        self.room.is_full
    }

    fn listed(&mut self, block: &OpenBlock) -> Result<bool, QueryError> {
        for entry in block.attributes()?.entries() {
            self.add(entry.scope, &entry.key);
        }
        Ok(true)
    }

    async fn rows(
        &mut self,
        unit: &Unit,
        rows: Option<&RowMask>,
        counters: &Counters,
    ) -> Result<(), QueryError> {
        let keys = match unit {
            Unit::Live(run) => live_keys(run.spans())?,
            Unit::Block(block, _) => {
                let entries = block.attributes()?.entries().iter();
                entries.map(|entry| (entry.scope, entry.key.to_string())).collect()
            }
        };
        match rows {
            None => keys.iter().for_each(|(scope, key)| self.add(*scope, key)),
            Some(mask) => {
                let wanted = keys.into_iter().filter(|(scope, _)| self.wants(*scope)).collect();
                self.add_present(unit, wanted, mask, counters).await?;
            }
        }
        Ok(())
    }

    fn wanted(&self, _: Vec<Attribute>) -> WantedOfTraces {
        WantedOfTraces::All
    }

    fn spans(&mut self, trace: &Trace, indexes: &[usize]) {
        for &index in indexes {
            let span = &trace.spans[index];
            let lists = [
                (AttributeScope::Span, &span.attributes),
                (AttributeScope::Resource, &span.resource.attributes),
                (AttributeScope::Instrumentation, &span.scope.attributes),
            ];
            let events = span.events.iter().map(|e| (AttributeScope::Event, &e.attributes));
            let links = span.links.iter().map(|l| (AttributeScope::Link, &l.attributes));
            for (scope, attributes) in lists.into_iter().chain(events).chain(links) {
                attributes.iter().for_each(|attribute| self.add(scope, &attribute.key));
            }
        }
    }

    async fn report(&mut self, inspected: TagsInspected) {
        let new = std::mem::take(&mut self.new);
        self.progress.report(|| TagsReport { new, inspected }).await;
    }
}

fn language_scope(scope: AttributeScope) -> Scope {
    match scope {
        AttributeScope::Span => Scope::Span,
        AttributeScope::Resource => Scope::Resource,
        AttributeScope::Instrumentation => Scope::Instrumentation,
        AttributeScope::Event => Scope::Event,
        AttributeScope::Link => Scope::Link,
    }
}

/// The keys of a live run, each once.
fn live_keys(spans: &SpanColumns) -> Result<Vec<(AttributeScope, String)>, QueryError> {
    let mut keys = BTreeSet::new();
    let mut add = |scope, key: &str| {
        keys.insert((scope, key.to_owned()));
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
    Ok(keys.into_iter().collect())
}
