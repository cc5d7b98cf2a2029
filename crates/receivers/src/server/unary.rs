//! A unary call of gRPC: one HTTP/2 request whose body is one message behind a prefix of five bytes, and whose
//! status comes in the trailers of the answer.
//!
//! Doing that here rather than in a gRPC library gives the message on undecoded, in the buffer in which it
//! arrived, and puts a limit on every byte.
//!
//! # Choices
//! - A damaged compressed message is `INVALID_ARGUMENT`, where the gRPC documents say `INTERNAL`: the
//!   fault is the sender's, and nobody here should be woken for it.
//! - `grpc-timeout` is not looked at. The sender enforces it by hanging up, and a batch that the consumer
//!   has is stored all the same.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use prost::Message;
use spandrel_base::memory::Reservation;
use spandrel_base::outcome::OutcomeCode;
use tokio::time::timeout;

use super::body::{BodyReader, inflate};
use super::compression::Encoding;
use super::intake::{Intake, Weight};
use super::reply::Reply;
use super::status::Failure;

const GRPC_ENCODING: &str = "grpc-encoding";
const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");
const GRPC_CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/grpc");
/// One byte that tells whether the message is compressed, four with its length in big-endian order.
const PREFIX_BYTES: usize = 5;

/// Whether it is a call of gRPC at all.
pub(crate) fn is_call(request: &Request<Incoming>) -> bool {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = content_type.and_then(|value| value.split(';').next()).unwrap_or_default();
    let is_known = matches!(media_type.trim_end(), "application/grpc" | "application/grpc+proto");
    is_known && request.version() == Version::HTTP_2 && request.method() == Method::POST
}

/// Reads the message of a call, up to `bytes_max` as received and after decompression.
pub(crate) async fn read_call(
    intake: &Intake,
    headers: &HeaderMap,
    body: Incoming,
    bytes_max: usize,
    weight: &mut Weight,
) -> Result<(Bytes, Reservation), Failure> {
    let encoding = encoding_of(headers)?;
    let mut reader = BodyReader::new(intake, body);
    let read =
        timeout(intake.body_read_timeout, read_message(intake, &mut reader, bytes_max)).await;
    weight.wire_bytes = reader.n_received();
    let (is_compressed, message) = read.unwrap_or_else(|_elapsed| Err(Failure::too_slow()))?;
    let held = reader.take_held();
    let plain = match (is_compressed, encoding) {
        (false, _) => (message, held),
        (true, Some(encoding)) => inflate(intake, encoding, message, bytes_max, held).await?,
        (true, None) => return Err(Failure::internal("compressed message without grpc-encoding")),
    };
    weight.decompressed_bytes = plain.0.len();
    Ok(plain)
}

/// Reads the one message of a unary call; `true` says that it is compressed.
async fn read_message(
    intake: &Intake,
    reader: &mut BodyReader<'_>,
    bytes_max: usize,
) -> Result<(bool, Bytes), Failure> {
    if !reader.fill(PREFIX_BYTES).await? {
        return Err(match reader.n_received() {
            // The documented code for a call with the wrong number of messages.
            0 => Failure::unimplemented("the call has no request message"),
            _ => broken_off(),
        });
    }
    let mut received = reader.take();
    let (flag, n_bytes) = (received.get_u8(), received.get_u32() as usize);
    if flag > 1 {
        return Err(Failure::internal(format!("message with unknown flag {flag}")));
    }
    if n_bytes > bytes_max {
        let message = format!("message of {n_bytes} bytes exceeds the limit of {bytes_max}");
        return Err(Failure::too_large(message));
    }
    intake.check_room(n_bytes)?;
    reader.expect(n_bytes);
    reader.put_back(received);
    if !reader.fill(n_bytes).await? {
        return Err(broken_off());
    }
    let mut received = reader.take();
    let message = received.split_to(n_bytes);
    if !received.is_empty() || reader.fill(1).await? {
        return Err(Failure::unimplemented("the call has more than one request message"));
    }
    Ok((flag == 1, message))
}

/// The answer to a call, and its code as the metrics have it.
pub(crate) fn answer(outcome: Result<impl Message, Failure>) -> (Response<Reply>, u16) {
    let code = outcome.as_ref().map_or_else(|failure| failure.code, |_| OutcomeCode::Ok);
    let code = u16::try_from(code.grpc_code()).expect("gRPC codes are from 0 to 16");
    let mut response = match outcome {
        Ok(message) => success(&message),
        Err(failure) => {
            tracing::debug!(code, message = failure.message, "call not taken");
            failure.to_tonic().into_http()
        }
    };
    let accepted = HeaderValue::from_static(Encoding::ACCEPTED);
    response.headers_mut().insert(GRPC_ACCEPT_ENCODING, accepted);
    (response, code)
}

/// The answer to what is not gRPC; 415 is what the gRPC documents ask for.
pub(crate) fn wrong_protocol(text: String) -> Response<Reply> {
    let mut response = Response::new(Reply::new(text.into()));
    *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

fn encoding_of(headers: &HeaderMap) -> Result<Option<Encoding>, Failure> {
    let Some(value) = headers.get(GRPC_ENCODING) else { return Ok(None) };
    // A value that is not text is no known name either.
    let name = value.to_str().unwrap_or("?");
    Encoding::from_name(name)
        .map_err(|error| Failure::unimplemented(format!("grpc-encoding: {error}")))
}

fn broken_off() -> Failure {
    Failure::internal("the request ended inside its message")
}

fn success(message: &impl Message) -> Response<Reply> {
    let n_bytes = u32::try_from(message.encoded_len()).expect("the message is short");
    let mut data = BytesMut::with_capacity(PREFIX_BYTES + message.encoded_len());
    data.put_u8(0);
    data.put_u32(n_bytes);
    message.encode(&mut data).expect("the buffer grows as needed");
    let mut trailers = HeaderMap::new();
    tonic::Status::ok("").add_header(&mut trailers).expect("an empty message is a valid header");
    let mut response = Response::new(Reply::with_trailers(data.freeze(), trailers));
    response.headers_mut().insert(CONTENT_TYPE, GRPC_CONTENT_TYPE);
    response
}
