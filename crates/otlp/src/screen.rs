//! Leaving spans out of a request before it is decoded.
//!
//! Whoever has limits on spans decides by what is known from the wire alone: sizes and the trace id. What is
//! kept is copied byte for byte, unknown fields included, so that the request without the refused spans can
//! be logged, replayed and decoded like any other. A resource or scope all of whose spans were left out goes
//! with them; one that came without spans stays.
//!
//! Only what has to be walked is checked: kept spans still have to be decoded, and a span that is left out may
//! be malformed without anybody noticing.

use spandrel_model::TraceId;

use crate::DecodeError;
use crate::wire::{Reader, Value, begin, end};

/// What is known of a span before it is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanFacts {
    /// Its trace; zeros when it has not 16 bytes.
    pub trace_id: TraceId,
    /// Bytes of its message.
    pub n_bytes: usize,
    /// Attributes, repeated keys counted as often as they come.
    pub n_attributes: usize,
    /// Bytes of the longest attribute value of the span, its events and links, its resource and scope. A list
    /// or map counts as a whole; numbers and truth values count 8.
    pub value_bytes_max: usize,
}

/// The request without the spans that `keep` does not want; `None` when it wants all. `keep` is asked once
/// for each span, in order.
///
/// # Errors
/// [`DecodeError`] when a message on the way to a span or to an attribute value is damaged.
/// [`crate::decode_request`] does not accept such a request either.
pub fn screen_request(
    bytes: &[u8],
    mut keep: impl FnMut(&SpanFacts) -> bool,
) -> Result<Option<Vec<u8>>, DecodeError> {
    let mut verdicts = Vec::new();
    let mut reader = Reader::new(bytes, "ExportTraceServiceRequest");
    while let Some(field) = reader.next_field()? {
        if let (1, Value::Bytes(resource_spans)) = field {
            judge_resource_spans(resource_spans, &mut |facts| verdicts.push(keep(facts)))?;
        }
    }
    if verdicts.iter().all(|kept| *kept) {
        return Ok(None);
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut verdicts = verdicts.into_iter();
    copy_kept(bytes, &[1, 2, 2], &mut verdicts, &mut out)?;
    Ok(Some(out))
}

fn judge_resource_spans(
    bytes: &[u8],
    judge: &mut dyn FnMut(&SpanFacts),
) -> Result<(), DecodeError> {
    let longest = longest_of_producer(bytes, "ResourceSpans", 1)?;
    let mut reader = Reader::new(bytes, "ResourceSpans");
    while let Some(field) = reader.next_field()? {
        let (2, Value::Bytes(scope_spans)) = field else { continue };
        let longest = longest.max(longest_of_producer(scope_spans, "ScopeSpans", 3)?);
        let mut reader = Reader::new(scope_spans, "ScopeSpans");
        while let Some(field) = reader.next_field()? {
            if let (2, Value::Bytes(span)) = field {
                let mut facts = facts_of(span)?;
                facts.value_bytes_max = facts.value_bytes_max.max(longest);
                judge(&facts);
            }
        }
    }
    Ok(())
}

/// The longest attribute value of the resource or scope, which is field 1 of `bytes` and has its attributes
/// in the field `attributes`.
fn longest_of_producer(
    bytes: &[u8],
    message: &'static str,
    attributes: u32,
) -> Result<usize, DecodeError> {
    let mut longest = 0;
    let mut reader = Reader::new(bytes, message);
    while let Some(field) = reader.next_field()? {
        if let (1, Value::Bytes(producer)) = field {
            longest = longest.max(longest_value(producer, message, attributes)?);
        }
    }
    Ok(longest)
}

fn facts_of(bytes: &[u8]) -> Result<SpanFacts, DecodeError> {
    let trace_id = TraceId::default();
    let mut facts =
        SpanFacts { trace_id, n_bytes: bytes.len(), n_attributes: 0, value_bytes_max: 0 };
    let mut reader = Reader::new(bytes, "Span");
    while let Some(field) = reader.next_field()? {
        let longest = match field {
            (1, Value::Bytes(id)) => {
                facts.trace_id = TraceId(id.try_into().unwrap_or_default());
                continue;
            }
            (9, Value::Bytes(pair)) => {
                facts.n_attributes += 1;
                value_bytes(pair)?
            }
            (11, Value::Bytes(event)) => longest_value(event, "Event", 3)?,
            (13, Value::Bytes(link)) => longest_value(link, "Link", 4)?,
            _ => continue,
        };
        facts.value_bytes_max = facts.value_bytes_max.max(longest);
    }
    Ok(facts)
}

/// The longest value of the attributes that a message has in the field `attributes`.
fn longest_value(
    bytes: &[u8],
    message: &'static str,
    attributes: u32,
) -> Result<usize, DecodeError> {
    let mut longest = 0;
    let mut reader = Reader::new(bytes, message);
    while let Some((number, value)) = reader.next_field()? {
        if let (true, Value::Bytes(pair)) = (number == attributes, value) {
            longest = longest.max(value_bytes(pair)?);
        }
    }
    Ok(longest)
}

/// Bytes of the value of a `KeyValue`.
fn value_bytes(pair: &[u8]) -> Result<usize, DecodeError> {
    let mut longest = 0;
    let mut reader = Reader::new(pair, "KeyValue");
    while let Some(field) = reader.next_field()? {
        let (2, Value::Bytes(any_value)) = field else { continue };
        let mut reader = Reader::new(any_value, "AnyValue");
        while let Some((_, value)) = reader.next_field()? {
            longest = longest.max(match value {
                Value::Bytes(bytes) => bytes.len(),
                _ => 8,
            });
        }
    }
    Ok(longest)
}

/// Copies a message without the refused ones among the messages at the end of `path`. Returns whether it is to
/// stay: not when all that it had were refused.
fn copy_kept(
    bytes: &[u8],
    path: &[u32],
    verdicts: &mut impl Iterator<Item = bool>,
    out: &mut Vec<u8>,
) -> Result<bool, DecodeError> {
    let Some((&on_path, rest)) = path.split_first() else {
        // Every message at the end of the path has been judged.
        let kept = verdicts.next().unwrap_or(true);
        out.extend_from_slice(if kept { bytes } else { &[] });
        return Ok(kept);
    };
    let (mut n_kept, mut n_refused) = (0, 0);
    let mut reader = Reader::new(bytes, "ExportTraceServiceRequest");
    while let Some(field) = reader.next_raw()? {
        if let Some(message) = field.message(on_path) {
            let undo = out.len();
            let open = begin(out, on_path, message.len());
            if copy_kept(message, rest, verdicts, out)? {
                end(out, &open);
                n_kept += 1;
            } else {
                out.truncate(undo);
                n_refused += 1;
            }
        } else {
            out.extend_from_slice(field.raw);
        }
    }
    Ok(n_kept > 0 || n_refused == 0)
}

#[cfg(test)]
mod tests;
