//! Page headers in Thrift's compact protocol: the few fields that this writer sets.

/// Appends an unsigned number in groups of seven bits, lowest first.
pub(crate) fn push_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a signed number, small ones of either sign in few bytes.
pub(crate) fn push_zigzag(value: i64, out: &mut Vec<u8>) {
    push_varint((value << 1 ^ value >> 63).cast_unsigned(), out);
}

/// What a page holds. Numbers of encodings and page types are those of `parquet.thrift`.
#[derive(Clone, Copy)]
pub(crate) enum Page {
    /// The values of a dictionary, plain.
    Dictionary {
        /// Distinct values.
        n_values: usize,
    },
    /// Levels and values, compressed together.
    Data {
        /// Values, nulls included.
        n_values: usize,
        /// Encoding of the values.
        encoding: parquet::basic::Encoding,
    },
}

const I32: u8 = 5;
const STRUCT: u8 = 12;
const STOP: u8 = 0;
const PLAIN: i32 = 0;
const RLE: i32 = 3;

/// Appends the header of a page with this compressed body.
pub(crate) fn push_page_header(page: Page, raw_bytes: usize, body: &[u8], out: &mut Vec<u8>) {
    let (page_type, details) = match page {
        Page::Data { .. } => (0, 5),
        Page::Dictionary { .. } => (2, 7),
    };
    // A checksum is an unsigned number in a signed field.
    let checksum = crc32fast::hash(body).cast_signed();
    for value in [page_type, raw_bytes as i32, body.len() as i32, checksum] {
        push_i32(value, out);
    }
    out.push((details - 4) << 4 | STRUCT);
    match page {
        Page::Dictionary { n_values } => {
            push_i32(n_values as i32, out);
            push_i32(PLAIN, out);
        }
        Page::Data { n_values, encoding } => {
            push_i32(n_values as i32, out);
            push_i32(encoding as i32, out);
            // Definition levels, repetition levels.
            push_i32(RLE, out);
            push_i32(RLE, out);
        }
    }
    out.extend_from_slice(&[STOP, STOP]);
}

/// The field after the last one.
fn push_i32(value: i32, out: &mut Vec<u8>) {
    out.push(1 << 4 | I32);
    push_zigzag(i64::from(value), out);
}
