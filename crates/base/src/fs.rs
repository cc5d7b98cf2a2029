//! File operations that are still true after a power cut.
//!
//! A new or renamed file survives only when its directory has been synced too; the functions here
//! do both. They block their thread. Files that one process alone may change live in a directory
//! held by a [`DirLock`].

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// The name of the file that [`DirLock`] locks.
const LOCK_FILE_NAME: &str = "LOCK";

/// Why a file operation was not done.
#[derive(Debug, thiserror::Error)]
pub enum FsError {
    /// The operating system refused.
    #[error("cannot {operation} {}", .path.display())]
    Io {
        /// What was tried, as a verb: `read`, `create`.
        operation: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Another process holds the directory.
    #[error(
        "{} is in use by another process{}; stop it or choose another directory",
        .dir.display(),
        .holder_pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default()
    )]
    Locked {
        /// The directory.
        dir: PathBuf,
        /// The process that wrote its id into the lock file, if it could be read.
        holder_pid: Option<u32>,
    },
}

impl FsError {
    fn io(operation: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { operation, path: path.to_owned(), source }
    }

    /// Whether the disk or the quota is full: freeing space helps, trying again alone does not.
    pub fn is_disk_full(&self) -> bool {
        match self {
            Self::Io { source, .. } => is_disk_full(source),
            Self::Locked { .. } => false,
        }
    }
}

/// Whether `err` says that the disk or the quota is full.
pub fn is_disk_full(err: &io::Error) -> bool {
    matches!(err.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Creates `dir` and its missing ancestors, each durable in its parent.
///
/// # Errors
/// [`FsError::Io`], also when a file stands where a directory should.
pub fn create_dir_all_synced(dir: &Path) -> Result<(), FsError> {
    let mut missing = Vec::new();
    for ancestor in dir.ancestors().take_while(|path| !path.as_os_str().is_empty()) {
        if try_exists(ancestor)? {
            break;
        }
        missing.push(ancestor);
    }
    fs::create_dir_all(dir).map_err(|err| FsError::io("create", dir, err))?;
    missing.into_iter().try_for_each(|created| sync_dir(parent_of(created)))
}

/// Makes the names in `dir` durable: files created, renamed or removed there.
///
/// # Errors
/// [`FsError::Io`].
pub fn sync_dir(dir: &Path) -> Result<(), FsError> {
    File::open(dir)
        .and_then(|handle| handle.sync_all())
        .map_err(|err| FsError::io("sync", dir, err))
}

/// Makes `bytes` the content of `path`, all or nothing: readers and power cuts see the old content
/// or the new one.
///
/// Writes `<path>.tmp` first, which a crash may leave behind and the next call overwrites. There
/// must be one writer of a path at a time.
///
/// # Errors
/// [`FsError::Io`]. Unless the last step (the sync of the directory) failed, the old content stands.
#[expect(clippy::disallowed_methods, reason = "the directory is synced after the rename")]
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), FsError> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let temporary = PathBuf::from(temporary);
    let written = File::create(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let renamed = written.map_err(|err| FsError::io("write", &temporary, err)).and_then(|()| {
        fs::rename(&temporary, path).map_err(|err| FsError::io("replace", path, err))
    });
    if renamed.is_err() {
        // The first error is the one to report; a leftover is overwritten by the next call.
        let _ = fs::remove_file(&temporary);
    }
    renamed?;
    sync_dir(parent_of(path))
}

/// The whole content of `path`.
///
/// # Errors
/// [`FsError::Io`].
pub fn read(path: &Path) -> Result<Vec<u8>, FsError> {
    fs::read(path).map_err(|err| FsError::io("read", path, err))
}

/// Whether `path` exists, where that can be told.
///
/// # Errors
/// [`FsError::Io`] when it cannot be told, for instance without permission.
pub fn try_exists(path: &Path) -> Result<bool, FsError> {
    path.try_exists().map_err(|err| FsError::io("look for", path, err))
}

/// The sole right to change the files of a directory, until it is dropped or the process ends.
///
/// The lock belongs to the open file, so the operating system frees it after a crash; the file
/// itself stays and says which process held it last.
#[derive(Debug)]
pub struct DirLock {
    _file: File,
}

impl DirLock {
    /// Locks `dir`, which must exist, without waiting.
    ///
    /// # Errors
    /// [`FsError::Locked`] when another holder lives, in this process or another;
    /// [`FsError::Io`] when the lock file cannot be opened, locked or written.
    pub fn acquire(dir: &Path) -> Result<Self, FsError> {
        let path = dir.join(LOCK_FILE_NAME);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|err| FsError::io("open", &path, err))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let holder_pid =
                    file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
                return Err(FsError::Locked { dir: dir.to_owned(), holder_pid });
            }
            Err(TryLockError::Error(err)) => return Err(FsError::io("lock", &path, err)),
        }
        file.set_len(0)
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(|err| FsError::io("write", &path, err))?;
        Ok(Self { _file: file })
    }
}

/// The directory that holds `path`; `.` for a bare name.
fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    fn temp_dir() -> tempfile::TempDir {
        tempfile::tempdir().expect("a temporary directory can be made")
    }

    #[test]
    fn replace_leaves_exactly_the_new_content() {
        let temp = temp_dir();
        let path = temp.path().join("state.json");
        replace(&path, b"first, and longer").expect("the directory is writable");
        replace(&path, b"second").expect("the directory is writable");
        assert_eq!(read(&path).expect("it was written"), b"second");
        assert_eq!(fs::read_dir(temp.path()).expect("it exists").count(), 1);
    }

    #[test]
    fn replace_that_cannot_rename_keeps_no_leftover() {
        let temp = temp_dir();
        let path = temp.path().join("taken");
        fs::create_dir_all(path.join("child")).expect("the directory is writable");
        let err = replace(&path, b"bytes").expect_err("a directory stands there");
        assert!(err.to_string().starts_with("cannot replace "), "{err}");
        assert!(err.source().is_some());
        assert_eq!(fs::read_dir(temp.path()).expect("it exists").count(), 1);
    }

    #[test]
    fn create_dir_all_synced_makes_every_level_and_may_be_repeated() {
        let temp = temp_dir();
        let dir = temp.path().join("a/b/c");
        create_dir_all_synced(&dir).expect("the directory is writable");
        create_dir_all_synced(&dir).expect("it is there");
        assert!(try_exists(&dir).expect("it can be told"));
        replace(&temp.path().join("file"), b"").expect("the directory is writable");
        create_dir_all_synced(&temp.path().join("file/d")).expect_err("a file is no directory");
    }

    #[test]
    fn a_second_lock_is_refused_until_the_first_is_dropped() {
        let temp = temp_dir();
        let first = DirLock::acquire(temp.path()).expect("nobody holds it");
        let err = DirLock::acquire(temp.path()).expect_err("it is held");
        let expected = format!("(pid {}); stop it or choose another", std::process::id());
        assert!(err.to_string().contains(&expected), "{err}");
        drop(first);
        DirLock::acquire(temp.path()).expect("it was freed");
    }

    #[test]
    fn a_full_disk_is_told_from_other_errors() {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        assert!(FsError::io("write", Path::new("x"), full).is_disk_full());
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        assert!(!FsError::io("write", Path::new("x"), denied).is_disk_full());
    }
}
