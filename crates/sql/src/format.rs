//! Answers as bytes: JSON, CSV, Arrow IPC.

mod arrow;
mod csv;
mod json;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::arrow::error::ArrowError;

use crate::SqlError;
use arrow::ArrowWriter;
use csv::CsvWriter;
use json::JsonWriter;

/// A form of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerFormat {
    /// `{"columns":[{"name":...,"type":...}],"rows":[[...]]}`.
    Json,
    /// With a line of names.
    Csv,
    /// The streaming format of Arrow IPC.
    Arrow,
}

impl AnswerFormat {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Json, Self::Csv, Self::Arrow];

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv",
            Self::Arrow => "application/vnd.apache.arrow.stream",
        }
    }
}

/// Writes an answer piece by piece.
pub struct AnswerWriter(Writer);

enum Writer {
    Json(JsonWriter),
    Csv(CsvWriter),
    Arrow(Box<ArrowWriter>),
}

impl AnswerWriter {
    /// A writer, and what comes before the first row.
    ///
    /// # Errors
    /// [`SqlError::Internal`] when the format has no place for one of the columns.
    pub fn start(format: AnswerFormat, schema: &SchemaRef) -> Result<(Self, Vec<u8>), SqlError> {
        let (writer, head) = match format {
            AnswerFormat::Json => (Writer::Json(JsonWriter::default()), json::head(schema)),
            AnswerFormat::Csv => (Writer::Csv(CsvWriter), csv::head(schema).map_err(failed)?),
            AnswerFormat::Arrow => {
                let (writer, head) = ArrowWriter::start(schema).map_err(failed)?;
                (Writer::Arrow(Box::new(writer)), head)
            }
        };
        Ok((Self(writer), head))
    }

    /// Some rows.
    ///
    /// # Errors
    /// As [`AnswerWriter::start`].
    pub fn rows(&mut self, batch: &RecordBatch) -> Result<Vec<u8>, SqlError> {
        let written = match &mut self.0 {
            Writer::Json(writer) => writer.rows(batch),
            Writer::Csv(writer) => writer.rows(batch),
            Writer::Arrow(writer) => writer.rows(batch),
        };
        written.map_err(failed)
    }

    /// What comes behind the last row. `error` says why there are no more although there should be; `None` when
    /// the format cannot say that, so that the answer has to break off.
    pub fn end(&mut self, error: Option<&SqlError>) -> Option<Vec<u8>> {
        match (&mut self.0, error) {
            (Writer::Json(_), error) => Some(json::tail(error)),
            (_, Some(_)) => None,
            (Writer::Csv(_), None) => Some(Vec::new()),
            (Writer::Arrow(writer), None) => writer.end().ok(),
        }
    }
}

fn failed(error: ArrowError) -> SqlError {
    SqlError::Internal(error.to_string())
}

/// What SQL calls a type.
pub fn type_name(of: &DataType) -> String {
    match of {
        DataType::Utf8 => "text".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Int32 => "integer".to_owned(),
        DataType::Int8 | DataType::Int16 => "smallint".to_owned(),
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => {
            "bigint unsigned".to_owned()
        }
        DataType::Float32 | DataType::Float64 => "double".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Binary => "bytea".to_owned(),
        DataType::Timestamp(_, None) => "timestamp".to_owned(),
        DataType::Timestamp(_, Some(_)) => "timestamptz".to_owned(),
        DataType::Date32 | DataType::Date64 => "date".to_owned(),
        DataType::Interval(_) | DataType::Duration(_) => "interval".to_owned(),
        DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..) => "numeric".to_owned(),
        DataType::List(element) => format!("{}[]", type_name(element.data_type())),
        other => other.to_string().to_lowercase(),
    }
}
