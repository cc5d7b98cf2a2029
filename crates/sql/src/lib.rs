//! SQL over spans: DataFusion plans and computes, the query engine reads.
//!
//! There is one table, `spans`, one row per span. What it can be asked is what DataFusion knows of SQL, less what
//! changes anything or makes memory grow out of nothing. Attributes are columns that exist where a query names them:
//! `attr('http.route')` becomes a column reference before anything is planned, with the type that the values in the
//! blocks have ([`attributes`]). The leaf of every plan reads units of the query engine ([`scan`]) and prunes with
//! what a `WHERE` says as TraceQL prunes ([`condition`]).
//!
//! # Invariants
//! - A query sees the spans of one tenant: its session has no other table, no files and no URLs.
//! - A condition that prunes is implied by the one in the query; DataFusion computes that one again over what is left.
//! - Memory of operators and of columns comes from the budget of the one query; nothing is spilled to disk.
//! - A query ends with its stream: when that is dropped, all work of it but what a core is doing now ends too.

mod answer;
mod attributes;
mod bounds;
mod columns;
mod condition;
mod engine;
mod error;
mod format;
mod functions;
mod memory_pool;
mod scan;
mod session;
mod statement;
mod table;
mod wildcard;
mod yielding;

pub use answer::SqlAnswer;
pub use datafusion::arrow::array::RecordBatch;
pub use datafusion::arrow::datatypes::SchemaRef;
pub use engine::SqlEngine;
pub use error::SqlError;
pub use format::{AnswerFormat, AnswerWriter, type_name};
pub use session::{CATALOG, SCHEMA, TABLE};
