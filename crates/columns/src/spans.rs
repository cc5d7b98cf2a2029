//! The columns of a run of spans.

use spandrel_model::{Resource, Scope, SpanId, TraceId};

use crate::events::{DroppedCounts, RawEvent, RawLink, elements_of};
use crate::{
    AttributeColumns, Dictionary, EventColumns, Interned, LinkColumns, Sparse, StringColumn,
};

/// Spans in order of arrival.
///
/// Shape: all `Vec` fields are parallel, one element per span; sparse fields name their rows. Everything
/// but `attributes`, `events` and `links` of the row in work is written by one [`SpanColumns::push`].
#[derive(Debug, Clone, Default)]
pub struct SpanColumns {
    /// Never zero.
    pub trace_ids: Vec<TraceId>,
    /// Never zero.
    pub span_ids: Vec<SpanId>,
    /// Zero for roots.
    pub parent_span_ids: Vec<SpanId>,
    /// Unix nanoseconds, up to `i64::MAX` (the year 2262), so that other engines read them as timestamps.
    pub start_unix_nanos: Vec<i64>,
    /// End minus start; negative when the end lies before the start.
    pub duration_nanos: Vec<i64>,
    /// OTLP numbers of the kinds, 0 to 5.
    pub kinds: Vec<u8>,
    /// OTLP numbers of the status codes, 0 to 2.
    pub status_codes: Vec<u8>,
    /// Codes of the names.
    pub names: Vec<u32>,
    /// The names.
    pub name_dictionary: Dictionary,
    /// Numbers of the resources.
    pub resources: Vec<u32>,
    /// The resources; keyed by the OTLP `Resource` message followed by the schema URL.
    pub resource_table: Interned<Resource>,
    /// Numbers of the scopes.
    pub scopes: Vec<u32>,
    /// The scopes; keyed by the OTLP `InstrumentationScope` message followed by the schema URL.
    pub scope_table: Interned<Scope>,
    /// Explanations of errors; empty ones are absent.
    pub status_messages: StringColumn,
    /// W3C tracestates; empty ones are absent.
    pub trace_states: StringColumn,
    /// OTLP span flags; zeros are absent.
    pub flags: Sparse<u32>,
    /// What senders dropped; zeros are absent.
    pub dropped: DroppedCounts,
    /// Attributes of the spans.
    pub attributes: AttributeColumns,
    /// Events of the spans.
    pub events: EventColumns,
    /// Links of the spans.
    pub links: LinkColumns,
}

/// The fixed-size part of a span, and its name, as the decoder found them.
#[derive(Debug, Clone, Copy, Default)]
pub struct RawSpan<'a> {
    /// Must not be zero.
    pub trace_id: TraceId,
    /// Must not be zero.
    pub span_id: SpanId,
    /// Zero for a root.
    pub parent_span_id: SpanId,
    /// Unix nanoseconds.
    pub start_unix_nanos: i64,
    /// End minus start.
    pub duration_nanos: i64,
    /// OTLP number; unknown numbers become 0.
    pub kind: u8,
    /// OTLP number; unknown numbers become 0.
    pub status_code: u8,
    /// UTF-8, unchecked.
    pub name: &'a [u8],
    /// UTF-8, unchecked.
    pub status_message: &'a [u8],
    /// UTF-8, unchecked.
    pub trace_state: &'a [u8],
    /// OTLP span flags.
    pub flags: u32,
    /// Dropped attributes.
    pub dropped_attributes_count: u32,
    /// Dropped events.
    pub dropped_events_count: u32,
    /// Dropped links.
    pub dropped_links_count: u32,
    /// Number in [`SpanColumns::resource_table`].
    pub resource: u32,
    /// Number in [`SpanColumns::scope_table`].
    pub scope: u32,
}

impl SpanColumns {
    /// How many spans there are. Also the row in work: attributes, events and links pushed before
    /// [`SpanColumns::push`] belong to it.
    pub fn len(&self) -> u32 {
        self.trace_ids.len() as u32
    }

    /// Whether there is no span.
    pub fn is_empty(&self) -> bool {
        self.trace_ids.is_empty()
    }

    /// Adds an event to the row in work.
    pub fn push_event(&mut self, event: RawEvent<'_>) {
        let row = self.len();
        self.events.push(row, event);
    }

    /// Adds a link to the row in work.
    pub fn push_link(&mut self, link: RawLink<'_>) {
        let row = self.len();
        self.links.push(row, link);
    }

