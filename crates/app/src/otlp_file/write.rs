//! Messages into a file.

use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use flate2::write::GzEncoder;
use spandrel_model::{Span, Trace};
use spandrel_otlp::encode_trace;
use spandrel_otlp::json::{Dialect, write_trace};

use super::{Compression, Format, STANDARD, kind_of};

const BUFFER_BYTES: usize = 256 << 10;
const ZSTD_LEVEL: i32 = 3;

/// What a finished file holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) messages: u64,
    pub(crate) spans: u64,
    /// Bytes before compression.
    pub(crate) raw_bytes: u64,
}

/// Writes one file.
pub(crate) struct MessageWriter {
    path: PathBuf,
    format: Format,
    output: Output,
    buffer: Vec<u8>,
    written: Written,
}

enum Output {
    Plain(Sink),
    Gzip(GzEncoder<Sink>),
    Zstd(zstd::stream::write::Encoder<'static, Sink>),
}

enum Sink {
    File(BufWriter<File>),
    Standard(BufWriter<io::Stdout>),
}

impl MessageWriter {
    /// Creates a file, or writes to standard output for `-`. A file that exists is replaced only with
    /// `force`.
    pub(crate) fn create(path: &Path, format: Option<Format>, force: bool) -> anyhow::Result<Self> {
        let (named, compression) = kind_of(path);
        let is_standard = path == Path::new(STANDARD);
        let format = match format.or(named) {
            Some(format) => format,
            None if is_standard => Format::Json,
            None => bail!(
                "the name {} does not say what to write: end it in .json or .binpb (and .gz or .zst), or use --format",
                path.display()
            ),
        };
        let cannot = || format!("cannot write {}", path.display());
        let sink = if is_standard {
            Sink::Standard(BufWriter::with_capacity(BUFFER_BYTES, io::stdout()))
        } else {
            let created = if force { File::create(path) } else { File::create_new(path) };
            let file = match created {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    bail!("{} exists already; --force replaces it", path.display())
                }
                created => created.with_context(cannot)?,
            };
            Sink::File(BufWriter::with_capacity(BUFFER_BYTES, file))
        };
        let output = match compression {
            Compression::None => Output::Plain(sink),
            Compression::Gzip => Output::Gzip(GzEncoder::new(sink, flate2::Compression::default())),
            Compression::Zstd => Output::Zstd(zstd::stream::write::Encoder::new(sink, ZSTD_LEVEL)?),
        };
        let (path, written) = (path.to_owned(), Written::default());
        Ok(Self { path, format, output, buffer: Vec::new(), written })
    }

    /// Appends one message with these spans.
    pub(crate) fn write(&mut self, spans: Vec<Span>) -> anyhow::Result<()> {
        let Some(first) = spans.first() else { return Ok(()) };
        // The encoders group by resource and scope and do not look at the trace's own id.
        let trace = Trace { trace_id: first.trace_id, spans };
        self.buffer.clear();
        match self.format {
            Format::Json => {
                write_trace(&trace, Dialect::Otlp, &mut self.buffer);
                self.buffer.push(b'\n');
            }
            Format::Proto => {
                self.buffer.extend_from_slice(&[0; 4]);
                encode_trace(&trace, &mut self.buffer);
                let length = u32::try_from(self.buffer.len() - 4).context("a span is too large")?;
                self.buffer[..4].copy_from_slice(&length.to_be_bytes());
            }
        }
        let written = self.output.as_write().write_all(&self.buffer);
        written.with_context(|| format!("cannot write {}", self.path.display()))?;
        self.written.messages += 1;
        self.written.spans += trace.spans.len() as u64;
        self.written.raw_bytes += self.buffer.len() as u64;
        Ok(())
    }

    /// What has been written so far.
    pub(crate) fn written(&self) -> Written {
        self.written
    }

    /// Takes the file away again. When that fails, an empty file is left.
    pub(crate) fn remove(self) {
        if self.path != Path::new(STANDARD) {
            let _ = std::fs::remove_file(&self.path);
        }
    }

    /// Ends the file and makes it durable.
    pub(crate) fn finish(self) -> anyhow::Result<Written> {
        let finished = match self.output {
            Output::Plain(sink) => Ok(sink),
            Output::Gzip(encoder) => encoder.finish(),
            Output::Zstd(encoder) => encoder.finish(),
        };
        let synced = finished.and_then(|sink| match sink {
            Sink::File(mut file) => {
                file.flush()?;
                file.get_ref().sync_all()
            }
            Sink::Standard(mut stdout) => stdout.flush(),
        });
        synced.with_context(|| format!("cannot write {}", self.path.display()))?;
        Ok(self.written)
    }
}

impl Output {
    fn as_write(&mut self) -> &mut dyn Write {
        match self {
            Self::Plain(sink) => sink,
            Self::Gzip(encoder) => encoder,
            Self::Zstd(encoder) => encoder,
        }
    }
}

impl Write for Sink {
    #[expect(clippy::disallowed_methods, reason = "handed on to whoever calls write_all")]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Standard(stdout) => stdout.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Standard(stdout) => stdout.flush(),
        }
    }
}
