//! A data directory with ports: where one Spandrel lives, through its restarts.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::settings;
use crate::spandrel::{Exit, Ports, ServeCommand, Spandrel};
use crate::wait::wait_until;

/// Ports can be taken by someone else between being chosen and being used.
const PORT_ATTEMPTS: usize = 5;
const END_WITHIN: Duration = Duration::from_secs(60);

/// Everything that outlives the process.
#[derive(Debug)]
pub struct Home {
    folder: TempDir,
    binary: PathBuf,
    data_dir: PathBuf,
    /// Where the next process listens.
    pub ports: Ports,
    /// More options of its command line.
    pub options: Vec<String>,
    /// More variables of its environment.
    pub environment: Vec<(String, String)>,
}

impl Home {
    /// A new, empty data directory.
    ///
    /// # Panics
    /// When the machine has no temporary folder.
    pub fn new() -> Self {
        let folder = TempDir::with_prefix("spandrel-e2e-").expect("a temporary folder can be made");
        let data_dir = folder.path().join("data");
        let (ports, options, environment) = (Ports::free(), Vec::new(), Vec::new());
        Self { folder, binary: settings::binary(), data_dir, ports, options, environment }
    }

    fn serve(&self) -> ServeCommand<'_> {
        ServeCommand {
            binary: &self.binary,
            data_dir: &self.data_dir,
            ports: self.ports,
            options: &self.options,
            environment: &self.environment,
        }
    }

    /// With another binary than the one under test.
    #[must_use]
    pub fn with_binary(mut self, binary: impl Into<PathBuf>) -> Self {
        self.binary = binary.into();
        self
    }

    /// With these options on the command line.
    #[must_use]
    pub fn with_options(mut self, options: &[&str]) -> Self {
        self.options.extend(options.iter().map(|&option| option.to_owned()));
        self
    }

    /// With a data directory that lies elsewhere and is not removed at the end.
    #[must_use]
    pub fn with_data_dir(mut self, data_dir: impl Into<PathBuf>) -> Self {
        self.data_dir = data_dir.into();
        self
    }

    /// The data directory; made by the first process.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// A folder for whatever a test needs besides.
    pub fn scratch(&self) -> &Path {
        self.folder.path()
    }

    /// Root of the table of the tenant that requests without a tenant belong to.
    pub fn table(&self) -> PathBuf {
        self.data_dir.join("tenants/single-tenant")
    }

    /// Starts a process and waits until it is ready.
    ///
    /// # Panics
    /// When it does not become ready.
    pub fn start(&mut self) -> Spandrel {
        for _ in 0..PORT_ATTEMPTS {
            match self.try_start() {
                Ok(spandrel) => return spandrel,
                Err(exit) if exit.output.contains("in use") => self.ports = Ports::free(),
                Err(exit) => panic!("spandrel ended with {}:\n{}", exit.status, exit.output),
            }
        }
        panic!("no free ports in {PORT_ATTEMPTS} attempts");
    }

    /// Starts a process and waits until it is ready or has ended.
    ///
    /// # Errors
    /// [`Exit`] when it ended.
    ///
    /// # Panics
    /// When it does neither in time.
    pub fn try_start(&self) -> Result<Spandrel, Exit> {
        Spandrel::start(self.serve(), self.folder.path())
    }

    /// Starts a process that must end by itself, and waits until it has.
    ///
    /// # Panics
    /// When it does not end in time.
    pub fn start_and_fail(&self) -> Exit {
        let log = self.folder.path().join("failed.txt");
        let open = || File::create(&log).expect("a log file");
        let mut command = self.serve().command();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(open());
        let mut child = command.spawn().expect("the binary can be started");
        let status = wait_until("spandrel has ended", END_WITHIN, || {
            child.try_wait().expect("a child can be waited for")
        });
        Exit { status, output: fs::read_to_string(&log).unwrap_or_default() }
    }

    /// Starts a process and does not wait for anything.
    ///
    /// # Panics
    /// When the binary cannot be started.
    pub fn spawn(&self) -> Child {
        let mut command = self.serve().command();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("the binary can be started")
    }
}

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}
