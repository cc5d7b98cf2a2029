//! References to extensions: `auth` and `middlewares`.

use crate::id::ComponentId;
use crate::section::Section;

/// `auth`: the extension that checks requests, or that adds credentials to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// The extension's id.
    pub authenticator: ComponentId,
}

impl Auth {
    /// Reads `auth`; `None` when it is absent, off or incomplete.
    pub fn read(section: &mut Section<'_>) -> Option<Self> {
        section.optional("auth", Self::read_body).flatten()
    }

    /// Reads the keys of `auth`.
    pub(super) fn read_body(section: &mut Section<'_>) -> Option<Self> {
        section.required("authenticator").map(|authenticator| Self { authenticator })
    }
}

/// Reads `middlewares`: ids of extensions, the first of them the outermost.
pub fn middlewares(section: &mut Section<'_>) -> Vec<ComponentId> {
    let ids = section.sections("middlewares", |section| section.required("id"));
    ids.into_iter().flatten().collect()
}
