//! Why spans cannot be translated.

use spandrel_translate::thrift::ThriftError;
use spandrel_translate::{FieldsError, NoRoom};

/// Spans that cannot be translated. All but [`JaegerError::NoRoom`] are the sender's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JaegerError {
    /// The bytes are not Thrift.
    #[error(transparent)]
    Thrift(#[from] ThriftError),
    /// A field that must be there is not.
    #[error("required field {field} is not set in {structure}")]
    MissingField {
        /// The Thrift struct.
        structure: &'static str,
        /// Its field.
        field: &'static str,
    },
    /// A call of the agent that is none of spans.
    #[error("unsupported method {method:?}, only emitBatch is taken")]
    UnsupportedMethod {
        /// The name of the method, cut if it is long.
        method: String,
    },
    /// The bytes are not the protobuf message.
    #[error("invalid protobuf: {0}")]
    Protobuf(String),
    /// An id has the wrong length.
    #[error("{what} has {length} bytes")]
    InvalidId {
        /// Which id it is.
        what: &'static str,
        /// Its length.
        length: usize,
    },
    /// There is no memory for the translation now.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
}

impl From<FieldsError> for JaegerError {
    fn from(error: FieldsError) -> Self {
        Self::Protobuf(error.to_string())
    }
}

impl From<prost::DecodeError> for JaegerError {
    fn from(error: prost::DecodeError) -> Self {
        Self::Protobuf(error.to_string())
    }
}
