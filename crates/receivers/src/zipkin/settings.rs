//! The settings of the `zipkin` receiver, named and defaulted as in the Collector.

use std::net::SocketAddr;

use spandrel_config::Section;
use spandrel_config::blocks::HttpServer;

use crate::server::settings::read_http;

const ENDPOINT: &str = "localhost:9411";

/// `zipkin`: how it listens, and what it makes of tags.
#[derive(Debug, Clone, PartialEq)]
pub struct ZipkinSettings {
    /// How it listens.
    pub server: HttpServer,
    /// Whether texts that look like numbers and booleans become such values.
    pub parse_string_tags: bool,
}

impl ZipkinSettings {
    /// The defaults, at this address.
    pub fn listening(at: SocketAddr) -> Self {
        let server = HttpServer { endpoint: at.to_string(), ..HttpServer::default() };
        Self { server, parse_string_tags: false }
    }

    /// Reads the settings.
    pub fn read(section: &mut Section<'_>) -> Self {
        Self {
            server: read_http(section, ENDPOINT),
            parse_string_tags: section.or("parse_string_tags", false),
        }
    }
}
