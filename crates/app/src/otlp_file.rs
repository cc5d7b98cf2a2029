//! Files of OTLP traces, as the Collector's file exporter writes them.
//!
//! | format | content |
//! | --- | --- |
//! | JSON | one `TracesData` object per line |
//! | protobuf | one `TracesData` message after the other, each behind its length: 4 bytes, big endian |
//!
//! A whole file may be compressed with gzip or zstd. Reading goes by what is in the file, not by its name;
//! it also takes the exporter's own compression, where each length-delimited message is a zstd frame of its
//! own. Writing goes by the name of the file.

mod read;
mod write;

use std::path::Path;

pub(crate) use read::{MessageReader, ReadMessage};
pub(crate) use write::{MessageWriter, Written};

/// The name for standard input and output.
pub(crate) const STANDARD: &str = "-";
/// A longer message is not read: it would be held in memory as a whole.
pub(crate) const MESSAGE_BYTES_MAX: usize = 64 << 20;

/// How messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// One JSON object per line
    Json,
    /// Length-delimited protobuf
    Proto,
}

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Gzip,
    Zstd,
}

/// What the name of a file says: `traces.json.zst`, `traces.binpb`.
pub(crate) fn kind_of(path: &Path) -> (Option<Format>, Compression) {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let (name, compression) = match name.rsplit_once('.') {
        Some((stem, "gz" | "gzip")) => (stem, Compression::Gzip),
        Some((stem, "zst" | "zstd")) => (stem, Compression::Zstd),
        _ => (name.as_str(), Compression::None),
    };
    let format = match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("json" | "jsonl" | "ndjson") => Some(Format::Json),
        Some("proto" | "pb" | "binpb" | "otlp") => Some(Format::Proto),
        _ => None,
    };
    (format, compression)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicU64;

    use spandrel_demo::{Shop, TrafficGenerator, TrafficSettings};
    use spandrel_model::Span;
    use spandrel_otlp::{DecodeLimits, decode_request, span_at};

    use super::*;
    use prost::Message;

    fn spans() -> Vec<Span> {
        let traffic = TrafficGenerator::new(Shop::new(5), TrafficSettings::default());
        let mut columns = spandrel_columns::SpanColumns::default();
        for export in traffic.take(40) {
            let request = export.request.encode_to_vec();
            decode_request(&request, &DecodeLimits::default(), &mut columns).unwrap();
        }
        (0..columns.len()).map(|row| span_at(&columns, row).unwrap()).collect()
    }

    /// The spans of all messages, and how many messages there are.
    fn read(path: &Path) -> (Vec<Span>, u64) {
        let mut reader = MessageReader::open(path, None, Arc::new(AtomicU64::new(0))).unwrap();
        let (mut spans, mut n_messages) = (Vec::new(), 0);
        while let Some(message) = reader.next().unwrap() {
            let mut columns = spandrel_columns::SpanColumns::default();
            decode_request(&message.otlp, &DecodeLimits::default(), &mut columns).unwrap();
            assert_eq!(message.spans, u64::from(columns.len()));
            spans.extend((0..columns.len()).map(|row| span_at(&columns, row).unwrap()));
            n_messages += 1;
        }
        (spans, n_messages)
    }

    #[test]
    fn names_say_format_and_compression() {
        let kind = |name: &str| kind_of(Path::new(name));
        assert_eq!(kind("a/b.json"), (Some(Format::Json), Compression::None));
        assert_eq!(kind("b.JSONL.gz"), (Some(Format::Json), Compression::Gzip));
        assert_eq!(kind("x.y.binpb.zst"), (Some(Format::Proto), Compression::Zstd));
        assert_eq!(kind("traces"), (None, Compression::None));
        assert_eq!(kind("dump.gz"), (None, Compression::Gzip));
    }

    #[test]
    fn every_kind_of_file_is_read_back_equal() {
        let dir = tempfile::tempdir().unwrap();
        let spans = spans();
        for name in ["a.json", "a.json.gz", "a.json.zst", "a.binpb", "a.binpb.gz", "a.binpb.zst"] {
            let path = dir.path().join(name);
            let mut writer = MessageWriter::create(&path, None, false).unwrap();
            for part in spans.chunks(100) {
                writer.write(part.to_vec()).unwrap();
            }
            let n_messages = spans.len().div_ceil(100) as u64;
            assert_eq!(writer.finish().unwrap().messages, n_messages);
            let (mut found, found_messages) = read(&path);
            assert_eq!(found_messages, n_messages, "{name}");
            let mut sent = spans.clone();
            for all in [&mut sent, &mut found] {
                all.sort_by_key(|span| (span.trace_id, span.span_id, span.start_unix_nanos));
                for span in all {
                    span.attributes.sort_by(|a, b| a.key.cmp(&b.key));
                }
            }
            assert_eq!(found, sent, "{name}");
            let again = MessageWriter::create(&path, None, false);
            assert!(again.is_err_and(|error| error.to_string().contains("--force")), "{name}");
        }
    }

    #[test]
    fn messages_compressed_one_by_one_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let spans = spans();
        let plain = dir.path().join("a.binpb");
        let mut writer = MessageWriter::create(&plain, None, false).unwrap();
        for part in spans.chunks(200) {
            writer.write(part.to_vec()).unwrap();
        }
        writer.finish().unwrap();
        let bytes = std::fs::read(&plain).unwrap();
        let mut compressed = Vec::new();
        let mut rest = bytes.as_slice();
        while let Some((length, tail)) = rest.split_first_chunk::<4>() {
            let (message, tail) = tail.split_at(u32::from_be_bytes(*length) as usize);
            let frame = zstd::bulk::compress(message, 3).unwrap();
            compressed.extend_from_slice(&(frame.len() as u32).to_be_bytes());
            compressed.extend_from_slice(&frame);
            rest = tail;
        }
        let path = dir.path().join("exporter");
        spandrel_base::fs::replace(&path, &compressed).unwrap();
        assert_eq!(read(&path), read(&plain));
    }
}
