//! Which optional parts of the query APIs `spandrel serve` has.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use spandrel_server::{ApiOptions, LinkTemplates};
use url::Url;

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

    /// Where spans lead in the web interface: a Jaeger UI configuration with linkPatterns, or a provisioning file of
    /// Grafana with a Tempo data source, or several of them; see docs/web-interface.md [default: nowhere]
    #[arg(
        long,
        env = "SPANDREL_LINK_TEMPLATES",
        hide_env = true,
        value_name = "FILE",
        value_delimiter = ','
    )]
    pub(crate) link_templates: Vec<PathBuf>,

    /// Where Grafana is, for links out of its provisioning file
    #[arg(long, env = "SPANDREL_GRAFANA_URL", hide_env = true, value_name = "URL")]
    pub(crate) grafana_url: Option<Url>,
}

impl ApiArgs {
    pub(crate) fn options(&self) -> ApiOptions {
        ApiOptions {
            tenant_required: self.tenant_required,
            multi_tenant_queries: self.multi_tenant_queries,
            mcp: self.mcp,
        }
    }

    /// The templates of all files.
    pub(crate) fn link_templates(&self) -> anyhow::Result<LinkTemplates> {
        let mut all = LinkTemplates::default();
        for file in &self.link_templates {
            let name = file.display().to_string();
            let text = fs::read_to_string(file).with_context(|| format!("cannot read {name}"))?;
            all = all.and(&LinkTemplates::parse(&text, &name, self.grafana_url.as_ref())?);
        }
        Ok(all)
    }
}
