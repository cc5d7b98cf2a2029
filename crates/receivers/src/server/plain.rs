//! A request of HTTP: its body within limits, and answers in plain text.

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, EXPECT, HeaderName};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response, StatusCode, Version};
use spandrel_base::memory::Reservation;
use tokio::time::timeout;

use super::body::{BodyReader, inflate};
use super::compression::{Encoding, UnknownEncoding};
use super::intake::{Intake, Weight};
use super::reply::Reply;
use super::status::Failure;

/// How large a body may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyLimits {
    /// In bytes as received.
    pub(crate) body_bytes_max: usize,
    /// In bytes after decompression.
    pub(crate) decompressed_bytes_max: usize,
}

/// Reads a body, and inflates it if it is compressed.
pub(crate) async fn read_body(
    intake: &Intake,
    reader: &mut BodyReader<'_>,
    encoding: Option<Encoding>,
    limits: BodyLimits,
    weight: &mut Weight,
) -> Result<(Bytes, Reservation), Failure> {
    let received = receive(intake, reader, limits.body_bytes_max);
    let read = timeout(intake.body_read_timeout, received).await;
    weight.wire_bytes = reader.n_received();
    let body = read.unwrap_or_else(|_elapsed| {
        reader.abandon();
        Err(Failure::too_slow())
    })?;
    let held = reader.take_held();
    let plain = match encoding {
        Some(encoding) => {
            inflate(intake, encoding, body, limits.decompressed_bytes_max, held).await?
        }
        None => (body, held),
    };
    weight.decompressed_bytes = plain.0.len();
    Ok(plain)
}

async fn receive(
    intake: &Intake,
    reader: &mut BodyReader<'_>,
    max: usize,
) -> Result<Bytes, Failure> {
    let too_large = || Failure::too_large(format!("body exceeds the limit of {max} bytes"));
    if reader.n_expected() > max {
        return Err(too_large());
    }
    intake.check_room(reader.n_expected())?;
    // Filled by one byte more than allowed means that it is too large.
    if reader.fill(max.saturating_add(1)).await? {
        return Err(too_large());
    }
    Ok(reader.take())
}

/// Whether the rest of the body should be read before a refusal is answered. Over HTTP/2 it is cancelled
/// without harm, and who expects 100 has not sent anything.
pub(crate) fn discards_rest(parts: &Parts, status: StatusCode) -> bool {
    let is_http1 = parts.version < Version::HTTP_2;
    is_http1 && !status.is_success() && !parts.headers.contains_key(EXPECT)
}

pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

/// The media type in lower case, without parameters such as `charset`; empty if there is none.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

pub(crate) fn encoding_of(headers: &HeaderMap) -> Result<Option<Encoding>, UnknownEncoding> {
    let mut values = headers.get_all(CONTENT_ENCODING).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            Encoding::from_name(value.to_str().map_err(|_not_text| UnknownEncoding)?)
        }
        // Several headers are a stack of encodings.
        (Some(_), Some(_)) => Err(UnknownEncoding),
    }
}

pub(crate) fn empty(status: StatusCode) -> Response<Reply> {
    let mut response = Response::new(Reply::default());
    *response.status_mut() = status;
    response
}

pub(crate) fn text(status: StatusCode, message: impl Into<Bytes>) -> Response<Reply> {
    let mut response = Response::new(Reply::new(message.into()));
    *response.status_mut() = status;
    with_header(response, CONTENT_TYPE, "text/plain")
}

pub(crate) fn with_header(
    mut response: Response<Reply>,
    name: HeaderName,
    value: &'static str,
) -> Response<Reply> {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
    response
}
