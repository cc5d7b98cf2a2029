//! Events and links of spans, one row each, in the order of their spans.

use crate::{Dictionary, Sparse};
use spandrel_model::{SpanId, TraceId};

/// Events. Shape: all vectors are parallel; `rows` (the row of the span) ascends, not strictly.
#[derive(Debug, Clone, Default)]
pub struct EventColumns {
    /// Row of the span that the event belongs to.
    pub rows: Vec<u32>,
    /// When it happened, Unix nanoseconds, as sent.
    pub time_unix_nanos: Vec<u64>,
    /// Codes of the names.
    pub names: Vec<u32>,
    /// The names.
    pub name_dictionary: Dictionary,
    /// Codes of the attributes.
    pub attributes: Vec<u32>,
    /// Attributes as encoded in OTLP: a sequence of `KeyValue` fields of a message, each with its tag
    /// written as field 1, which makes the bytes a `KeyValueList` message.
    pub attribute_lists: ByteLists,
    /// How many attributes the sender dropped.
    pub dropped_attributes_counts: Vec<u32>,
}

/// Links. Shape: as [`EventColumns`].
#[derive(Debug, Clone, Default)]
pub struct LinkColumns {
    /// Row of the span that has the link.
    pub rows: Vec<u32>,
    /// Trace of the other span; zeros when it was missing or malformed.
    pub trace_ids: Vec<TraceId>,
    /// The other span; zeros when it was missing or malformed.
    pub span_ids: Vec<SpanId>,
    /// Codes of the trace states.
    pub trace_states: Vec<u32>,
    /// W3C tracestates of the other spans.
    pub trace_state_dictionary: Dictionary,
    /// OTLP link flags.
    pub flags: Vec<u32>,
    /// Codes of the attributes.
    pub attributes: Vec<u32>,
    /// Attributes, see [`EventColumns::attribute_lists`].
    pub attribute_lists: ByteLists,
    /// How many attributes the sender dropped.
    pub dropped_attributes_counts: Vec<u32>,
}

/// Byte strings, numbered in order of arrival, neither checked nor deduplicated.
#[derive(Debug, Clone, Default)]
pub struct ByteLists {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl ByteLists {
    /// Adds a byte string and returns its number.
    ///
    /// # Panics
    /// When the byte strings outgrow 4 GiB; whoever fills a run cuts it long before.
    pub fn push(&mut self, bytes: &[u8]) -> u32 {
        self.bytes.extend_from_slice(bytes);
        self.ends.push(u32::try_from(self.bytes.len()).expect("a run holds under 4 GiB"));
        self.ends.len() as u32 - 1
    }

    /// The byte string with this number.
    ///
    /// # Panics
    /// When there is none.
    pub fn get(&self, number: u32) -> &[u8] {
        let end = self.ends[number as usize] as usize;
        let start = if number == 0 { 0 } else { self.ends[number as usize - 1] as usize };
        &self.bytes[start..end]
    }

    fn append(&mut self, other: &Self) -> u32 {
        let first = self.ends.len() as u32;
        let shift = self.bytes.len() as u32;
        self.bytes.extend_from_slice(&other.bytes);
        self.ends.extend(other.ends.iter().map(|end| end + shift));
        first
    }

    fn size_bytes(&self) -> usize {
        self.bytes.len() + 4 * self.ends.len()
    }
}

/// One event as the decoder found it.
#[derive(Debug, Clone, Copy)]
pub struct RawEvent<'a> {
    /// When it happened, Unix nanoseconds.
    pub time_unix_nanos: u64,
    /// UTF-8, unchecked.
    pub name: &'a [u8],
    /// See [`EventColumns::attribute_lists`].
    pub attributes: &'a [u8],
    /// How many attributes the sender dropped.
    pub dropped_attributes_count: u32,
}

/// One link as the decoder found it.
#[derive(Debug, Clone, Copy)]
pub struct RawLink<'a> {
    /// Trace of the other span.
    pub trace_id: TraceId,
    /// The other span.
    pub span_id: SpanId,
    /// UTF-8, unchecked.
    pub trace_state: &'a [u8],
    /// OTLP link flags.
    pub flags: u32,
    /// See [`EventColumns::attribute_lists`].
    pub attributes: &'a [u8],
    /// How many attributes the sender dropped.
    pub dropped_attributes_count: u32,
}

