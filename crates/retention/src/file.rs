//! Policy files: YAML, a list of rules for everybody and lists for single tenants.

mod parse;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeMap;
use std::sync::Arc;

use spandrel_model::TenantId;

use crate::{Policy, PolicyError, Warning};

/// The policies of all tenants.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyFile {
    default: Option<Arc<Policy>>,
    tenants: BTreeMap<TenantId, Arc<Policy>>,
    warnings: Vec<Warning>,
}

impl PolicyFile {
    /// Reads a policy file.
    ///
    /// # Errors
    /// [`PolicyError`] about the first thing that is wrong.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        parse::parse(text)
    }

    /// The policy of a tenant: its own, else the default. Without one everything is kept.
    pub fn policy_of(&self, tenant: &TenantId) -> Option<&Arc<Policy>> {
        self.tenants.get(tenant).or(self.default.as_ref())
    }

    /// The policy of tenants that have no list of their own.
    pub fn default_policy(&self) -> Option<&Arc<Policy>> {
        self.default.as_ref()
    }

    /// Tenants with a list of their own, by name.
    pub fn tenants(&self) -> impl Iterator<Item = (&TenantId, &Arc<Policy>)> {
        self.tenants.iter()
    }

    /// Rules that make no difference, in the order of the file.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}
