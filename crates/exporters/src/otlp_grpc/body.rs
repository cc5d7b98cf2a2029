//! The body of a call: the prefix of the message and its bytes, each as one frame of data.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{BufMut, Bytes, BytesMut};
use hyper::body::{Body, Frame, SizeHint};

use crate::sending::SendError;

/// One byte that tells whether the message is compressed, four with its length in big-endian order.
pub(super) const PREFIX_BYTES: usize = 5;

/// A message behind its prefix.
pub(super) struct MessageBody {
    prefix: Option<Bytes>,
    message: Bytes,
}

impl MessageBody {
    pub(super) fn new(is_compressed: bool, message: Bytes) -> Result<Self, SendError> {
        let n_bytes = u32::try_from(message.len())
            .map_err(|_| SendError::permanent("a gRPC message cannot exceed 4 GiB"))?;
        let mut prefix = BytesMut::with_capacity(PREFIX_BYTES);
        prefix.put_u8(u8::from(is_compressed));
        prefix.put_u32(n_bytes);
        Ok(Self { prefix: Some(prefix.freeze()), message })
    }
}

impl Body for MessageBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(prefix) = self.prefix.take() {
            return Poll::Ready(Some(Ok(Frame::data(prefix))));
        }
        let message = std::mem::take(&mut self.message);
        Poll::Ready((!message.is_empty()).then(|| Ok(Frame::data(message))))
    }

    fn is_end_stream(&self) -> bool {
        self.prefix.is_none() && self.message.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        let prefix = self.prefix.as_ref().map_or(0, Bytes::len);
        SizeHint::with_exact((prefix + self.message.len()) as u64)
    }
}
