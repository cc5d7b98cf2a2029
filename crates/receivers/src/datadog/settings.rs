//! The settings of the `datadog` receiver, named and defaulted as in the Collector.

use std::time::Duration;

use spandrel_config::Section;
use spandrel_config::blocks::HttpServer;

use crate::server::settings::read_http;

const ENDPOINT: &str = "localhost:8126";
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// `datadog`: how it listens.
#[derive(Debug, Clone, PartialEq)]
pub struct DatadogSettings {
    /// How it listens.
    pub server: HttpServer,
}

impl DatadogSettings {
    /// Reads the settings.
    pub fn read(section: &mut Section<'_>) -> Self {
        let mut server = read_http(section, ENDPOINT);
        if !section.has("read_timeout") {
            server.read_timeout = READ_TIMEOUT;
        }
        let why = "the upper bits of a trace's id are taken from its own spans";
        section.ignore(&["trace_id_cache_size"], why);
        let why = "metrics are not received";
        section.ignore(&["idle_series_cleanup_interval", "idle_series_timeout", "intake"], why);
        Self { server }
    }
}
