//! The settings of the `otlpjsonfile` receiver, named and defaulted as in the Collector.

use std::time::Duration;

use spandrel_config::{ComponentId, Section};

use super::glob::Glob;

/// Longest line by default; the Collector's default of 1 MiB would cut traces.
const LINE_BYTES_MAX: u64 = 64 << 20;
/// Settings of files of logs that mean nothing for lines of OTLP.
const WITHOUT_EFFECT: [&str; 18] = [
    "acquire_fs_lock",
    "encoding",
    "fingerprint_size",
    "force_flush_period",
    "header",
    "include_file_name",
    "include_file_name_resolved",
    "include_file_owner_group_name",
    "include_file_owner_name",
    "include_file_path",
    "include_file_path_resolved",
    "include_file_record_number",
    "include_file_record_offset",
    "max_batches",
    "multiline",
    "preserve_leading_whitespaces",
    "preserve_trailing_whitespaces",
    "initial_buffer_size",
];
const NOT_SUPPORTED: [&str; 4] =
    ["compression", "delete_after_read", "exclude_older_than", "ordering_criteria"];

/// `otlpjsonfile`: which files are read, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct OtlpJsonFileSettings {
    /// Patterns of paths.
    pub include: Vec<Glob>,
    /// Patterns of paths that are not read although they are included.
    pub exclude: Vec<Glob>,
    /// Where to begin in files that are there at the start.
    pub start_at: StartAt,
    /// How often files are looked at.
    pub poll_interval: Duration,
    /// Whether files are read from their beginning again and again.
    pub replay_file: bool,
    /// Bytes; a longer line is left out.
    pub max_log_size: usize,
    /// Files that are read in one round.
    pub max_concurrent_files: usize,
    /// The extension that keeps how far files have been read.
    pub storage: Option<ComponentId>,
}

/// Where to begin in files that are there at the start; in those that come later it is the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartAt {
    /// At the first line.
    Beginning,
    /// After the last line.
    End,
}

impl OtlpJsonFileSettings {
    /// Reads the settings; `include` is required.
    pub fn read(section: &mut Section<'_>) -> Self {
        let include = globs(section, "include");
        if include.is_empty() {
            section.problem(Some("include"), "is required");
        }
        section.ignore(&WITHOUT_EFFECT, "lines of OTLP are read as they are");
        section.ignore(&NOT_SUPPORTED, "it is not supported");
        let starts = [("beginning", StartAt::Beginning), ("end", StartAt::End)];
        let max_log_size = section.or("max_log_size", LINE_BYTES_MAX);
        let max_files = section.or("max_concurrent_files", 1024_u64);
        Self {
            include,
            exclude: globs(section, "exclude"),
            start_at: section.choice("start_at", &starts).unwrap_or(StartAt::End),
            poll_interval: section
                .or("poll_interval", Duration::from_millis(200))
                .max(Duration::from_millis(1)),
            replay_file: section.or("replay_file", false),
            max_log_size: usize::try_from(max_log_size).unwrap_or(usize::MAX).max(1),
            max_concurrent_files: usize::try_from(max_files).unwrap_or(usize::MAX).max(1),
            storage: section.get("storage"),
        }
    }
}

fn globs(section: &mut Section<'_>, key: &'static str) -> Vec<Glob> {
    let patterns: Vec<String> = section.or(key, Vec::new());
    patterns.iter().map(|pattern| Glob::new(pattern)).collect()
}
