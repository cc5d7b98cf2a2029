//! A small blocking HTTP/1.1 client: one connection, kept open as long as the server likes.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// No answer takes longer, or the test should fail.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A client of one port.
#[derive(Debug)]
pub struct Http {
    addr: SocketAddr,
    idle: Option<BufReader<TcpStream>>,
}

/// An answer, completely read.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Status code.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// Without transfer encoding.
    pub body: Vec<u8>,
}

impl Reply {
    /// The first header of this name, given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is not JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {}: {}", self.status, self.text()))
    }
}

impl Http {
    /// A client that connects when it is first used.
    pub fn new(addr: SocketAddr) -> Self {
        Self { addr, idle: None }
    }

    /// Gets a path, which may have a query.
    ///
    /// # Errors
    /// When the server cannot be reached or does not answer.
    pub fn get(&mut self, path: &str) -> io::Result<Reply> {
        self.request("GET", path, &[], &[])
    }

    /// Posts a body.
    ///
    /// # Errors
    /// When the server cannot be reached or does not answer.
    pub fn post(&mut self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Reply> {
        self.request("POST", path, headers, body)
    }

    /// Any request. After an error the next request begins with a new connection.
    ///
    /// # Errors
    /// When the server cannot be reached or does not answer.
    pub fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Reply> {
        let mut stream = match self.idle.take() {
            Some(stream) => stream,
            None => connect(self.addr)?,
        };
        let length = if method == "POST" {
            format!("content-length: {}\r\n", body.len())
        } else {
            String::new()
        };
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n{length}", self.addr);
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let mut message = head.into_bytes();
        message.extend_from_slice(body);
        // A server may answer and close before it has read everything: the answer counts.
        let sent = stream.get_mut().write_all(&message);
        let (reply, reusable) = match read_reply(&mut stream) {
            Ok(read) => read,
            Err(error) => return Err(sent.err().unwrap_or(error)),
        };
        if reusable && sent.is_ok() {
            self.idle = Some(stream);
        }
        Ok(reply)
    }
}

fn connect(addr: SocketAddr) -> io::Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect_timeout(&addr, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    stream.set_nodelay(true)?;
    Ok(BufReader::new(stream))
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

fn read_line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}

/// The answer, and whether the connection can be used again.
fn read_reply(stream: &mut impl BufRead) -> io::Result<(Reply, bool)> {
    let status = read_line(stream)?;
    let status = status.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status: u16 = status.ok_or_else(|| invalid("no status line"))?;
    let mut reply = Reply { status, headers: Vec::new(), body: Vec::new() };
    loop {
        let line = read_line(stream)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').ok_or_else(|| invalid("no header"))?;
        reply.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let closes =
        reply.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    if reply.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked"))
    {
        read_chunks(stream, &mut reply.body)?;
        return Ok((reply, !closes));
    }
    match reply.header("content-length").map(str::parse) {
        Some(Ok(length)) => {
            reply.body.resize(length, 0);
            stream.read_exact(&mut reply.body)?;
            Ok((reply, !closes))
        }
        Some(Err(_)) => Err(invalid("length is no number")),
        None if status == 204 => Ok((reply, !closes)),
        None => {
            stream.read_to_end(&mut reply.body)?;
            Ok((reply, false))
        }
    }
}

fn read_chunks(stream: &mut impl BufRead, body: &mut Vec<u8>) -> io::Result<()> {
    loop {
        let line = read_line(stream)?;
        let length = u64::from_str_radix(line.split(';').next().unwrap_or_default(), 16);
        let length = length.map_err(|_no_number| invalid("chunk without length"))?;
        let read = stream.by_ref().take(length).read_to_end(body)?;
        if read as u64 != length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if !read_line(stream)?.is_empty() {
            return Err(invalid("chunk without end"));
        }
        if length == 0 {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Reply, bool) {
        read_reply(&mut text.as_bytes()).unwrap()
    }

    #[test]
    fn bodies_with_length_chunks_and_neither() {
        let (reply, reusable) = read("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiX");
        assert_eq!((reply.status, reply.text(), reusable), (200, "hi".to_owned(), true));
        let chunked =
            "HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n1\r\n!\r\n0\r\n\r\n";
        assert_eq!(read(chunked).0.text(), "hi!");
        let (reply, reusable) = read("HTTP/1.0 404 Not Found\r\nX-A: b\r\n\r\nrest");
        assert_eq!(
            (reply.header("x-a"), reply.text(), reusable),
            (Some("b"), "rest".to_owned(), false)
        );
        assert!(
            read_reply(&mut "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi".as_bytes()).is_err()
        );
    }
}
