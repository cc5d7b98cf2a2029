//! The messages of a trace request as tables, which is all that turning JSON into protobuf has to know.

use super::{SPAN_KINDS, STATUS_CODES};

/// A field of a message.
pub(super) struct Field {
    /// Name in snake case; JSON may have it in lower camel case as well.
    pub(super) name: &'static str,
    /// Number in protobuf.
    pub(super) number: u32,
    /// How it is written.
    pub(super) kind: Kind,
}

/// How a field is written in JSON and in protobuf.
pub(super) enum Kind {
    /// String.
    Text,
    /// Repeated strings.
    Texts,
    /// Hex digits of this many bytes, or none.
    Id(usize),
    /// Base64.
    Bytes,
    Bool,
    /// Signed varint.
    Int64,
    /// Varint.
    Uint32,
    Fixed32,
    Fixed64,
    Double,
    /// Number, or one of the names, which are in order of their numbers.
    Enum(&'static [&'static str]),
    Message(&'static [Field]),
    /// Repeated messages.
    List(&'static [Field]),
    /// Repeated spans, which are counted.
    Spans,
}

impl Field {
    /// Whether the field is called so, in either case.
    pub(super) fn is_called(&self, key: &str) -> bool {
        let mut after_underscore = false;
        let lower_camel = self.name.chars().filter_map(|c| match c {
            '_' => {
                after_underscore = true;
                None
            }
            _ if std::mem::take(&mut after_underscore) => Some(c.to_ascii_uppercase()),
            _ => Some(c),
        });
        key == self.name || key.chars().eq(lower_camel)
    }
}

const fn field(number: u32, name: &'static str, kind: Kind) -> Field {
    Field { name, number, kind }
}

pub(super) static REQUEST: [Field; 1] = [field(1, "resource_spans", Kind::List(&RESOURCE_SPANS))];

static RESOURCE_SPANS: [Field; 3] = [
    field(1, "resource", Kind::Message(&RESOURCE)),
    field(2, "scope_spans", Kind::List(&SCOPE_SPANS)),
    field(3, "schema_url", Kind::Text),
];

static RESOURCE: [Field; 3] = [
    field(1, "attributes", Kind::List(&KEY_VALUE)),
    field(2, "dropped_attributes_count", Kind::Uint32),
    field(3, "entity_refs", Kind::List(&ENTITY_REF)),
];

static ENTITY_REF: [Field; 4] = [
    field(1, "schema_url", Kind::Text),
    field(2, "type", Kind::Text),
    field(3, "id_keys", Kind::Texts),
    field(4, "description_keys", Kind::Texts),
];

static SCOPE_SPANS: [Field; 3] = [
    field(1, "scope", Kind::Message(&SCOPE)),
    field(2, "spans", Kind::Spans),
    field(3, "schema_url", Kind::Text),
];

static SCOPE: [Field; 4] = [
    field(1, "name", Kind::Text),
    field(2, "version", Kind::Text),
    field(3, "attributes", Kind::List(&KEY_VALUE)),
    field(4, "dropped_attributes_count", Kind::Uint32),
];

pub(super) static SPAN: [Field; 16] = [
    field(1, "trace_id", Kind::Id(16)),
    field(2, "span_id", Kind::Id(8)),
    field(3, "trace_state", Kind::Text),
    field(4, "parent_span_id", Kind::Id(8)),
    field(5, "name", Kind::Text),
    field(6, "kind", Kind::Enum(&SPAN_KINDS)),
    field(7, "start_time_unix_nano", Kind::Fixed64),
    field(8, "end_time_unix_nano", Kind::Fixed64),
    field(9, "attributes", Kind::List(&KEY_VALUE)),
    field(10, "dropped_attributes_count", Kind::Uint32),
    field(11, "events", Kind::List(&EVENT)),
    field(12, "dropped_events_count", Kind::Uint32),
    field(13, "links", Kind::List(&LINK)),
    field(14, "dropped_links_count", Kind::Uint32),
    field(15, "status", Kind::Message(&STATUS)),
    field(16, "flags", Kind::Fixed32),
];

static EVENT: [Field; 4] = [
    field(1, "time_unix_nano", Kind::Fixed64),
    field(2, "name", Kind::Text),
    field(3, "attributes", Kind::List(&KEY_VALUE)),
    field(4, "dropped_attributes_count", Kind::Uint32),
];

static LINK: [Field; 6] = [
    field(1, "trace_id", Kind::Id(16)),
    field(2, "span_id", Kind::Id(8)),
    field(3, "trace_state", Kind::Text),
    field(4, "attributes", Kind::List(&KEY_VALUE)),
    field(5, "dropped_attributes_count", Kind::Uint32),
    field(6, "flags", Kind::Fixed32),
];

static STATUS: [Field; 2] =
    [field(2, "message", Kind::Text), field(3, "code", Kind::Enum(&STATUS_CODES))];

static KEY_VALUE: [Field; 2] =
    [field(1, "key", Kind::Text), field(2, "value", Kind::Message(&ANY_VALUE))];

static ANY_VALUE: [Field; 7] = [
    field(1, "string_value", Kind::Text),
    field(2, "bool_value", Kind::Bool),
    field(3, "int_value", Kind::Int64),
    field(4, "double_value", Kind::Double),
    field(5, "array_value", Kind::Message(&ARRAY_VALUE)),
    field(6, "kvlist_value", Kind::Message(&KEY_VALUE_LIST)),
    field(7, "bytes_value", Kind::Bytes),
];

static ARRAY_VALUE: [Field; 1] = [field(1, "values", Kind::List(&ANY_VALUE))];

static KEY_VALUE_LIST: [Field; 1] = [field(1, "values", Kind::List(&KEY_VALUE))];
