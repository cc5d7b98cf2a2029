//! Settings of `debug`, and of its predecessor `logging`.

use spandrel_config::Section;

use crate::sending::SendingSettings;

/// How much is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verbosity {
    /// One line with counts.
    Basic,
    /// A line for each span.
    Normal,
    /// All that a span has.
    Detailed,
}

/// Settings of the exporter `debug`.
#[derive(Debug, Clone)]
pub struct DebugSettings {
    /// How much is written.
    pub verbosity: Verbosity,
    /// Requests that are written each second in any case.
    pub sampling_initial: u64,
    /// Of the others in that second each so many-th; none when zero.
    pub sampling_thereafter: u64,
    /// Whether the process's own log is written to.
    pub use_internal_logger: bool,
    /// Otherwise: `stdout`, `stderr` or files.
    pub output_paths: Vec<String>,
    /// The queue; off unless the section is there.
    pub sending: SendingSettings,
}

impl DebugSettings {
    /// Reads and checks the settings.
    pub fn read(section: &mut Section<'_>) -> Self {
        let verbosity = read_verbosity(section);
        let sampling_initial = section.or("sampling_initial", 2);
        let sampling_thereafter = section.or("sampling_thereafter", 1);
        let use_internal_logger = section.or("use_internal_logger", true);
        let paths: Option<Vec<String>> = section.get("output_paths");
        match &paths {
            Some(paths) if paths.is_empty() => {
                section.problem(Some("output_paths"), "cannot be empty");
            }
            Some(_) if use_internal_logger => {
                let message = "needs use_internal_logger: false";
                section.problem(Some("output_paths"), message);
            }
            _ => {}
        }
        Self {
            verbosity,
            sampling_initial,
            sampling_thereafter,
            use_internal_logger,
            output_paths: paths.unwrap_or_else(|| vec!["stdout".to_owned()]),
            sending: SendingSettings::read_queue(section),
        }
    }
}

fn read_verbosity(section: &mut Section<'_>) -> Verbosity {
    let verbosity: Option<String> = section.get("verbosity");
    let loglevel: Option<String> = section.get("loglevel");
    if let Some(level) = loglevel {
        section.warn(Some("loglevel"), "is gone from the Collector; use verbosity");
        let verbosity = match level.to_ascii_lowercase().as_str() {
            "debug" => Verbosity::Detailed,
            "info" => Verbosity::Normal,
            "warn" | "error" => Verbosity::Basic,
            _ => {
                section.problem(Some("loglevel"), "must be debug, info, warn or error");
                Verbosity::Basic
            }
        };
        if section.has("verbosity") {
            section.problem(Some("loglevel"), "cannot be used together with verbosity");
        }
        return verbosity;
    }
    match verbosity.unwrap_or_default().to_ascii_lowercase().as_str() {
        "" | "basic" => Verbosity::Basic,
        "normal" => Verbosity::Normal,
        "detailed" => Verbosity::Detailed,
        other => {
            let message = format!(
                "verbosity level {other:?} is not supported; use basic, normal or detailed"
            );
            section.problem(Some("verbosity"), message);
            Verbosity::Basic
        }
    }
}
