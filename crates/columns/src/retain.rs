//! Rows out of a run: what is left keeps its order.

use crate::{AttributeColumns, BytesColumn, EventColumns, LinkColumns, SpanColumns, Sparse};

/// A row that is given up.
const GONE: u32 = u32::MAX;

/// The new number of each row, or [`GONE`].
struct NewRows(Vec<u32>);

impl NewRows {
    fn of(&self, row: u32) -> Option<u32> {
        Some(self.0[row as usize]).filter(|&row| row != GONE)
    }

    /// Of values that belong to rows by position.
    fn dense<T: Copy>(&self, values: &mut Vec<T>) {
        let mut row = 0..;
        values.retain(|_| row.next().and_then(|row| self.of(row)).is_some());
    }

    fn sparse<T: Copy>(&self, column: &mut Sparse<T>) {
        self.parallel(&column.rows, &mut column.values);
        self.rows(&mut column.rows);
    }

    /// Of values that belong to the rows listed beside them.
    fn parallel<T: Copy>(&self, rows: &[u32], values: &mut Vec<T>) {
        let mut rows = rows.iter();
        values.retain(|_| rows.next().and_then(|&row| self.of(row)).is_some());
    }

    fn rows(&self, rows: &mut Vec<u32>) {
        rows.retain_mut(|row| match self.of(*row) {
            Some(new) => {
                *row = new;
                true
            }
            None => false,
        });
    }

    fn bytes(&self, column: &mut BytesColumn) {
        self.sparse(column.ranges_mut());
    }

    fn attributes(&self, attributes: &mut AttributeColumns) {
        for columns in attributes.keys_mut() {
            self.sparse(&mut columns.strings.codes);
            self.sparse(&mut columns.ints);
            self.sparse(&mut columns.doubles);
            self.sparse(&mut columns.bools);
            self.bytes(&mut columns.others);
        }
    }

    fn events(&self, events: &mut EventColumns) {
        self.parallel(&events.rows, &mut events.time_unix_nanos);
        self.parallel(&events.rows, &mut events.names);
        self.parallel(&events.rows, &mut events.attributes);
        self.parallel(&events.rows, &mut events.dropped_attributes_counts);
        self.rows(&mut events.rows);
    }

    fn links(&self, links: &mut LinkColumns) {
        self.parallel(&links.rows, &mut links.trace_ids);
        self.parallel(&links.rows, &mut links.span_ids);
        self.parallel(&links.rows, &mut links.trace_states);
        self.parallel(&links.rows, &mut links.flags);
        self.parallel(&links.rows, &mut links.attributes);
        self.parallel(&links.rows, &mut links.dropped_attributes_counts);
        self.rows(&mut links.rows);
    }
}

impl SpanColumns {
    /// Gives up all rows but those that `keep` names. Must not be called with a row in work.
    /// Dictionaries and tables keep strings that are then unused.
    pub fn retain(&mut self, mut keep: impl FnMut(u32) -> bool) {
        let mut kept = 0;
        let new_rows = (0..self.len()).map(|row| {
            if !keep(row) {
                return GONE;
            }
            kept += 1;
            kept - 1
        });
        let new_rows = NewRows(new_rows.collect());
        if kept == self.len() {
            return;
        }
        new_rows.dense(&mut self.trace_ids);
        new_rows.dense(&mut self.span_ids);
        new_rows.dense(&mut self.parent_span_ids);
        new_rows.dense(&mut self.start_unix_nanos);
        new_rows.dense(&mut self.duration_nanos);
        new_rows.dense(&mut self.kinds);
        new_rows.dense(&mut self.status_codes);
        new_rows.dense(&mut self.names);
        new_rows.dense(&mut self.resources);
        new_rows.dense(&mut self.scopes);
        new_rows.sparse(&mut self.status_messages.codes);
        new_rows.sparse(&mut self.trace_states.codes);
        new_rows.sparse(&mut self.flags);
        new_rows.sparse(&mut self.dropped.attributes);
        new_rows.sparse(&mut self.dropped.events);
        new_rows.sparse(&mut self.dropped.links);
        new_rows.attributes(&mut self.attributes);
        new_rows.events(&mut self.events);
        new_rows.links(&mut self.links);
    }
}

#[cfg(test)]
mod tests {
    use spandrel_model::{SpanId, TraceId};

    use super::*;
    use crate::{RawEvent, RawLink, RawSpan, RawValue};

