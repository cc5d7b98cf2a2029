//! The disk under the log of one node.
//!
//! The disk itself is the one that the log's own tests use. What is added here: a process that has died can
//! not touch it any more, and a sabotage makes its syncs do nothing.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use spandrel_wal::{Env, WalFile};

use crate::fault_env::{Fault, FaultEnv};
use crate::life::Life;

/// A disk that outlives the processes that use it.
#[derive(Clone, Default)]
pub(crate) struct Disk {
    platter: FaultEnv,
    /// Sabotage: a sync is answered, and not done.
    syncs_lie: bool,
}

impl Disk {
    pub(crate) fn new(syncs_lie: bool) -> Self {
        Self { platter: FaultEnv::default(), syncs_lie }
    }

    /// The disk for a process that starts.
    pub(crate) fn mount(&self, life: &Arc<Life>) -> Arc<dyn Env> {
        Arc::new(Mount { disk: self.clone(), life: Arc::clone(life) })
    }

    /// Lets the changing operation after `n_operations` others fail, or everything end with it. A write leaves
    /// `part`/256 of itself.
    pub(crate) fn arm(&self, n_operations: u64, is_fatal: bool, part: u8) {
        let fault = if is_fatal { Fault::Stop } else { Fault::Error };
        self.platter.arm(n_operations, fault, part);
    }

    /// What a crash leaves: everything, or, after a power cut, what was synced and some of the rest.
    pub(crate) fn crash(&self, power_cut: Option<u64>) {
        match power_cut {
            Some(seed) => self.platter.power_cut(seed),
            None => self.platter.restart(),
        }
    }

    /// Whether a failed sync has left bytes that can be read and will be gone after a power cut. Nobody can
    /// promise anything about them; a process that restarts on them has to lose them first.
    pub(crate) fn has_lost_writes(&self) -> bool {
        self.platter.has_lost_writes()
    }

    pub(crate) fn n_faults(&self) -> u64 {
        self.platter.n_fired() as u64
    }
}

/// The disk as one process has it.
#[derive(Clone)]
struct Mount {
    disk: Disk,
    life: Arc<Life>,
}

impl Mount {
    fn run<T>(&self, operation: impl FnOnce(&FaultEnv) -> io::Result<T>) -> io::Result<T> {
        let platter = &self.disk.platter;
        self.life.run(|| operation(platter), || platter.is_stopped())
    }

    fn sync(&self, operation: impl FnOnce(&FaultEnv) -> io::Result<()>) -> io::Result<()> {
        self.run(|platter| if self.disk.syncs_lie { Ok(()) } else { operation(platter) })
    }

    fn file(&self, file: Box<dyn WalFile>) -> Box<dyn WalFile> {
        Box::new(MountedFile { mount: self.clone(), file })
    }
}

impl Env for Mount {
    fn path(&self, name: &str) -> PathBuf {
        self.disk.platter.path(name)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.run(FaultEnv::list)
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn WalFile>> {
        Ok(self.file(self.run(|platter| platter.create(name))?))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn WalFile>> {
        Ok(self.file(self.run(|platter| platter.open(name))?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.run(|platter| platter.rename(from, to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.run(|platter| platter.remove(name))
    }

    fn preserve(&self, name: &str) -> io::Result<()> {
        self.run(|platter| platter.preserve(name))
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.sync(FaultEnv::sync_dir)
    }
}

struct MountedFile {
    mount: Mount,
    file: Box<dyn WalFile>,
}

impl WalFile for MountedFile {
    fn byte_len(&self) -> io::Result<u64> {
        self.mount.run(|_| self.file.byte_len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.mount.run(|_| self.file.read_at(buffer, offset))
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.mount.run(|_| self.file.write_at(bytes, offset))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.mount.run(|_| self.file.set_len(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.mount.sync(|_| self.file.sync_data())
    }
}
