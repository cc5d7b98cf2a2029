//! The process's log: to standard error, as text for people or as JSON lines for machines.
//!
//! Standard output stays free for what a command was asked to print. Where the filter comes from
//! (flag, file, environment) is the caller's business.
//!
//! The crate `log` is a dependency only to switch it off (`max_level_off`), because delta_kernel has `tracing` write each
//! event to it too, which doubles the code of all of them. What is lost are the lines of libraries that know nothing
//! else: reqwest's of its connections, and DataFusion's.

use std::io::{self, IsTerminal};

use tracing::Subscriber;
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// One line of text, colored on a terminal.
    #[default]
    Text,
    /// One JSON object per line; an event's fields stand at the top level.
    Json,
}

/// What to log and how.
#[derive(Debug, Clone)]
pub struct LogOptions {
    /// The shape of a line.
    pub format: LogFormat,
    /// Directives in the syntax of `tracing_subscriber::EnvFilter`, such as `info,spandrel_wal=debug`.
    pub filter: String,
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter has a syntax error.
    #[error("log filter {filter:?} is invalid")]
    InvalidFilter {
        /// What was given.
        filter: String,
        /// What is wrong with it.
        #[source]
        source: tracing_subscriber::filter::ParseError,
    },
    /// The process already has a subscriber.
    #[error("logging is already set up")]
    AlreadySetUp(#[source] tracing_subscriber::util::TryInitError),
}

/// Sends the process's log to standard error from now on.
///
/// # Errors
/// [`LogError::InvalidFilter`] for a filter that does not parse, [`LogError::AlreadySetUp`] when
/// called a second time.
pub fn init(options: &LogOptions) -> Result<(), LogError> {
    let ansi = io::stderr().is_terminal();
    let subscriber = subscriber(options, ansi, io::stderr)?;
    subscriber.try_init().map_err(LogError::AlreadySetUp)
}

fn subscriber<W>(
    options: &LogOptions,
    ansi: bool,
    writer: W,
) -> Result<impl Subscriber + Send + Sync + 'static, LogError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::builder()
        .parse(&options.filter)
        .map_err(|source| LogError::InvalidFilter { filter: options.filter.clone(), source })?;
    let lines = fmt::layer().with_writer(writer);
    let lines = match options.format {
        LogFormat::Text => lines.with_ansi(ansi).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    Ok(Registry::default().with(lines.with_filter(filter)))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, filter: &str, log: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let options = LogOptions { format, filter: filter.to_owned() };
        let subscriber = subscriber(&options, false, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, log);
        let bytes = lines.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn text_has_message_and_fields() {
        let text = logged(LogFormat::Text, "info", || {
            tracing::info!(spans = 3, "block written");
            tracing::debug!("not shown");
        });
        let (_time, line) = text.trim_start().split_once(' ').unwrap();
        let expected = "INFO spandrel_telemetry::logs::tests: block written spans=3\n";
        assert_eq!(line.trim_start(), expected);
    }

    #[test]
    fn json_has_fields_at_the_top_level() {
        let text = logged(LogFormat::Json, "warn", || tracing::warn!(spans = 3, "slow fsync"));
        assert!(text.starts_with("{\"timestamp\":\""), "{text}");
        assert!(text.contains("\"message\":\"slow fsync\",\"spans\":3"), "{text}");
        assert!(text.ends_with("}\n"), "{text}");
    }

    #[test]
    fn bad_filter_is_an_error_that_names_it() {
        let options = LogOptions { format: LogFormat::Text, filter: "info,=x=".to_owned() };
        let error = subscriber(&options, false, io::sink).err().unwrap();
        assert_eq!(error.to_string(), "log filter \"info,=x=\" is invalid");
    }
}
