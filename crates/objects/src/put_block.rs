//! Stores a block, in parts when it is large.
//!
//! A part that fails is repeated alone, and parts travel side by side; a small block costs one request.
//! An upload that fails is aborted, so that the store does not keep, and charge for, parts that nobody sees.
//! A process that dies meanwhile cannot do that: docs/storage.md names the rule for the bucket that does.

use bytes::Bytes;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt as _, PutPayload, Result};

/// Larger blocks are stored in parts.
pub const MULTIPART_ABOVE_BYTES: usize = 16 << 20;
/// Bytes of a part; the last one may be shorter. Stores want at least 5 MiB, and some want equal parts.
pub const PART_BYTES: usize = 8 << 20;
/// Parts under way at the same time.
const PARTS_SIDE_BY_SIDE: usize = 4;

/// Stores `bytes` under `path`, replacing what is there. May be repeated after an error.
///
/// # Errors
/// That of the store; then the object is not there, or is what it was, unless only the answer was lost.
pub async fn put_block(store: &dyn ObjectStore, path: &Path, bytes: Bytes) -> Result<()> {
    if bytes.len() <= MULTIPART_ABOVE_BYTES {
        store.put(path, PutPayload::from_bytes(bytes)).await?;
        return Ok(());
    }
    let mut upload = store.put_multipart(path).await?;
    let uploaded = put_parts(&mut *upload, &bytes).await;
    if let Err(error) = uploaded {
        if let Err(abort) = upload.abort().await {
            tracing::warn!(%path, error = %abort, "an unfinished upload could not be aborted");
        }
        return Err(error);
    }
    Ok(())
}

async fn put_parts(upload: &mut dyn MultipartUpload, bytes: &Bytes) -> Result<()> {
    let starts = (0..bytes.len()).step_by(PART_BYTES);
    // The order in which parts are handed over is their order in the object.
    let parts: Vec<_> = starts
        .map(|start| {
            let part = bytes.slice(start..bytes.len().min(start + PART_BYTES));
            upload.put_part(PutPayload::from_bytes(part))
        })
        .collect();
    let parts = stream::iter(parts).map(Ok);
    parts.try_for_each_concurrent(PARTS_SIDE_BY_SIDE, |part| part).await?;
    upload.complete().await?;
    Ok(())
}
