//! Compressed bodies: which encodings are taken, and inflating them within limits.
//!
//! # Bombs
//! A kilobyte can inflate to a gigabyte. Output is produced in chunks, and each chunk is admitted against
//! the size limit and the budget before the next one is made, so a bomb costs one chunk over the limit
//! at most. A zstd frame also chooses how much history its decoder keeps; more than 32 MiB is refused.
//!
//! # Damage
//! A body must be whole: an end of input inside a stream is an error, and so is anything after it, except
//! that gzip, zstd and lz4 allow further streams. Frames of snappy do not say which one is the last.

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
/// What frames of snappy begin with; a block that begins so would be of 255 bytes and is not valid.
const SNAPPY_FRAMES: &[u8] = b"\xff\x06\x00\x00sNaPpY";

/// A compression of request bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Gzip,
    /// The zlib format, as RFC 9110 defines the name `deflate`.
    Deflate,
    Zstd,
    /// A block, or frames: their beginning tells.
    Snappy,
    /// Frames.
    Lz4,
}

impl Encoding {
    /// Those and `identity`, for the headers that tell a sender what it may use.
    pub(crate) const ACCEPTED: &'static str = "gzip, deflate, zstd, snappy, lz4, identity";

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
            "snappy" | "x-snappy-framed" => Ok(Some(Self::Snappy)),
            "lz4" => Ok(Some(Self::Lz4)),
            _ => Err(UnknownEncoding),
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Zstd => "zstd",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
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

/// Where plain bytes come from.
enum Source {
    Stream(Box<dyn Read + Send>),
    /// A block of snappy, which is decoded as a whole; it says how long it will be.
    SnappyBlock(Bytes),
}

/// A body on its way from compressed to plain.
pub(crate) struct Inflate {
    encoding: Encoding,
    source: Source,
    bytes_max: usize,
    output: Vec<u8>,
}

impl Inflate {
    /// Prepares to inflate `body` to `bytes_max` bytes at most.
    pub(crate) fn new(encoding: Encoding, body: Bytes, bytes_max: usize) -> Self {
        let stream: Box<dyn Read + Send> = match encoding {
            Encoding::Gzip => Box::new(MultiGzDecoder::new(body.reader())),
            Encoding::Deflate => Box::new(Zlib::new(body)),
            Encoding::Zstd => Box::new(Zstd::NotStarted(body)),
            Encoding::Snappy if !body.starts_with(SNAPPY_FRAMES) => {
                let (source, output) = (Source::SnappyBlock(body), Vec::new());
                return Self { encoding, source, bytes_max, output };
            }
            Encoding::Snappy => Box::new(snap::read::FrameDecoder::new(body.reader())),
            Encoding::Lz4 => Box::new(Lz4::new(body)),
        };
        Self { encoding, source: Source::Stream(stream), bytes_max, output: Vec::new() }
    }

    /// Inflates until the end, or until `pause_at` bytes of output; `true` at the end. `admit` is asked
    /// for room chunk by chunk.
    pub(crate) fn advance(
        &mut self,
        pause_at: usize,
        mut admit: impl FnMut(usize) -> bool,
    ) -> Result<bool, InflateError> {
        let stream = match &mut self.source {
            Source::Stream(stream) => stream,
            Source::SnappyBlock(block) => {
                self.output = snappy_block(block, self.bytes_max, admit)?;
                return Ok(true);
            }
        };
        while self.output.len() < pause_at {
            // One byte over the limit is enough to know that it is exceeded.
            let wanted = CHUNK_BYTES.min(self.bytes_max.saturating_sub(self.output.len()) + 1);
            let chunk = stream.by_ref().take(wanted as u64).read_to_end(&mut self.output);
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

/// Decodes a block, whose length is admitted before it is allocated.
fn snappy_block(
    block: &[u8],
    bytes_max: usize,
    mut admit: impl FnMut(usize) -> bool,
) -> Result<Vec<u8>, InflateError> {
    let damaged = |error: snap::Error| InflateError::Damaged {
        encoding: Encoding::Snappy,
        source: io::Error::from(error),
    };
    let length = snap::raw::decompress_len(block).map_err(damaged)?;
    if length > bytes_max {
        return Err(InflateError::TooLarge { bytes_max });
    }
    if !admit(length) {
        return Err(InflateError::NoRoom);
    }
    snap::raw::Decoder::new().decompress_vec(block).map_err(damaged)
}

/// Frames of lz4, each of which must end.
struct Lz4 {
    decoder: lz4_flex::frame::FrameDecoder<Reader<Bytes>>,
    /// Whether a frame has been begun, so that an end of input is the end of the body.
    begun: bool,
}

impl Lz4 {
    fn new(body: Bytes) -> Self {
        Self { decoder: lz4_flex::frame::FrameDecoder::new(body.reader()), begun: false }
    }
}

impl Read for Lz4 {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        if !self.begun && !self.decoder.get_ref().get_ref().has_remaining() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.begun = true;
        self.decoder.read(output)
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
