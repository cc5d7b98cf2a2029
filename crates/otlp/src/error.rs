//! Why bytes are not an OTLP message that we take.

/// A request, or a stored value, that cannot be decoded. Every case is the sender's fault: sending the
/// same bytes again fails again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A field claims more bytes than its message has left.
    #[error("truncated {message}")]
    Truncated {
        /// The OTLP message in which the fault lies.
        message: &'static str,
    },
    /// A variable-length integer has more than 64 bits.
    #[error("integer above 64 bits in {message}")]
    VarintTooLong {
        /// The OTLP message in which the fault lies.
        message: &'static str,
    },
    /// The bytes at the place of a field's tag are none.
    #[error("invalid field tag in {message}")]
    InvalidTag {
        /// The OTLP message in which the fault lies.
        message: &'static str,
    },
    /// A known field has another wire type than its definition says.
    #[error("wrong wire type of field {field} in {message}")]
    WrongWireType {
        /// The OTLP message in which the fault lies.
        message: &'static str,
        /// Number of the field.
        field: u32,
    },
    /// A group (obsolete protobuf nesting) ends without a start.
    #[error("unmatched end of group {field} in {message}")]
    UnmatchedGroupEnd {
        /// The OTLP message in which the fault lies.
        message: &'static str,
        /// Number of the group's field.
        field: u32,
    },
    /// Values or groups are nested more deeply than anyone needs.
    #[error("{message} nested more than {max} levels deep")]
    TooDeep {
        /// The OTLP message that is nested.
        message: &'static str,
        /// The limit.
        max: u32,
    },
    /// A limit of [`crate::DecodeLimits`] is exceeded.
    #[error("more than {max} {what} in one request")]
    TooMany {
        /// What there are too many of.
        what: &'static str,
        /// The limit.
        max: u32,
    },
}
