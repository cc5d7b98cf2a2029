//! Of which types the values of an attribute are, from the directories of the blocks and the live spans.

use std::sync::Arc;

use spandrel_block::index::{AttributeDirectory, Values};
use spandrel_columns::SpanColumns;
use spandrel_model::AttributeScope;
use spandrel_otlp::decode_any_value;
use spandrel_trace_values::{find_attribute, static_of};
use spandrel_traceql::{Attribute, Scope, Static, StaticType};

use super::SpanTable;
use crate::unit::used;
use crate::{QueryError, TimeRange};

/// The type of a column of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// `Dictionary(Int32, Utf8)`; other values as TraceQL prints them.
    Text,
    /// `Int64`.
    Int,
    /// `Float64`; integers are converted.
    Double,
    /// `Boolean`.
    Bool,
}

/// What type a column for the values of an attribute has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValueType {
    /// The type.
    pub kind: ValueKind,
    /// Whether the column is text although not all values are texts.
    pub mixed: bool,
}

/// Types that occur.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    texts: bool,
    ints: bool,
    doubles: bool,
    bools: bool,
    others: bool,
}

impl Seen {
    fn add(&mut self, value: &Static) {
        match value.static_type() {
            StaticType::Nil => {}
            StaticType::String => self.texts = true,
            StaticType::Int => self.ints = true,
            StaticType::Float => self.doubles = true,
            StaticType::Bool => self.bools = true,
            _ => self.others = true,
        }
    }

    fn add_directory(&mut self, directory: &AttributeDirectory, scope: AttributeScope, key: &str) {
        let entry = directory.find(scope, key);
        for summary in entry.into_iter().flat_map(|entry| &entry.types) {
            match summary.values {
                Values::Strings(_) => self.texts = true,
                Values::Ints { .. } => self.ints = true,
                Values::Doubles { .. } => self.doubles = true,
                Values::Bools(_) => self.bools = true,
                Values::Others => self.others = true,
            }
        }
    }

    fn add_live(
        &mut self,
        spans: &SpanColumns,
        scope: AttributeScope,
        key: &str,
    ) -> Result<(), QueryError> {
        match scope {
            AttributeScope::Resource => {
                let resources = used(spans.resource_table.values(), &spans.resources);
                resources.for_each(|owner| self.add(&find_attribute(&owner.attributes, key)));
            }
            AttributeScope::Instrumentation => {
                let scopes = used(spans.scope_table.values(), &spans.scopes);
                scopes.for_each(|owner| self.add(&find_attribute(&owner.attributes, key)));
            }
            _ => {
                let Some(columns) = spans.attributes.find(key) else { return Ok(()) };
                self.texts |= !columns.strings.codes.is_empty();
                self.ints |= !columns.ints.is_empty();
                self.doubles |= !columns.doubles.is_empty();
                self.bools |= !columns.bools.is_empty();
                for (_, any_value) in columns.others.iter() {
                    self.add(&static_of(&decode_any_value(any_value)?));
                }
            }
        }
        Ok(())
    }

    fn value_type(self) -> ValueType {
        let Self { texts, ints, doubles, bools, others } = self;
        let kind = match (texts || others, ints || doubles, bools) {
            (false, true, false) if doubles => ValueKind::Double,
            (false, true, false) => ValueKind::Int,
            (false, false, true) => ValueKind::Bool,
            _ => ValueKind::Text,
        };
        let mixed = kind == ValueKind::Text && (ints || doubles || bools || others);
        ValueType { kind, mixed }
    }
}

pub(super) async fn of(
    table: &SpanTable,
    attributes: &[Attribute],
    range: TimeRange,
) -> Result<Vec<ValueType>, QueryError> {
    let mut seen = vec![Seen::default(); attributes.len()];
    if attributes.is_empty() {
        return Ok(Vec::new());
    }
    let keys: Vec<_> = attributes.iter().map(scopes_of).collect();
    for run in table.view.live_in_range() {
        for (seen, (scopes, key)) in seen.iter_mut().zip(&keys) {
            for scope in *scopes {
                seen.add_live(run.spans(), *scope, key)?;
            }
        }
    }
    let entries = table.view.in_range();
    let entries: Vec<_> = entries.into_iter().filter(|entry| range.overlaps_block(entry)).collect();
    let add = |_, block: Arc<crate::block_cache::OpenBlock>| {
        let directory = block.attributes()?;
        for (seen, (scopes, key)) in seen.iter_mut().zip(&keys) {
            scopes.iter().for_each(|scope| seen.add_directory(directory, *scope, key));
        }
        Ok(())
    };
    table.engine.visit_blocks(&table.view, &entries, add).await?;
    Ok(seen.into_iter().map(Seen::value_type).collect())
}

/// Where the values of an attribute are, and their key.
fn scopes_of(attribute: &Attribute) -> (&'static [AttributeScope], &str) {
    use AttributeScope::{Instrumentation, Resource, Span};
    match attribute {
        Attribute::Scoped { scope, parent: false, name } => match scope {
            Scope::None => (&[Span, Resource], name),
            Scope::Span => (&[Span], name),
            Scope::Resource => (&[Resource], name),
            Scope::Instrumentation => (&[Instrumentation], name),
            Scope::Event | Scope::Link => (&[], name),
        },
        _ => (&[], ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_has_the_type_that_all_values_fit_in() {
        let of = |seen: Seen| {
            let ValueType { kind, mixed } = seen.value_type();
            (kind, mixed)
        };
        let none = Seen::default();
        let cases = [
            (none, (ValueKind::Text, false)),
            (Seen { texts: true, ..none }, (ValueKind::Text, false)),
            (Seen { ints: true, ..none }, (ValueKind::Int, false)),
            (Seen { ints: true, doubles: true, ..none }, (ValueKind::Double, false)),
            (Seen { bools: true, ..none }, (ValueKind::Bool, false)),
            (Seen { bools: true, ints: true, ..none }, (ValueKind::Text, true)),
            (Seen { texts: true, ints: true, ..none }, (ValueKind::Text, true)),
            (Seen { others: true, ..none }, (ValueKind::Text, true)),
        ];
        for (seen, expected) in cases {
            assert_eq!(of(seen), expected, "{seen:?}");
        }
    }
}
