//! The files of the cache: one for each chunk, in one directory.
//!
//! Nothing is synced: a chunk that a power cut damages fails its checksum and is fetched again. A file
//! gets its name when it is complete, so that a killed process leaves no half ones under names that count.
//! At most [`READERS_MAX`] files are open for reading. Everything here blocks its thread.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path as FsPath, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::SystemTime;

use bytes::Bytes;
use object_store::path::Path;
use parking_lot::Mutex;
use spandrel_base::fs::{DirLock, FsError, create_dir_all_synced};
use spandrel_telemetry::{CacheResult, ObjectCacheMetrics};

use super::chunk_file::{self, Chunk};
use super::lru::{ChunkKey, Lru};

/// Lookups that read files at the same time; each has one file open.
pub(super) const READERS_MAX: usize = 64;
/// What the name of a file ends in that is being written.
const UNFINISHED: &str = ".tmp";

/// An object whose chunks are cached.
#[derive(Debug, Clone)]
pub(super) struct CachedObject {
    pub(super) hash: u128,
    /// Its name, with the store that it is in and the size of chunks.
    pub(super) name: Arc<str>,
    pub(super) location: Path,
}

#[derive(Debug)]
pub(super) struct ChunkDirectory {
    dir: PathBuf,
    chunks: Mutex<Lru>,
    metrics: ObjectCacheMetrics,
    /// Whether the last write failed, so that a full disk is logged once and not for each chunk.
    is_failing: AtomicBool,
    /// Tells files apart that are being written.
    writes: AtomicU64,
    _lock: DirLock,
}

impl ChunkDirectory {
    /// Locks the directory and finds what an earlier process left in it.
    pub(super) fn open(
        dir: &FsPath,
        bytes_max: u64,
        metrics: ObjectCacheMetrics,
    ) -> Result<Self, FsError> {
        create_dir_all_synced(dir)?;
        let lock = DirLock::acquire(dir)?;
        let listed = list(dir);
        let mut found = listed.map_err(|source| FsError::Io {
            operation: "list",
            path: dir.to_owned(),
            source,
        })?;
        // When they were written is all that is known of their use.
        found.sort_unstable_by_key(|(_, _, modified)| *modified);
        let mut chunks = Lru::new(bytes_max);
        for (key, bytes, _) in found {
            for evicted in chunks.insert(key, bytes) {
                remove(&dir.join(file_name(evicted)));
            }
        }
        metrics.bytes.set(chunks.bytes());
        Ok(Self {
            dir: dir.to_owned(),
            chunks: Mutex::new(chunks),
            metrics,
            is_failing: AtomicBool::new(false),
            writes: AtomicU64::new(0),
            _lock: lock,
        })
    }

    /// Whether some of these chunks may be here.
    pub(super) fn has_any(&self, object: u128, mut numbers: impl Iterator<Item = u32>) -> bool {
        let chunks = self.chunks.lock();
        numbers.any(|number| chunks.contains(ChunkKey { object, number }))
    }

    /// A chunk, unless it is not here or damaged.
    pub(super) fn read(&self, object: &CachedObject, number: u32) -> Option<Chunk> {
        let key = ChunkKey { object: object.hash, number };
        if !self.chunks.lock().contains(key) {
            self.metrics.lookups.inc(&CacheResult::Miss);
            return None;
        }
        let path = self.dir.join(file_name(key));
        // A file may be evicted between the lookup and here, or the disk may be broken; both are a miss.
        let chunk = fs::read(&path)
            .map(|file| chunk_file::parse(Bytes::from(file), &object.name, &object.location));
        match chunk {
            Ok(Some(chunk)) => {
                self.chunks.lock().used(key);
                self.metrics.lookups.inc(&CacheResult::Hit);
                self.metrics.hit_bytes.add(chunk.bytes.len() as u64);
                Some(chunk)
            }
            Ok(None) => {
                self.metrics.lookups.inc(&CacheResult::Damaged);
                self.forget_chunk(key);
                None
            }
            Err(error) => {
                self.metrics.lookups.inc(&CacheResult::Miss);
                if error.kind() != ErrorKind::NotFound {
                    self.forget_chunk(key);
                }
                None
            }
        }
    }

