//! Attributes of a row, and the resources and scopes that rows share.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use hashbrown::HashMap;
use spandrel_model::{Attribute, AttributeScope, AttributeValue};

use super::columns::{Columns, attribute_list, text_at};
use crate::error::BlockError;
use crate::schema::{
    self, AttributeType, oversized_column, parse_attribute_column, residual_column,
};

/// The attributes of one owner.
pub(super) struct AttributeReader<'a> {
    columns: Vec<(&'a str, AttributeType, &'a ArrayRef)>,
    residual: Option<&'a ArrayRef>,
    oversized: Option<&'a ArrayRef>,
}

impl<'a> AttributeReader<'a> {
    pub(super) fn new(batch: &'a RecordBatch, owner: AttributeScope) -> Self {
        let fields = batch.schema_ref().fields().iter().zip(batch.columns());
        let columns = fields.filter_map(|(field, column)| {
            let (scope, key, kind) = parse_attribute_column(field.name())?;
            (scope == owner).then_some((key, kind, column))
        });
        Self {
            columns: columns.collect(),
            residual: batch.column_by_name(residual_column(owner)),
            oversized: batch.column_by_name(oversized_column(owner)),
        }
    }

    pub(super) fn read(&self, row: usize) -> Result<Vec<Attribute>, BlockError> {
        let mut attributes = Vec::new();
        for &(key, kind, column) in &self.columns {
            if column.is_null(row) {
                continue;
            }
            let value = match kind {
                AttributeType::String => {
                    text_at(column, row).map(|text| AttributeValue::String(text.to_owned()))
                }
                AttributeType::Int => column
                    .as_primitive_opt::<Int64Type>()
                    .map(|c| AttributeValue::Int(c.value(row))),
                AttributeType::Double => column
                    .as_primitive_opt::<Float64Type>()
                    .map(|c| AttributeValue::Double(c.value(row))),
                AttributeType::Bool => {
                    column.as_boolean_opt().map(|c| AttributeValue::Bool(c.value(row)))
                }
            };
            let value = value.ok_or_else(|| BlockError::column(key, "has an unexpected type"))?;
            attributes.push(Attribute { key: key.to_owned(), value });
        }
        attributes.extend(attribute_list(self.residual, row)?);
        attributes.extend(attribute_list(self.oversized, row)?);
        Ok(attributes)
    }

    /// What distinguishes the owner of this row from others: codes and values of all its columns.
    fn identity(&self, row: usize) -> Vec<u8> {
        let mut identity = Vec::new();
        for &(_, kind, column) in &self.columns {
            identity.push(u8::from(column.is_valid(row)));
            if column.is_null(row) {
                continue;
            }
            let bits = match kind {
                AttributeType::String => {
                    let codes = column.as_dictionary_opt::<Int32Type>();
                    codes.and_then(|codes| codes.key(row)).unwrap_or_default() as u64
                }
                AttributeType::Int => {
                    let numbers = column.as_primitive_opt::<Int64Type>();
                    numbers.map_or(0, |numbers| numbers.value(row).cast_unsigned())
                }
                AttributeType::Double => {
                    let numbers = column.as_primitive_opt::<Float64Type>();
                    numbers.map_or(0, |numbers| numbers.value(row).to_bits())
                }
                AttributeType::Bool => {
                    u64::from(column.as_boolean_opt().is_some_and(|truths| truths.value(row)))
                }
            };
            identity.extend_from_slice(&bits.to_le_bytes());
        }
        let residual = self.residual.and_then(|column| column.as_binary_opt::<i32>());
        let residual = residual.filter(|column| column.is_valid(row));
        let residual = residual.map_or(&[][..], |column| column.value(row));
        // The length keeps what follows apart.
        identity.extend_from_slice(&(residual.len() as u64).to_le_bytes());
        identity.extend_from_slice(residual);
        let oversized = self.oversized.and_then(|column| column.as_binary_view_opt());
        let oversized = oversized.filter(|column| column.is_valid(row));
        // Where the value lies stands for the value. Copies of it count as different, which costs memory,
        // but reading all of each would cost more.
        let oversized = oversized.map_or(0, |column| column.views()[row]);
        identity.extend_from_slice(&oversized.to_le_bytes());
        identity
    }
}

/// Resources or scopes, shared by the rows that have the same one.
pub(super) struct Owners<'a, T> {
    batch: &'a RecordBatch,
    reader: AttributeReader<'a>,
    /// The owner's own columns besides attributes.
    columns: Vec<&'a ArrayRef>,
    known: HashMap<Vec<u8>, Arc<T>>,
}

impl<'a, T> Owners<'a, T> {
    pub(super) fn new(batch: &'a RecordBatch, scope: AttributeScope) -> Self {
        let names: &[&str] = match scope {
            AttributeScope::Resource => {
                &[schema::RESOURCE_SCHEMA_URL, schema::RESOURCE_DROPPED_ATTRIBUTES]
            }
            _ => &[
                schema::SCOPE_NAME,
                schema::SCOPE_VERSION,
                schema::SCOPE_SCHEMA_URL,
                schema::SCOPE_DROPPED_ATTRIBUTES,
            ],
        };
        let columns = names.iter().filter_map(|name| batch.column_by_name(name)).collect();
        let reader = AttributeReader::new(batch, scope);
        Self { batch, reader, columns, known: HashMap::new() }
    }

    pub(super) fn get(
        &mut self,
        row: usize,
        build: impl FnOnce(Vec<Attribute>, &Columns<'_>) -> T,
    ) -> Result<Arc<T>, BlockError> {
        let mut identity = self.reader.identity(row);
        for column in &self.columns {
            let number = column.as_primitive_opt::<Int32Type>().filter(|c| c.is_valid(row));
            let number = number.map_or(0, |column| column.value(row));
            identity.extend_from_slice(&number.to_le_bytes());
            identity.extend_from_slice(text_at(column, row).unwrap_or_default().as_bytes());
            identity.push(0xff);
        }
        if let Some(owner) = self.known.get(&identity) {
            return Ok(Arc::clone(owner));
        }
        let owner = Arc::new(build(self.reader.read(row)?, &Columns::new(self.batch)));
        self.known.insert(identity, Arc::clone(&owner));
        Ok(owner)
    }
}