fn map_codes(from: &Dictionary, to: &mut Dictionary) -> Vec<u32> {
    (0..from.len() as u32).map(|code| to.intern(from.get_bytes(code))).collect()
}

impl EventColumns {
    /// How many events there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(crate) fn push(&mut self, row: u32, event: RawEvent<'_>) {
        self.rows.push(row);
        self.time_unix_nanos.push(event.time_unix_nanos);
        self.names.push(self.name_dictionary.intern(event.name));
        self.attributes.push(self.attribute_lists.push(event.attributes));
        self.dropped_attributes_counts.push(event.dropped_attributes_count);
    }

    pub(crate) fn truncate(&mut self, row: u32) {
        let kept = self.rows.partition_point(|&present| present < row);
        self.rows.truncate(kept);
        self.time_unix_nanos.truncate(kept);
        self.names.truncate(kept);
        self.attributes.truncate(kept);
        self.dropped_attributes_counts.truncate(kept);
    }

    pub(crate) fn append(&mut self, other: &Self, row_offset: u32) {
        self.rows.extend(other.rows.iter().map(|row| row + row_offset));
        self.time_unix_nanos.extend_from_slice(&other.time_unix_nanos);
        let map = map_codes(&other.name_dictionary, &mut self.name_dictionary);
        self.names.extend(other.names.iter().map(|&code| map[code as usize]));
        let first = self.attribute_lists.append(&other.attribute_lists);
        self.attributes.extend(other.attributes.iter().map(|code| code + first));
        self.dropped_attributes_counts.extend_from_slice(&other.dropped_attributes_counts);
    }

    pub(crate) fn size_bytes(&self) -> usize {
        self.rows.len() * 24 + self.name_dictionary.size_bytes() + self.attribute_lists.size_bytes()
    }
}

impl LinkColumns {
    /// How many links there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(crate) fn push(&mut self, row: u32, link: RawLink<'_>) {
        self.rows.push(row);
        self.trace_ids.push(link.trace_id);
        self.span_ids.push(link.span_id);
        self.trace_states.push(self.trace_state_dictionary.intern(link.trace_state));
        self.flags.push(link.flags);
        self.attributes.push(self.attribute_lists.push(link.attributes));
        self.dropped_attributes_counts.push(link.dropped_attributes_count);
    }

    pub(crate) fn truncate(&mut self, row: u32) {
        let kept = self.rows.partition_point(|&present| present < row);
        self.rows.truncate(kept);
        self.trace_ids.truncate(kept);
        self.span_ids.truncate(kept);
        self.trace_states.truncate(kept);
        self.flags.truncate(kept);
        self.attributes.truncate(kept);
        self.dropped_attributes_counts.truncate(kept);
    }

    pub(crate) fn append(&mut self, other: &Self, row_offset: u32) {
        self.rows.extend(other.rows.iter().map(|row| row + row_offset));
        self.trace_ids.extend_from_slice(&other.trace_ids);
        self.span_ids.extend_from_slice(&other.span_ids);
        let map = map_codes(&other.trace_state_dictionary, &mut self.trace_state_dictionary);
        self.trace_states.extend(other.trace_states.iter().map(|&code| map[code as usize]));
        self.flags.extend_from_slice(&other.flags);
        let first = self.attribute_lists.append(&other.attribute_lists);
        self.attributes.extend(other.attributes.iter().map(|code| code + first));
        self.dropped_attributes_counts.extend_from_slice(&other.dropped_attributes_counts);
    }

    pub(crate) fn size_bytes(&self) -> usize {
        self.rows.len() * 44
            + self.trace_state_dictionary.size_bytes()
            + self.attribute_lists.size_bytes()
    }
}

/// Rows of the elements that belong to one span, by binary search.
pub(crate) fn elements_of(rows: &[u32], row: u32) -> std::ops::Range<usize> {
    rows.partition_point(|&r| r < row)..rows.partition_point(|&r| r <= row)
}

/// Counts that are zero for most spans.
#[derive(Debug, Clone, Default)]
pub struct DroppedCounts {
    /// Dropped attributes of the span.
    pub attributes: Sparse<u32>,
    /// Dropped events.
    pub events: Sparse<u32>,
    /// Dropped links.
    pub links: Sparse<u32>,
}
