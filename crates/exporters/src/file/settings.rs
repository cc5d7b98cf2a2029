//! Settings of `file`.

use std::path::PathBuf;
use std::time::Duration;

use spandrel_config::Section;

/// How requests are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Proto,
}

/// When a file is left for a new one.
#[derive(Debug, Clone)]
pub(super) struct Rotation {
    pub(super) bytes_max: u64,
    pub(super) max_days: u64,
    /// Old files that are kept; zero is all of them.
    pub(super) max_backups: u64,
}

/// One file for each value of a resource attribute.
#[derive(Debug, Clone)]
pub(super) struct GroupBy {
    pub(super) resource_attribute: String,
    pub(super) max_open_files: usize,
}

/// Settings of the exporter `file`.
#[derive(Debug, Clone)]
pub struct FileSettings {
    /// The file; with `group_by`, `*` stands for the value of the attribute.
    pub path: PathBuf,
    pub(super) format: Format,
    pub(super) append: bool,
    /// The level of zstd; no compression when `None`.
    pub(super) zstd_level: Option<i32>,
    pub(super) rotation: Option<Rotation>,
    pub(super) group_by: Option<GroupBy>,
    /// The mode of directories that are made; none are made when `None`.
    pub(super) create_directory: Option<u32>,
}

impl FileSettings {
    /// Reads and checks the settings.
    pub fn read(section: &mut Section<'_>) -> Self {
        let path: String = section.required("path").unwrap_or_default();
        if section.has("path") && path.is_empty() {
            section.problem(Some("path"), "must be non-empty");
        }
        let format = read_format(section);
        if section.has("encoding") {
            section.value("encoding");
            section.problem(Some("encoding"), "encoding extensions are not supported; use format");
        }
        let append = section.or("append", false);
        let zstd_level = read_compression(section);
        let rotation = section.section("rotation", Rotation::read);
        let group_by = section.optional("group_by", GroupBy::read);
        let group_by = group_by.flatten();
        if append && zstd_level.is_some() {
            section.problem(Some("append"), "append and compression cannot be used together");
        }
        if append && rotation.is_some() {
            section.problem(Some("append"), "append and rotation cannot be used together");
        }
        if group_by.is_some() {
            check_group_path(section, &path);
            if rotation.is_some() {
                section.warn(Some("rotation"), "is not done with group_by");
            }
        }
        // Requests are written at once.
        if section.get::<Duration>("flush_interval").is_some_and(|interval| interval.is_zero()) {
            section.problem(Some("flush_interval"), "must be larger than zero");
        }
        let create_directory = read_create_directory(section);
        let path = PathBuf::from(path);
        Self { path, format, append, zstd_level, rotation, group_by, create_directory }
    }

    /// Whether messages have their length in front, and no line end behind.
    pub(super) fn has_lengths(&self) -> bool {
        self.format == Format::Proto || self.zstd_level.is_some()
    }
}

fn read_format(section: &mut Section<'_>) -> Format {
    let format: String = section.or("format", "json".to_owned());
    match format.as_str() {
        "json" | "" => Format::Json,
        "proto" => Format::Proto,
        _ => {
            section.problem(Some("format"), "must be json or proto");
            Format::Json
        }
    }
}

fn read_compression(section: &mut Section<'_>) -> Option<i32> {
    let compression: String = section.or("compression", String::new());
    let level = section.section("compression_params", |section| section.get::<i64>("level"));
    // The steps of the Collector's encoder as levels of the reference one.
    let level = match level.flatten().unwrap_or(0) {
        ..=0 => zstd::DEFAULT_COMPRESSION_LEVEL,
        level => i32::try_from(level).unwrap_or(19).min(19),
    };
    match compression.as_str() {
        "" | "none" => None,
        "zstd" => Some(level),
        _ => {
            section.problem(Some("compression"), "must be zstd, or not be there");
            None
        }
    }
}

fn read_create_directory(section: &mut Section<'_>) -> Option<u32> {
    let creates = section.or("create_directory", false);
    let mode: String = section.or("directory_permissions", "0755".to_owned());
    match u32::from_str_radix(&mode, 8) {
        Ok(mode) if mode <= 0o777 => creates.then_some(mode),
        _ => {
            let message = "must be an octal mode such as \"0755\"";
            section.problem(Some("directory_permissions"), message);
            None
        }
    }
}

fn check_group_path(section: &mut Section<'_>, path: &str) {
    if path.matches('*').count() != 1 {
        section.problem(Some("path"), "must have exactly one * when group_by is enabled");
    } else if path.starts_with('*') {
        section.problem(Some("path"), "must not start with * when group_by is enabled");
    }
}

impl Rotation {
    fn read(section: &mut Section<'_>) -> Self {
        let megabytes: u64 = section.or("max_megabytes", 100);
        section.get::<bool>("localtime");
        Self {
            bytes_max: megabytes.max(1) << 20,
            max_days: section.or("max_days", 0),
            max_backups: section.or("max_backups", 100),
        }
    }
}

impl GroupBy {
    fn read(section: &mut Section<'_>) -> Option<Self> {
        let is_enabled = section.or("enabled", false);
        let attribute = "fileexporter.path_segment".to_owned();
        let resource_attribute: String = section.or("resource_attribute", attribute);
        if is_enabled && resource_attribute.is_empty() {
            section.problem(Some("resource_attribute"), "must not be empty");
        }
        let max_open_files: usize = section.or("max_open_files", 100);
        is_enabled.then(|| Self { resource_attribute, max_open_files: max_open_files.max(1) })
    }
}
