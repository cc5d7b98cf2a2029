//! Names and Parquet types of a block's columns: the one place that knows them.
//!
//! Fixed columns have plain names. An attribute that is dense enough in a block has a column of its own,
//! named `scope.key` for text and `scope.key:type` for the other types (`span.http.route`,
//! `span.http.response.status_code:int`), so that a name always means one scope, key and type. All other
//! attributes of an owner lie in its residual column as an OTLP `KeyValueList` message, except for oversized
//! values: those lie in a column that only reads which need them touch, and next to it is another one
//! with their keys and sizes.
//!
//! A column in which every row is null is left out of the file, except for the lists; readers treat a missing
//! column as null.

use spandrel_model::AttributeScope;

/// Version of the layout, written to the file's metadata and to the catalogue.
pub const FORMAT_VERSION: u16 = 2;

/// Metadata key of [`FORMAT_VERSION`].
pub(crate) const FORMAT_VERSION_KEY: &str = "spandrel.format_version";
/// Metadata key of the block index's place: `offset,length` in decimal.
pub(crate) const INDEX_KEY: &str = "spandrel.index";
/// Metadata key of the checksum of the end of the file.
pub(crate) const CHECKSUM_KEY: &str = "spandrel.checksum";

/// 16 bytes, never null.
pub const TRACE_ID: &str = "trace_id";
/// 8 bytes, never null.
pub const SPAN_ID: &str = "span_id";
/// Block row minus block row of the parent; 0 when the block does not hold a parent.
pub const PARENT_ROW_OFFSET: &str = "parent_row_offset";
/// 8 bytes; only when there is a parent that the block does not hold.
pub const PARENT_SPAN_ID: &str = "parent_span_id";
/// Rows of the subtree, the span itself included.
pub const SUBTREE_ROWS: &str = "subtree_rows";
/// Steps up to the top of the tree.
pub const DEPTH: &str = "depth";
/// Start, Unix nanoseconds.
pub const START: &str = "start_unix_nanos";
/// End minus start.
pub const DURATION: &str = "duration_nanos";
/// Operation.
pub const NAME: &str = "name";
/// OTLP number of the kind.
pub const KIND: &str = "kind";
/// OTLP number of the status code.
pub const STATUS_CODE: &str = "status_code";
/// Explanation of an error.
pub const STATUS_MESSAGE: &str = "status_message";
/// W3C tracestate.
pub const TRACE_STATE: &str = "trace_state";
/// OTLP span flags.
pub const FLAGS: &str = "flags";
/// What the sender dropped.
pub const DROPPED_ATTRIBUTES: &str = "dropped_attributes_count";
/// What the sender dropped.
pub const DROPPED_EVENTS: &str = "dropped_events_count";
/// What the sender dropped.
pub const DROPPED_LINKS: &str = "dropped_links_count";
/// Name of the instrumentation scope.
pub const SCOPE_NAME: &str = "scope_name";
/// Version of the instrumentation scope.
pub const SCOPE_VERSION: &str = "scope_version";
/// Schema URL of the scope's spans.
pub const SCOPE_SCHEMA_URL: &str = "scope_schema_url";
/// What the sender dropped.
pub const SCOPE_DROPPED_ATTRIBUTES: &str = "scope_dropped_attributes_count";
/// Schema URL of the resource.
pub const RESOURCE_SCHEMA_URL: &str = "resource_schema_url";
/// What the sender dropped.
pub const RESOURCE_DROPPED_ATTRIBUTES: &str = "resource_dropped_attributes_count";
/// Derived: name of the trace's root span.
pub const ROOT_NAME: &str = "root_name";
/// Derived: service of the trace's root span.
pub const ROOT_SERVICE: &str = "root_service_name";
/// Derived: last end minus first start within the trace.
pub const TRACE_DURATION: &str = "trace_duration_nanos";
/// Derived: the part of the duration during which a child ran; null when none did.
/// Self time is the duration minus this.
pub const CHILD_TIME: &str = "child_nanos";
/// Derived: what the span itself adds to the critical path; null when it is the whole self time.
pub const CRITICAL_TIME: &str = "critical_path_nanos";
/// Derived: true when the span failed and none of its children did; null otherwise.
pub const ERROR_ORIGIN: &str = "error_origin";
/// Attributes of the span that have no column of their own.
pub const SPAN_RESIDUAL: &str = "span_attributes";
/// Attributes of the resource that have no column of their own.
pub const RESOURCE_RESIDUAL: &str = "resource_attributes";
/// Attributes of the scope that have no column of their own.
pub const SCOPE_RESIDUAL: &str = "scope_attributes";
/// Oversized attribute values of the span.
pub const SPAN_OVERSIZED: &str = "span_oversized";
/// Oversized attribute values of the resource.
pub const RESOURCE_OVERSIZED: &str = "resource_oversized";
/// Oversized attribute values of the scope.
pub const SCOPE_OVERSIZED: &str = "scope_oversized";
/// Keys of the span's oversized values, each with the size as its value.
pub const SPAN_OVERSIZED_SIZES: &str = "span_oversized_sizes";
/// Keys of the resource's oversized values, each with the size as its value.
pub const RESOURCE_OVERSIZED_SIZES: &str = "resource_oversized_sizes";
/// Keys of the scope's oversized values, each with the size as its value.
pub const SCOPE_OVERSIZED_SIZES: &str = "scope_oversized_sizes";
/// Events: list of `time_offset_nanos, name, attributes, dropped_attributes_count`.
pub const EVENTS: &str = "events";
/// Links: list of `trace_id, span_id, trace_state, flags, attributes, dropped_attributes_count`.
pub const LINKS: &str = "links";

