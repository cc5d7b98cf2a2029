//! The session that a query is planned and run in: one table, no files, memory from the budget of the query.

use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;

use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList,
    MemorySchemaProvider, SchemaProvider, TableProvider,
};
use datafusion::common::Result;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{SessionState, SessionStateBuilder, SessionStateDefaults};
use datafusion::prelude::SessionConfig;

use crate::functions;
use crate::memory_pool::BudgetPool;

/// The name of the table.
pub const TABLE: &str = "spans";
/// The catalog that it is in.
pub const CATALOG: &str = "spandrel";
/// The schema that it is in.
pub const SCHEMA: &str = "public";

/// What the sessions of all queries have in common.
pub(crate) fn base() -> SessionState {
    let config = SessionConfig::new()
        .with_default_catalog_and_schema(CATALOG, SCHEMA)
        .with_create_default_catalog_and_schema(false)
        .with_information_schema(true)
        .with_target_partitions(available_parallelism().map_or(1, NonZero::get));
    SessionStateBuilder::new()
        .with_config(config)
        .with_expr_planners(SessionStateDefaults::default_expr_planners())
        .with_scalar_functions(functions::scalar())
        .with_aggregate_functions(SessionStateDefaults::default_aggregate_functions())
        .with_window_functions(SessionStateDefaults::default_window_functions())
        .with_table_function_list(SessionStateDefaults::default_table_functions())
        .build()
}

/// The session of a query over this table.
pub(crate) fn of_query(
    base: &SessionState,
    table: Arc<dyn TableProvider>,
    pool: Arc<BudgetPool>,
) -> Result<SessionState> {
    let schema = MemorySchemaProvider::new();
    schema.register_table(TABLE.to_owned(), table)?;
    let catalog = MemoryCatalogProvider::new();
    catalog.register_schema(SCHEMA, Arc::new(schema))?;
    let catalogs = MemoryCatalogProviderList::new();
    catalogs.register_catalog(CATALOG.to_owned(), Arc::new(catalog));
    let disk = DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled);
    let runtime = RuntimeEnvBuilder::new().with_memory_pool(pool).with_disk_manager_builder(disk);
    let mut state = SessionStateBuilder::new_from_existing(base.clone())
        .with_catalog_list(Arc::new(catalogs))
        .with_runtime_env(runtime.build_arc()?)
        .build();
    state.mark_start_execution();
    Ok(state)
}
