//! Which keys rows of a block have, whatever their values are: also maps and bytes, which no condition can look at.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering::Relaxed;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use spandrel_block::index::AttributeEntry;
use spandrel_block::schema::{
    self, AttributeType, attribute_column, oversized_sizes_column, residual_column,
};
use spandrel_block::{event_field, link_field};
use spandrel_model::AttributeScope;
use spandrel_otlp::decode_key_value_list;

use crate::QueryError;
use crate::block_cache::{Columns, OpenBlock};
use crate::filter::RowMask;
use crate::scan::Counters;
use crate::unit::in_residual;

/// Rows of a row group.
pub(super) struct Present<'a> {
    pub(super) block: &'a OpenBlock,
    pub(super) row_group: usize,
    pub(super) mask: &'a RowMask,
    pub(super) counters: &'a Counters,
}

impl Present<'_> {
    /// Those of some keys, entries of the block's directory, that a row has.
    pub(super) async fn keys(
        &self,
        entries: &[&AttributeEntry],
    ) -> Result<BTreeSet<(AttributeScope, String)>, QueryError> {
        let mut found = BTreeSet::new();
        let mut in_lists = Vec::new();
        for entry in entries {
            if self.is_in_columns(entry).await? {
                found.insert((entry.scope, entry.key.to_string()));
            } else if entry.oversized().is_some() || entry.types.iter().any(in_residual) {
                in_lists.push(*entry);
            }
        }
        for scope in BTreeSet::from_iter(in_lists.iter().map(|entry| entry.scope)) {
            let listed = self.listed(scope).await?;
            let of_scope = in_lists.iter().filter(|entry| entry.scope == scope);
            let present = of_scope.filter(|entry| listed.contains(&*entry.key));
            found.extend(present.map(|entry| (scope, entry.key.to_string())));
        }
        Ok(found)
    }

    async fn read(&self, names: &[&str]) -> Result<Option<Columns>, QueryError> {
        let columns = self.block.columns(self.row_group, names.iter().copied(), None).await?;
        if let Some(columns) = &columns {
            self.counters.bytes.fetch_add(columns.get_array_memory_size() as u64, Relaxed);
        }
        Ok(columns)
    }

    /// Whether a row has a value in a column of its own.
    async fn is_in_columns(&self, entry: &AttributeEntry) -> Result<bool, QueryError> {
        if matches!(entry.scope, AttributeScope::Event | AttributeScope::Link) {
            return Ok(false);
        }
        let names = AttributeType::ALL.map(|kind| attribute_column(entry.scope, &entry.key, kind));
        let Some(columns) = self.read(&names.each_ref().map(String::as_str)).await? else {
            return Ok(false);
        };
        let has = |column: &dyn Array| match column.logical_nulls() {
            None => true,
            Some(nulls) => (nulls.inner() & self.mask).count_set_bits() > 0,
        };
        Ok(columns.columns().iter().any(|column| has(column)))
    }

    /// The keys in the lists of the rows.
    async fn listed(&self, scope: AttributeScope) -> Result<BTreeSet<String>, QueryError> {
        match scope {
            AttributeScope::Event => self.elements(schema::EVENTS, event_field::ATTRIBUTES).await,
            AttributeScope::Link => self.elements(schema::LINKS, link_field::ATTRIBUTES).await,
            _ => {
                let names = [residual_column(scope), oversized_sizes_column(scope)];
                let mut keys = BTreeSet::new();
                let Some(columns) = self.read(&names).await? else { return Ok(keys) };
                for column in columns.columns() {
                    let rows = self.mask.set_indices();
                    add_keys(column, rows, &mut keys)?;
                }
                Ok(keys)
            }
        }
    }

    /// The keys of the events or links of the rows.
    async fn elements(&self, column: &str, field: &str) -> Result<BTreeSet<String>, QueryError> {
        let mut keys = BTreeSet::new();
        let Some(columns) = self.read(&[column]).await? else { return Ok(keys) };
        let lists = columns.column_by_name(column).and_then(|lists| lists.as_list_opt::<i32>());
        let elements = lists.and_then(|lists| Some((lists, lists.values().as_struct_opt()?)));
        let Some((lists, elements)) = elements else { return Ok(keys) };
        let Some(attributes) = elements.column_by_name(field) else { return Ok(keys) };
        let offsets = lists.value_offsets();
        let rows = self.mask.set_indices().filter(|row| lists.is_valid(*row));
        let elements = rows.flat_map(|row| offsets[row] as usize..offsets[row + 1] as usize);
        add_keys(attributes, elements, &mut keys)?;
        Ok(keys)
    }
}

/// Adds the keys of the attribute lists at some places of a column.
fn add_keys(
    column: &dyn Array,
    places: impl Iterator<Item = usize>,
    keys: &mut BTreeSet<String>,
) -> Result<(), QueryError> {
    let Some(lists) = column.as_binary_opt::<i32>() else { return Ok(()) };
    // Neighbors are often equal.
    let mut last: &[u8] = &[];
    for place in places.filter(|place| lists.is_valid(*place)) {
        let list = lists.value(place);
        if list != last {
            let attributes = decode_key_value_list(list)?;
            keys.extend(attributes.into_iter().map(|attribute| attribute.key));
            last = list;
        }
    }
    Ok(())
}
