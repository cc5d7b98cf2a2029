//! An object store on a local disk whose writes survive a power cut.
//!
//! `object_store`'s own [`LocalFileSystem`] writes atomically but never syncs: after a power cut a
//! file that was reported as written may be missing, or worse, be there with half of its bytes.
//! The write-ahead log is deleted once a block and its commit are written, so here every write
//! ends in this order: sync the content, give the file its name, sync the directory. New
//! directories are made durable the same way. Reads, listings and deletions are those of
//! [`LocalFileSystem`]; a deletion that a power cut undoes leaves a file that nothing refers to.
//!
//! A write that is cut short leaves a file named `<name>#<number>`, which no listing shows.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path as FsPath, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
    UploadPart,
};
use parking_lot::Mutex;
use spandrel_base::fs::{create_dir_all_synced, sync_dir};
use tokio::task::spawn_blocking;

/// The name under which errors of this store are reported.
const STORE: &str = "SyncedLocalFileSystem";

/// A directory as an object store, with synced writes.
///
/// [`PutMode::Create`] is atomic over processes; [`PutMode::Update`] is not supported.
#[derive(Debug)]
pub struct SyncedLocalFileSystem {
    inner: LocalFileSystem,
}

impl SyncedLocalFileSystem {
    /// The store whose objects are the files below `root`, which is created if absent.
    ///
    /// Blocks the thread for a few file operations.
    ///
    /// # Errors
    /// [`Error::Generic`] when the directory cannot be created or resolved.
    pub fn new(root: impl AsRef<FsPath>) -> Result<Self> {
        create_dir_all_synced(root.as_ref()).map_err(generic)?;
        Ok(Self { inner: LocalFileSystem::new_with_prefix(root)? })
    }
}

impl fmt::Display for SyncedLocalFileSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{STORE}({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for SyncedLocalFileSystem {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        let create = match opts.mode {
            PutMode::Overwrite => false,
            PutMode::Create => true,
            PutMode::Update(_) => return Err(not_implemented("put with mode update")),
        };
        let destination = self.inner.path_to_filesystem(location)?;
        spawn_blocking(move || {
            let (mut file, staged) = StagedFile::create(destination)?;
            payload.iter().try_for_each(|chunk| file.write_all(chunk)).map_err(generic)?;
            staged.publish(&file, create)
        })
        .await?
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        _opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let destination = self.inner.path_to_filesystem(location)?;
        let (file, staged) = spawn_blocking(move || StagedFile::create(destination)).await??;
        Ok(Box::new(SyncedUpload {
            file: Arc::new(Mutex::new(file)),
            staged: Some(staged),
            offset: 0,
        }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(
        &self,
        location: &Path,
        ranges: &[Range<u64>],
    ) -> Result<Vec<bytes::Bytes>> {
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    /// The source is durable already, and a copy is a second name for it, so only the directory
    /// needs a sync. (Renames come here too: the default of the trait copies, then deletes.)
    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let destination = self.inner.path_to_filesystem(to)?;
        let parent = parent_of(&destination)?.to_owned();
        spawn_blocking(move || create_dir_all_synced(&parent).map_err(generic)).await??;
        self.inner.copy_opts(from, to, options).await?;
        spawn_blocking(move || sync_dir(parent_of(&destination)?).map_err(generic)).await?
    }
}

/// A file under a name that listings hide; removed when dropped, unless it was renamed away.
#[derive(Debug)]
struct StagedFile {
    staged: PathBuf,
    destination: PathBuf,
    renamed: bool,
}

impl StagedFile {
    fn create(destination: PathBuf) -> Result<(File, Self)> {
        let parent = parent_of(&destination)?;
        let mut parent_is_made = false;
        for number in 0_u64.. {
            let mut name = destination.as_os_str().to_owned();
            name.push(format!("#{number}"));
            let staged = PathBuf::from(name);
            match OpenOptions::new().write(true).create_new(true).open(&staged) {
                Ok(file) => {
                    return Ok((file, Self { staged, destination, renamed: false }));
                }
                // Somebody else is writing, or was when the process was killed.
                Err(err) if err.kind() == ErrorKind::AlreadyExists => {}
                Err(err) if err.kind() == ErrorKind::NotFound && !parent_is_made => {
                    create_dir_all_synced(parent).map_err(generic)?;
                    parent_is_made = true;
                }
                Err(err) => return Err(generic(err)),
            }
        }
        Err(generic(io::Error::other("no free name for a staged file")))
    }

    /// Syncs `file`, gives it its name and syncs the directory.
    #[expect(clippy::disallowed_methods, reason = "the directory is synced after the rename")]
    fn publish(mut self, file: &File, create: bool) -> Result<PutResult> {
        file.sync_all().map_err(generic)?;
        if create {
            // Unlike a rename, a link fails when the name is taken.
            fs::hard_link(&self.staged, &self.destination).map_err(|err| {
                if err.kind() == ErrorKind::AlreadyExists {
                    Error::AlreadyExists {
                        path: self.destination.display().to_string(),
                        source: err.into(),
                    }
                } else {
                    generic(err)
                }
            })?;
        } else {
            fs::rename(&self.staged, &self.destination).map_err(generic)?;
            self.renamed = true;
        }
        sync_dir(parent_of(&self.destination)?).map_err(generic)?;
        Ok(PutResult { e_tag: None, version: None })
    }
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        if !self.renamed {
            // Whatever fails here leaves a hidden file that nothing refers to.
            let _ = fs::remove_file(&self.staged);
        }
    }
}

/// A file that is written in parts, each at its own offset.
#[derive(Debug)]
struct SyncedUpload {
    file: Arc<Mutex<File>>,
    staged: Option<StagedFile>,
    offset: u64,
}

#[async_trait]
impl MultipartUpload for SyncedUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let file = Arc::clone(&self.file);
        let offset = self.offset;
        self.offset = offset.saturating_add(data.content_length() as u64);
        Box::pin(async move {
            spawn_blocking(move || {
                let mut file = file.lock();
                file.seek(SeekFrom::Start(offset)).map_err(generic)?;
                data.iter().try_for_each(|chunk| file.write_all(chunk)).map_err(generic)
            })
            .await?
        })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let staged = self.staged.take().ok_or_else(upload_is_over)?;
        let file = Arc::clone(&self.file);
        spawn_blocking(move || staged.publish(&file.lock(), false)).await?
    }

    async fn abort(&mut self) -> Result<()> {
        let staged = self.staged.take().ok_or_else(upload_is_over)?;
        spawn_blocking(move || drop(staged)).await?;
        Ok(())
    }
}

fn parent_of(path: &FsPath) -> Result<&FsPath> {
    path.parent().ok_or_else(|| generic(io::Error::from(ErrorKind::InvalidInput)))
}

fn upload_is_over() -> Error {
    generic(io::Error::other("upload was completed or aborted"))
}

fn not_implemented(operation: &str) -> Error {
    Error::NotImplemented { operation: operation.to_owned(), implementer: STORE.to_owned() }
}

fn generic(source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Generic { store: STORE, source: Box::new(source) }
}

#[cfg(test)]
mod tests;
