//! Addresses of the configuration, and the sockets on them.

use std::io;
use std::net::SocketAddr;

use spandrel_pipeline::ComponentError;
use tokio::net::{TcpListener, UdpSocket, lookup_host};

/// What an address is for, in messages: receiver and protocol, such as `jaeger thrift_http`.
pub(crate) type Purpose = &'static str;

/// The address of an endpoint like `localhost:4317` or `:4317`, which is every interface.
///
/// Of a name with several addresses the first of version 4 counts, as in Go.
pub(crate) async fn resolve(
    purpose: Purpose,
    endpoint: &str,
) -> Result<SocketAddr, ComponentError> {
    let everywhere = match endpoint.strip_prefix(':') {
        Some(port) => format!("0.0.0.0:{port}"),
        None => endpoint.to_owned(),
    };
    let failed = |error: io::Error| {
        ComponentError::new(format!("cannot find the address {endpoint} for {purpose}: {error}"))
    };
    let addresses: Vec<_> = lookup_host(everywhere).await.map_err(failed)?.collect();
    let first = addresses.iter().find(|address| address.is_ipv4()).or(addresses.first());
    first.copied().ok_or_else(|| failed(io::ErrorKind::AddrNotAvailable.into()))
}

/// Listens for connections; also says the real port.
pub(crate) async fn bind_tcp(
    purpose: Purpose,
    address: SocketAddr,
) -> Result<(TcpListener, SocketAddr), ComponentError> {
    let failed = |error| bind_error(purpose, address, &error);
    let socket = TcpListener::bind(address).await.map_err(failed)?;
    let bound = socket.local_addr().map_err(failed)?;
    Ok((socket, bound))
}

/// Listens for datagrams, with a buffer of that many bytes in the operating system unless it is zero; also
/// says the real port.
pub(crate) async fn bind_udp(
    purpose: Purpose,
    address: SocketAddr,
    buffer_bytes: usize,
) -> Result<(UdpSocket, SocketAddr), ComponentError> {
    let failed = |error| bind_error(purpose, address, &error);
    let socket = UdpSocket::bind(address).await.map_err(failed)?;
    if buffer_bytes > 0 {
        let set = socket2::SockRef::from(&socket).set_recv_buffer_size(buffer_bytes);
        set.map_err(failed)?;
    }
    let bound = socket.local_addr().map_err(failed)?;
    Ok((socket, bound))
}

fn bind_error(purpose: Purpose, address: SocketAddr, error: &io::Error) -> ComponentError {
    ComponentError::new(match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "port {} for {purpose} is already in use (address {address}), stop the program that listens \
             there or choose another port",
            address.port()
        ),
        _ => format!("cannot listen on {address} for {purpose}: {error}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn endpoints_are_addresses() {
        let cases = [
            ("127.0.0.1:4317", "127.0.0.1:4317"),
            (":4317", "0.0.0.0:4317"),
            ("[::1]:4317", "[::1]:4317"),
            ("localhost:4317", "127.0.0.1:4317"),
        ];
        for (endpoint, expected) in cases {
            let address = resolve("otlp grpc", endpoint).await.unwrap();
            assert_eq!(address.to_string(), expected, "{endpoint}");
        }
        assert!(resolve("otlp grpc", "no port").await.is_err());
    }

    #[tokio::test]
    async fn a_taken_port_says_what_to_do() {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let (_taken, address) = bind_tcp("first", any).await.unwrap();
        let error = bind_tcp("second", address).await.unwrap_err().to_string();
        assert!(error.contains("already in use") && error.contains("for second"), "{error}");
    }
}
