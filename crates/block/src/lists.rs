//! Events and links on their way into a block: list columns.
//!
//! Unlike all other columns these are there, with all their fields, in every block: a list of structs has one
//! type, and engines that read several blocks together want the same one from each.

use spandrel_columns::LinkColumns;

use crate::column::{Column, Encoding, Strings, Values};
use crate::gather::Source;
use crate::schema;

/// A list of structs. Parquet's three-level list: `name.list.element.field`.
pub(crate) struct ListColumn<'a> {
    pub(crate) name: &'static str,
    /// Block row of each element, ascending.
    pub(crate) rows: Vec<u32>,
    /// Columns over the elements: their "rows" are positions in `rows`.
    pub(crate) fields: Vec<Column<'a>>,
}

/// Names of the fields of an event.
pub mod event_field {
    /// Time of the event minus start of its span.
    pub const TIME_OFFSET: &str = "time_offset_nanos";
    /// What happened.
    pub const NAME: &str = "name";
    /// OTLP `KeyValueList` message.
    pub const ATTRIBUTES: &str = "attributes";
    /// What the sender dropped.
    pub const DROPPED_ATTRIBUTES: &str = "dropped_attributes_count";
}

/// Names of the fields of a link.
pub mod link_field {
    /// 16 bytes.
    pub const TRACE_ID: &str = "trace_id";
    /// 8 bytes.
    pub const SPAN_ID: &str = "span_id";
    /// W3C tracestate.
    pub const TRACE_STATE: &str = "trace_state";
    /// OTLP link flags.
    pub const FLAGS: &str = "flags";
    /// OTLP `KeyValueList` message.
    pub const ATTRIBUTES: &str = "attributes";
    /// What the sender dropped.
    pub const DROPPED_ATTRIBUTES: &str = "dropped_attributes_count";
}

/// Block rows of the elements, ascending, and the elements in that order.
fn in_block_order(source: &Source<'_>, rows: &[u32]) -> (Vec<u32>, Vec<u32>) {
    let moved = rows.iter().enumerate();
    let mut elements: Vec<(u32, u32)> =
        moved.map(|(i, &row)| (source.positions[row as usize], i as u32)).collect();
    elements.sort_unstable();
    elements.into_iter().unzip()
}

/// The events; a list without elements when there are none.
pub(crate) fn events<'a>(source: &Source<'a>) -> ListColumn<'a> {
    let events = &source.spans.events;
    let (rows, order) = in_block_order(source, &events.rows);
    let offsets = order.iter().map(|&i| {
        let i = i as usize;
        let start = source.spans.start_unix_nanos[events.rows[i] as usize];
        events.time_unix_nanos[i].cast_signed().wrapping_sub(start)
    });
    let names = Values::Text(Strings::of(&events.name_dictionary));
    let codes = order.iter().map(|&i| events.names[i as usize]).collect();
    let lists =
        order.iter().map(|&i| events.attribute_lists.get(events.attributes[i as usize])).collect();
    let dropped = order.iter().map(|&i| events.dropped_attributes_counts[i as usize]).collect();
    let fields = vec![
        Column::required(
            event_field::TIME_OFFSET,
            Values::I64(offsets.collect()),
            Encoding::ByteStreamSplit,
        ),
        Column::required_codes(event_field::NAME, names, codes),
        attribute_lists(event_field::ATTRIBUTES, lists),
        counts(event_field::DROPPED_ATTRIBUTES, dropped),
    ];
    ListColumn { name: schema::EVENTS, rows, fields }
}

/// The links; a list without elements when there are none.
pub(crate) fn links<'a>(source: &Source<'a>) -> ListColumn<'a> {
    let links = &source.spans.links;
    let (rows, order) = in_block_order(source, &links.rows);
    let pick = |values: &[u32]| order.iter().map(|&i| values[i as usize]).collect::<Vec<_>>();
    let trace_ids = order.iter().flat_map(|&i| links.trace_ids[i as usize].0).collect();
    let span_ids = order.iter().flat_map(|&i| links.span_ids[i as usize].0).collect();
    let lists =
        order.iter().map(|&i| links.attribute_lists.get(links.attributes[i as usize])).collect();
    let trace_ids = Values::Fixed(16, trace_ids);
    let fields = vec![
        Column::required(link_field::TRACE_ID, trace_ids, Encoding::Dictionary),
        Column::required(link_field::SPAN_ID, Values::Fixed(8, span_ids), Encoding::Random),
        trace_states(links, &order),
        counts(link_field::FLAGS, pick(&links.flags)),
        attribute_lists(link_field::ATTRIBUTES, lists),
        counts(link_field::DROPPED_ATTRIBUTES, pick(&links.dropped_attributes_counts)),
    ];
    ListColumn { name: schema::LINKS, rows, fields }
}

fn trace_states<'a>(links: &'a LinkColumns, order: &[u32]) -> Column<'a> {
    let codes = order.iter().map(|&i| links.trace_states[i as usize]).enumerate();
    let present =
        codes.filter(|(_, code)| !links.trace_state_dictionary.get_bytes(*code).is_empty());
    let (rows, codes) = present.map(|(element, code)| (element as u32, code)).unzip();
    let strings = Values::Text(Strings::of(&links.trace_state_dictionary));
    Column::nullable_codes(link_field::TRACE_STATE, rows, strings, codes)
}

fn attribute_lists<'a>(name: &str, lists: Vec<&'a [u8]>) -> Column<'a> {
    let present = lists.into_iter().enumerate().filter(|(_, list)| !list.is_empty());
    let (rows, lists) = present.map(|(element, list)| (element as u32, list)).unzip();
    Column::nullable(name, rows, Values::Binary(Strings::Borrowed(lists)), Encoding::Dictionary)
}

fn counts(name: &str, values: Vec<u32>) -> Column<'static> {
    let present = values.into_iter().enumerate().filter(|(_, value)| *value != 0);
    let (rows, values) =
        present.map(|(element, value)| (element as u32, value.cast_signed())).unzip();
    Column::nullable(name, rows, Values::I32(values), Encoding::Dictionary)
}
