//! Messages out of a file, one after the other.
//!
//! A damaged message does not end the reading where the next one can be found: after a line that is not
//! OTLP, and after a message whose length is right. Memory is bounded by the longest message.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
use spandrel_columns::SpanColumns;
use spandrel_otlp::{DecodeLimits, decode_request, json_to_protobuf};

use super::{Format, MESSAGE_BYTES_MAX, STANDARD};

const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];
const ZSTD_MAGIC: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
const BUFFER_BYTES: usize = 256 << 10;
/// Windows of up to 128 MiB, which is what zstd writes at most by default.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

/// One message of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReadMessage {
    /// An `ExportTraceServiceRequest` in protobuf, known to be well formed.
    pub(crate) otlp: Bytes,
    pub(crate) spans: u64,
}

/// A message could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {unit} {number}: {reason}")]
pub(crate) struct ReadError {
    file: String,
    /// `line` or `message`.
    unit: &'static str,
    /// From 1.
    number: u64,
    reason: String,
    /// Whether the reading can go on behind it.
    pub(crate) is_passable: bool,
}

/// Reads the messages of one file.
pub(crate) struct MessageReader {
    file: String,
    /// `None` until the first byte of content was seen.
    format: Option<Format>,
    input: Box<dyn BufRead + Send>,
    number: u64,
    buffer: Vec<u8>,
}

