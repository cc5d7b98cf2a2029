//! Patterns with `*` and `?`.

use spandrel_re2::Regex;

/// The regular expression of a glob: `*` any text, `?` any character, `[abc]` and `[!a-c]` one of some,
/// `{a,b}` one of some globs, and a backslash before what stands for itself.
///
/// # Errors
/// When the pattern is not closed, or too large.
pub(crate) fn glob(pattern: &str) -> Result<Regex, String> {
    let mut out = String::from(r"(?s)\A(?:");
    let mut alternatives = 0_u32;
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '*' => {
                // Any number of stars is one.
                while chars.next_if_eq(&'*').is_some() {}
                out.push_str(".*");
            }
            '?' => out.push('.'),
            '{' => {
                alternatives += 1;
                out.push_str("(?:");
            }
            '}' if alternatives > 0 => {
                alternatives -= 1;
                out.push(')');
            }
            ',' if alternatives > 0 => out.push('|'),
            '[' => class(&mut chars, &mut out)?,
            '\\' => literal(chars.next().ok_or("the glob ends with a backslash")?, &mut out),
            c => literal(c, &mut out),
        }
    }
    if alternatives > 0 {
        return Err(format!("glob {pattern:?} has an open brace"));
    }
    out.push_str(r")\z");
    Regex::new(&out).map_err(|error| format!("glob {pattern:?}: {error}"))
}

fn literal(c: char, out: &mut String) {
    if c.is_ascii_punctuation() {
        out.push('\\');
    }
    out.push(c);
}

/// What stands in brackets, the first of which has been read.
fn class(chars: &mut impl Iterator<Item = char>, out: &mut String) -> Result<(), String> {
    out.push('[');
    let mut first = true;
    for c in chars {
        match c {
            '!' | '^' if first => out.push('^'),
            ']' if !first => {
                out.push(']');
                return Ok(());
            }
            '-' => out.push('-'),
            c => literal(c, out),
        }
        first = false;
    }
    Err("the glob has an open bracket".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_whole_texts() {
        for (pattern, text, matches) in [
            ("/user/*/list/*", "/user/12/list/a/b", true),
            ("/user/*/list/*", "x/user/12/list/a", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("{GET,POST} *", "POST /", true),
            ("{GET,POST} *", "PUT /", false),
            ("a.b*", "a.b", true),
            ("a.b*", "axb", false),
            (r"\*", "*", true),
            ("**", "a\nb", true),
            ("}", "}", true),
        ] {
            assert_eq!(glob(pattern).unwrap().is_match(text), matches, "{pattern} {text}");
        }
        for wrong in ["{a", "[a", "\\"] {
            assert!(glob(wrong).is_err(), "{wrong}");
        }
    }
}
