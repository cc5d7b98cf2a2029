//! Whether a store can be worked with, found out before anything depends on it.

use std::time::Duration;

use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt as _, PutMode, PutPayload};
use uuid::Uuid;

use crate::{ObjectsError, is_timeout};

/// Where the trial object lies. No listing of a tenant comes here.
const TRIAL_DIR: &str = "_spandrel_trial";
/// A store that is slower than this is reported as not answering.
const CHECK_WITHIN: Duration = Duration::from_secs(5);

/// Writes an object, tries to create it once more, and deletes it.
///
/// Finds missing buckets, keys and rights, and stores that ignore conditional writes: with such a store
/// a catalogue would lose commits without a sign.
///
/// # Errors
/// [`ObjectsError::Refused`] and [`ObjectsError::NoConditionalPut`] do not pass by themselves;
/// [`ObjectsError::Unreachable`] may.
pub async fn check(store: &dyn ObjectStore, place: &str) -> Result<(), ObjectsError> {
    let checked = tokio::time::timeout(CHECK_WITHIN, try_out(store, place)).await;
    checked.unwrap_or_else(|_elapsed| {
        let timed_out = crate::TimedOut { operation: "a trial", limit: CHECK_WITHIN };
        let source = Error::Generic { store: "check", source: Box::new(timed_out) };
        Err(ObjectsError::Unreachable { place: place.to_owned(), source })
    })
}

async fn try_out(store: &dyn ObjectStore, place: &str) -> Result<(), ObjectsError> {
    let failed = |operation| move |source| failure(place, operation, source);
    let trial = Path::from(TRIAL_DIR).join(Uuid::now_v7().to_string());
    let create = |text: &'static str| {
        store.put_opts(&trial, PutPayload::from_static(text.as_bytes()), PutMode::Create.into())
    };
    create("first").await.map_err(failed("to create an object"))?;
    let second = create("second").await;
    store.delete(&trial).await.map_err(failed("to delete an object"))?;
    match second {
        Err(Error::AlreadyExists { .. }) => Ok(()),
        Ok(_) => Err(ObjectsError::NoConditionalPut { place: place.to_owned() }),
        Err(source) => Err(failure(place, "to create an object twice", source)),
    }
}

fn failure(place: &str, operation: &'static str, source: Error) -> ObjectsError {
    let place = place.to_owned();
    let is_final = matches!(
        source,
        Error::NotFound { .. }
            | Error::PermissionDenied { .. }
            | Error::Unauthenticated { .. }
            | Error::NotImplemented { .. }
            | Error::NotSupported { .. }
    );
    if is_final && !is_timeout(&source) {
        ObjectsError::Refused { place, operation, source }
    } else {
        ObjectsError::Unreachable { place, source }
    }
}