impl MessageReader {
    /// Opens a file, or standard input for `-`. Bytes read from it are added to `read_bytes`.
    pub(crate) fn open(
        path: &Path,
        format: Option<Format>,
        read_bytes: Arc<AtomicU64>,
    ) -> anyhow::Result<Self> {
        let cannot = || format!("cannot read {}", path.display());
        let raw: Box<dyn Read + Send> = if path == Path::new(STANDARD) {
            Box::new(io::stdin())
        } else {
            Box::new(File::open(path).with_context(cannot)?)
        };
        let counted = Counted { inner: raw, bytes: read_bytes };
        let mut raw = BufReader::with_capacity(BUFFER_BYTES, counted);
        let begin = raw.fill_buf().with_context(cannot)?;
        let input: Box<dyn BufRead + Send> = if begin.starts_with(GZIP_MAGIC) {
            Box::new(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(raw)))
        } else if begin.starts_with(ZSTD_MAGIC) {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(raw).with_context(cannot)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).with_context(cannot)?;
            Box::new(BufReader::with_capacity(BUFFER_BYTES, decoder))
        } else {
            Box::new(raw)
        };
        let is_standard = path == Path::new(STANDARD);
        let file = if is_standard { "standard input".into() } else { path.display().to_string() };
        Ok(Self { file, format, input, number: 0, buffer: Vec::new() })
    }

    /// The next message, `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<ReadMessage>, ReadError> {
        let format = match self.format {
            Some(format) => format,
            None => match self.detect()? {
                Some(format) => *self.format.insert(format),
                None => return Ok(None),
            },
        };
        match format {
            Format::Json => self.next_line(),
            Format::Proto => self.next_frame(),
        }
    }

    /// A JSON object begins with a brace; as the first byte of a length that would be 2 GB.
    fn detect(&mut self) -> Result<Option<Format>, ReadError> {
        loop {
            let buffered = match self.input.fill_buf() {
                Ok(buffered) => buffered,
                Err(error) => return Err(self.failed(&error)),
            };
            match buffered.first() {
                None => return Ok(None),
                Some(b'{') => return Ok(Some(Format::Json)),
                Some(byte) if byte.is_ascii_whitespace() => {
                    self.number += u64::from(*byte == b'\n');
                    self.input.consume(1);
                }
                Some(_) => return Ok(Some(Format::Proto)),
            }
        }
    }

    fn next_line(&mut self) -> Result<Option<ReadMessage>, ReadError> {
        loop {
            self.buffer.clear();
            self.number += 1;
            let mut limited = self.input.by_ref().take(MESSAGE_BYTES_MAX as u64 + 1);
            let read = limited.read_until(b'\n', &mut self.buffer);
            match read {
                Err(error) => return Err(self.failed(&error)),
                Ok(0) => return Ok(None),
                Ok(_) if self.buffer.len() > MESSAGE_BYTES_MAX => {
                    self.skip_line()?;
                    return Err(self.damaged("line", too_long(self.buffer.len() as u64)));
                }
                Ok(_) if self.buffer.trim_ascii().is_empty() => {}
                Ok(_) => return self.json("line").map(Some),
            }
        }
    }

    fn skip_line(&mut self) -> Result<(), ReadError> {
        while self.buffer.last() != Some(&b'\n') {
            self.buffer.clear();
            let mut limited = self.input.by_ref().take(MESSAGE_BYTES_MAX as u64);
            match limited.read_until(b'\n', &mut self.buffer) {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) => return Err(self.failed(&error)),
            }
        }
        Ok(())
    }

    fn next_frame(&mut self) -> Result<Option<ReadMessage>, ReadError> {
        self.number += 1;
        let mut length = [0; 4];
        match read_full(&mut self.input, &mut length) {
            Ok(0) => return Ok(None),
            Ok(4) => {}
            Ok(_) => return Err(self.broken("the file ends in its length".to_owned())),
            Err(error) => return Err(self.failed(&error)),
        }
        let length = u32::from_be_bytes(length);
        if length as usize > MESSAGE_BYTES_MAX {
            return Err(self.broken(format!(
                "its length is given as {length} bytes, more than {MESSAGE_BYTES_MAX}: is this a file of length-delimited OTLP?"
            )));
        }
        self.buffer.clear();
        // Grows with what is there, not with what is claimed.
        match self.input.by_ref().take(u64::from(length)).read_to_end(&mut self.buffer) {
            Ok(n) if n == length as usize => {}
            Ok(n) => return Err(self.broken(format!("the file ends after {n} of {length} bytes"))),
            Err(error) => return Err(self.failed(&error)),
        }
        if self.buffer.starts_with(ZSTD_MAGIC) {
            match unpack(&self.buffer) {
                Ok(raw) => self.buffer = raw,
                Err(error) => return Err(self.damaged("message", error.to_string())),
            }
        }
        if self.buffer.first() == Some(&b'{') {
            return self.json("message").map(Some);
        }
        let otlp = Bytes::copy_from_slice(&self.buffer);
        self.checked("message", otlp).map(Some)
    }

    fn json(&self, unit: &'static str) -> Result<ReadMessage, ReadError> {
        match json_to_protobuf(self.buffer.trim_ascii_end(), &DecodeLimits::default()) {
            Ok(otlp) => self.checked(unit, otlp.into()),
            Err(error) => {
                // The parser knows nothing of the file and counts lines within the message.
                let text = error.to_string();
                let reason = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
                Err(self.damaged(unit, format!("{reason} (at character {})", error.column())))
            }
        }
    }

    /// Decodes the message as a server would, so that one that cannot be taken is named here.
    fn checked(&self, unit: &'static str, otlp: Bytes) -> Result<ReadMessage, ReadError> {
        let mut columns = SpanColumns::default();
        match decode_request(&otlp, &DecodeLimits::default(), &mut columns) {
            Ok(summary) => {
                Ok(ReadMessage { spans: summary.spans + summary.rejected.total(), otlp })
            }
            Err(error) => Err(self.damaged(unit, error.to_string())),
        }
    }

    fn damaged(&self, unit: &'static str, reason: String) -> ReadError {
        ReadError { is_passable: true, ..self.error(unit, reason) }
    }

    fn broken(&self, reason: String) -> ReadError {
        self.error("message", reason)
    }

    fn failed(&self, error: &io::Error) -> ReadError {
        let unit = if self.format == Some(Format::Proto) { "message" } else { "line" };
        self.error(unit, format!("cannot be read: {error}"))
    }

    fn error(&self, unit: &'static str, reason: String) -> ReadError {
        let (file, number) = (self.file.clone(), self.number.max(1));
        ReadError { file, unit, number, reason, is_passable: false }
    }
}

