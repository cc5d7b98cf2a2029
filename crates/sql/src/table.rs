//! The table `spans` of one query.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use spandrel_query::{RowsWanted, SpanColumn, SpanTable, TimeRange};

use crate::columns::{TableColumn, schema};
use crate::condition::Pruning;
use crate::scan::{Made, SpansExec};

/// The spans of a tenant with the columns that the query may name.
#[derive(Debug)]
pub(crate) struct SpansTable {
    spans: Arc<SpanTable>,
    columns: Vec<TableColumn>,
    schema: SchemaRef,
}

impl SpansTable {
    pub(crate) fn new(spans: Arc<SpanTable>, columns: Vec<TableColumn>) -> Self {
        let schema = schema(&columns);
        Self { spans, columns, schema }
    }
}

#[async_trait]
impl TableProvider for SpansTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        let supports = |filter: &&Expr| {
            let filter = std::slice::from_ref(*filter);
            match Pruning::of(filter, &self.columns).is_nothing() {
                true => TableProviderFilterPushDown::Unsupported,
                false => TableProviderFilterPushDown::Inexact,
            }
        };
        Ok(filters.iter().map(supports).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all: Vec<usize> = (0..self.columns.len()).collect();
        let projection = projection.unwrap_or(&all);
        let columns: Vec<&TableColumn> = projection.iter().map(|&i| &self.columns[i]).collect();
        let mut reads: Vec<SpanColumn> = Vec::new();
        let mut made = Vec::with_capacity(columns.len());
        for column in &columns {
            let places = column.reads.iter().map(|read| {
                reads.iter().position(|known| known == read).unwrap_or_else(|| {
                    reads.push(read.clone());
                    reads.len() - 1
                })
            });
            made.push(Made { form: column.form, of: places.collect() });
        }
        let Pruning { filter, range } = Pruning::of(filters, &self.columns);
        let range = intersection(range, self.spans.range());
        let wanted = RowsWanted { columns: reads, filter, range };
        let units = self.spans.units(&wanted).await;
        let units = units.map_err(|error| DataFusionError::External(Box::new(error)))?;
        let schema = Arc::new(self.schema.project(projection)?);
        let partitions = state.config().target_partitions();
        let spans = Arc::clone(&self.spans);
        Ok(Arc::new(SpansExec::new(spans, wanted, units, made, (schema, partitions))))
    }
}

/// What is in both.
pub(crate) fn intersection(a: TimeRange, b: TimeRange) -> TimeRange {
    TimeRange {
        start_unix_nanos: a.start_unix_nanos.max(b.start_unix_nanos),
        end_unix_nanos: a.end_unix_nanos.min(b.end_unix_nanos),
    }
}
