//! Why spans cannot be translated.

use spandrel_translate::thrift::ThriftError;
use spandrel_translate::{FieldsError, NoRoom};

/// Spans that cannot be translated. All but [`ZipkinError::NoRoom`] are the sender's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ZipkinError {
    /// The bytes are not a list of spans in JSON.
    #[error("invalid JSON: {0}")]
    Json(String),
    /// The bytes are not Thrift.
    #[error(transparent)]
    Thrift(#[from] ThriftError),
    /// The bytes are not a list of spans in protobuf.
    #[error("invalid protobuf: {0}")]
    Protobuf(String),
    /// An id is missing, zero, of the wrong length or no hexadecimal number.
    #[error("invalid {what}")]
    InvalidId {
        /// Which id it is.
        what: &'static str,
    },
    /// An annotation has no time.
    #[error("valid annotation timestamp required")]
    AnnotationTimestamp,
    /// A tag `otlp.link.N` is none of ours.
    #[error("invalid tag {key}")]
    InvalidLink {
        /// The name of the tag.
        key: String,
    },
    /// There is no memory for the translation now.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
}

impl From<FieldsError> for ZipkinError {
    fn from(error: FieldsError) -> Self {
        Self::Protobuf(error.to_string())
    }
}

impl From<prost::DecodeError> for ZipkinError {
    fn from(error: prost::DecodeError) -> Self {
        Self::Protobuf(error.to_string())
    }
}
