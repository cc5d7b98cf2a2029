//! The few file operations the log is built from, as a seam where tests inject faults.
//!
//! The contract is the one of POSIX: written bytes survive a crash after [`WalFile::sync_data`] of
//! their file, names survive after [`Env::sync_dir`]. After a failed sync nothing may be assumed
//! about what was written since the last successful one.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use spandrel_base::fs::{DirLock, create_dir_all_synced, sync_dir};

/// The directory of damaged segments, inside the directory of the log.
const CORRUPT_DIR_NAME: &str = "corrupt";

/// One directory of files, addressed by their names.
pub trait Env: Send + Sync {
    /// The path of `name`, for messages.
    fn path(&self, name: &str) -> PathBuf;

    /// The names of all files, in any order.
    ///
    /// # Errors
    /// When the directory cannot be read.
    fn list(&self) -> io::Result<Vec<String>>;

    /// A new empty file, open for reading and writing. It MUST NOT share storage with an earlier
    /// file of this name, which is lost.
    ///
    /// # Errors
    /// When the file cannot be made.
    fn create(&self, name: &str) -> io::Result<Box<dyn WalFile>>;

    /// An existing file, open for reading and writing.
    ///
    /// # Errors
    /// When the file is not there or cannot be opened.
    fn open(&self, name: &str) -> io::Result<Box<dyn WalFile>>;

    /// Gives `from` the name `to` in one step; a file that had that name is lost.
    ///
    /// # Errors
    /// When the old names stand.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// When the file is still there, or was not there.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Keeps the bytes of `name` under `corrupt/`, durably; does nothing if they are kept already.
    ///
    /// # Errors
    /// When they could not be kept.
    fn preserve(&self, name: &str) -> io::Result<()>;

    /// Makes the names durable as they are now.
    ///
    /// # Errors
    /// When they may not be durable.
    fn sync_dir(&self) -> io::Result<()>;
}

/// An open file of an [`Env`].
pub trait WalFile: Send {
    /// Its length in bytes.
    ///
    /// # Errors
    /// When the length cannot be told.
    fn byte_len(&self) -> io::Result<u64>;

    /// Fills `buffer` from the bytes that start at `offset`.
    ///
    /// # Errors
    /// `UnexpectedEof` when the file is too short; otherwise when it cannot be read.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;

    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    /// When any part of `bytes` may be missing; another part may have been written.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Cuts the file to `len` bytes.
    ///
    /// # Errors
    /// When the length is as before.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Makes the content and length durable as they are now.
    ///
    /// # Errors
    /// When they may not be durable.
    fn sync_data(&self) -> io::Result<()>;
}

/// A directory of the file system, held by this process alone.
pub(crate) struct DirEnv {
    dir: PathBuf,
    _lock: DirLock,
}

impl DirEnv {
    pub(crate) fn new(dir: PathBuf, lock: DirLock) -> Self {
        Self { dir, _lock: lock }
    }
}

impl Env for DirEnv {
    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            // A name that is not UTF-8 is none of the names the log gives.
            names.extend(entry?.file_name().into_string().ok());
        }
        Ok(names)
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn WalFile>> {
        let path = self.path(name);
        match fs::remove_file(&path) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(err),
            _ => {}
        }
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
        Ok(Box::new(file))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn WalFile>> {
        Ok(Box::new(OpenOptions::new().read(true).write(true).open(self.path(name))?))
    }

    #[expect(clippy::disallowed_methods, reason = "`sync_dir` is a step of its own in this trait")]
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path(name))
    }

    fn preserve(&self, name: &str) -> io::Result<()> {
        let corrupt_dir = self.dir.join(CORRUPT_DIR_NAME);
        create_dir_all_synced(&corrupt_dir).map_err(io::Error::other)?;
        let (from, to) = (self.path(name), corrupt_dir.join(name));
        if to.try_exists()? {
            return Ok(());
        }
        // A second link costs no space, and the bytes stay when the segment is truncated away. Not
        // every file system has links.
        if fs::hard_link(&from, &to).is_err() {
            fs::copy(&from, &to)?;
            File::open(&to)?.sync_all()?;
        }
        sync_dir(&corrupt_dir).map_err(io::Error::other)
    }

    fn sync_dir(&self) -> io::Result<()> {
        File::open(&self.dir)?.sync_all()
    }
}

impl WalFile for File {
    fn byte_len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.read_exact_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        File::set_len(self, len)
    }

    fn sync_data(&self) -> io::Result<()> {
        File::sync_data(self)
    }
}
