//! `compression` of clients.

use crate::section::Section;

/// How a client compresses requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// `none` or an empty text.
    #[default]
    None,
    /// `gzip`
    Gzip,
    /// `zstd`
    Zstd,
    /// `snappy`: the block format for gRPC, the framed one for HTTP.
    Snappy,
    /// `x-snappy-framed`
    SnappyFramed,
    /// `zlib`
    Zlib,
    /// `deflate`: zlib as well, under another name.
    Deflate,
    /// `lz4`, framed.
    Lz4,
}

const GRPC: [(&str, Compression); 5] = [
    ("gzip", Compression::Gzip),
    ("snappy", Compression::Snappy),
    ("zstd", Compression::Zstd),
    ("none", Compression::None),
    ("", Compression::None),
];
const HTTP: [(&str, Compression); 9] = [
    ("gzip", Compression::Gzip),
    ("zstd", Compression::Zstd),
    ("snappy", Compression::Snappy),
    ("x-snappy-framed", Compression::SnappyFramed),
    ("zlib", Compression::Zlib),
    ("deflate", Compression::Deflate),
    ("lz4", Compression::Lz4),
    ("none", Compression::None),
    ("", Compression::None),
];

impl Compression {
    /// The value of `Content-Encoding` or `grpc-encoding`; `None` without compression.
    pub fn encoding(self) -> Option<&'static str> {
        let found = HTTP.iter().find(|(word, compression)| *compression == self && *word != "none");
        found.map(|(word, _)| *word).filter(|word| !word.is_empty())
    }

    pub(super) fn read_grpc(section: &mut Section<'_>, default: Self) -> Self {
        section.choice("compression", &GRPC).unwrap_or(default)
    }

    pub(super) fn read_http(section: &mut Section<'_>, default: Self) -> Self {
        section.choice("compression", &HTTP).unwrap_or(default)
    }

    /// Reads `compression_params::level`; 0 is the default of the algorithm.
    pub(super) fn read_level(self, section: &mut Section<'_>) -> i64 {
        let level = section.section("compression_params", |section| {
            let level: i64 = section.or("level", 0);
            let levels = match self {
                Self::Gzip | Self::Zlib | Self::Deflate => -2..=9,
                Self::Zstd => 0..=22,
                _ => 0..=0,
            };
            if !levels.contains(&level) {
                let (least, most) = (levels.start(), levels.end());
                section
                    .problem(Some("level"), format!("must be from {least} to {most}, not {level}"));
            }
            level
        });
        level.unwrap_or(0)
    }
}
