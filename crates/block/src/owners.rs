//! What a resource and a scope have besides attributes, repeated for each span.

use std::sync::Arc;

use hashbrown::HashMap;
use spandrel_model::{Resource, Scope};

use crate::attributes::repeated;
use crate::column::{Column, Encoding, Strings, Values};
use crate::gather::Source;
use crate::schema;

/// Columns of schema URLs, dropped counts, scope names and versions; those that are empty are left out.
pub(crate) fn owner_columns<'a>(source: &Source<'a>) -> Vec<Column<'a>> {
    let resources = source.spans.resource_table.values();
    let resources = Owners { table: resources, of_rows: &source.resources };
    let scopes = Owners { table: source.spans.scope_table.values(), of_rows: &source.scopes };
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

struct Owners<'a, 's, T> {
    table: &'a [Arc<T>],
    /// Owner of each block row.
    of_rows: &'s [u32],
}

impl<'a, T> Owners<'a, '_, T> {
    fn text(&self, name: &str, field: impl Fn(&'a T) -> &'a str) -> Option<Column<'a>> {
        let (strings, codes) = distinct(self.table.iter().map(|owner| field(owner)));
        let present = codes.into_iter().map(|code| {
            let string = strings[code as usize];
            (!string.is_empty()).then_some(code)
        });
        let codes = repeated(&present.collect::<Vec<_>>(), self.of_rows);
        let strings = Values::Text(Strings::Borrowed(strings));
        Column::optional_codes(name, codes.rows, strings, codes.values)
    }

    fn number(&self, name: &str, field: impl Fn(&T) -> u32) -> Option<Column<'a>> {
        let present = self.table.iter().map(|owner| {
            let number = field(owner);
            (number != 0).then_some(number.cast_signed())
        });
        let numbers = repeated(&present.collect::<Vec<_>>(), self.of_rows);
        Column::optional(name, numbers.rows, Values::I32(numbers.values), Encoding::Dictionary)
    }
}

/// The distinct strings, and the number of each among them: readers group by number.
pub(crate) fn distinct<'a>(strings: impl Iterator<Item = &'a str>) -> (Vec<&'a [u8]>, Vec<u32>) {
    let mut known = HashMap::new();
    let mut distinct = Vec::new();
    let codes = strings.map(|string| {
        *known.entry(string).or_insert_with(|| {
            distinct.push(string.as_bytes());
            distinct.len() as u32 - 1
        })
    });
    let codes = codes.collect();
    (distinct, codes)
}
