//! Lines of values behind a line of names.

use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::csv::WriterBuilder;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::arrow::error::ArrowError;

use super::json::as_texts;

/// The line of names.
pub(super) fn head(schema: &SchemaRef) -> Result<Vec<u8>, ArrowError> {
    let names = schema.fields().iter();
    let names = names.map(|field| Field::new(field.name(), DataType::Utf8, true));
    let empty = RecordBatch::new_empty(SchemaRef::new(Schema::new(names.collect::<Vec<_>>())));
    write(&empty, true)
}

/// Writes rows as lines.
pub(super) struct CsvWriter;

impl CsvWriter {
    pub(super) fn rows(&mut self, batch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
        let schema = batch.schema();
        let columns = schema.fields().iter().zip(batch.columns());
        let columns = columns.map(|(field, column)| match field.data_type().is_nested() {
            false => Ok((FieldRef::clone(field), ArrayRef::clone(column))),
            true => {
                let field = Field::new(field.name(), DataType::Utf8, true);
                Ok((FieldRef::new(field), as_texts(column)?))
            }
        });
        let (fields, columns): (Vec<FieldRef>, Vec<ArrayRef>) =
            columns.collect::<Result<Vec<_>, ArrowError>>()?.into_iter().unzip();
        if columns.is_empty() {
            return Ok(Vec::new());
        }
        write(&RecordBatch::try_new(SchemaRef::new(Schema::new(fields)), columns)?, false)
    }
}

fn write(batch: &RecordBatch, header: bool) -> Result<Vec<u8>, ArrowError> {
    let mut out = Vec::new();
    WriterBuilder::new().with_header(header).build(&mut out).write(batch)?;
    Ok(out)
}
