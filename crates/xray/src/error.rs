//! Why a segment cannot be translated.

use spandrel_translate::NoRoom;

/// A segment that cannot be translated. All but [`XrayError::NoRoom`] are the sender's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum XrayError {
    /// There is no header before the segment, or not the one that there should be.
    #[error(
        "no header `{{\"format\":\"json\",\"version\":1}}` and the end of a line before the segment"
    )]
    Header,
    /// The segment is not JSON, or has fields of other types than it should.
    #[error("invalid JSON: {0}")]
    Json(String),
    /// A field that must be there is not, or is not what it should be.
    #[error("invalid {0}")]
    Field(&'static str),
    /// There is no memory for the translation now.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
}
