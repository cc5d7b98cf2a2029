//! Bytes of the attribute directory: entry after entry, type after type, values inline.

use super::IndexError;
use super::attributes::{AttributeEntry, TypeSummary, Values};
use super::oversized::Oversized;
use super::token::{scope_from_number, scope_number};
use super::wire::{Cursor, put_count, put_signed, put_text, put_varint};

const FLAG_COLUMN: u8 = 1;
const FLAG_DISTINCT_EXACT: u8 = 1 << 1;
const FLAG_COMPLETE: u8 = 1 << 2;
const FLAG_OVERSIZED: u8 = 1 << 3;

/// Least bytes of an entry: scope, key length, number of types.
const ENTRY_BYTES_MIN: usize = 3;
/// Least bytes of a type: number, flags, count, distinct.
const TYPE_BYTES_MIN: usize = 4;

pub(super) fn encode(entries: &[AttributeEntry], out: &mut Vec<u8>) {
    put_count(out, entries.len());
    for entry in entries {
        out.push(scope_number(entry.scope));
        put_text(out, &entry.key);
        put_count(out, entry.types.len());
        for summary in &entry.types {
            encode_type(summary, out);
        }
    }
}

fn encode_type(summary: &TypeSummary, out: &mut Vec<u8>) {
    let flag = |set: bool, flag: u8| if set { flag } else { 0 };
    out.push(summary.values.type_number());
    out.push(
        flag(summary.column, FLAG_COLUMN)
            | flag(summary.distinct_exact, FLAG_DISTINCT_EXACT)
            | flag(summary.complete, FLAG_COMPLETE)
            | flag(summary.oversized.is_some(), FLAG_OVERSIZED),
    );
    put_varint(out, summary.count);
    put_varint(out, summary.distinct);
    if let Some(Oversized { count, bytes, least_bytes, greatest_bytes }) = summary.oversized {
        for number in [count, bytes, least_bytes, greatest_bytes] {
            put_varint(out, number);
        }
    }
    match &summary.values {
        Values::Strings(top) => put_top(out, top, |out, text| put_text(out, text)),
        Values::Ints { min, max, top } => {
            put_signed(out, *min);
            put_signed(out, *max);
            put_top(out, top, |out, &int| put_signed(out, int));
        }
        Values::Doubles { range } => {
            out.push(u8::from(range.is_some()));
            for bound in range.iter().flat_map(|&(min, max)| [min, max]) {
                out.extend_from_slice(&bound.to_le_bytes());
            }
        }
        Values::Bools(top) => put_top(out, top, |out, &bool| out.push(u8::from(bool))),
        Values::Others => {}
    }
}

fn put_top<T>(out: &mut Vec<u8>, top: &[(T, u64)], put: impl Fn(&mut Vec<u8>, &T)) {
    put_count(out, top.len());
    for (value, count) in top {
        put(out, value);
        put_varint(out, *count);
    }
}

pub(super) fn decode(cursor: &mut Cursor<'_>) -> Result<Vec<AttributeEntry>, IndexError> {
    let count = cursor.count(ENTRY_BYTES_MIN)?;
    cursor.column(count, |cursor| {
        let scope = cursor.u8()?;
        let scope = scope_from_number(scope).ok_or(cursor.corrupt("unknown scope"))?;
        let key = cursor.text()?.into();
        let n_types = cursor.count(TYPE_BYTES_MIN)?;
        let types = cursor.column(n_types, decode_type)?;
        if !types.is_sorted_by(|a, b| a.values.type_number() < b.values.type_number()) {
            return Err(cursor.corrupt("types are out of order"));
        }
        Ok(AttributeEntry { scope, key, types })
    })
}

fn decode_type(cursor: &mut Cursor<'_>) -> Result<TypeSummary, IndexError> {
    let type_number = cursor.u8()?;
    let flags = cursor.u8()?;
    let count = cursor.varint()?;
    let distinct = cursor.varint()?;
    let oversized = match flags & FLAG_OVERSIZED {
        0 => None,
        _ => Some(Oversized {
            count: cursor.varint()?,
            bytes: cursor.varint()?,
            least_bytes: cursor.varint()?,
            greatest_bytes: cursor.varint()?,
        }),
    };
    let values = match type_number {
        0 => Values::Strings(top(cursor, |cursor| cursor.text().map(Box::from))?),
        1 => Values::Ints {
            min: cursor.signed()?,
            max: cursor.signed()?,
            top: top(cursor, Cursor::signed)?,
        },
        2 => Values::Doubles {
            range: if cursor.bool()? { Some((cursor.f64()?, cursor.f64()?)) } else { None },
        },
        3 => Values::Bools(top(cursor, Cursor::bool)?),
        4 => Values::Others,
        _ => return Err(cursor.corrupt("unknown type")),
    };
    Ok(TypeSummary {
        count,
        column: flags & FLAG_COLUMN != 0,
        distinct,
        distinct_exact: flags & FLAG_DISTINCT_EXACT != 0,
        complete: flags & FLAG_COMPLETE != 0,
        oversized,
        values,
    })
}

fn top<'a, T>(
    cursor: &mut Cursor<'a>,
    read: impl Fn(&mut Cursor<'a>) -> Result<T, IndexError>,
) -> Result<Vec<(T, u64)>, IndexError> {
    let count = cursor.count(2)?;
    cursor.column(count, |cursor| Ok((read(cursor)?, cursor.varint()?)))
}