    /// Completes the row in work.
    pub fn push(&mut self, span: RawSpan<'_>) {
        let row = self.len();
        self.trace_ids.push(span.trace_id);
        self.span_ids.push(span.span_id);
        self.parent_span_ids.push(span.parent_span_id);
        self.start_unix_nanos.push(span.start_unix_nanos);
        self.duration_nanos.push(span.duration_nanos);
        self.kinds.push(if span.kind <= 5 { span.kind } else { 0 });
        self.status_codes.push(if span.status_code <= 2 { span.status_code } else { 0 });
        self.names.push(self.name_dictionary.intern(span.name));
        self.resources.push(span.resource);
        self.scopes.push(span.scope);
        if !span.status_message.is_empty() {
            self.status_messages.push(row, span.status_message);
        }
        if !span.trace_state.is_empty() {
            self.trace_states.push(row, span.trace_state);
        }
        for (column, value) in [
            (&mut self.flags, span.flags),
            (&mut self.dropped.attributes, span.dropped_attributes_count),
            (&mut self.dropped.events, span.dropped_events_count),
            (&mut self.dropped.links, span.dropped_links_count),
        ] {
            if value != 0 {
                column.push(row, value);
            }
        }
    }

    /// Gives up `row`, all rows behind it, and whatever was pushed for the row in work.
    /// Dictionaries and tables keep strings that are then unused.
    pub fn truncate(&mut self, row: u32) {
        let rows = row as usize;
        self.trace_ids.truncate(rows);
        self.span_ids.truncate(rows);
        self.parent_span_ids.truncate(rows);
        self.start_unix_nanos.truncate(rows);
        self.duration_nanos.truncate(rows);
        self.kinds.truncate(rows);
        self.status_codes.truncate(rows);
        self.names.truncate(rows);
        self.resources.truncate(rows);
        self.scopes.truncate(rows);
        self.status_messages.codes.truncate(row);
        self.trace_states.codes.truncate(row);
        self.flags.truncate(row);
        self.dropped.attributes.truncate(row);
        self.dropped.events.truncate(row);
        self.dropped.links.truncate(row);
        self.attributes.truncate(row);
        self.events.truncate(row);
        self.links.truncate(row);
    }

    /// Adds all spans of another run behind the spans of this one.
    pub fn append(&mut self, other: &Self) {
        let offset = self.len();
        self.trace_ids.extend_from_slice(&other.trace_ids);
        self.span_ids.extend_from_slice(&other.span_ids);
        self.parent_span_ids.extend_from_slice(&other.parent_span_ids);
        self.start_unix_nanos.extend_from_slice(&other.start_unix_nanos);
        self.duration_nanos.extend_from_slice(&other.duration_nanos);
        self.kinds.extend_from_slice(&other.kinds);
        self.status_codes.extend_from_slice(&other.status_codes);
        let dictionary = &other.name_dictionary;
        let map: Vec<u32> = (0..dictionary.len() as u32)
            .map(|code| self.name_dictionary.intern(dictionary.get_bytes(code)))
            .collect();
        self.names.extend(other.names.iter().map(|&code| map[code as usize]));
        let map = self.resource_table.append(&other.resource_table);
        self.resources.extend(other.resources.iter().map(|&number| map[number as usize]));
        let map = self.scope_table.append(&other.scope_table);
        self.scopes.extend(other.scopes.iter().map(|&number| map[number as usize]));
        self.status_messages.append(&other.status_messages, offset);
        self.trace_states.append(&other.trace_states, offset);
        self.flags.append(&other.flags, offset, |value| value);
        self.dropped.attributes.append(&other.dropped.attributes, offset, |value| value);
        self.dropped.events.append(&other.dropped.events, offset, |value| value);
        self.dropped.links.append(&other.dropped.links, offset, |value| value);
        self.attributes.append(&other.attributes, offset);
        self.events.append(&other.events, offset);
        self.links.append(&other.links, offset);
    }

    /// Bytes of memory in use, roughly.
    pub fn size_bytes(&self) -> usize {
        self.trace_ids.len() * 62
            + self.name_dictionary.size_bytes()
            + self.resource_table.size_bytes()
            + self.scope_table.size_bytes()
            + self.status_messages.size_bytes()
            + self.trace_states.size_bytes()
            + self.flags.size_bytes()
            + self.attributes.size_bytes()
            + self.events.size_bytes()
            + self.links.size_bytes()
    }

    /// Indexes in [`SpanColumns::events`] of the events of a row.
    pub fn events_of(&self, row: u32) -> std::ops::Range<usize> {
        elements_of(&self.events.rows, row)
    }

    /// Indexes in [`SpanColumns::links`] of the links of a row.
    pub fn links_of(&self, row: u32) -> std::ops::Range<usize> {
        elements_of(&self.links.rows, row)
    }
}
