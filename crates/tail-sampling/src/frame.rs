//! How records lie in our files: a header that names the format, then frames of length, CRC and payload.
//!
//! Numbers are little-endian. A frame is `length: u32, crc32(payload): u32, payload`. Reading stops at the first frame
//! that is not whole: after a crash that is the end of what was written.

/// Bytes in front of a payload.
const PREFIX_BYTES: usize = 8;
/// A longer payload is damage: it bounds what is read at once.
const PAYLOAD_BYTES_MAX: usize = 1 << 30;

/// Appends a frame around what `write` appends.
pub(crate) fn put_frame(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; PREFIX_BYTES]);
    write(out);
    let payload = out.get(start + PREFIX_BYTES..).unwrap_or_default();
    let (length, crc) = (payload.len() as u32, crc32fast::hash(payload));
    let prefix = [length.to_le_bytes(), crc.to_le_bytes()].concat();
    if let Some(place) = out.get_mut(start..start + PREFIX_BYTES) {
        place.copy_from_slice(&prefix);
    }
}

/// The frame at the start of `bytes`: its payload, and how long it is with its prefix. `None` when it is not whole.
pub(crate) fn read_frame(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let mut rest = bytes;
    let (length, crc) = (take_u32(&mut rest)? as usize, take_u32(&mut rest)?);
    if length > PAYLOAD_BYTES_MAX {
        return None;
    }
    let payload = rest.get(..length)?;
    (crc32fast::hash(payload) == crc).then_some((payload, PREFIX_BYTES + length))
}

/// The frames behind `header`, each with its offset in the file; nothing when the header is another.
pub(crate) fn frames<'b>(
    file: &'b [u8],
    header: &[u8],
) -> impl Iterator<Item = (usize, &'b [u8], usize)> {
    let mut offset = if file.starts_with(header) { header.len() } else { file.len() };
    std::iter::from_fn(move || {
        let (payload, length) = read_frame(file.get(offset..)?)?;
        let found = (offset, payload, length);
        offset += length;
        Some(found)
    })
}

/// Takes a number from the front.
pub(crate) fn take_u32(bytes: &mut &[u8]) -> Option<u32> {
    take(bytes).map(u32::from_le_bytes)
}

/// Takes a number from the front.
pub(crate) fn take_u64(bytes: &mut &[u8]) -> Option<u64> {
    take(bytes).map(u64::from_le_bytes)
}

/// Takes so many bytes from the front.
pub(crate) fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (chunk, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*chunk)
}

/// Appends a text of at most 255 bytes with its length in front.
pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) {
    let length = u8::try_from(text.len()).unwrap_or(u8::MAX);
    out.push(length);
    out.extend_from_slice(text.as_bytes().get(..usize::from(length)).unwrap_or_default());
}

/// Takes what [`put_text`] has appended.
pub(crate) fn take_text<'b>(bytes: &mut &'b [u8]) -> Option<&'b str> {
    let [length] = take(bytes)?;
    let (text, rest) = bytes.split_at_checked(usize::from(length))?;
    *bytes = rest;
    std::str::from_utf8(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_end_where_writing_ended() {
        let mut file = b"HEAD".to_vec();
        put_frame(&mut file, |out| put_text(out, "first"));
        let whole = file.len();
        put_frame(&mut file, |out| out.extend_from_slice(&7_u64.to_le_bytes()));
        let payloads =
            |bytes: &[u8]| frames(bytes, b"HEAD").map(|f| f.1.to_vec()).collect::<Vec<_>>();
        assert_eq!(payloads(&file).len(), 2);
        for cut in whole..file.len() {
            assert_eq!(payloads(&file[..cut]), [b"\x05first".to_vec()], "{cut}");
        }
        let mut damaged = file.clone();
        *damaged.last_mut().unwrap() ^= 1;
        assert_eq!(payloads(&damaged).len(), 1);
        assert!(payloads(b"HEAX").is_empty());
        let mut text = &b"\x05first"[..];
        assert_eq!(take_text(&mut text), Some("first"));
        assert_eq!(take_text(&mut &b"\x05firs"[..]), None);
    }
}
