//! Percent-decoding of what may have been encoded twice.

use std::borrow::Cow;

/// Decodes `%XX`; a text with an escape that is none, or that is no longer UTF-8, stays as it is.
pub(super) fn decode_again(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    match decode(text.as_bytes()).and_then(|bytes| String::from_utf8(bytes).ok()) {
        Some(decoded) => Cow::Owned(decoded),
        None => Cow::Borrowed(text),
    }
}

fn decode(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(rest.len());
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let (digits, behind) = rest.split_first_chunk::<2>()?;
        let [high, low] = digits.map(|digit| char::from(digit).to_digit(16));
        decoded.push(u8::try_from(high? * 16 + low?).ok()?);
        rest = behind;
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded_and_anything_else_is_kept() {
        for (text, decoded) in [
            ("a+b", "a+b"),
            ("%22a%20b%2f%22", "\"a b/\""),
            ("%C3%a9", "\u{e9}"),
            ("100%", "100%"),
            ("%2", "%2"),
            ("%zz%20", "%zz%20"),
            ("%+1", "%+1"),
            ("%ff", "%ff"),
        ] {
            assert_eq!(decode_again(text), decoded);
        }
    }
}
