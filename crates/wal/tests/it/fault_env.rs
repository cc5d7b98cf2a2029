//! A disk in memory that fails on demand and forgets what POSIX lets it forget.
//!
//! - A power cut keeps, of each file, what was synced plus any number of the later changes in
//!   order, the last of them cut at any byte; and of the directory, the names as they were at the
//!   last sync or after any later change.
//! - A failed sync loses what was to be synced but leaves it readable until the power is cut, as
//!   Linux does, so that syncing again succeeds and saves nothing.
//! - A failed write leaves a part of its bytes; every other failed operation has no effect.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use spandrel_wal::{Env, WalFile};

/// What happens to one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It fails.
    Error,
    /// It fails, and so does every other until [`FaultEnv::restart`] or [`FaultEnv::power_cut`].
    Stop,
}

/// The disk; clones share it.
#[derive(Clone, Default)]
pub(crate) struct FaultEnv(Arc<Mutex<Disk>>);

#[derive(Default)]
struct Disk {
    next_inode: u64,
    inodes: BTreeMap<u64, Inode>,
    names: BTreeMap<String, u64>,
    /// The names at the last directory sync and after each change but the last since.
    earlier_names: Vec<BTreeMap<String, u64>>,
    preserved: BTreeSet<String>,
    /// Operations until the fault, the fault, and how many 1/256 of a write precede it.
    armed: Vec<(u64, Fault, u8)>,
    n_fired: usize,
    n_syncs: usize,
    has_lost_writes: bool,
    is_stopped: bool,
    capacity: Option<usize>,
}

#[derive(Default)]
struct Inode {
    visible: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
}

enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    SetLen(usize),
}

impl FaultEnv {
    /// Lets the changing operation after `n_ops` others fail; a write leaves `part`/256 of itself.
    pub(crate) fn arm(&self, n_ops: u64, fault: Fault, part: u8) {
        self.disk().armed.push((n_ops, fault, part));
    }

    /// Takes back what was armed and did not happen.
    pub(crate) fn disarm(&self) {
        self.disk().armed.clear();
    }

    /// How many faults have happened so far.
    pub(crate) fn n_fired(&self) -> usize {
        self.disk().n_fired
    }

    /// How many files or directories were synced so far.
    pub(crate) fn n_syncs(&self) -> usize {
        self.disk().n_syncs
    }

    /// Whether a failed sync has lost what can still be read, until the power is cut.
    pub(crate) fn has_lost_writes(&self) -> bool {
        self.disk().has_lost_writes
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.disk().is_stopped
    }

    /// Cuts the power and starts again; `seed` decides what unsynced changes survive.
    pub(crate) fn power_cut(&self, seed: u64) {
        let mut random = seed | 1;
        let mut below = move |n: usize| {
            // xorshift64: as good as any for picking places, and the same on every machine.
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            usize::try_from(random % (n as u64)).unwrap()
        };
        let mut disk = self.disk();
        let n_kept = below(disk.earlier_names.len() + 1);
        if let Some(names) = disk.earlier_names.get(n_kept).cloned() {
            disk.names = names;
        }
        disk.earlier_names.clear();
        for inode in disk.inodes.values_mut() {
            let unsynced = std::mem::take(&mut inode.unsynced);
            let n_kept = below(unsynced.len() + 1);
            for (i, change) in unsynced.into_iter().take(n_kept).enumerate() {
                match change {
                    Change::Write { offset, mut bytes } => {
                        if i + 1 == n_kept {
                            let n_bytes = below(bytes.len() + 1);
                            bytes.truncate(n_bytes);
                        }
                        write(&mut inode.durable, offset, &bytes);
                    }
                    Change::SetLen(len) => inode.durable.resize(len, 0),
                }
            }
            inode.visible = inode.durable.clone();
        }
        disk.has_lost_writes = false;
        drop(disk);
        self.restart();
    }

    /// Goes on after a stop of the process alone: everything is as it was last seen.
    pub(crate) fn restart(&self) {
        let mut disk = self.disk();
        disk.armed.clear();
        disk.is_stopped = false;
    }

    /// Limits the bytes of all files; `None` is an endless disk.
    pub(crate) fn set_capacity(&self, capacity: Option<usize>) {
        self.disk().capacity = capacity;
    }

    /// The bytes of all files by name.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let disk = self.disk();
        disk.names
            .iter()
            .map(|(name, id)| (name.clone(), disk.inodes[id].visible.clone()))
            .collect()
    }

    /// A disk that holds `files`, all durable.
    pub(crate) fn with_files(files: &BTreeMap<String, Vec<u8>>) -> Self {
        let env = Self::default();
        let mut disk = env.disk();
        for (id, (name, bytes)) in (0..).zip(files) {
            let (visible, durable) = (bytes.clone(), bytes.clone());
            disk.inodes.insert(id, Inode { visible, durable, unsynced: Vec::new() });
            disk.names.insert(name.clone(), id);
            disk.next_inode = id + 1;
        }
        drop(disk);
        env
    }

    /// The names that were preserved.
    pub(crate) fn preserved(&self) -> BTreeSet<String> {
        self.disk().preserved.clone()
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().unwrap()
    }
}

