//! Compression of request bodies, and its inverse for the answers of gRPC servers.

use std::io::{self, Read, Write};

use bytes::Bytes;
use flate2::write::{GzEncoder, ZlibEncoder};
use spandrel_base::cpu;
use spandrel_config::blocks;

/// The largest answer that is inflated: what OTLP asks clients to take.
const ANSWER_BYTES_MAX: u64 = 4 << 20;
/// Larger bodies are compressed away from the threads that serve connections.
const INLINE_BYTES_MAX: usize = 16 << 10;
/// A little larger than the default level of gzip makes it, in a fraction of the time.
const DEFLATE_LEVEL: u32 = 3;

/// A compression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    Gzip(Option<i32>),
    Zstd(Option<i32>),
    /// The zlib format, under either of two names.
    Zlib(&'static str, Option<i32>),
    /// The framing format of snappy, as gRPC has it, or the block format under the same name, as HTTP has.
    SnappyFramed(&'static str),
    SnappyBlock,
    Lz4,
}

impl Compression {
    /// The compression of a gRPC client.
    pub(crate) fn of_grpc(compression: blocks::Compression) -> Option<Self> {
        match compression {
            // In gRPC the name means the framing format.
            blocks::Compression::Snappy => Some(Self::SnappyFramed("snappy")),
            other => Self::of_http(other, 0),
        }
    }

    /// The compression of an HTTP client; level 0 is the default.
    pub(crate) fn of_http(compression: blocks::Compression, level: i64) -> Option<Self> {
        let level = i32::try_from(level).ok().filter(|level| *level != 0);
        match compression {
            blocks::Compression::None => None,
            blocks::Compression::Gzip => Some(Self::Gzip(level)),
            blocks::Compression::Zstd => Some(Self::Zstd(level)),
            blocks::Compression::Zlib => Some(Self::Zlib("zlib", level)),
            blocks::Compression::Deflate => Some(Self::Zlib("deflate", level)),
            blocks::Compression::Snappy => Some(Self::SnappyBlock),
            blocks::Compression::SnappyFramed => Some(Self::SnappyFramed("x-snappy-framed")),
            blocks::Compression::Lz4 => Some(Self::Lz4),
        }
    }

    /// The name in `grpc-encoding` and `content-encoding`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gzip(_) => "gzip",
            Self::Zstd(_) => "zstd",
            Self::Zlib(name, _) | Self::SnappyFramed(name) => name,
            Self::SnappyBlock => "snappy",
            Self::Lz4 => "lz4",
        }
    }

    /// Compresses a body.
    pub(crate) async fn compress(self, body: Bytes) -> io::Result<Bytes> {
        if body.len() <= INLINE_BYTES_MAX {
            return self.compress_now(&body);
        }
        cpu::run(move || self.compress_now(&body)).await.map_err(io::Error::other)?
    }

    fn compress_now(self, body: &[u8]) -> io::Result<Bytes> {
        let out = Vec::with_capacity(body.len() / 4 + 64);
        let compressed = match self {
            Self::Gzip(level) => {
                let mut encoder = GzEncoder::new(out, deflate_level(level));
                encoder.write_all(body)?;
                encoder.finish()?
            }
            Self::Zlib(_, level) => {
                let mut encoder = ZlibEncoder::new(out, deflate_level(level));
                encoder.write_all(body)?;
                encoder.finish()?
            }
            Self::Zstd(level) => {
                zstd::stream::encode_all(body, level.unwrap_or(zstd::DEFAULT_COMPRESSION_LEVEL))?
            }
            Self::SnappyFramed(_) => {
                let mut encoder = snap::write::FrameEncoder::new(out);
                encoder.write_all(body)?;
                encoder.into_inner().map_err(|error| io::Error::other(error.to_string()))?
            }
            Self::SnappyBlock => {
                snap::raw::Encoder::new().compress_vec(body).map_err(io::Error::other)?
            }
            Self::Lz4 => {
                let mut encoder = lz4_flex::frame::FrameEncoder::new(out);
                encoder.write_all(body)?;
                encoder.finish().map_err(io::Error::other)?
            }
        };
        Ok(compressed.into())
    }
}

/// Level 0 of zlib is "not at all"; the Collector's -1 is "the default".
fn deflate_level(level: Option<i32>) -> flate2::Compression {
    let level = level.and_then(|level| u32::try_from(level).ok());
    flate2::Compression::new(level.map_or(DEFLATE_LEVEL, |level| level.min(9)))
}

/// Inflates an answer that came in the encoding `name`, up to a size that no honest one has.
pub(crate) fn decompress(name: &str, body: &[u8]) -> io::Result<Bytes> {
    let reader: Box<dyn Read + '_> = match name {
        "gzip" => Box::new(flate2::read::MultiGzDecoder::new(body)),
        "deflate" | "zlib" => Box::new(flate2::read::ZlibDecoder::new(body)),
        "zstd" => Box::new(zstd::stream::read::Decoder::new(body)?),
        "snappy" => Box::new(snap::read::FrameDecoder::new(body)),
        _ => return Err(io::Error::other(format!("unknown encoding {name:?}"))),
    };
    let mut out = Vec::new();
    reader.take(ANSWER_BYTES_MAX + 1).read_to_end(&mut out)?;
    if out.len() as u64 > ANSWER_BYTES_MAX {
        return Err(io::Error::other("the answer is too large"));
    }
    Ok(out.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_compressed_comes_back() {
        let body: Vec<u8> = (0..100_000_u32).flat_map(|n| (n / 7).to_le_bytes()).collect();
        let of_grpc =
            [blocks::Compression::Gzip, blocks::Compression::Zstd, blocks::Compression::Snappy];
        for compression in of_grpc.map(|compression| Compression::of_grpc(compression).unwrap()) {
            let name = compression.name();
            let compressed = compression.compress_now(&body).unwrap();
            assert!(compressed.len() < body.len(), "{name}");
            assert_eq!(decompress(name, &compressed).unwrap(), body, "{name}");
        }
        let of_http = |compression| Compression::of_http(compression, 9).unwrap();
        let zlib = of_http(blocks::Compression::Deflate);
        assert_eq!(decompress("deflate", &zlib.compress_now(&body).unwrap()).unwrap(), body);
        let block = of_http(blocks::Compression::Snappy);
        let compressed = block.compress_now(&body).unwrap();
        assert_eq!(snap::raw::Decoder::new().decompress_vec(&compressed).unwrap(), body);
        let lz4 = of_http(blocks::Compression::Lz4);
        let compressed = lz4.compress_now(&body).unwrap();
        let mut out = Vec::new();
        lz4_flex::frame::FrameDecoder::new(&*compressed).read_to_end(&mut out).unwrap();
        assert_eq!(out, body);
    }

    #[test]
    fn a_bomb_is_not_an_answer() {
        let bomb = Compression::Zstd(None).compress_now(&vec![0; 5 << 20]).unwrap();
        assert!(decompress("zstd", &bomb).is_err());
    }
}
