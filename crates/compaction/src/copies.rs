//! Spans that were stored more than once.
//!
//! Senders repeat requests whose answer they did not get. Copies of a span are alike in everything but the
//! order of attributes and the threshold that sampling recorded since; different spans that share an id (Zipkin's
//! client and server halves) all stay. This is the rule by which queries join the parts of a trace.
//!
//! Rows that share their ids are divided by one column after the other, like rows by their resource when a
//! block is read: what is in the same class at the end is the same span. So a run in which everything came
//! twice costs one pass per column.

use std::hash::Hash;

use hashbrown::HashMap;
use spandrel_columns::SpanColumns;
use spandrel_model::{Attribute, SpanId, TraceId};
use spandrel_otlp::{
    decode_any_value, decode_key_value_list, encode_any_value, encode_key_value_list,
};
use spandrel_retention::{threshold_of, without_threshold};

use crate::CompactionError;

/// The class of a row whose ids no other row has.
const ALONE: u32 = u32::MAX;

/// Leaves one of several copies of a span: the first of those with the highest threshold, which says what the span
/// stands for. Returns how many went.
///
/// Expects a run whose equal resources and scopes have the same number.
pub(crate) fn remove(spans: &mut SpanColumns) -> Result<u64, CompactionError> {
    let Some(mut classes) = Classes::by_ids(spans) else { return Ok(0) };
    classes.divide_by_fields(spans);
    classes.divide_by_attributes(spans)?;
    classes.divide_by_events(spans)?;
    classes.divide_by_links(spans)?;
    let threshold = |row: u32| spans.trace_states.get(row).and_then(threshold_of);
    let mut kept = vec![ALONE; classes.n as usize];
    for (row, &class) in (0..).zip(&classes.of_rows).filter(|(_, class)| **class != ALONE) {
        let kept = &mut kept[class as usize];
        if *kept == ALONE || threshold(row) > threshold(*kept) {
            *kept = row;
        }
    }
    let before = spans.len();
    spans.retain(|row| {
        let class = classes.of_rows[row as usize];
        class == ALONE || kept[class as usize] == row
    });
    Ok(u64::from(before - spans.len()))
}

struct Classes {
    /// Class of each row, or [`ALONE`].
    of_rows: Vec<u32>,
    /// One more than the last class.
    n: u32,
}

impl Classes {
    /// Rows by trace and span id; `None` when no two rows share both.
    fn by_ids(spans: &SpanColumns) -> Option<Self> {
        let ids = || spans.trace_ids.iter().zip(&spans.span_ids);
        let mut first_rows: HashMap<(TraceId, SpanId), u32> = HashMap::new();
        first_rows.reserve(spans.span_ids.len());
        let mut of_rows = vec![ALONE; spans.span_ids.len()];
        let mut n = 0;
        for (row, (&trace_id, &span_id)) in ids().enumerate() {
            let first = *first_rows.entry((trace_id, span_id)).or_insert(row as u32) as usize;
            if first != row {
                if of_rows[first] == ALONE {
                    of_rows[first] = n;
                    n += 1;
                }
                of_rows[row] = of_rows[first];
            }
        }
        (n > 0).then_some(Self { of_rows, n })
    }

    /// Divides the classes by a value that each row has.
    fn divide<T: Eq + Hash>(&mut self, values: impl IntoIterator<Item = T>) {
        let mut classes: HashMap<(u32, T), u32> = HashMap::new();
        let mut n = 0;
        for (class, value) in self.of_rows.iter_mut().zip(values) {
            if *class != ALONE {
                *class = *classes.entry((*class, value)).or_insert_with(|| {
                    n += 1;
                    n - 1
                });
            }
        }
        self.n = n;
    }

    /// Divides the classes by a value that some rows have. Those without stay where they are, and no row
    /// with one stays among them.
    fn divide_some<T: Eq + Hash>(&mut self, values: impl IntoIterator<Item = (u32, T)>) {
        let mut classes: HashMap<(u32, T), u32> = HashMap::new();
        for (row, value) in values {
            let class = &mut self.of_rows[row as usize];
            if *class != ALONE {
                let n = &mut self.n;
                *class = *classes.entry((*class, value)).or_insert_with(|| {
                    *n += 1;
                    *n - 1
                });
            }
        }
    }

