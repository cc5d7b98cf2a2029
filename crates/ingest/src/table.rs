//! The columns that other engines see in a tenant's Delta table.
//!
//! A block has a column for every attribute that is dense in it; a table has one schema. So the table names
//! the fixed columns and the attributes of the OpenTelemetry conventions that people query most; a block
//! that lacks one reads as null. Attributes that the table does not name are in the blocks all the same.

use spandrel_block::schema::{self, AttributeType, attribute_column};
use spandrel_catalog::{ColumnType, TableColumn};
use spandrel_model::AttributeScope::{self, Resource, Span};

/// Attributes with a column in every table, as OpenTelemetry's semantic conventions 1.44 name them.
const ATTRIBUTES: [(AttributeScope, &str, AttributeType); 38] = [
    (Resource, "service.name", AttributeType::String),
    (Resource, "service.namespace", AttributeType::String),
    (Resource, "service.version", AttributeType::String),
    (Resource, "service.instance.id", AttributeType::String),
    (Resource, "deployment.environment.name", AttributeType::String),
    (Resource, "host.name", AttributeType::String),
    (Resource, "k8s.cluster.name", AttributeType::String),
    (Resource, "k8s.namespace.name", AttributeType::String),
    (Resource, "k8s.pod.name", AttributeType::String),
    (Resource, "k8s.node.name", AttributeType::String),
    (Resource, "cloud.region", AttributeType::String),
    (Resource, "telemetry.sdk.language", AttributeType::String),
    (Span, "http.request.method", AttributeType::String),
    (Span, "http.response.status_code", AttributeType::Int),
    (Span, "http.route", AttributeType::String),
    (Span, "url.path", AttributeType::String),
    (Span, "url.full", AttributeType::String),
    (Span, "server.address", AttributeType::String),
    (Span, "server.port", AttributeType::Int),
    (Span, "client.address", AttributeType::String),
    (Span, "user_agent.original", AttributeType::String),
    (Span, "error.type", AttributeType::String),
    (Span, "db.system.name", AttributeType::String),
    (Span, "db.namespace", AttributeType::String),
    (Span, "db.collection.name", AttributeType::String),
    (Span, "db.operation.name", AttributeType::String),
    (Span, "db.query.text", AttributeType::String),
    (Span, "messaging.system", AttributeType::String),
    (Span, "messaging.destination.name", AttributeType::String),
    (Span, "messaging.operation.name", AttributeType::String),
    (Span, "rpc.system", AttributeType::String),
    (Span, "rpc.service", AttributeType::String),
    (Span, "rpc.method", AttributeType::String),
    (Span, "http.method", AttributeType::String),
    (Span, "http.status_code", AttributeType::Int),
    (Span, "http.url", AttributeType::String),
    (Span, "db.system", AttributeType::String),
    (Span, "db.statement", AttributeType::String),
];

/// The schema of a tenant's table.
pub(crate) fn columns() -> Vec<TableColumn> {
    let required = |name: &str, kind| TableColumn::new(name, kind, false);
    let optional = |name: &str, kind| TableColumn::new(name, kind, true);
    let mut columns = vec![
        required(schema::TRACE_ID, ColumnType::Binary),
        required(schema::SPAN_ID, ColumnType::Binary),
        required(schema::PARENT_ROW_OFFSET, ColumnType::Integer),
        optional(schema::PARENT_SPAN_ID, ColumnType::Binary),
        required(schema::SUBTREE_ROWS, ColumnType::Integer),
        required(schema::DEPTH, ColumnType::Integer),
        required(schema::START, ColumnType::Long),
        required(schema::DURATION, ColumnType::Long),
        required(schema::NAME, ColumnType::String),
        required(schema::KIND, ColumnType::Integer),
        required(schema::STATUS_CODE, ColumnType::Integer),
        optional(schema::STATUS_MESSAGE, ColumnType::String),
        optional(schema::TRACE_STATE, ColumnType::String),
        optional(schema::SCOPE_NAME, ColumnType::String),
        optional(schema::SCOPE_VERSION, ColumnType::String),
        optional(schema::ROOT_NAME, ColumnType::String),
        optional(schema::ROOT_SERVICE, ColumnType::String),
        required(schema::TRACE_DURATION, ColumnType::Long),
        optional(schema::CHILD_TIME, ColumnType::Long),
        optional(schema::CRITICAL_TIME, ColumnType::Long),
        optional(schema::ERROR_ORIGIN, ColumnType::Boolean),
        optional(schema::SPAN_RESIDUAL, ColumnType::Binary),
        optional(schema::RESOURCE_RESIDUAL, ColumnType::Binary),
        optional(schema::SCOPE_RESIDUAL, ColumnType::Binary),
        optional(schema::SPAN_OVERSIZED, ColumnType::Binary),
        optional(schema::RESOURCE_OVERSIZED, ColumnType::Binary),
        optional(schema::SCOPE_OVERSIZED, ColumnType::Binary),
    ];
    columns.extend(ATTRIBUTES.iter().map(|&(scope, key, kind)| {
        let column_type = match kind {
            AttributeType::String => ColumnType::String,
            AttributeType::Int => ColumnType::Long,
            AttributeType::Double => ColumnType::Double,
            AttributeType::Bool => ColumnType::Boolean,
        };
        TableColumn::new(attribute_column(scope, key, kind), column_type, true)
    }));
    columns
}
