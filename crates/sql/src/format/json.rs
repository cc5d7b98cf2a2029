//! `{"columns":[...],"rows":[[...],...]}`.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, FieldRef, SchemaRef};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::json::writer::{EncoderOptions, make_encoder};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::json;

use super::type_name;
use crate::SqlError;

/// What comes before the rows.
pub(super) fn head(schema: &SchemaRef) -> Vec<u8> {
    let columns = schema.fields().iter().map(|field| {
        json!({ "name": field.name(), "type": type_name(field.data_type()) }).to_string()
    });
    let columns: Vec<String> = columns.collect();
    format!("{{\"columns\":[{}],\"rows\":[", columns.join(",")).into_bytes()
}

/// What comes behind them.
pub(super) fn tail(error: Option<&SqlError>) -> Vec<u8> {
    match error {
        None => b"]}\n".to_vec(),
        Some(error) => format!("],\"error\":{}}}\n", json!(error.to_string())).into_bytes(),
    }
}

/// Writes rows as arrays.
#[derive(Default)]
pub(super) struct JsonWriter {
    /// Whether there is a row to put a comma behind.
    begun: bool,
}

impl JsonWriter {
    pub(super) fn rows(&mut self, batch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
        let schema = batch.schema();
        let options = EncoderOptions::default();
        let columns = schema.fields().iter().zip(batch.columns());
        let columns = columns.map(|(field, column)| encodable(field, column));
        let columns = columns.collect::<Result<Vec<(FieldRef, ArrayRef)>, _>>()?;
        let encoders =
            columns.iter().map(|(field, column)| make_encoder(field, column.as_ref(), &options));
        let mut encoders = encoders.collect::<Result<Vec<_>, _>>()?;
        let mut out = Vec::with_capacity(batch.num_rows() * encoders.len() * 16);
        for row in 0..batch.num_rows() {
            if std::mem::replace(&mut self.begun, true) {
                out.push(b',');
            }
            out.extend_from_slice(b"\n[");
            for (i, encoder) in encoders.iter_mut().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                match encoder.is_null(row) {
                    true => out.extend_from_slice(b"null"),
                    false => encoder.encode(row, &mut out),
                }
            }
            out.push(b']');
        }
        Ok(out)
    }
}

/// A column that the encoder knows: intervals and the like become text.
fn encodable(field: &FieldRef, column: &ArrayRef) -> Result<(FieldRef, ArrayRef), ArrowError> {
    let known = !matches!(field.data_type(), DataType::Interval(_) | DataType::Union(..));
    if known {
        return Ok((FieldRef::clone(field), ArrayRef::clone(column)));
    }
    let field = field.as_ref().clone().with_data_type(DataType::Utf8);
    Ok((FieldRef::new(field), as_texts(column)?))
}

/// Values as text, null where there is none.
pub(super) fn as_texts(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(column, &options)?;
    let text = |row: usize| column.is_valid(row).then(|| formatter.value(row).to_string());
    Ok(Arc::new((0..column.len()).map(text).collect::<StringArray>()))
}