    /// Row `i` has all that a span can have, made of `i`; every second one only the least.
    fn run(n: u8) -> SpanColumns {
        let mut spans = SpanColumns::default();
        for i in 0..n {
            let row = u32::from(i);
            let text = [b'a' + i];
            let mut span = RawSpan {
                trace_id: TraceId([i + 1; 16]),
                span_id: SpanId([i + 1; 8]),
                name: &text,
                ..RawSpan::default()
            };
            if i % 2 == 0 {
                let attributes = &mut spans.attributes;
                attributes.push(row, b"s", RawValue::String(&text));
                attributes.push(row, b"i", RawValue::Int(i.into()));
                attributes.push(row, b"d", RawValue::Double(i.into()));
                attributes.push(row, b"b", RawValue::Bool(i % 4 == 0));
                attributes.push(row, b"o", RawValue::Other(&text));
                for time_unix_nanos in [1, 2] {
                    let attributes = &text;
                    let dropped_attributes_count = row;
                    let name = &text;
                    spans.push_event(RawEvent {
                        time_unix_nanos,
                        name,
                        attributes,
                        dropped_attributes_count,
                    });
                }
                spans.push_link(RawLink {
                    trace_id: span.trace_id,
                    span_id: span.span_id,
                    trace_state: &text,
                    flags: row,
                    attributes: &text,
                    dropped_attributes_count: row,
                });
                span = RawSpan { status_message: &text, trace_state: &text, flags: row, ..span };
                span.dropped_attributes_count = row;
                span.dropped_events_count = row;
                span.dropped_links_count = row;
            }
            spans.push(span);
        }
        spans
    }

    /// Everything that a row holds, as text.
    fn content(spans: &SpanColumns, row: u32) -> String {
        let i = row as usize;
        let attributes = spans.attributes.keys().iter().map(|key| {
            let others = key.others.get(row);
            let numbers = (key.ints.get(row), key.doubles.get(row), key.bools.get(row));
            format!("{} {:?} {numbers:?} {others:?}", key.key, key.strings.get(row))
        });
        let events = spans.events_of(row).map(|i| {
            let events = &spans.events;
            let name = events.name_dictionary.get(events.names[i]);
            let list = events.attribute_lists.get(events.attributes[i]);
            let dropped = events.dropped_attributes_counts[i];
            format!("{} {name} {list:?} {dropped}", events.time_unix_nanos[i])
        });
        let links = spans.links_of(row).map(|i| {
            let links = &spans.links;
            let state = links.trace_state_dictionary.get(links.trace_states[i]);
            let list = links.attribute_lists.get(links.attributes[i]);
            let numbers = (links.flags[i], links.dropped_attributes_counts[i]);
            format!("{} {} {state} {list:?} {numbers:?}", links.trace_ids[i], links.span_ids[i])
        });
        let dropped = &spans.dropped;
        let counts = [&spans.flags, &dropped.attributes, &dropped.events, &dropped.links];
        format!(
            "{} {} {} {:?} {:?} {:?} {:?} {:?} {:?}",
            spans.trace_ids[i],
            spans.span_ids[i],
            spans.name_dictionary.get(spans.names[i]),
            spans.status_messages.get(row),
            spans.trace_states.get(row),
            counts.map(|counts| counts.get(row)),
            attributes.collect::<Vec<_>>(),
            events.collect::<Vec<_>>(),
            links.collect::<Vec<_>>(),
        )
    }

    #[test]
    fn the_rows_that_are_kept_keep_everything() {
        let all = run(12);
        for mask in [0, 0b1111_1111_1111, 0b0101_0101_0101, 0b1011_0110_0010, 0b1000_0000_0001] {
            let kept: Vec<u32> = (0..12).filter(|row| mask >> row & 1 == 1).collect();
            let mut spans = all.clone();
            spans.retain(|row| mask >> row & 1 == 1);
            assert_eq!(spans.len() as usize, kept.len());
            let contents: Vec<_> = (0..spans.len()).map(|row| content(&spans, row)).collect();
            let expected: Vec<_> = kept.iter().map(|&row| content(&all, row)).collect();
            assert_eq!(contents, expected);
            // What is pushed behind lands in its own row.
            let row = spans.len();
            spans.attributes.push(row, b"s", RawValue::Int(1));
            spans.push(RawSpan::default());
            assert_eq!(
                spans.attributes.find("s").map(|key| key.ints.rows.clone()),
                Some(vec![row])
            );
        }
    }
}
