//! What a resource and a scope have besides attributes, repeated for each span.

use spandrel_model::{Resource, Scope};

use crate::column::{Column, Encoding, Strings, Values};
use crate::gather::Source;
use crate::schema;

/// Columns of schema URLs, dropped counts, scope names and versions; those that are empty are left out.
pub(crate) fn owner_columns(source: &Source<'_>) -> Vec<Column> {
    let spans = source.spans;
    let resources = Owners {
        table: spans.resource_table.values(),
        of_rows: source.arrangement.order.iter().map(|&row| spans.resources[row as usize]).collect(),
    };
    let scopes = Owners {
        table: spans.scope_table.values(),
        of_rows: source.arrangement.order.iter().map(|&row| spans.scopes[row as usize]).collect(),
    };
    [
        resources.text(schema::RESOURCE_SCHEMA_URL, |resource: &Resource| &resource.schema_url),
        resources.number(schema::RESOURCE_DROPPED_ATTRIBUTES, |resource| {
            resource.dropped_attributes_count
        }),
        scopes.text(schema::SCOPE_NAME, |scope: &Scope| &scope.name),
        scopes.text(schema::SCOPE_VERSION, |scope| &scope.version),
        scopes.text(schema::SCOPE_SCHEMA_URL, |scope| &scope.schema_url),
        scopes.number(schema::SCOPE_DROPPED_ATTRIBUTES, |scope| scope.dropped_attributes_count),
    ]
    .into_iter()
    .flatten()
    .collect()
}

struct Owners<'a, T> {
    table: &'a [std::sync::Arc<T>],
    /// Owner of each block row.
    of_rows: Vec<u32>,
}

impl<T> Owners<'_, T> {
    fn text(&self, name: &str, field: impl Fn(&T) -> &str) -> Option<Column> {
        let strings: Strings = self.table.iter().map(|owner| field(owner)).collect();
        let pairs = self.pairs(|owner| !field(owner).is_empty());
        Column::optional(name, pairs, Encoding::Dictionary, |codes| Values::Text(strings, codes))
    }

    fn number(&self, name: &str, field: impl Fn(&T) -> u32) -> Option<Column> {
        let pairs = self.pairs(|owner| field(owner) != 0).into_iter();
        let values = pairs.map(|(row, owner)| (row, field(&self.table[owner as usize]).cast_signed()));
        Column::optional(name, values.collect(), Encoding::Dictionary, Values::I32)
    }

    /// Rows whose owner has a value, with the owner.
    fn pairs(&self, has_value: impl Fn(&T) -> bool) -> Vec<(u32, u32)> {
        let present: Vec<bool> = self.table.iter().map(|owner| has_value(owner)).collect();
        if !present.contains(&true) {
            return Vec::new();
        }
        let rows = self.of_rows.iter().enumerate();
        rows.filter(|(_, owner)| present[**owner as usize])
            .map(|(row, &owner)| (row as u32, owner))
            .collect()
    }
}
