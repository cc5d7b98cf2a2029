//! String literals, with the escapes of Go.

use super::Token;
use crate::error::OttlError;

/// The string that `rest` starts with, quotes included, and its length in the text.
pub(super) fn read(rest: &str, offset: usize) -> Result<(Token, usize), OttlError> {
    // Octal and two-digit hexadecimal escapes are bytes, which may form characters together.
    let mut out = Vec::new();
    let mut chars = rest.char_indices();
    chars.next();
    loop {
        let Some((at, c)) = chars.next() else {
            return Err(OttlError::new(offset, "string without closing quote"));
        };
        match c {
            '"' => {
                let text = String::from_utf8(out).map_err(|_| {
                    OttlError::new(offset, "the string's escapes are no UTF-8 together")
                })?;
                return Ok((Token::Text(text), at + 1));
            }
            '\\' => {
                let escape = rest.get(at + 1..).unwrap_or_default();
                let length = unescape(escape, &mut out).ok_or_else(|| {
                    let wrong = escape.chars().next().map(String::from).unwrap_or_default();
                    let message =
                        format!("unknown escape `\\{wrong}`: a backslash is written `\\\\`");
                    OttlError::new(offset + at, message)
                })?;
                let end = at + 1 + length;
                while chars.clone().next().is_some_and(|(next, _)| next < end) {
                    chars.next();
                }
            }
            c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

/// Appends what the escape behind a backslash stands for; its length in bytes.
fn unescape(escape: &str, out: &mut Vec<u8>) -> Option<usize> {
    let first = escape.chars().next()?;
    let plain = match first {
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 11,
        '\\' => b'\\',
        '"' => b'"',
        'x' => {
            out.push(u8::try_from(digits(escape.get(1..3)?, 16)?).ok()?);
            return Some(3);
        }
        '0'..='7' => {
            out.push(u8::try_from(digits(escape.get(..3)?, 8)?).ok()?);
            return Some(3);
        }
        'u' | 'U' => {
            let end = if first == 'u' { 5 } else { 9 };
            let c = char::from_u32(digits(escape.get(1..end)?, 16)?)?;
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            return Some(end);
        }
        _ => return None,
    };
    out.push(plain);
    Some(1)
}

/// All of `text` as a number; no signs.
fn digits(text: &str, radix: u32) -> Option<u32> {
    text.chars().all(|c| c.is_digit(radix)).then(|| u32::from_str_radix(text, radix).ok())?
}

/// Writes `text` as a literal that [`read`] reads back.
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if u32::from(c) < 0x20 => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_those_of_go() {
        for (literal, expected) in [
            (r#""a\tb""#, "a\tb"),
            (r#""\x41\102\u00e9\U0001F600""#, "AB\u{e9}\u{1F600}"),
            (r#""\xc3\xa9""#, "\u{e9}"),
            (r#""\"\\""#, "\"\\"),
            ("\"\"", ""),
        ] {
            let (token, length) = read(literal, 0).unwrap();
            assert_eq!((token, length), (Token::Text(expected.to_owned()), literal.len()));
        }
    }

    #[test]
    fn broken_escapes_are_refused() {
        for literal in [
            r#""\x4""#,
            r#""\x"#,
            r#""\u12""#,
            r#""\UFFFFFFFF""#,
            r#""\777""#,
            r#""\xff""#,
            r#""\"#,
            r#""\x+1""#,
        ] {
            assert!(read(literal, 0).is_err(), "{literal}");
        }
    }

    #[test]
    fn quoted_text_reads_back() {
        let text = "a\"\\\n\r\t\u{1}\u{e9}";
        let literal = quote(text);
        assert_eq!(read(&literal, 0).unwrap().0, Token::Text(text.to_owned()));
    }
}
