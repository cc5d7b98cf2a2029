//! The forms in which spans come.

pub(crate) mod dictionary;
pub(crate) mod fields;
pub(crate) mod json;
pub(crate) mod list;
pub(crate) mod payload;
