//! A query from its text to a running plan.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::execute_stream;
use futures::FutureExt;
use spandrel_model::TenantId;
use spandrel_query::{QueryEngine, SpanTable, TimeRange, ValueKind, ValueType};

use crate::answer::{Deadline, SqlAnswer, plain};
use crate::columns::{TableColumn, fixed, of_trace, service_attribute};
use crate::memory_pool::BudgetPool;
use crate::statement::Inner;
use crate::table::{SpansTable, intersection};
use crate::yielding::yielding;
use crate::{SqlError, attributes, bounds, session, statement, wildcard};

/// Answers SQL with what a query engine reads.
pub struct SqlEngine {
    engine: Arc<QueryEngine>,
    base: SessionState,
}

/// Before it is known what the data says of services.
const TEXT: ValueType = ValueType { kind: ValueKind::Text, mixed: false };

/// A query that is planned as far as its types go.
struct Planned {
    state: SessionState,
    plan: LogicalPlan,
    spans: Arc<SpanTable>,
    pool: Arc<BudgetPool>,
}

impl SqlEngine {
    /// An engine over another one, whose limits hold for SQL as well.
    pub fn new(engine: Arc<QueryEngine>) -> Self {
        Self { engine, base: session::base() }
    }

    /// Runs a query over the spans of a tenant that start in the range.
    ///
    /// # Errors
    /// [`SqlError`]; what goes wrong later is in the stream of the answer.
    pub async fn query(
        &self,
        tenant: &TenantId,
        query: &str,
        range: TimeRange,
    ) -> Result<SqlAnswer, SqlError> {
        let mut deadline = Deadline::after(self.engine.deadline());
        let started = async {
            let Planned { state, plan, spans, pool } = self.plan(tenant, query, range).await?;
            let failed = |error: DataFusionError| SqlError::of(error, pool.refused());
            let physical = state.create_physical_plan(&plan).await.map_err(failed)?;
            let physical = yielding(physical).map_err(failed)?;
            let stream = execute_stream(physical, state.task_ctx()).map_err(failed)?;
            Ok((stream, spans, Arc::clone(&pool)))
        };
        let (stream, spans, pool) = deadline.hold(caught(started)).await??;
        Ok(SqlAnswer::new(stream, deadline, spans, pool))
    }

    /// The columns that the answer to a query will have.
    ///
    /// # Errors
    /// As [`SqlEngine::query`].
    pub async fn schema(
        &self,
        tenant: &TenantId,
        query: &str,
        range: TimeRange,
    ) -> Result<SchemaRef, SqlError> {
        let mut deadline = Deadline::after(self.engine.deadline());
        let planned = deadline.hold(caught(self.plan(tenant, query, range))).await??;
        Ok(plain(planned.plan.schema().as_arrow()))
    }

    /// The columns of the table that every query may name.
    pub fn table_schema() -> SchemaRef {
        plain(&crate::columns::schema(&fixed(TEXT)))
    }

    async fn plan(
        &self,
        tenant: &TenantId,
        query: &str,
        range: TimeRange,
    ) -> Result<Planned, SqlError> {
        let mut statement = statement::parse(query)?;
        let named = attributes::rewrite(&mut Inner(&mut statement))?;
        let own = bounds::range_of(&mut Inner(&mut statement), &self.base, &fixed(TEXT));
        let range = intersection(range, own);
        let spans = Arc::new(self.engine.span_table(tenant, range).await?);
        let mut typed = named.attributes.clone();
        typed.push(service_attribute());
        let mut types = spans.value_types(&typed, range).await?;
        let service = types.pop().expect("one type for each attribute");
        let mut columns = fixed(service);
        if !named.is_empty() {
            let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            wildcard::write_out(&mut Inner(&mut statement), &names)?;
        }
        columns.extend(named.of_traces.iter().map(|name| of_trace(name)));
        columns.extend(named.attributes.iter().zip(types).map(|(attribute, of)| {
            TableColumn::of_attribute(attribute.to_string(), attribute.clone(), of)
        }));
        let pool = Arc::new(BudgetPool::new(spans.budget()));
        let failed = |error: DataFusionError| SqlError::of(error, pool.refused());
        let table = Arc::new(SpansTable::new(Arc::clone(&spans), columns));
        let state = session::of_query(&self.base, table, Arc::clone(&pool)).map_err(failed)?;
        let plan = state.statement_to_plan(statement).await.map_err(failed)?;
        let read_only = SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false)
            .with_allow_statements(false);
        read_only.verify_plan(&plan).map_err(failed)?;
        Ok(Planned { state, plan, spans, pool })
    }
}

/// A panic of the planner or of an operator fails the query, not the server.
pub(crate) async fn caught<T>(
    work: impl Future<Output = Result<T, SqlError>>,
) -> Result<T, SqlError> {
    let caught = AssertUnwindSafe(work).catch_unwind().await;
    caught.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(SqlError::Internal(format!("the query panicked: {}", text.unwrap_or("no text"))))
    })
}
