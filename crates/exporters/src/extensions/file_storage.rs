//! `file_storage`: a directory in which sending queues survive the process, and what receivers have to remember.

use std::path::PathBuf;
use std::time::Duration;

use spandrel_config::Section;
use spandrel_pipeline::ComponentError;

use crate::sending::{LogOptions, QueueLog, QueueLogError, Stored};

/// Settings of `file_storage`.
#[derive(Debug, Clone)]
pub struct FileStorageSettings {
    /// Where the queues are; each has a directory of its own below. A receiver has a file there.
    pub directory: PathBuf,
    /// Whether the directory is made when it is missing.
    pub create_directory: bool,
    /// Mode of directories that are made, as in `chmod`.
    pub directory_permissions: u32,
    /// Whether a request is on the disk, and not only with the operating system, before it is acknowledged.
    pub fsync: bool,
    /// The most bytes that one queue may take; zero is no limit.
    pub max_size: u64,
}

impl FileStorageSettings {
    /// Reads and checks the settings.
    pub fn read(section: &mut Section<'_>) -> Self {
        let directory = section.or("directory", PathBuf::from("/var/lib/otelcol/file_storage"));
        let permissions: String = section.or("directory_permissions", "0750".to_owned());
        let directory_permissions = u32::from_str_radix(&permissions, 8).unwrap_or_else(|_| {
            section
                .problem(Some("directory_permissions"), "must be an octal mode such as \"0750\"");
            0o750
        });
        let settings = Self {
            directory,
            create_directory: section.or("create_directory", false),
            directory_permissions,
            fsync: section.or("fsync", false),
            max_size: section.or("max_size", 0),
        };
        section.ignore(&["timeout"], "nothing waits for a lock of the files");
        section.ignore(&["recreate"], "damaged files are kept beside, and the rest is read");
        section.section("compaction", read_compaction);
        settings
    }
}

/// Files are removed as soon as all in them has been sent, so there is nothing to compact.
fn read_compaction(section: &mut Section<'_>) {
    let why = "files are removed as soon as what is in them has been sent";
    section.get::<bool>("cleanup_on_start");
    section.ignore(&["on_start", "on_rebound", "directory", "max_transaction_size"], why);
    section.ignore(&["rebound_needed_threshold_mib", "rebound_trigger_threshold_mib"], why);
    section.get::<Duration>("check_interval");
}

/// The directory of one `file_storage` extension.
#[derive(Debug)]
pub struct FileStorage {
    settings: FileStorageSettings,
}

impl FileStorage {
    /// Checks that the directory is there, or makes it. Blocks.
    ///
    /// # Errors
    /// When it is missing and may not be made, or cannot be used.
    pub fn open(settings: FileStorageSettings) -> Result<Self, ComponentError> {
        let storage = Self { settings };
        let settings = &storage.settings;
        let dir = settings.directory.display();
        if settings.create_directory {
            let made = make_dir(&settings.directory, settings.directory_permissions);
            made.map_err(|error| ComponentError::new(format!("cannot create {dir}: {error}")))?;
        }
        match std::fs::metadata(&settings.directory) {
            Ok(metadata) if metadata.is_dir() => Ok(storage),
            Ok(_) => Err(ComponentError::new(format!("directory: {dir} is not a directory"))),
            Err(error) => Err(ComponentError::new(format!(
                "directory: {dir}: {error}; create it, or set create_directory: true"
            ))),
        }
    }

    /// Opens the queue of an exporter. Blocks.
    pub(crate) fn open_queue(
        &self,
        exporter: &str,
    ) -> Result<(QueueLog, Vec<Stored>), QueueLogError> {
        let options = LogOptions { fsync: self.settings.fsync, max_bytes: self.settings.max_size };
        let directory = format!("{}_traces", plain_name("exporter_", exporter));
        QueueLog::open(&self.settings.directory.join(directory), options)
    }

    /// The file of a receiver, which belongs to it alone; whether it is there is not known.
    pub fn file_of(&self, receiver: &str) -> PathBuf {
        self.settings.directory.join(plain_name("receiver_", receiver))
    }
}

#[cfg(unix)]
fn make_dir(dir: &std::path::Path, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(mode).create(dir)
}

/// A component id as the name of a file: what is not plain is written in hex behind `~`.
fn plain_name(kind: &str, id: &str) -> String {
    let mut name = kind.to_owned();
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || b"_-.".contains(&byte) {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("~{byte:02x}"));
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_become_different_plain_names() {
        assert_eq!(plain_name("exporter_", "otlp_grpc"), "exporter_otlp_grpc");
        assert_eq!(plain_name("receiver_", "otlp/a/../b"), "receiver_otlp~2fa~2f..~2fb");
    }
}
