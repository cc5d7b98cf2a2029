//! A span as a map in msgpack.

use spandrel_translate::Room;

use crate::DatadogError;
use crate::msgpack::Reader;
use crate::span::{Event, EventValue, Link, Span, Text};

/// What a pair of texts takes, in a list that may have twice the room that it needs.
pub(super) const PAIR_BYTES: usize = 2 * size_of::<(Text<'_>, Text<'_>)>();

/// Reads a span.
pub(super) fn span<'a>(
    reader: &mut Reader<'a>,
    room: &mut Room<'_>,
) -> Result<Span<'a>, DatadogError> {
    room.take(2 * size_of::<Span<'_>>())?;
    let mut span = Span::default();
    for _ in 0..reader.map()? {
        let key = reader.text()?;
        match &*key {
            "service" => span.service = reader.text_or_empty()?,
            "name" => span.name = reader.text_or_empty()?,
            "resource" => span.resource = reader.text_or_empty()?,
            "type" => span.kind = reader.text_or_empty()?,
            "trace_id" => span.trace_id = reader.bits()?,
            "span_id" => span.span_id = reader.bits()?,
            "parent_id" => span.parent_id = reader.bits()?,
            "start" => span.start_unix_nanos = not_negative(reader.bits()?),
            "duration" => span.duration_nanos = not_negative(reader.bits()?),
            "error" => span.is_error = reader.bits()? != 0,
            "meta" => span.meta = texts(reader, room)?,
            "metrics" => span.metrics = numbers(reader, room)?,
            "span_links" => span.links = links(reader, room)?,
            "span_events" => span.events = events(reader, room)?,
            _ => reader.skip()?,
        }
    }
    Ok(span)
}

/// A number that has a sign on the wire; below zero is zero.
pub(super) fn not_negative(bits: u64) -> u64 {
    u64::try_from(bits.cast_signed()).unwrap_or(0)
}

/// A map of texts.
pub(super) fn texts<'a>(
    reader: &mut Reader<'a>,
    room: &mut Room<'_>,
) -> Result<Vec<(Text<'a>, Text<'a>)>, DatadogError> {
    let mut pairs = Vec::new();
    for _ in 0..reader.map()? {
        room.take(PAIR_BYTES)?;
        pairs.push((reader.text()?, reader.text_or_empty()?));
    }
    Ok(pairs)
}

fn numbers<'a>(
    reader: &mut Reader<'a>,
    room: &mut Room<'_>,
) -> Result<Vec<(Text<'a>, f64)>, DatadogError> {
    let mut pairs = Vec::new();
    for _ in 0..reader.map()? {
        room.take(PAIR_BYTES)?;
        let key = reader.text()?;
        if let Some(number) = reader.number()? {
            pairs.push((key, number));
        }
    }
    Ok(pairs)
}

fn links<'a>(reader: &mut Reader<'a>, room: &mut Room<'_>) -> Result<Vec<Link<'a>>, DatadogError> {
    let mut links = Vec::new();
    for _ in 0..reader.array()? {
        room.take(2 * size_of::<Link<'_>>())?;
        let (mut link, mut low, mut high) = (Link::default(), 0, 0);
        for _ in 0..reader.map()? {
            let key = reader.text()?;
            match &*key {
                "trace_id" => low = reader.bits()?,
                "trace_id_high" => high = reader.bits()?,
                "span_id" => link.span_id = reader.bits()?,
                "tracestate" => link.trace_state = reader.text_or_empty()?,
                "attributes" => link.attributes = texts(reader, room)?,
                _ => reader.skip()?,
            }
        }
        link.trace_id = u128::from(high) << 64 | u128::from(low);
        links.push(link);
    }
    Ok(links)
}

fn events<'a>(
    reader: &mut Reader<'a>,
    room: &mut Room<'_>,
) -> Result<Vec<Event<'a>>, DatadogError> {
    let mut events = Vec::new();
    for _ in 0..reader.array()? {
        room.take(2 * size_of::<Event<'_>>())?;
        let mut event = Event::default();
        for _ in 0..reader.map()? {
            let key = reader.text()?;
            match &*key {
                "time_unix_nano" => event.time_unix_nanos = not_negative(reader.bits()?),
                "name" => event.name = reader.text_or_empty()?,
                "attributes" => {
                    for _ in 0..reader.map()? {
                        room.take(PAIR_BYTES)?;
                        let key = reader.text()?;
                        if let Some(value) = event_value(reader)? {
                            event.attributes.push((key, value));
                        }
                    }
                }
                _ => reader.skip()?,
            }
        }
        events.push(event);
    }
    Ok(events)
}

/// A value with its type beside it: 0 a text, 1 a boolean, 2 an integer, 3 a number; 4 is a list.
fn event_value<'a>(reader: &mut Reader<'a>) -> Result<Option<EventValue<'a>>, DatadogError> {
    let mut value = None;
    for _ in 0..reader.map()? {
        let key = reader.text()?;
        match &*key {
            "string_value" => value = Some(EventValue::Text(reader.text_or_empty()?)),
            "bool_value" => value = Some(EventValue::Bool(reader.bits()? != 0)),
            "int_value" => value = Some(EventValue::Int(reader.bits()?.cast_signed())),
            "double_value" => value = reader.number()?.map(EventValue::Double),
            _ => reader.skip()?,
        }
    }
    Ok(value)
}
