//! Where the text goes.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};

use super::settings::DebugSettings;

/// The log of the process, or the outputs of the settings.
pub(super) enum Output {
    Log,
    Streams(Vec<Stream>),
}

/// One output.
pub(super) enum Stream {
    Stdout,
    Stderr,
    File(File),
}

impl Output {
    pub(super) fn open(settings: &DebugSettings) -> Result<Self, String> {
        if settings.use_internal_logger {
            return Ok(Self::Log);
        }
        let open = |path: &String| match path.as_str() {
            "stdout" => Ok(Stream::Stdout),
            "stderr" => Ok(Stream::Stderr),
            path => OpenOptions::new()
                .append(true)
                .create(true)
                .open(path)
                .map(Stream::File)
                .map_err(|error| format!("output_paths: {path}: {error}")),
        };
        settings.output_paths.iter().map(open).collect::<Result<_, _>>().map(Self::Streams)
    }

    /// Writes one request. That an output is broken is no reason to refuse spans, and is said once per request.
    pub(super) fn write(&mut self, id: &str, resource_spans: u64, spans: u64, text: Option<&str>) {
        match self {
            Self::Log => match text {
                Some(details) => tracing::info!(
                    exporter = id, resource_spans, spans, details = %format_args!("\n{details}"), "traces"
                ),
                None => tracing::info!(exporter = id, resource_spans, spans, "traces"),
            },
            Self::Streams(streams) => {
                let mut lines = format!(
                    "Traces\t{{\"resource spans\": {resource_spans}, \"spans\": {spans}}}\n"
                );
                if let Some(text) = text {
                    lines.push_str(text);
                    lines.push('\n');
                }
                for stream in streams {
                    if let Err(error) = stream.write(lines.as_bytes()) {
                        tracing::warn!(exporter = id, %error, "cannot write the output");
                    }
                }
            }
        }
    }

    pub(super) fn flush(&mut self) {
        if let Self::Streams(streams) = self {
            for stream in streams {
                if let Err(error) = stream.flush() {
                    tracing::warn!(%error, "cannot write the output");
                }
            }
        }
    }
}

impl Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Stdout => io::stdout().write_all(bytes),
            Self::Stderr => io::stderr().write_all(bytes),
            Self::File(file) => file.write_all(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout => io::stdout().flush(),
            Self::Stderr => io::stderr().flush(),
            Self::File(file) => file.flush(),
        }
    }
}
