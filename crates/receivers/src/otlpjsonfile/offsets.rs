//! How far files have been read, over a restart.
//!
//! A file in JSON, which is replaced as a whole: `{"version": 1, "files": [{"path", "offset", "identity", "head_bytes",
//! "head_crc32"}]}`, see [`Place`]. A path that is not text is written with replacements; such a file is found again
//! as one that was renamed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use spandrel_base::cpu;
use spandrel_base::fs::{self, FsError};

use super::tail::Place;

const VERSION: u64 = 1;
/// How often places are written while files are read; what was read since is read again after a crash.
const WRITE_INTERVAL: Duration = Duration::from_secs(1);

/// Why places cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OffsetsError {
    #[error(transparent)]
    Fs(#[from] FsError),
    #[error("{0} is not a file of offsets that this version can read; remove it to begin anew")]
    Content(PathBuf),
}

/// Where places are kept, and what is there.
#[derive(Debug)]
pub(crate) struct Offsets {
    file: PathBuf,
    written: BTreeMap<PathBuf, Place>,
    /// Monotonic.
    written_at: Duration,
    has_failed: bool,
}

impl Offsets {
    /// Reads what another process has left. Blocks.
    pub(crate) fn open(file: PathBuf) -> Result<Self, OffsetsError> {
        let written = match fs::try_exists(&file)? {
            true => decode(&fs::read(&file)?).ok_or_else(|| OffsetsError::Content(file.clone()))?,
            false => BTreeMap::new(),
        };
        Ok(Self { file, written, written_at: Duration::ZERO, has_failed: false })
    }

    /// The places that are there.
    pub(crate) fn places(&self) -> impl Iterator<Item = (PathBuf, Place)> {
        self.written.iter().map(|(path, place)| (path.clone(), *place))
    }

    /// Whether it is time to write again, while much is read.
    pub(crate) fn is_due(&self, now: Duration) -> bool {
        now.saturating_sub(self.written_at) >= WRITE_INTERVAL
    }

    /// Writes places if they are others. When that fails, it is tried again with the next ones.
    pub(crate) async fn write(&mut self, places: BTreeMap<PathBuf, Place>, now: Duration) {
        self.written_at = now;
        if places == self.written {
            return;
        }
        let (file, bytes) = (self.file.clone(), encode(&places));
        match cpu::run(move || fs::replace(&file, &bytes)).await {
            Ok(Ok(())) => (self.written, self.has_failed) = (places, false),
            Ok(Err(error)) => {
                if !std::mem::replace(&mut self.has_failed, true) {
                    tracing::error!(%error, "cannot keep how far files have been read");
                }
            }
            // The process is stopping.
            Err(_) => {}
        }
    }
}

fn encode(places: &BTreeMap<PathBuf, Place>) -> Vec<u8> {
    let file = |(path, place): (&PathBuf, &Place)| {
        json!({
            "path": path.to_string_lossy(), "offset": place.offset, "identity": place.identity,
            "head_bytes": place.head_bytes, "head_crc32": place.head_crc32,
        })
    };
    let files: Vec<Value> = places.iter().map(file).collect();
    json!({ "version": VERSION, "files": files }).to_string().into_bytes()
}

fn decode(bytes: &[u8]) -> Option<BTreeMap<PathBuf, Place>> {
    let content: Value = serde_json::from_slice(bytes).ok()?;
    if content.get("version")?.as_u64()? != VERSION {
        return None;
    }
    let files = content.get("files")?.as_array()?;
    let place = |file: &Value| {
        let number = |key: &str| file.get(key)?.as_u64();
        let place = Place {
            offset: number("offset")?,
            identity: number("identity")?,
            head_bytes: number("head_bytes")?,
            head_crc32: u32::try_from(number("head_crc32")?).ok()?,
        };
        Some((Path::new(file.get("path")?.as_str()?).to_owned(), place))
    };
    files.iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("offsets");
        let mut offsets = Offsets::open(file.clone()).unwrap();
        assert_eq!(offsets.places().count(), 0);
        let place = Place { offset: u64::MAX, identity: 2, head_bytes: 1000, head_crc32: u32::MAX };
        let places = BTreeMap::from([(PathBuf::from("/a b"), place)]);
        offsets.write(places.clone(), Duration::ZERO).await;
        let read: BTreeMap<_, _> = Offsets::open(file.clone()).unwrap().places().collect();
        assert_eq!(read, places);
        for wrong in ["", "{}", r#"{"version":2,"files":[]}"#, r#"{"version":1,"files":[{}]}"#] {
            fs::replace(&file, wrong.as_bytes()).unwrap();
            assert!(
                matches!(Offsets::open(file.clone()), Err(OffsetsError::Content(_))),
                "{wrong}"
            );
        }
    }
}
