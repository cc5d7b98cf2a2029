//! Why spans cannot be translated.

use spandrel_translate::NoRoom;

/// Spans that cannot be translated. All but [`DatadogError::NoRoom`] are the sender's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DatadogError {
    /// The bytes end within a value, or a length is longer than they are.
    #[error("invalid msgpack: it ends too early")]
    Truncated,
    /// Another type of value was expected.
    #[error("invalid msgpack: {expected} expected, and there is a byte {found:#04x}")]
    Type {
        /// What was expected.
        expected: &'static str,
        /// How the value begins.
        found: u8,
    },
    /// A text of the table is missing.
    #[error("invalid dictionary: there is no text {0}")]
    NoSuchText(u64),
    /// A span of version 0.5 has another number of fields than 12.
    #[error("a span has {0} fields where there must be 12")]
    FieldCount(usize),
    /// The bytes are not lists of spans in JSON.
    #[error("invalid JSON: {0}")]
    Json(String),
    /// There is no memory for the translation now.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
}
