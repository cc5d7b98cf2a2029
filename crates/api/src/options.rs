//! What the operator switches on.

/// Switches of the query APIs. All are off by default, as in Tempo.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ApiOptions {
    /// Requests without a tenant are refused, instead of being those of the single one.
    pub tenant_required: bool,
    /// Reads may ask several tenants at once: `X-Scope-OrgID: a|b`.
    pub multi_tenant_queries: bool,
    /// The Model Context Protocol is served at `/api/mcp`.
    pub mcp: bool,
}
