//! Tenants: who owns a span. The id becomes part of storage paths, so its alphabet is narrow.

use std::fmt;
use std::sync::Arc;

/// Name of a tenant: 1 to 150 characters of `A-Z a-z 0-9 ! - _ . * ' ( )`, neither `.` nor `..`.
///
/// The alphabet is the one that Tempo and Mimir document for `X-Scope-OrgID`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantId(Arc<str>);

/// A text that cannot name a tenant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "tenant id must be 1 to 150 characters of A-Z a-z 0-9 ! - _ . * ' ( ) and neither . nor .."
)]
pub struct TenantIdError;

impl TenantId {
    /// The tenant of everything that names none; Tempo's word for it.
    pub fn single() -> Self {
        Self("single-tenant".into())
    }

    /// Checks the name.
    ///
    /// # Errors
    /// [`TenantIdError`] when it is empty, too long or has other characters.
    pub fn new(name: &str) -> Result<Self, TenantIdError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!-_.*'()".contains(&byte);
        let valid = (1..=150).contains(&name.len())
            && name.bytes().all(allowed)
            && name != "."
            && name != "..";
        if valid { Ok(Self(name.into())) } else { Err(TenantIdError) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_leave_the_data_folder_are_refused() {
        for name in ["", ".", "..", "a/b", "a\\b", "a\0", "\u{e9}", &"x".repeat(151)] {
            assert_eq!(TenantId::new(name), Err(TenantIdError), "{name:?}");
        }
        assert_eq!(TenantId::new("team-a_1.(x)").unwrap().as_str(), "team-a_1.(x)");
    }
}
