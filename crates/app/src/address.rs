//! Listen addresses as people write them: `0.0.0.0:4317`, `localhost:4317`, `4317`.

use std::net::{Ipv4Addr, SocketAddr};

/// Where to listen, if anywhere.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OptionalAddress(pub(crate) Option<SocketAddr>);

/// Reads an address, or `off`.
pub(crate) fn parse_optional_address(text: &str) -> Result<OptionalAddress, String> {
    match text {
        "off" => Ok(OptionalAddress(None)),
        _ => parse_address(text).map(Some).map(OptionalAddress),
    }
}

/// Reads an address; a port alone is on the loopback interface.
pub(crate) fn parse_address(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix("localhost:").unwrap_or(text);
    if let Ok(port) = port.parse::<u16>() {
        return Ok((Ipv4Addr::LOCALHOST, port).into());
    }
    text.parse().map_err(|_| {
        "an address is HOST:PORT with an IP address or `localhost` as host, such as \
         127.0.0.1:4317, or 0.0.0.0:4317 for all interfaces; a port alone is on localhost"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_alone_is_local() {
        for text in ["4317", "localhost:4317", "127.0.0.1:4317"] {
            assert_eq!(parse_address(text).unwrap().to_string(), "127.0.0.1:4317");
        }
        assert_eq!(parse_address("[::]:0").unwrap().to_string(), "[::]:0");
        for text in ["", ":4317", "example.com:80", "70000"] {
            assert!(parse_address(text).is_err(), "{text}");
        }
    }
}
