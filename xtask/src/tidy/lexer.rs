//! Just enough Rust lexing to tell code, comments and string literals apart.
//!
//! [`Lexed`] holds two texts as long as the source, byte for byte: in `code`, comments and
//! the insides of string literals are blanks; in `comments`, everything but comments is. Line
//! breaks stay, so an offset means the same place in all three. Malformed source is no error: the
//! compiler reports it.

/// A source file, separated.
#[derive(Debug)]
pub(crate) struct Lexed {
    /// Code without comments and without the insides of literals.
    pub(crate) code: String,
    /// Comments only.
    pub(crate) comments: String,
    /// Byte ranges of the insides of string literals, ascending.
    pub(crate) strings: Vec<std::ops::Range<usize>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Class {
    Code,
    Comment,
    Literal,
}

/// Separates `source`.
pub(crate) fn lex(source: &str) -> Lexed {
    let bytes = source.as_bytes();
    let mut classes = vec![Class::Code; bytes.len()];
    let mut strings = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let after_ident = at > 0 && is_ident(bytes[at - 1]);
        if rest.starts_with(b"//") {
            let end = at + rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len());
            classes[at..end].fill(Class::Comment);
            at = end;
        } else if rest.starts_with(b"/*") {
            let end = at + block_comment_len(rest);
            classes[at..end].fill(Class::Comment);
            at = end;
        } else if let Some((open, close)) = raw_string(rest).filter(|_| !after_ident) {
            let inside = at + open..at + close;
            classes[inside.clone()].fill(Class::Literal);
            at = inside.end + 1;
            strings.push(inside);
        } else if rest[0] == b'"' {
            let inside = at + 1..at + string_len(rest);
            classes[inside.clone()].fill(Class::Literal);
            at = inside.end + 1;
            strings.push(inside);
        } else if let Some(len) = char_len(rest) {
            classes[at + 1..at + len - 1].fill(Class::Literal);
            at += len;
        } else {
            at += 1;
        }
    }
    Lexed {
        code: keep(bytes, &classes, Class::Code),
        comments: keep(bytes, &classes, Class::Comment),
        strings,
    }
}

fn keep(bytes: &[u8], classes: &[Class], wanted: Class) -> String {
    let kept = bytes.iter().zip(classes).map(|(&byte, &class)| {
        if byte == b'\n' || (class == wanted && byte.is_ascii()) { char::from(byte) } else { ' ' }
    });
    kept.collect()
}

pub(crate) fn is_ident(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Length of the nested block comment that `rest` starts with.
fn block_comment_len(rest: &[u8]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// For `r"..."`, `br#"..."#` and so on: where the inside starts and ends.
fn raw_string(rest: &[u8]) -> Option<(usize, usize)> {
    let prefix = [&b"br"[..], b"cr", b"r"].into_iter().find(|p| rest.starts_with(p))?;
    let hashes = rest[prefix.len()..].iter().take_while(|&&b| b == b'#').count();
    let open = prefix.len() + hashes;
    if rest.get(open) != Some(&b'"') {
        return None;
    }
    let mut close = vec![b'"'];
    close.resize(1 + hashes, b'#');
    let inside = &rest[open + 1..];
    let len = inside.windows(close.len()).position(|w| w == close).unwrap_or(inside.len());
    Some((open + 1, open + 1 + len))
}

/// Offset of the closing quote of the string literal that `rest` starts with.
fn string_len(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != b'"' {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    at.min(rest.len())
}

/// Length of the character literal that `rest` starts with; `None` for a lifetime.
fn char_len(rest: &[u8]) -> Option<usize> {
    if rest[0] != b'\'' {
        return None;
    }
    if rest.get(1) == Some(&b'\\') {
        let close = rest.iter().skip(3).position(|&b| b == b'\'')?;
        return Some(3 + close + 1);
    }
    // One character of up to four bytes, then the quote; a lifetime has no quote there.
    let first = *rest.get(1)?;
    let width = match first {
        0..=0x7f => 1,
        0x80..=0xdf => 2,
        0xe0..=0xef => 3,
        _ => 4,
    };
    (rest.get(1 + width) == Some(&b'\'')).then_some(width + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, code: &str, comments: &str) {
        let lexed = lex(source);
        assert_eq!(lexed.code, code);
        assert_eq!(lexed.comments.trim(), comments);
    }

    #[test]
    fn comments_and_literals_are_blanked() {
        check("a(\"b // c\"); // d", "a(\"      \");     ", "// d");
        check("a /* b /* c */ d */ e", "a                   e", "/* b /* c */ d */");
        check("r#\"a\"b\"#; f", "r#\"   \"#; f", "");
        check("let c = '\"'; g", "let c = ' '; g", "");
        check("let c = '\\''; g", "let c = '  '; g", "");
        check("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}", "");
        check("\"\\\"//\"; h", "\"    \"; h", "");
    }

    #[test]
    fn literals_are_found_by_range() {
        let source = "f(\"one\", r\"two\")";
        let inside: Vec<&str> = lex(source).strings.into_iter().map(|r| &source[r]).collect();
        assert_eq!(inside, ["one", "two"]);
    }

    #[test]
    fn unclosed_literals_end_with_the_file() {
        check("f(\"abc", "f(\"   ", "");
        check("f(\"abc\\", "f(\"    ", "");
        check("/* abc", "      ", "/* abc");
    }
}
