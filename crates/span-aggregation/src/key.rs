//! Keys of series: the values of their dimensions as bytes that are equal exactly when the values are.

use spandrel_otlp::ValueView;

/// Writes the key of one series after the other into a buffer that is kept.
#[derive(Debug, Default)]
pub struct KeyWriter(Vec<u8>);

impl KeyWriter {
    /// Begins another key.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The key so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// How long the key is so far, for [`KeyWriter::truncate`].
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing has been written.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes back what was written after the key had this length.
    pub fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }

    /// A dimension that the span does not have.
    pub fn absent(&mut self) {
        self.0.push(0xff);
    }

    /// A small number of a closed set, such as a span kind.
    pub fn number(&mut self, number: i32) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    /// Text, or a key.
    pub fn text(&mut self, text: &[u8]) {
        self.tagged(1, text);
    }

    /// The value of an attribute.
    pub fn value(&mut self, value: &ValueView<'_>) {
        match *value {
            ValueView::Empty => self.0.push(0),
            ValueView::String(text) => self.tagged(1, text),
            ValueView::Bool(truth) => self.0.extend_from_slice(&[2, u8::from(truth)]),
            ValueView::Int(number) => self.eight(3, number.to_le_bytes()),
            ValueView::Double(number) => self.eight(4, number.to_bits().to_le_bytes()),
            ValueView::Bytes(bytes) => self.tagged(5, bytes),
            ValueView::Array(message) => self.tagged(6, message),
            ValueView::Map(message) => self.tagged(7, message),
        }
    }

    fn eight(&mut self, tag: u8, bytes: [u8; 8]) {
        self.0.push(tag);
        self.0.extend_from_slice(&bytes);
    }

    /// The length stands in front, so that two values can never look like two others.
    fn tagged(&mut self, tag: u8, bytes: &[u8]) {
        self.0.push(tag);
        self.0.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        self.0.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(write: impl FnOnce(&mut KeyWriter)) -> Vec<u8> {
        let mut writer = KeyWriter::default();
        write(&mut writer);
        writer.as_bytes().to_vec()
    }

    #[test]
    fn different_values_have_different_keys() {
        let values = [
            ValueView::Empty,
            ValueView::String(b""),
            ValueView::String(b"1"),
            ValueView::Bytes(b"1"),
            ValueView::Array(b"1"),
            ValueView::Map(b"1"),
            ValueView::Bool(true),
            ValueView::Bool(false),
            ValueView::Int(1),
            ValueView::Double(1.0),
            ValueView::Double(f64::from_bits(1)),
        ];
        let mut keys: Vec<_> = values.iter().map(|value| key(|key| key.value(value))).collect();
        keys.push(key(KeyWriter::absent));
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), values.len() + 1);
        let two = |a: &[u8], b: &[u8]| {
            key(|key| {
                key.text(a);
                key.text(b);
            })
        };
        assert_ne!(two(b"ab", b"c"), two(b"a", b"bc"));
        assert_ne!(two(b"\x01\0\0\0\0", b""), two(b"", b"\x01\0\0\0\0"));
    }
}
