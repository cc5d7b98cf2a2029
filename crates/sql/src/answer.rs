//! The answer to a query, as it comes.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use datafusion::arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use futures::stream::{BoxStream, unfold};
use spandrel_query::{SearchInspected, SpanTable};
use tokio::time::Sleep;

use crate::SqlError;
use crate::engine::caught;
use crate::memory_pool::BudgetPool;

/// When a query is given up.
pub(crate) struct Deadline {
    after: Duration,
    ends: Pin<Box<Sleep>>,
}

impl Deadline {
    pub(crate) fn after(after: Duration) -> Self {
        Self { after, ends: Box::pin(tokio::time::sleep(after)) }
    }

    /// Waits for a part of the query, no longer than the query may take.
    pub(crate) async fn hold<T>(&mut self, part: impl Future<Output = T>) -> Result<T, SqlError> {
        tokio::select! {
            biased;
            () = &mut self.ends => Err(SqlError::Deadline(self.after)),
            done = part => Ok(done),
        }
    }
}

/// An answer: its columns, and its rows in batches.
///
/// Texts are `Utf8`, whatever the operators work on: every client knows that.
pub struct SqlAnswer {
    schema: SchemaRef,
    rows: SendableRecordBatchStream,
    deadline: Deadline,
    spans: Arc<SpanTable>,
    pool: Arc<BudgetPool>,
}

impl SqlAnswer {
    pub(crate) fn new(
        rows: SendableRecordBatchStream,
        deadline: Deadline,
        spans: Arc<SpanTable>,
        pool: Arc<BudgetPool>,
    ) -> Self {
        Self { schema: plain(&rows.schema()), rows, deadline, spans, pool }
    }

    /// The columns.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// What was read until now.
    pub fn inspected(&self) -> SearchInspected {
        self.spans.inspected()
    }

    /// The next rows; `None` when there are no more.
    ///
    /// # Errors
    /// [`SqlError`]; nothing comes behind one.
    pub async fn next(&mut self) -> Option<Result<RecordBatch, SqlError>> {
        let Self { schema, rows, deadline, spans, pool } = self;
        let batch = async {
            let batch = rows.next().await.transpose();
            batch.map_err(|error: DataFusionError| SqlError::of(error, pool.refused()))
        };
        let batch = deadline.hold(caught(batch)).await.and_then(|batch| batch);
        if let Err(SqlError::Memory(error) | SqlError::Query(error)) = &batch {
            spans.count_refusal(error);
        }
        let batch = batch.transpose()?;
        Some(batch.and_then(|batch| to_plain(&batch, schema)))
    }

    /// All rows, as they come.
    pub fn into_stream(self) -> BoxStream<'static, Result<RecordBatch, SqlError>> {
        let next = |answer: Option<Self>| async move {
            let mut answer = answer?;
            let batch = answer.next().await?;
            let rest = batch.is_ok().then_some(answer);
            Some((batch, rest))
        };
        unfold(Some(self), next).boxed()
    }
}

/// A schema of types that every client knows. Everything may be null: the types of a query are told before it is
/// planned to the end, and may not change then.
pub(crate) fn plain(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter();
    let fields = fields.map(|field| Field::new(field.name(), plain_type(field.data_type()), true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn plain_type(of: &DataType) -> DataType {
    match of {
        DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
        DataType::BinaryView | DataType::LargeBinary => DataType::Binary,
        DataType::Dictionary(_, values) => plain_type(values),
        DataType::List(element) => {
            let of = plain_type(element.data_type());
            DataType::List(Arc::new(Field::new(element.name(), of, true)))
        }
        // What a null literal is: JDBC and CSV have no type for it.
        DataType::Null => DataType::Utf8,
        other => other.clone(),
    }
}

fn to_plain(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, SqlError> {
    let columns = batch.columns().iter().zip(schema.fields());
    let columns = columns.map(|(column, field)| cast(column, field.data_type()));
    let columns = columns.collect::<Result<Vec<ArrayRef>, _>>();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let plain = columns.and_then(|columns| {
        RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
    });
    plain.map_err(|error| SqlError::Internal(error.to_string()))
}
