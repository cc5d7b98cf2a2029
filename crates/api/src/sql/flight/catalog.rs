//! What drivers ask about a server: its catalogs, schemas and tables, and what it can do.

use arrow_flight::error::Result;
use arrow_flight::sql::metadata::{SqlInfoData, SqlInfoDataBuilder};
use arrow_flight::sql::{
    CommandGetCatalogs, CommandGetDbSchemas, CommandGetTableTypes, CommandGetTables, SqlInfo,
    SqlSupportedCaseSensitivity,
};
use spandrel_sql::{CATALOG, RecordBatch, SCHEMA, SqlEngine, TABLE};

const TABLE_TYPE: &str = "TABLE";

pub(super) fn catalogs(query: CommandGetCatalogs) -> Result<RecordBatch> {
    let mut rows = query.into_builder();
    rows.append(CATALOG);
    rows.build()
}

pub(super) fn schemas(query: CommandGetDbSchemas) -> Result<RecordBatch> {
    let mut rows = query.into_builder();
    rows.append(CATALOG, SCHEMA);
    rows.build()
}

pub(super) fn tables(query: CommandGetTables) -> Result<RecordBatch> {
    let mut rows = query.into_builder();
    rows.append(CATALOG, SCHEMA, TABLE, TABLE_TYPE, &SqlEngine::table_schema())?;
    rows.build()
}

pub(super) fn table_types(query: CommandGetTableTypes) -> Result<RecordBatch> {
    let mut rows = query.into_builder();
    rows.append(TABLE_TYPE);
    rows.build()
}

/// What the server says about itself.
pub(super) fn facts() -> Result<SqlInfoData> {
    let mut facts = SqlInfoDataBuilder::new();
    facts.append(SqlInfo::FlightSqlServerName, "Spandrel");
    facts.append(SqlInfo::FlightSqlServerVersion, env!("CARGO_PKG_VERSION"));
    facts.append(SqlInfo::FlightSqlServerArrowVersion, "1.3");
    facts.append(SqlInfo::FlightSqlServerReadOnly, true);
    facts.append(SqlInfo::FlightSqlServerSql, true);
    facts.append(SqlInfo::FlightSqlServerSubstrait, false);
    facts.append(SqlInfo::FlightSqlServerTransaction, 0_i32);
    facts.append(SqlInfo::SqlIdentifierQuoteChar, "\"");
    let lower_case = SqlSupportedCaseSensitivity::SqlCaseSensitivityLowercase as i32;
    facts.append(SqlInfo::SqlIdentifierCase, lower_case);
    facts.build()
}
