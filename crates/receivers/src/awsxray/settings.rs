//! The settings of the `awsxray` receiver, named and defaulted as in the Collector.

use spandrel_config::Section;
use spandrel_config::blocks::check_host_port;

use crate::jaeger::settings::UdpServer;

const ENDPOINT: &str = "localhost:2000";
const QUEUE_SIZE: usize = 1_000;
const PACKET_BYTES_MAX: usize = 65_535;
const WORKERS: usize = 10;

/// `awsxray`: how datagrams are received.
#[derive(Debug, Clone, PartialEq)]
pub struct AwsXraySettings {
    /// How datagrams are received.
    pub server: UdpServer,
}

impl AwsXraySettings {
    /// Reads the settings.
    pub fn read(section: &mut Section<'_>) -> Self {
        let endpoint = section.or("endpoint", ENDPOINT.to_owned());
        check_host_port(section, "endpoint", &endpoint);
        let transport: String = section.or("transport", "udp".to_owned());
        if transport != "udp" {
            section.problem(Some("transport"), "must be `udp`: SDKs send segments in datagrams");
        }
        if section.has("proxy_server") {
            let advice = "there is no proxy of X-Ray's API; run the X-Ray daemon for that, or give \
                          SDKs local sampling rules";
            section.value("proxy_server");
            section.problem(Some("proxy_server"), advice);
        }
        Self {
            server: UdpServer {
                endpoint,
                queue_size: QUEUE_SIZE,
                max_packet_size: PACKET_BYTES_MAX,
                workers: WORKERS,
                socket_buffer_size: 0,
            },
        }
    }
}
