//! JSON byte for byte as Go's `encoding/json` writes it, which is what clients of Jaeger compare
//! with: floats without a needless fraction or exponent, and `<`, `>`, `&`, U+2028 and U+2029
//! escaped.

use std::io;

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

/// A value on one line.
pub(crate) fn to_vec(value: &impl Serialize) -> Vec<u8> {
    write(value, GoFormatter(CompactFormatter))
}

/// A value on many lines, indented by four spaces.
pub(crate) fn to_vec_pretty(value: &impl Serialize) -> Vec<u8> {
    write(value, GoFormatter(PrettyFormatter::with_indent(b"    ")))
}

fn write<F: Formatter>(value: &impl Serialize, formatter: GoFormatter<F>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut out, formatter);
    value.serialize(&mut serializer).expect("a vector takes all bytes, and all keys are strings");
    out
}

/// A float as Go prints it in JSON; names for NaN and infinities, which JSON does not have.
pub(crate) fn float_text(number: f64) -> String {
    let magnitude = number.abs();
    if number.is_nan() || number.is_infinite() {
        return if number.is_nan() {
            "NaN"
        } else if number > 0.0 {
            "+Inf"
        } else {
            "-Inf"
        }
        .to_owned();
    }
    if magnitude == 0.0 || (1e-6..1e21).contains(&magnitude) {
        return number.to_string();
    }
    let text = format!("{number:e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) if !exponent.starts_with('-') => {
            format!("{mantissa}e+{exponent}")
        }
        _ => text,
    }
}

struct GoFormatter<F>(F);

impl<F: Formatter> Formatter for GoFormatter<F> {
    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        writer.write_all(float_text(value).as_bytes())
    }

    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
            let (plain, special) = rest.split_at(at);
            let mut chars = special.chars();
            let escaped = chars.next().map_or(0, u32::from);
            writer.write_all(plain.as_bytes())?;
            write!(writer, "\\u{escaped:04x}")?;
            rest = chars.as_str();
        }
        writer.write_all(rest.as_bytes())
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn floats_print_as_in_go() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (123.0, "123"),
            (72.5, "72.5"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (-2.5e22, "-2.5e+22"),
            (1e-6, "0.000001"),
            (1.5e-7, "1.5e-7"),
        ] {
            assert_eq!(float_text(number), text);
        }
    }

    #[test]
    fn characters_that_html_gives_a_meaning_are_escaped() {
        let value = json!({"a<b": ["x & y", "\u{2028}", "\"\\\n\u{1}\u{e9}"]});
        assert_eq!(
            String::from_utf8(to_vec(&value)).unwrap(),
            "{\"a\\u003cb\":[\"x \\u0026 y\",\"\\u2028\",\"\\\"\\\\\\n\\u0001\u{e9}\"]}"
        );
    }

    #[test]
    fn pretty_is_indented_by_four_spaces() {
        let value = json!({"a": [1.0, {}], "b": []});
        let pretty = String::from_utf8(to_vec_pretty(&value)).unwrap();
        assert_eq!(pretty, "{\n    \"a\": [\n        1,\n        {}\n    ],\n    \"b\": []\n}");
    }
}