    /// Keeps a chunk, if that can be done.
    pub(super) fn write(&self, object: &CachedObject, number: u32, chunk: &Chunk) {
        let key = ChunkKey { object: object.hash, number };
        match self.try_write(key, &object.name, chunk) {
            Ok(bytes) => {
                self.is_failing.store(false, Ordering::Relaxed);
                let mut chunks = self.chunks.lock();
                let evicted = chunks.insert(key, bytes);
                self.metrics.bytes.set(chunks.bytes());
                drop(chunks);
                self.metrics.evicted.add(evicted.len() as u64);
                evicted.iter().for_each(|key| remove(&self.dir.join(file_name(*key))));
            }
            Err(error) => {
                self.metrics.not_kept.inc();
                if !self.is_failing.swap(true, Ordering::Relaxed) {
                    let dir = self.dir.display();
                    tracing::warn!(%dir, %error, "object cache cannot be written, reads go to the store");
                }
            }
        }
    }

    /// Drops what is known of an object.
    pub(super) fn forget(&self, object: u128) {
        let mut chunks = self.chunks.lock();
        let gone = chunks.remove_object(object);
        self.metrics.bytes.set(chunks.bytes());
        drop(chunks);
        gone.iter().for_each(|key| remove(&self.dir.join(file_name(*key))));
    }

    fn forget_chunk(&self, key: ChunkKey) {
        let mut chunks = self.chunks.lock();
        chunks.remove(key);
        self.metrics.bytes.set(chunks.bytes());
        drop(chunks);
        remove(&self.dir.join(file_name(key)));
    }

    #[expect(clippy::disallowed_methods, reason = "need not survive a power cut, see above")]
    fn try_write(&self, key: ChunkKey, name: &str, chunk: &Chunk) -> io::Result<u64> {
        let path = self.dir.join(file_name(key));
        let mut unfinished = path.clone().into_os_string();
        let number = self.writes.fetch_add(1, Ordering::Relaxed);
        unfinished.push(format!(".{number}{UNFINISHED}"));
        let header = chunk_file::header(name, chunk);
        let written = File::create(&unfinished).and_then(|mut file| {
            file.write_all(&header)?;
            file.write_all(&chunk.bytes)
        });
        if let Err(error) = written.and_then(|()| fs::rename(&unfinished, &path)) {
            remove(FsPath::new(&unfinished));
            return Err(error);
        }
        Ok((header.len() + chunk.bytes.len()) as u64)
    }
}

/// The chunks in a directory with their sizes and dates. What is unfinished is removed; files that are not
/// ours stay and do not count.
fn list(dir: &FsPath) -> io::Result<Vec<(ChunkKey, u64, SystemTime)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if let Some(key) = parse_file_name(name) {
            let metadata = entry.metadata()?;
            let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            found.push((key, metadata.len(), modified));
        } else if name.ends_with(UNFINISHED) {
            let chunk = name.split_once('.').and_then(|(chunk, _)| parse_file_name(chunk));
            if chunk.is_some() {
                remove(&entry.path());
            }
        }
    }
    Ok(found)
}

fn file_name(key: ChunkKey) -> String {
    format!("{:032x}-{:08x}", key.object, key.number)
}

fn parse_file_name(name: &str) -> Option<ChunkKey> {
    let (object, number) = name.split_once('-')?;
    let key = ChunkKey {
        object: u128::from_str_radix(object, 16).ok()?,
        number: u32::from_str_radix(number, 16).ok()?,
    };
    (file_name(key) == name).then_some(key)
}

fn remove(path: &FsPath) {
    // What cannot be removed takes room on the disk that nobody counts until the next start.
    let _ = fs::remove_file(path);
}