fn too_long(bytes: u64) -> String {
    format!("has more than {} bytes", bytes.min(MESSAGE_BYTES_MAX as u64))
}

/// Decompresses a message, up to the limit.
fn unpack(frame: &[u8]) -> io::Result<Vec<u8>> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(frame)?;
    decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
    let mut raw = Vec::new();
    decoder.take(MESSAGE_BYTES_MAX as u64 + 1).read_to_end(&mut raw)?;
    if raw.len() > MESSAGE_BYTES_MAX {
        return Err(io::Error::new(ErrorKind::InvalidData, too_long(raw.len() as u64)));
    }
    Ok(raw)
}

/// Fills the buffer as far as the input goes.
fn read_full(input: &mut dyn BufRead, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Counts what is read.
struct Counted {
    inner: Box<dyn Read + Send>,
    bytes: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.bytes.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What reading a file with this content gives: spans of each message, or the error.
    fn outcomes(content: &[u8]) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        spandrel_base::fs::replace(&path, content).unwrap();
        let mut reader = MessageReader::open(&path, None, Arc::default()).unwrap();
        reader.file = "f".to_owned();
        let mut outcomes = Vec::new();
        loop {
            match reader.next() {
                Ok(None) => return outcomes,
                Ok(Some(message)) => outcomes.push(message.spans.to_string()),
                Err(error) => {
                    outcomes.push(error.to_string());
                    if !error.is_passable {
                        return outcomes;
                    }
                }
            }
        }
    }

    const LINE: &str = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708","name":"a"}]}]}]}"#;

    #[test]
    fn a_malformed_line_is_named_and_passed_by() {
        let content = format!("\n{LINE}\n\nnot json\n{LINE}\n{{\"resourceSpans\":[{{\n{LINE}");
        let outcomes = outcomes(content.as_bytes());
        assert_eq!((&*outcomes[0], &*outcomes[2], &*outcomes[4]), ("1", "1", "1"));
        assert!(outcomes[1].starts_with("f: line 4: "), "{}", outcomes[1]);
        assert!(outcomes[3].starts_with("f: line 6: "), "{}", outcomes[3]);
        assert_eq!(outcomes.len(), 5);
    }

    #[test]
    fn a_malformed_message_is_passed_by_and_a_broken_length_ends_the_file() {
        let good = json_to_protobuf(LINE.as_bytes(), &DecodeLimits::default()).unwrap();
        let frame = |message: &[u8]| [&(message.len() as u32).to_be_bytes(), message].concat();
        let mut content = [frame(&good), frame(b"\x0a\xff"), frame(&good), frame(&good)].concat();
        content.pop();
        let outcomes = outcomes(&content);
        assert_eq!((&*outcomes[0], &*outcomes[2]), ("1", "1"));
        assert!(outcomes[1].starts_with("f: message 2: "), "{}", outcomes[1]);
        let (length, rest) = (good.len(), good.len() - 1);
        assert_eq!(
            outcomes[3],
            format!("f: message 4: the file ends after {rest} of {length} bytes")
        );
        assert_eq!(outcomes.len(), 4);
    }

    #[test]
    fn other_files_are_refused_without_reading_them_into_memory() {
        for content in ["PAR1 some parquet", "\x7fELF", "hello world"] {
            let outcomes = outcomes(content.as_bytes());
            assert_eq!(outcomes.len(), 1, "{outcomes:?}");
            assert!(outcomes[0].contains("is this a file of length-delimited OTLP?"));
        }
        assert!(outcomes(b"").is_empty());
        assert!(outcomes(b"\0\0").concat().contains("ends in its length"));
    }
}
