//! Resources and scopes: rows are divided by one column of the owner after the other, until rows with the
//! same owner, and only those, are in the same class. Each class then is one owner.

use std::hash::Hash;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use hashbrown::HashMap;
use spandrel_columns::Interned;
use spandrel_model::{Attribute, AttributeScope};
use spandrel_otlp::encode_key_value_list;

use super::super::columns::Columns;
use super::super::owners::AttributeReader;
use super::values::wrong_type;
use crate::error::BlockError;
use crate::schema::{self, oversized_column, parse_attribute_column, residual_column};

/// Shape: `of_rows` names the class of each row, `first_rows` a row of each class.
pub(super) struct Owners<'a> {
    batch: &'a RecordBatch,
    scope: AttributeScope,
    of_rows: Vec<u32>,
    first_rows: Vec<u32>,
}

/// A row of the batch, for what an owner has besides attributes.
pub(super) struct OwnerRow<'a> {
    columns: Columns<'a>,
    row: usize,
}

impl OwnerRow<'_> {
    pub(super) fn text(&self, name: &str) -> String {
        self.columns.texts(name)(self.row)
    }

    pub(super) fn count(&self, name: &str) -> u32 {
        self.columns.counts(name)(self.row)
    }
}

fn fields_of(scope: AttributeScope) -> &'static [&'static str] {
    match scope {
        AttributeScope::Resource => {
            &[schema::RESOURCE_SCHEMA_URL, schema::RESOURCE_DROPPED_ATTRIBUTES]
        }
        _ => &[
            schema::SCOPE_NAME,
            schema::SCOPE_VERSION,
            schema::SCOPE_SCHEMA_URL,
            schema::SCOPE_DROPPED_ATTRIBUTES,
        ],
    }
}

impl<'a> Owners<'a> {
    pub(super) fn new(batch: &'a RecordBatch, scope: AttributeScope) -> Result<Self, BlockError> {
        let n_rows = batch.num_rows();
        let first_rows = if n_rows == 0 { Vec::new() } else { vec![0] };
        let mut owners = Self { batch, scope, of_rows: vec![0; n_rows], first_rows };
        for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            let name = field.name().as_str();
            let is_attribute = parse_attribute_column(name).is_some_and(|(of, ..)| of == scope)
                || name == residual_column(scope)
                || name == oversized_column(scope);
            if is_attribute || fields_of(scope).contains(&name) {
                owners.divide(&codes(column).ok_or_else(|| wrong_type(name))?);
            }
        }
        Ok(owners)
    }

    /// Divides the classes by another column.
    fn divide(&mut self, codes: &[Option<u64>]) {
        if codes.iter().all(|code| *code == codes[0]) {
            return;
        }
        let mut classes: HashMap<(u32, Option<u64>), u32> = HashMap::new();
        self.first_rows.clear();
        // Neighbors often agree, which saves the look-up.
        let mut last = None;
        for (row, (class, code)) in self.of_rows.iter_mut().zip(codes).enumerate() {
            let key = (*class, *code);
            *class = match last {
                Some((last_key, class)) if last_key == key => class,
                _ => *classes.entry(key).or_insert_with(|| {
                    self.first_rows.push(row as u32);
                    self.first_rows.len() as u32 - 1
                }),
            };
            last = Some((key, *class));
        }
    }

    /// Builds each owner once and returns the number of each row's owner.
    pub(super) fn intern<T>(
        self,
        table: &mut Interned<T>,
        build: impl Fn(Vec<Attribute>, &OwnerRow<'_>) -> Result<T, BlockError>,
    ) -> Result<Vec<u32>, BlockError> {
        let reader = AttributeReader::new(self.batch, self.scope);
        let mut numbers = Vec::with_capacity(self.first_rows.len());
        for &row in &self.first_rows {
            let row = OwnerRow { columns: Columns::new(self.batch), row: row as usize };
            let mut attributes = reader.read(row.row)?;
            attributes.sort_by(|a, b| a.key.cmp(&b.key));
            let mut source = Vec::new();
            for name in fields_of(self.scope) {
                let text = row.text(name);
                // The length keeps what follows apart.
                source.extend_from_slice(&(text.len() as u64).to_le_bytes());
                source.extend_from_slice(text.as_bytes());
                source.extend_from_slice(&row.count(name).to_le_bytes());
            }
            encode_key_value_list(&attributes, &mut source);
            numbers.push(table.insert(&source, Arc::new(build(attributes, &row)?)));
        }
        Ok(self.of_rows.into_iter().map(|class| numbers[class as usize]).collect())
    }
}

/// Numbers that are equal in rows with equal values. Unequal ones may stand for equal values.
fn codes(column: &ArrayRef) -> Option<Vec<Option<u64>>> {
    if let Some(column) = column.as_any_dictionary_opt() {
        let keys = column.keys().as_primitive_opt::<Int32Type>()?;
        return Some(
            keys.iter().map(|key| key.map(|key| u64::from(key.cast_unsigned()))).collect(),
        );
    }
    if let Some(column) = column.as_primitive_opt::<Int64Type>() {
        return Some(column.iter().map(|value| value.map(i64::cast_unsigned)).collect());
    }
    if let Some(column) = column.as_primitive_opt::<Int32Type>() {
        let bits = |value: i32| u64::from(value.cast_unsigned());
        return Some(column.iter().map(|value| value.map(bits)).collect());
    }
    if let Some(column) = column.as_primitive_opt::<Float64Type>() {
        return Some(column.iter().map(|value| value.map(f64::to_bits)).collect());
    }
    if let Some(column) = column.as_boolean_opt() {
        return Some(column.iter().map(|value| value.map(u64::from)).collect());
    }
    // Where an oversized value lies stands for the value: reading each again would cost more.
    if let Some(column) = column.as_binary_view_opt() {
        let views = column.views();
        return Some(interned(
            (0..column.len()).map(|row| column.is_valid(row).then(|| views[row])),
        ));
    }
    Some(interned(column.as_binary_opt::<i32>()?.iter()))
}

/// A number for each distinct value.
fn interned<T: Copy + Eq + Hash>(values: impl Iterator<Item = Option<T>>) -> Vec<Option<u64>> {
    let mut known = HashMap::new();
    let mut last = None;
    let codes = values.map(|value| {
        let value = value?;
        let next = known.len() as u64;
        let code = match last {
            Some((last_value, code)) if last_value == value => code,
            _ => *known.entry(value).or_insert(next),
        };
        last = Some((value, code));
        Some(code)
    });
    codes.collect()
}