impl Disk {
    /// Counts one changing operation. `Err` holds the error and the part of a write to do first.
    fn begin(&mut self) -> Result<(), (io::Error, u8)> {
        if self.is_stopped {
            return Err((io::Error::other("everything has stopped"), 0));
        }
        let due = self.armed.iter().position(|(n_ops, ..)| *n_ops == 0);
        for (n_ops, ..) in &mut self.armed {
            *n_ops = n_ops.saturating_sub(1);
        }
        let Some((_, fault, part)) = due.map(|i| self.armed.remove(i)) else {
            return Ok(());
        };
        self.n_fired += 1;
        self.is_stopped = fault == Fault::Stop;
        Err((io::Error::other("injected fault"), part))
    }

    fn change_names(
        &mut self,
        change: impl FnOnce(&mut BTreeMap<String, u64>) -> Option<()>,
    ) -> io::Result<()> {
        self.begin().map_err(|(err, _)| err)?;
        let earlier = self.names.clone();
        change(&mut self.names).ok_or(ErrorKind::NotFound)?;
        self.earlier_names.push(earlier);
        Ok(())
    }

    fn room(&self) -> usize {
        let used: usize = self.names.values().map(|id| self.inodes[id].visible.len()).sum();
        self.capacity.map_or(usize::MAX, |capacity| capacity.saturating_sub(used))
    }
}

fn write(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    content.resize(content.len().max(end), 0);
    content[offset..end].copy_from_slice(bytes);
}

struct FaultFile {
    env: FaultEnv,
    id: u64,
}

impl Env for FaultEnv {
    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from("memory").join(name)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.disk().names.keys().cloned().collect())
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn WalFile>> {
        let mut disk = self.disk();
        let id = disk.next_inode;
        disk.change_names(|names| {
            names.insert(name.to_owned(), id);
            Some(())
        })?;
        disk.next_inode += 1;
        disk.inodes.insert(id, Inode::default());
        Ok(Box::new(FaultFile { env: self.clone(), id }))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn WalFile>> {
        let id = *self.disk().names.get(name).ok_or(ErrorKind::NotFound)?;
        Ok(Box::new(FaultFile { env: self.clone(), id }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk().change_names(|names| {
            let id = names.remove(from)?;
            names.insert(to.to_owned(), id);
            Some(())
        })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk().change_names(|names| names.remove(name).map(|_| ()))
    }

    fn preserve(&self, name: &str) -> io::Result<()> {
        let mut disk = self.disk();
        disk.begin().map_err(|(err, _)| err)?;
        disk.preserved.insert(name.to_owned());
        Ok(())
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut disk = self.disk();
        disk.n_syncs += 1;
        disk.begin().map_err(|(err, _)| err)?;
        disk.earlier_names.clear();
        Ok(())
    }
}

impl WalFile for FaultFile {
    fn byte_len(&self) -> io::Result<u64> {
        Ok(self.env.disk().inodes[&self.id].visible.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let disk = self.env.disk();
        let offset = usize::try_from(offset).unwrap();
        let held = disk.inodes[&self.id].visible.get(offset..offset + buffer.len());
        buffer.copy_from_slice(held.ok_or(ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut disk = self.env.disk();
        let offset = usize::try_from(offset).unwrap();
        let (mut outcome, mut n_bytes) = (Ok(()), bytes.len());
        if let Err((err, part)) = disk.begin() {
            n_bytes = n_bytes * usize::from(part) / 256;
            outcome = Err(err);
        }
        if n_bytes > disk.room() {
            n_bytes = disk.room();
            outcome = Err(ErrorKind::StorageFull.into());
        }
        let bytes = bytes[..n_bytes].to_vec();
        let inode = disk.inodes.get_mut(&self.id).unwrap();
        write(&mut inode.visible, offset, &bytes);
        inode.unsynced.push(Change::Write { offset, bytes });
        outcome
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut disk = self.env.disk();
        disk.begin().map_err(|(err, _)| err)?;
        let len = usize::try_from(len).unwrap();
        let inode = disk.inodes.get_mut(&self.id).unwrap();
        inode.visible.resize(len, 0);
        inode.unsynced.push(Change::SetLen(len));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut disk = self.env.disk();
        disk.n_syncs += 1;
        let begun = disk.begin();
        let is_stopped = disk.is_stopped;
        disk.has_lost_writes |= begun.is_err() && !is_stopped;
        let inode = disk.inodes.get_mut(&self.id).unwrap();
        match begun {
            Err((err, _)) => {
                if !is_stopped {
                    inode.unsynced.clear();
                }
                Err(err)
            }
            Ok(()) => {
                for change in std::mem::take(&mut inode.unsynced) {
                    match change {
                        Change::Write { offset, bytes } => {
                            write(&mut inode.durable, offset, &bytes);
                        }
                        Change::SetLen(len) => inode.durable.resize(len, 0),
                    }
                }
                Ok(())
            }
        }
    }
}
