//! Arrow arrays of the values of some rows.

use std::sync::Arc;

use arrow_array::builder::BinaryViewBuilder;
use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, DictionaryArray, FixedSizeBinaryArray, Float64Array,
    Int32Array, Int64Array, ListArray, StringArray, StructArray,
};
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, FieldRef, Fields};

use super::Damage;
use super::leaf::Part;
use super::values::{Strings, Values};

const TOO_LARGE: Damage = "has more than 2 GiB in these rows";

/// The array of a column that is no list.
pub(super) fn flat(data_type: &DataType, part: Part) -> Result<ArrayRef, Damage> {
    let n_values = part.presence.present.iter().filter(|present| **present).count();
    if n_values != part.places.as_ref().map_or_else(|| part.values.len(), Vec::len) {
        return Err("has another number of values than its levels say");
    }
    let mut next = 0;
    let places = part.presence.present.iter().map(|present| {
        present.then(|| {
            next += 1;
            part.places.as_ref().map_or(next - 1, |places| places[next - 1] as usize)
        })
    });
    Ok(match (data_type, part.values) {
        (DataType::Int32, Values::I32(values)) => {
            Arc::new(Int32Array::from_iter(places.map(|place| place.map(|place| values[place]))))
        }
        (DataType::Int64, Values::I64(values)) => {
            Arc::new(Int64Array::from_iter(places.map(|place| place.map(|place| values[place]))))
        }
        (DataType::Float64, Values::F64(values)) => {
            Arc::new(Float64Array::from_iter(places.map(|place| place.map(|place| values[place]))))
        }
        (DataType::Boolean, Values::Bool(values)) => {
            Arc::new(BooleanArray::from_iter(places.map(|place| place.map(|place| values[place]))))
        }
        (DataType::FixedSizeBinary(_), Values::Fixed(length, bytes)) => {
            fixed_size(length, &bytes, places)?
        }
        (DataType::Dictionary(..), Values::Strings(strings)) => coded(&strings, places)?,
        (DataType::Utf8, Values::Strings(strings)) => {
            let texts = places.map(|place| place.map(|place| text(&strings, place)).transpose());
            Arc::new(texts.collect::<Result<StringArray, Damage>>()?)
        }
        (DataType::Binary, Values::Strings(strings)) => {
            let bytes = places.map(|place| place.map(|place| strings.get(place)));
            Arc::new(bytes.collect::<BinaryArray>())
        }
        (DataType::BinaryView, Values::Strings(strings)) => views(strings, places)?,
        _ => return Err("has values of another type than its schema says"),
    })
}

fn text(strings: &Strings, place: usize) -> Result<&str, Damage> {
    std::str::from_utf8(strings.get(place)).map_err(|_| "has a text that is not UTF-8")
}

fn fixed_size(
    length: usize,
    bytes: &[u8],
    places: impl Iterator<Item = Option<usize>>,
) -> Result<ArrayRef, Damage> {
    let (mut out, mut valid) = (Vec::new(), Vec::new());
    for place in places {
        valid.push(place.is_some());
        match place {
            Some(place) => out.extend_from_slice(&bytes[place * length..(place + 1) * length]),
            None => out.resize(out.len() + length, 0),
        }
    }
    let length = i32::try_from(length).map_err(|_| TOO_LARGE)?;
    let array = FixedSizeBinaryArray::try_new(length, out.into(), Some(valid.into()));
    Ok(Arc::new(array.map_err(|_| TOO_LARGE)?))
}

/// Texts by code.
fn coded(
    strings: &Strings,
    places: impl Iterator<Item = Option<usize>>,
) -> Result<ArrayRef, Damage> {
    let codes = places.map(|place| place.map(|place| place as i32));
    let texts = (0..strings.ends.len()).map(|place| text(strings, place).map(Some));
    let texts: StringArray = texts.collect::<Result<_, Damage>>()?;
    let array = DictionaryArray::<Int32Type>::try_new(codes.collect(), Arc::new(texts));
    Ok(Arc::new(array.map_err(|_| TOO_LARGE)?))
}

/// Byte strings as they came out of their pages: rows that share one point to it.
fn views(
    mut strings: Strings,
    places: impl Iterator<Item = Option<usize>>,
) -> Result<ArrayRef, Damage> {
    let mut builder = BinaryViewBuilder::new();
    let block = builder.append_block(Buffer::from_vec(std::mem::take(&mut strings.bytes)));
    for place in places {
        let Some(place) = place else {
            builder.append_null();
            continue;
        };
        let range = strings.range(place);
        let offset = u32::try_from(range.start).map_err(|_| TOO_LARGE)?;
        let length = u32::try_from(range.len()).map_err(|_| TOO_LARGE)?;
        builder.try_append_view(block, offset, length).map_err(|_| TOO_LARGE)?;
    }
    Ok(Arc::new(builder.finish()))
}

/// The array of a list of structs, from its leaves.
pub(super) fn list(
    element: &FieldRef,
    fields: &Fields,
    parts: Vec<Part>,
) -> Result<ArrayRef, Damage> {
    let lengths = parts.first().map_or_else(Vec::new, |part| part.presence.lengths.clone());
    let leaves = fields.iter().zip(parts).map(|(field, part)| flat(field.data_type(), part));
    let leaves = leaves.collect::<Result<_, _>>()?;
    let elements = StructArray::try_new(fields.clone(), leaves, None);
    let elements = elements.map_err(|_| "has elements of different lengths")?;
    let valid = NullBuffer::from_iter(lengths.iter().map(|length| *length > 0));
    let offsets = OffsetBuffer::from_lengths(lengths.iter().map(|length| *length as usize));
    let list = ListArray::try_new(Arc::clone(element), offsets, Arc::new(elements), Some(valid));
    Ok(Arc::new(list.map_err(|_| "has lists of other lengths than its elements")?))
}
