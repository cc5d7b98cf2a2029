//! Which optional parts of the query APIs `spandrel serve` has.

use spandrel_server::ApiOptions;

/// Switches of the query APIs.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Query APIs")]
pub(crate) struct ApiArgs {
    /// Queries may ask several tenants at once: X-Scope-OrgID: a|b
    #[arg(long, env = "SPANDREL_MULTI_TENANT_QUERIES", hide_env = true)]
    pub(crate) multi_tenant_queries: bool,

    /// Queries without X-Scope-OrgID are refused
    #[arg(long, env = "SPANDREL_TENANT_REQUIRED", hide_env = true)]
    pub(crate) tenant_required: bool,

    /// Tenants may set overrides of their own at /api/overrides
    #[arg(long, env = "SPANDREL_OVERRIDES_API", hide_env = true)]
    pub(crate) overrides_api: bool,

    /// Language models may ask at /api/mcp (Model Context Protocol)
    #[arg(long, env = "SPANDREL_MCP", hide_env = true)]
    pub(crate) mcp: bool,
}

impl ApiArgs {
    pub(crate) fn options(&self) -> ApiOptions {
        ApiOptions {
            tenant_required: self.tenant_required,
            multi_tenant_queries: self.multi_tenant_queries,
            mcp: self.mcp,
        }
    }
}