    fn divide_by_fields(&mut self, spans: &SpanColumns) {
        self.divide(spans.parent_span_ids.iter());
        self.divide(spans.start_unix_nanos.iter().zip(&spans.duration_nanos));
        self.divide(spans.kinds.iter().zip(&spans.status_codes));
        self.divide(spans.names.iter());
        self.divide(spans.resources.iter().zip(&spans.scopes));
        self.divide_some(spans.status_messages.codes.iter());
        let states = spans.trace_states.codes.iter().filter(|(row, _)| self.is_shared(*row));
        let states = states.map(|(row, _)| (row, spans.trace_states.get(row).unwrap_or_default()));
        let states = states.map(|(row, state)| (row, without_threshold(state)));
        let states: Vec<_> = states.filter(|(_, state)| !state.is_empty()).collect();
        self.divide_some(states);
        let dropped = &spans.dropped;
        for counts in [&spans.flags, &dropped.attributes, &dropped.events, &dropped.links] {
            self.divide_some(counts.iter());
        }
    }

    fn divide_by_attributes(&mut self, spans: &SpanColumns) -> Result<(), CompactionError> {
        for key in spans.attributes.keys() {
            self.divide_some(key.strings.codes.iter());
            self.divide_some(key.ints.iter());
            self.divide_some(key.doubles.iter().map(|(row, value)| (row, value.to_bits())));
            self.divide_some(key.bools.iter());
            // The same value may be spelled in several ways.
            let mut others = Vec::new();
            for (row, any_value) in key.others.iter().filter(|(row, _)| self.is_shared(*row)) {
                let mut bytes = Vec::new();
                encode_any_value(&decode_any_value(any_value)?, &mut bytes);
                others.push((row, bytes));
            }
            self.divide_some(others);
        }
        Ok(())
    }

    fn divide_by_events(&mut self, spans: &SpanColumns) -> Result<(), CompactionError> {
        let events = &spans.events;
        let contents = self.contents_of_rows(&events.rows, |i, content| {
            content.extend_from_slice(&events.time_unix_nanos[i].to_le_bytes());
            content.extend_from_slice(&events.names[i].to_le_bytes());
            content.extend_from_slice(&events.dropped_attributes_counts[i].to_le_bytes());
            push_attributes(events.attribute_lists.get(events.attributes[i]), content)
        })?;
        self.divide_some(contents);
        Ok(())
    }

    fn divide_by_links(&mut self, spans: &SpanColumns) -> Result<(), CompactionError> {
        let links = &spans.links;
        let contents = self.contents_of_rows(&links.rows, |i, content| {
            content.extend_from_slice(&links.trace_ids[i].0);
            content.extend_from_slice(&links.span_ids[i].0);
            content.extend_from_slice(&links.trace_states[i].to_le_bytes());
            content.extend_from_slice(&links.flags[i].to_le_bytes());
            content.extend_from_slice(&links.dropped_attributes_counts[i].to_le_bytes());
            push_attributes(links.attribute_lists.get(links.attributes[i]), content)
        })?;
        self.divide_some(contents);
        Ok(())
    }

    fn is_shared(&self, row: u32) -> bool {
        self.of_rows[row as usize] != ALONE
    }

    /// Rows that are not alone, ascending, each with bytes that are equal when the rows' elements are.
    fn contents_of_rows(
        &self,
        rows: &[u32],
        mut push: impl FnMut(usize, &mut Vec<u8>) -> Result<(), CompactionError>,
    ) -> Result<Vec<(u32, Vec<u8>)>, CompactionError> {
        let mut contents: Vec<(u32, Vec<u8>)> = Vec::new();
        for (i, &row) in rows.iter().enumerate().filter(|(_, row)| self.is_shared(**row)) {
            if contents.last().is_none_or(|(last, _)| *last != row) {
                contents.push((row, Vec::new()));
            }
            if let Some((_, content)) = contents.last_mut() {
                push(i, content)?;
            }
        }
        Ok(contents)
    }
}

/// Adds an attribute list in the order of its keys, with its length, which keeps what follows apart.
fn push_attributes(list: &[u8], content: &mut Vec<u8>) -> Result<(), CompactionError> {
    let mut attributes: Vec<Attribute> = decode_key_value_list(list)?;
    attributes.sort_by(|a, b| a.key.cmp(&b.key));
    let mut bytes = Vec::new();
    encode_key_value_list(&attributes, &mut bytes);
    content.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    content.extend_from_slice(&bytes);
    Ok(())
}

#[cfg(test)]
mod tests;
