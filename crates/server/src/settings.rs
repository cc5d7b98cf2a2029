//! The settings of a server as a page shows them: one line each, in YAML, by the name of the option.

use std::net::SocketAddr;

use serde_json::Value;
use spandrel_wal::Durability;

use crate::ServerOptions;

/// Settings by name, in the order of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings(Vec<(&'static str, String)>);

/// Which of them a page shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SettingsMode {
    /// As they are.
    All,
    /// Those that are not as they are by default.
    Diff,
    /// As they would be.
    Defaults,
}

impl SettingsMode {
    /// From the parameter `mode`.
    pub(crate) fn parse(mode: &str) -> Option<Self> {
        match mode {
            "" => Some(Self::All),
            "diff" => Some(Self::Diff),
            "defaults" => Some(Self::Defaults),
            _ => None,
        }
    }
}

impl Settings {
    pub(crate) fn of(options: &ServerOptions) -> Self {
        let ServerOptions { listen, store, query, memory, api, .. } = options;
        let limit = |bytes: Option<u64>| bytes.map_or("automatic".to_owned(), |b| b.to_string());
        let jaeger = listen.jaeger_receiver;
        let address = |at: Option<SocketAddr>| at.map_or("off".to_owned(), |at| at.to_string());
        let limits_file = match &store.limits {
            spandrel_ingest::LimitsSource::File(path) => path.display().to_string(),
            spandrel_ingest::LimitsSource::Fixed(_) => "fixed".to_owned(),
            spandrel_ingest::LimitsSource::Unlimited => "none".to_owned(),
        };
        let durability = match store.durability {
            Durability::Fsync => "fsync",
            Durability::Os => "os",
        };
        Self(vec![
            ("data_dir", options.data_dir.display().to_string()),
            ("storage", options.storage.to_string()),
            ("otlp_grpc", listen.otlp_grpc.to_string()),
            ("otlp_http", listen.otlp_http.to_string()),
            ("http", listen.http.to_string()),
            ("jaeger_http", listen.jaeger_http.to_string()),
            ("jaeger_grpc", address(listen.jaeger_grpc)),
            ("jaeger_collector_grpc", address(jaeger.grpc)),
            ("jaeger_collector_http", address(jaeger.thrift_http)),
            ("jaeger_agent_compact", address(jaeger.thrift_compact)),
            ("jaeger_agent_binary", address(jaeger.thrift_binary)),
            ("zipkin", address(listen.zipkin)),
            ("sampling_http", address(listen.sampling_http)),
            ("sampling_grpc", address(listen.sampling_grpc)),
            ("health", listen.health.to_string()),
            ("telemetry", listen.telemetry.to_string()),
            ("durability", durability.to_owned()),
            ("cut_spans", store.cut.spans_max.to_string()),
            ("cut_age", format!("{:?}", store.cut.age_max)),
            ("live_bytes_max", store.live_bytes_max.to_string()),
            ("query_deadline", format!("{:?}", query.deadline)),
            ("block_cache_bytes_max", query.block_cache_bytes_max.to_string()),
            ("compaction", options.compaction.is_some().to_string()),
            ("memory_limit", limit(memory.limit_bytes)),
            ("query_bytes_max", limit(memory.query_bytes_max)),
            ("limits_file", limits_file),
            ("multi_tenant_queries", api.multi_tenant_queries.to_string()),
            ("tenant_required", api.tenant_required.to_string()),
            ("overrides_api", options.overrides_api.to_string()),
            ("mcp", api.mcp.to_string()),
        ])
    }

    /// The page.
    pub(crate) fn page(&self, mode: SettingsMode) -> String {
        let defaults = Self::of(&ServerOptions::new("spandrel-data"));
        let lines = self.0.iter().zip(&defaults.0).filter_map(|((name, value), (_, default))| {
            let shown = match mode {
                SettingsMode::All => value,
                SettingsMode::Diff if value == default => return None,
                SettingsMode::Diff => value,
                SettingsMode::Defaults => default,
            };
            Some(format!("{name}: {}\n", scalar(shown)))
        });
        lines.collect()
    }
}

/// A text as YAML, quoted where it could be read as something else.
fn scalar(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => Value::from(text).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_shown_alone() {
        let mut options = ServerOptions::new("spandrel-data");
        let defaults = Settings::of(&options).page(SettingsMode::All);
        assert!(defaults.starts_with("data_dir: spandrel-data\n"), "{defaults}");
        assert!(defaults.contains("http: \"127.0.0.1:3200\"\n"), "{defaults}");
        assert_eq!(Settings::of(&options).page(SettingsMode::Diff), "");
        options.api.mcp = true;
        let settings = Settings::of(&options);
        assert_eq!(settings.page(SettingsMode::Diff), "mcp: true\n");
        assert_eq!(settings.page(SettingsMode::Defaults), defaults);
    }

    #[test]
    fn modes_have_names() {
        assert_eq!(SettingsMode::parse("diff"), Some(SettingsMode::Diff));
        assert_eq!(SettingsMode::parse("x"), None);
    }
}
