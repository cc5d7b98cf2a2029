//! A text's parts: what is text, and what is to be substituted.

/// A part of a text.
#[derive(Debug, PartialEq)]
pub(super) enum Piece<'t> {
    /// As it is, `$$` already a `$`.
    Text(String),
    /// What stands between `${` and its `}`, with substitutions of its own.
    Uri(&'t str),
}

/// Takes a text apart. Of a run of `$` before `{`, an odd number before the last escapes; `${` without its `}` is text.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let opens = matching(text);
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut begin = 0;
    for (open, close) in opens {
        // A substitution in a substitution is its inside's matter.
        if open < begin {
            continue;
        }
        let (Some(before), Some(uri)) = (text.get(begin..open), text.get(open + 2..close)) else {
            continue;
        };
        unescape(before, &mut plain);
        if !plain.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut plain)));
        }
        pieces.push(Piece::Uri(uri));
        begin = close + 1;
    }
    unescape(text.get(begin..).unwrap_or_default(), &mut plain);
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    pieces
}

/// Where substitutions begin and end, by their beginning. The first `}` ends the last `${` before it.
fn matching(text: &str) -> Vec<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut open = Vec::new();
    let mut matched = Vec::new();
    let mut dollars = 0;
    for (i, byte) in bytes.iter().enumerate() {
        match byte {
            b'$' => {
                dollars += 1;
                continue;
            }
            // The last of the run opens; those before it are pairs, or escape it.
            b'{' if dollars % 2 == 1 => open.push(i - 1),
            b'}' => {
                if let Some(begin) = open.pop() {
                    matched.push((begin, i));
                }
            }
            _ => {}
        }
        dollars = 0;
    }
    matched.sort_unstable();
    matched
}

/// `$$` is a `$`.
fn unescape(text: &str, into: &mut String) {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("$$") {
        into.push_str(before);
        into.push('$');
        rest = after;
    }
    into.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_dollars_and_nesting() {
        let text = |text: &str| Piece::Text(text.to_owned());
        let table: [(&str, Vec<Piece<'_>>); 16] = [
            ("", vec![]),
            ("a", vec![text("a")]),
            ("${A}", vec![Piece::Uri("A")]),
            ("a${A}b${B}", vec![text("a"), Piece::Uri("A"), text("b"), Piece::Uri("B")]),
            ("$A $$A", vec![text("$A $A")]),
            ("$${A}", vec![text("${A}")]),
            ("$$${A}", vec![text("$"), Piece::Uri("A")]),
            ("$$$${A}", vec![text("$${A}")]),
            ("$$$$${A}", vec![text("$$"), Piece::Uri("A")]),
            ("$${A} ${B}", vec![text("${A} "), Piece::Uri("B")]),
            ("$${A ${B}}", vec![text("${A "), Piece::Uri("B"), text("}")]),
            ("${A${B}C}", vec![Piece::Uri("A${B}C")]),
            ("${A ${B}", vec![text("${A "), Piece::Uri("B")]),
            ("${A", vec![text("${A")]),
            ("}{A}$", vec![text("}{A}$")]),
            ("\u{e4}${\u{e4}}", vec![text("\u{e4}"), Piece::Uri("\u{e4}")]),
        ];
        for (written, expected) in table {
            assert_eq!(pieces(written), expected, "{written}");
        }
    }
}
