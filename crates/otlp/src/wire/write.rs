//! Appending fields to a vector.

/// Appends a varint.
#[inline]
pub fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a varint field.
pub fn put_varint_field(out: &mut Vec<u8>, number: u32, value: u64) {
    put_varint(out, u64::from(number << 3));
    put_varint(out, value);
}

/// Appends a fixed64 or double field.
pub fn put_fixed64_field(out: &mut Vec<u8>, number: u32, value: u64) {
    put_varint(out, u64::from(number << 3 | 1));
    out.extend_from_slice(&value.to_le_bytes());
}

/// Appends a fixed32 field.
pub fn put_fixed32_field(out: &mut Vec<u8>, number: u32, value: u32) {
    put_varint(out, u64::from(number << 3 | 5));
    out.extend_from_slice(&value.to_le_bytes());
}

/// Appends the tag and the length of a field of `length` bytes of content.
#[inline]
pub fn put_header(out: &mut Vec<u8>, number: u32, length: usize) {
    put_varint(out, u64::from(number << 3 | 2));
    put_varint(out, length as u64);
}

/// Appends a field of bytes, text or a message.
#[inline]
pub fn put_bytes_field(out: &mut Vec<u8>, number: u32, content: &[u8]) {
    put_header(out, number, content.len());
    out.extend_from_slice(content);
}

/// Bytes of a field with a tag of one byte (a number below 16) and `length` bytes of content.
pub fn field_len(length: usize) -> usize {
    1 + varint_len(length) + length
}

/// Bytes of a varint.
fn varint_len(value: usize) -> usize {
    let significant_bits = usize::BITS - (value | 1).leading_zeros();
    significant_bits.div_ceil(7) as usize
}

/// Appends a message field whose content `write` appends.
pub fn put_message_field(out: &mut Vec<u8>, number: u32, write: impl FnOnce(&mut Vec<u8>)) {
    let open = begin(out, number, 0);
    write(out);
    end(out, &open);
}

/// A message that is being appended; its length is not known yet.
#[derive(Debug, Clone, Copy)]
pub struct Open {
    /// Where the content begins.
    start: usize,
    /// How many bytes before it are left free for the length.
    reserved: usize,
}

impl Open {
    /// Where the content begins.
    pub fn start(&self) -> usize {
        self.start
    }
}

/// Begins a message field that will have about `expected` bytes, so that its length will fit into the room that is
/// left for it and nothing has to be moved.
pub fn begin(out: &mut Vec<u8>, number: u32, expected: usize) -> Open {
    put_varint(out, u64::from(number << 3 | 2));
    let before = out.len();
    put_varint(out, expected as u64);
    Open { start: out.len(), reserved: out.len() - before }
}

/// Ends what [`begin`] began; its content was appended meanwhile.
pub fn end(out: &mut Vec<u8>, open: &Open) {
    let mut length = out.len().saturating_sub(open.start);
    let needed = varint_len(length);
    let before = open.start - open.reserved;
    if needed != open.reserved {
        out.splice(before..open.start, std::iter::repeat_n(0, needed)).for_each(drop);
    }
    let room = out.get_mut(before..before + needed).unwrap_or_default();
    for (place, byte) in room.iter_mut().enumerate() {
        let more = if place + 1 < needed { 0x80 } else { 0 };
        *byte = (length & 0x7f) as u8 | more;
        length >>= 7;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_put_in_front_whatever_was_expected() {
        for (expected, length) in [
            (3, 3),
            (3, 300),
            (300, 3),
            (0, 0),
            (0, 1),
            (20_000, 20_001),
            (0, 20_001),
            (200_000, 0),
        ] {
            let mut out = vec![7];
            let open = begin(&mut out, 1, expected);
            out.extend(std::iter::repeat_n(9, length));
            end(&mut out, &open);
            let mut wanted = vec![7];
            put_bytes_field(&mut wanted, 1, &vec![9; length]);
            assert_eq!(out, wanted, "{expected} {length}");
        }
    }

    #[test]
    fn lengths_are_those_that_are_written() {
        for length in [0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152] {
            let mut out = Vec::new();
            put_header(&mut out, 1, length);
            assert_eq!(out.len() + length, field_len(length), "{length}");
        }
    }
}
