//! One small HTTP request without TLS, as metadata services answer them.

use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

/// Metadata is small.
const BODY_BYTES_MAX: usize = 1 << 20;

/// An answer that was a success, or the reason why there is none.
pub(super) type Answer = Result<String, String>;

/// Asks `url` with these headers. The caller bounds the time.
pub(super) async fn get(url: &str, headers: &[(&str, &str)]) -> Answer {
    send("GET", url, headers).await
}

/// As [`get`], for a service that gives out tokens.
pub(super) async fn put(url: &str, headers: &[(&str, &str)]) -> Answer {
    send("PUT", url, headers).await
}

async fn send(method: &str, url: &str, headers: &[(&str, &str)]) -> Answer {
    let uri: Uri = url.parse().map_err(|error| format!("{url}: {error}"))?;
    let host = uri.host().ok_or_else(|| format!("{url} has no host"))?;
    let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(80))).await;
    let stream = stream.map_err(|error| format!("{host}: {error}"))?;
    exchange(stream, method, &uri, headers).await
}

/// Asks a service at a socket file.
pub(super) async fn get_unix(socket: &std::path::Path, path: &str) -> Answer {
    let stream = UnixStream::connect(socket).await;
    let stream = stream.map_err(|error| format!("{}: {error}", socket.display()))?;
    let uri: Uri = path.parse().map_err(|error| format!("{path}: {error}"))?;
    exchange(stream, "GET", &uri, &[]).await
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    method: &str,
    uri: &Uri,
    headers: &[(&str, &str)],
) -> Answer {
    let text = |error: &dyn std::error::Error| format!("{uri}: {error}");
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|error| text(&error))?;
    let path = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let host = uri.authority().map_or("localhost", http::uri::Authority::as_str);
    let mut request = Request::builder().method(method).uri(path).header("host", host);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Empty::<Bytes>::new()).map_err(|error| text(&error))?;
    let answer = async move {
        let response = sender.send_request(request).await.map_err(|error| text(&error))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), BODY_BYTES_MAX).collect().await;
        let body = body.map_err(|error| format!("{uri}: {error}"))?.to_bytes();
        if !status.is_success() {
            return Err(format!("{uri}: {status}"));
        }
        Ok(String::from_utf8_lossy(&body).trim().to_owned())
    };
    tokio::select! {
        answer = answer => answer,
        // The connection ends after the answer; before it, only by a fault.
        Err(error) = connection => Err(text(&error)),
    }
}
