//! Text to tokens.
//!
//! Bytes outside of ASCII may stand in strings only. The text is bounded, so offsets fit anywhere.

use crate::error::OttlError;

mod string;

pub(crate) use string::quote;

/// Bytes of the longest text that is read.
pub(crate) const MAX_TEXT_BYTES: usize = 256 << 10;

/// A piece of the language.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    /// A name that starts with a small letter: path, editor, argument or word of the language.
    Lower(String),
    /// A name that starts with a capital letter: converter or enum.
    Upper(String),
    Int(i64),
    /// An integer that fits only when a minus stands before it.
    IntMin,
    Double(f64),
    Bytes(Vec<u8>),
    Text(String),
    /// Punctuation and operators.
    Sign(&'static str),
    End,
}

impl Token {
    /// How an error message calls it.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Lower(name) | Self::Upper(name) => format!("`{name}`"),
            Self::Int(_) | Self::IntMin | Self::Double(_) => "a number".to_owned(),
            Self::Bytes(_) => "a bytes literal".to_owned(),
            Self::Text(_) => "a string".to_owned(),
            Self::Sign(sign) => format!("`{sign}`"),
            Self::End => "the end".to_owned(),
        }
    }
}

/// A token and where it starts, in bytes.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) token: Token,
    pub(crate) offset: usize,
}

/// Longer signs first.
const SIGNS: [&str; 21] = [
    "==", "!=", "<=", ">=", "=>", "<", ">", "(", ")", "[", "]", "{", "}", ",", ".", ":", "=", "+",
    "-", "*", "/",
];

/// All tokens of `text`, an [`Token::End`] last.
pub(crate) fn tokenize(text: &str) -> Result<Vec<Placed>, OttlError> {
    if text.len() > MAX_TEXT_BYTES {
        let message = format!("{} bytes, at most {MAX_TEXT_BYTES} are read", text.len());
        return Err(OttlError::new(0, message));
    }
    let mut tokens = Vec::new();
    let mut offset = 0;
    loop {
        let rest = text.get(offset..).unwrap_or_default();
        let blank = rest.len() - rest.trim_start().len();
        offset += blank;
        let rest = rest.get(blank..).unwrap_or_default();
        let (token, length) = next(rest, offset)?;
        let end = token == Token::End;
        tokens.push(Placed { token, offset });
        if end {
            return Ok(tokens);
        }
        offset += length;
    }
}

/// The first token of `rest` and its length in bytes.
fn next(rest: &str, offset: usize) -> Result<(Token, usize), OttlError> {
    let Some(first) = rest.chars().next() else { return Ok((Token::End, 0)) };
    let second = rest.as_bytes().get(1).copied().unwrap_or_default();
    match first {
        '"' => string::read(rest, offset),
        '0' if matches!(second, b'x' | b'X') => bytes(rest, offset),
        // Parameters of lambdas may be `_`, or start with a dollar sign.
        'a'..='z' | 'A'..='Z' | '_' | '$' => {
            let name = leading(rest, |b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$'));
            let token = match first.is_ascii_uppercase() {
                true => Token::Upper(name.to_owned()),
                false => Token::Lower(name.to_owned()),
            };
            Ok((token, name.len()))
        }
        '0'..='9' => number(rest, offset),
        '.' if second.is_ascii_digit() => number(rest, offset),
        _ => match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            Some(sign) => Ok((Token::Sign(sign), sign.len())),
            None => Err(OttlError::new(offset, hint(first, rest))),
        },
    }
}

/// What to say about a character that starts nothing.
fn hint(first: char, rest: &str) -> String {
    match first {
        '\'' => "strings are written with double quotes".to_owned(),
        '&' if rest.starts_with("&&") => "unexpected `&&`: write `and`".to_owned(),
        '|' if rest.starts_with("||") => "unexpected `||`: write `or`".to_owned(),
        '!' => "unexpected `!`: write `not`".to_owned(),
        _ => format!("unexpected character {first:?}"),
    }
}

fn leading(text: &str, belongs: impl Fn(u8) -> bool) -> &str {
    let length = text.bytes().position(|b| !belongs(b)).unwrap_or(text.len());
    text.get(..length).unwrap_or_default()
}

fn number(rest: &str, offset: usize) -> Result<(Token, usize), OttlError> {
    let whole = leading(rest, |b| b.is_ascii_digit()).len();
    let tail = rest.get(whole..).unwrap_or_default();
    let Some(fraction) = tail.strip_prefix('.') else {
        let digits = rest.get(..whole).unwrap_or_default();
        return match digits.parse::<u64>() {
            Ok(value) if value == i64::MIN.unsigned_abs() => Ok((Token::IntMin, whole)),
            Ok(value) if i64::try_from(value).is_ok() => {
                Ok((Token::Int(value.cast_signed()), whole))
            }
            _ => Err(OttlError::new(offset, "integer does not fit 64 bits")),
        };
    };
    let mut length = whole + 1 + leading(fraction, |b| b.is_ascii_digit()).len();
    let tail = rest.get(length..).unwrap_or_default();
    if let Some(exponent) = tail.strip_prefix(['e', 'E']) {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let count = leading(digits, |b| b.is_ascii_digit()).len();
        if count > 0 {
            length += 1 + (exponent.len() - digits.len()) + count;
        }
    }
    match rest.get(..length).unwrap_or_default().parse::<f64>() {
        Ok(value) if value.is_finite() => Ok((Token::Double(value), length)),
        _ => Err(OttlError::new(offset, "number does not fit 64 bits")),
    }
}

fn bytes(rest: &str, offset: usize) -> Result<(Token, usize), OttlError> {
    let digits = leading(rest.get(2..).unwrap_or_default(), |b| b.is_ascii_hexdigit());
    match crate::hex::decode(digits) {
        Some(bytes) => Ok((Token::Bytes(bytes), digits.len() + 2)),
        None => Err(OttlError::new(offset, "a bytes literal needs an even number of digits")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<Token> {
        tokenize(text).unwrap().into_iter().map(|placed| placed.token).collect()
    }

    #[test]
    fn every_kind_of_token_is_read() {
        assert_eq!(
            tokens(r#"set_x IsMatch SPAN_KIND 12 1.5e-3 .5 0x0aFF "a\n\"" >= => ="#),
            [
                Token::Lower("set_x".into()),
                Token::Upper("IsMatch".into()),
                Token::Upper("SPAN_KIND".into()),
                Token::Int(12),
                Token::Double(0.0015),
                Token::Double(0.5),
                Token::Bytes(vec![10, 255]),
                Token::Text("a\n\"".into()),
                Token::Sign(">="),
                Token::Sign("=>"),
                Token::Sign("="),
                Token::End,
            ]
        );
    }

    #[test]
    fn what_is_no_token_is_refused_where_it_stands() {
        for (text, offset) in [
            ("a ' b", 2),
            ("99999999999999999999", 0),
            ("a && b", 2),
            ("\"open", 0),
            (r#""\d""#, 1),
            ("0x123", 0),
            ("a \u{e9}", 2),
        ] {
            assert_eq!(tokenize(text).unwrap_err().offset, offset, "{text}");
        }
        assert!(tokenize(&" ".repeat(MAX_TEXT_BYTES + 1)).is_err());
    }
}
