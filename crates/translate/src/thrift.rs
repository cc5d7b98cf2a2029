//! Reading Thrift in its binary and compact protocols from a slice, and writing it for tests.
//!
//! # Bounds
//! Nothing is allocated here except the repair of text that is not UTF-8. A list is never longer than the
//! bytes that are left, and values within values that nobody asked for are passed over to a limited depth.

mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub use reader::{Field, List, Message, Reader};
pub use writer::Writer;

/// How values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// `TBinaryProtocol`: fixed widths, big-endian.
    Binary,
    /// `TCompactProtocol`: variable-length integers, field ids as differences.
    Compact,
}

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of Thrift")]
pub enum Kind {
    Bool,
    Byte,
    I16,
    I32,
    I64,
    Double,
    /// Text or bytes.
    String,
    Struct,
    Map,
    Set,
    List,
    Uuid,
}

/// Bytes that are not Thrift.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ThriftError {
    /// A value claims more bytes than there are.
    #[error("thrift: unexpected end of data")]
    Truncated,
    /// A variable-length integer has more than 64 bits.
    #[error("thrift: integer above 64 bits")]
    VarintTooLong,
    /// A type code that the protocol does not have.
    #[error("thrift: unknown type {0}")]
    UnknownType(u8),
    /// A negative length.
    #[error("thrift: negative size")]
    NegativeSize,
    /// Values lie in values too deeply.
    #[error("thrift: nested too deeply")]
    TooDeep,
    /// The beginning of a message is not that of the protocol.
    #[error("thrift: not a message of this protocol")]
    NoMessage,
}
