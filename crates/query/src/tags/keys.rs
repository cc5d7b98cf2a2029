//! Attribute keys.

use std::collections::BTreeSet;

use spandrel_columns::{KeyColumns, SpanColumns};
use spandrel_model::{AttributeScope, Trace};
use spandrel_otlp::decode_key_value_list;
use spandrel_traceql::Attribute;

use super::present::Present;
use super::walk::{Collect, WantedOfTraces};
use super::{
    Room, TagLimits, TagNames, TagNamesAnswer, TagNamesRequest, TagsInspected, TagsReport,
};
use crate::block_cache::OpenBlock;
use crate::filter::RowMask;
use crate::scan::Counters;
use crate::unit::{Unit, used};
use crate::{Progress, QueryError};

/// Keys looked for at a time.
const ENTRIES_AT_A_TIME: usize = 64;

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

    /// Adds the keys of a block that a row of the mask has something under.
    async fn add_present(
        &mut self,
        (block, row_group): (&OpenBlock, usize),
        mask: &RowMask,
        counters: &Counters,
    ) -> Result<(), QueryError> {
        let mut unknown = Vec::new();
        for entry in block.attributes()?.entries() {
            match self.knows(entry.scope, &entry.key) {
                true => self.room.stale(),
                false if self.wants(entry.scope) => unknown.push(entry),
                false => {}
            }
        }
        // Some at a time, so that a limit ends the reading.
        for entries in unknown.chunks(ENTRIES_AT_A_TIME) {
            if self.room.is_full {
                break;
            }
            let present = Present { block, row_group, mask, counters }.keys(entries).await?;
            present.iter().for_each(|(scope, key)| self.add(*scope, key));
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
        match (unit, rows) {
            (Unit::Live(run), rows) => {
                let keys = live_keys(run.spans(), rows)?;
                keys.iter().for_each(|(scope, key)| self.add(*scope, key));
            }
            (Unit::Block(block, _), None) => {
                self.listed(block)?;
            }
            (Unit::Block(block, row_group), Some(mask)) => {
                self.add_present((block, *row_group), mask, counters).await?;
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

/// The keys of some rows of a live run, or of all, each once.
fn live_keys(
    spans: &SpanColumns,
    rows: Option<&RowMask>,
) -> Result<BTreeSet<(AttributeScope, String)>, QueryError> {
    let has = |row: u32| rows.is_none_or(|rows| rows.value(row as usize));
    let mut keys = BTreeSet::new();
    let mut add = |scope, key: &str| {
        keys.insert((scope, key.to_owned()));
    };
    for columns in spans.attributes.keys().iter().filter(|columns| is_in(columns, has)) {
        add(AttributeScope::Span, &columns.key);
    }
    let owners = |all: &[u32]| -> Vec<u32> {
        (0..).zip(all).filter(|(row, _)| has(*row)).map(|(_, owner)| *owner).collect()
    };
    for resource in used(spans.resource_table.values(), &owners(&spans.resources)) {
        resource.attributes.iter().for_each(|a| add(AttributeScope::Resource, &a.key));
    }
    for scope in used(spans.scope_table.values(), &owners(&spans.scopes)) {
        scope.attributes.iter().for_each(|a| add(AttributeScope::Instrumentation, &a.key));
    }
    let (events, links) = (&spans.events, &spans.links);
    for (_, &list) in events.rows.iter().zip(&events.attributes).filter(|(row, _)| has(**row)) {
        let attributes = decode_key_value_list(events.attribute_lists.get(list))?;
        attributes.iter().for_each(|a| add(AttributeScope::Event, &a.key));
    }
    for (_, &list) in links.rows.iter().zip(&links.attributes).filter(|(row, _)| has(**row)) {
        let attributes = decode_key_value_list(links.attribute_lists.get(list))?;
        attributes.iter().for_each(|a| add(AttributeScope::Link, &a.key));
    }
    Ok(keys)
}

/// Whether one of the rows has a value under a key.
fn is_in(columns: &KeyColumns, has: impl Fn(u32) -> bool) -> bool {
    let KeyColumns { strings, ints, doubles, bools, others, .. } = columns;
    let typed = [&strings.codes.rows, &ints.rows, &doubles.rows, &bools.rows];
    typed.into_iter().flatten().any(|row| has(*row)) || others.iter().any(|(row, _)| has(row))
}
