//! Compressed bodies: which encodings are taken, and inflating them within limits.
//!
//! # Bombs
//! A kilobyte can inflate to a gigabyte. Output is produced in chunks, and each chunk is admitted against
//! the size limit and the budget before the next one is made, so a bomb costs one chunk over the limit
//! at most. A zstd frame also chooses how much history its decoder keeps; more than 32 MiB is refused.
//!
//! # Damage
//! A body must be whole: an end of input inside a stream is an error, and so is anything after it, except
//! that gzip and zstd allow further streams.

use std::io::{self, Read};

use bytes::buf::Reader;
use bytes::{Buf, Bytes};
use flate2::bufread::MultiGzDecoder;
use flate2::{Decompress, FlushDecompress, Status};

/// What is inflated between two checks of the limits.
const CHUNK_BYTES: usize = 64 << 10;
/// Base-2 logarithm of the largest history that a zstd frame may ask for: the largest that common encoders
/// choose below their "ultra" levels.
const ZSTD_WINDOW_LOG_MAX: u32 = 25;

/// A compression of request bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Gzip,
    /// The zlib format, as RFC 9110 defines the name `deflate`.
    Deflate,
    Zstd,
}

impl Encoding {
    /// Those and `identity`, for the headers that tell a sender what it may use.
    pub(crate) const ACCEPTED: &'static str = "gzip, deflate, zstd, identity";

    /// Reads the value of a `Content-Encoding` or `grpc-encoding` header. `Ok(None)` is no compression.
    ///
    /// `x-gzip` is an alias by RFC 9110, `zlib` by the OpenTelemetry Collector. Stacked encodings
    /// (`gzip, zstd`) are not taken: no sender uses them, and each layer multiplies what a bomb can do.
    pub(crate) fn from_name(name: &str) -> Result<Option<Self>, UnknownEncoding> {
        match name.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Ok(None),
            "gzip" | "x-gzip" => Ok(Some(Self::Gzip)),
            "deflate" | "zlib" => Ok(Some(Self::Deflate)),
            "zstd" => Ok(Some(Self::Zstd)),
            _ => Err(UnknownEncoding),
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Zstd => "zstd",
        }
    }
}

/// The name of a compression that is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown or stacked compression, use one of {}", Encoding::ACCEPTED)]
pub(crate) struct UnknownEncoding;

/// Why a body cannot be inflated.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InflateError {
    #[error("body is not valid {}: {source}", .encoding.as_str())]
    Damaged { encoding: Encoding, source: io::Error },
    #[error("body exceeds {bytes_max} bytes after decompression")]
    TooLarge { bytes_max: usize },
    /// The budget had no room for another chunk.
    #[error("no room for the decompressed body")]
    NoRoom,
}

/// A body on its way from compressed to plain.
pub(crate) struct Inflate {
    encoding: Encoding,
    source: Box<dyn Read + Send>,
    bytes_max: usize,
    output: Vec<u8>,
}

impl Inflate {
    /// Prepares to inflate `body` to `bytes_max` bytes at most.
    pub(crate) fn new(encoding: Encoding, body: Bytes, bytes_max: usize) -> Self {
        let source: Box<dyn Read + Send> = match encoding {
            Encoding::Gzip => Box::new(MultiGzDecoder::new(body.reader())),
            Encoding::Deflate => Box::new(Zlib::new(body)),
            Encoding::Zstd => Box::new(Zstd::NotStarted(body)),
        };
        Self { encoding, source, bytes_max, output: Vec::new() }
    }

    /// Inflates until the end, or until `pause_at` bytes of output; `true` at the end. `admit` is asked
    /// for room chunk by chunk.
    pub(crate) fn advance(
        &mut self,
        pause_at: usize,
        mut admit: impl FnMut(usize) -> bool,
    ) -> Result<bool, InflateError> {
        while self.output.len() < pause_at {
            // One byte over the limit is enough to know that it is exceeded.
            let wanted = CHUNK_BYTES.min(self.bytes_max.saturating_sub(self.output.len()) + 1);
            let chunk = self.source.by_ref().take(wanted as u64).read_to_end(&mut self.output);
            let n_read = chunk
                .map_err(|source| InflateError::Damaged { encoding: self.encoding, source })?;
            if self.output.len() > self.bytes_max {
                return Err(InflateError::TooLarge { bytes_max: self.bytes_max });
            }
            if !admit(n_read) {
                return Err(InflateError::NoRoom);
            }
            if n_read < wanted {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What has been inflated.
    pub(crate) fn into_output(self) -> Bytes {
        self.output.into()
    }
}

/// A zlib stream that must end. The reader of flate2 takes a truncated stream for a short one.
struct Zlib {
    input: Bytes,
    state: Decompress,
    ended: bool,
}

impl Zlib {
    fn new(input: Bytes) -> Self {
        Self { input, state: Decompress::new(true), ended: false }
    }
}

impl Read for Zlib {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        while !self.ended && !output.is_empty() {
            let (in_before, out_before) = (self.state.total_in(), self.state.total_out());
            let status = self.state.decompress(&self.input, output, FlushDecompress::None)?;
            // Both are at most the length of a slice, so they fit.
            let n_in = (self.state.total_in() - in_before) as usize;
            let n_out = (self.state.total_out() - out_before) as usize;
            self.input.advance(n_in);
            self.ended = status == Status::StreamEnd;
            if self.ended && !self.input.is_empty() {
                return Err(invalid("bytes after the end of the stream"));
            }
            if n_out > 0 {
                return Ok(n_out);
            }
            if !self.ended && n_in == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(0)
    }
}

/// A zstd decoder that is made on first use, so that a failure to make one is an error of the read.
enum Zstd {
    NotStarted(Bytes),
    Started(zstd::Decoder<'static, Reader<Bytes>>),
}

impl Read for Zstd {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Started(decoder) => decoder.read(output),
            Self::NotStarted(body) => {
                let mut decoder = zstd::Decoder::with_buffer(body.clone().reader())?;
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
                *self = Self::Started(decoder);
                self.read(output)
            }
        }
    }
}

fn invalid(message: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests;