/// Type of an attribute column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AttributeType {
    /// UTF-8 text.
    String,
    /// Signed 64-bit integer.
    Int,
    /// 64-bit float.
    Double,
    /// Truth value.
    Bool,
}

impl AttributeType {
    /// All types.
    pub const ALL: [Self; 4] = [Self::String, Self::Int, Self::Double, Self::Bool];

    fn suffix(self) -> &'static str {
        match self {
            Self::String => "",
            Self::Int => ":int",
            Self::Double => ":double",
            Self::Bool => ":bool",
        }
    }
}

/// Name of the column of an attribute.
pub fn attribute_column(scope: AttributeScope, key: &str, kind: AttributeType) -> String {
    format!("{}.{key}{}", scope.as_str(), kind.suffix())
}

/// What an attribute column's name means; `None` for fixed columns.
pub fn parse_attribute_column(name: &str) -> Option<(AttributeScope, &str, AttributeType)> {
    let scopes = [AttributeScope::Span, AttributeScope::Resource, AttributeScope::Instrumentation];
    let (scope, rest) = scopes
        .into_iter()
        .find_map(|scope| Some((scope, name.strip_prefix(scope.as_str())?.strip_prefix('.')?)))?;
    let typed = [AttributeType::Int, AttributeType::Double, AttributeType::Bool];
    let found = typed.into_iter().find_map(|kind| Some((rest.strip_suffix(kind.suffix())?, kind)));
    let (key, kind) = found.unwrap_or((rest, AttributeType::String));
    Some((scope, key, kind))
}

/// The residual column of an owner.
pub fn residual_column(scope: AttributeScope) -> &'static str {
    match scope {
        AttributeScope::Resource => RESOURCE_RESIDUAL,
        AttributeScope::Instrumentation => SCOPE_RESIDUAL,
        _ => SPAN_RESIDUAL,
    }
}

/// The column of an owner's oversized values: `KeyValueList` messages, as in the residual column.
pub fn oversized_column(scope: AttributeScope) -> &'static str {
    match scope {
        AttributeScope::Resource => RESOURCE_OVERSIZED,
        AttributeScope::Instrumentation => SCOPE_OVERSIZED,
        _ => SPAN_OVERSIZED,
    }
}

/// The column that tells which rows have an oversized value: `KeyValueList` messages with the keys of the
/// oversized column, and the size of the value as an integer in the place of each value.
pub fn oversized_sizes_column(scope: AttributeScope) -> &'static str {
    match scope {
        AttributeScope::Resource => RESOURCE_OVERSIZED_SIZES,
        AttributeScope::Instrumentation => SCOPE_OVERSIZED_SIZES,
        _ => SPAN_OVERSIZED_SIZES,
    }
}

/// Whether a key can name a column: a key that ends like a typed column's name would be ambiguous, and
/// Parquet and Delta readers dislike control characters and over-long names.
pub(crate) fn is_column_key(key: &str) -> bool {
    !key.is_empty()
        && key.len() <= 200
        && !key.chars().any(char::is_control)
        && !AttributeType::ALL[1..].iter().any(|kind| key.ends_with(kind.suffix()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attribute_column_names_are_unambiguous() {
        for scope in
            [AttributeScope::Span, AttributeScope::Resource, AttributeScope::Instrumentation]
        {
            for kind in AttributeType::ALL {
                let name = attribute_column(scope, "http.route", kind);
                assert_eq!(parse_attribute_column(&name), Some((scope, "http.route", kind)));
            }
        }
        assert_eq!(parse_attribute_column(SPAN_ID), None);
        assert_eq!(parse_attribute_column(RESOURCE_SCHEMA_URL), None);
        assert!(!is_column_key("a:int"));
        assert!(is_column_key("a:string"));
    }
}
