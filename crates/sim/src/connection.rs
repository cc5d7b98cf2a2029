//! The object store as one process reaches it: it fails by the process's own seed, and ends with the process.
//!
//! Each process has faults of its own, because a process sends its requests in an order that the seed decides,
//! and several together do not. Requests yield to other tasks a few times, also by seed, so that those of two
//! processes come in all orders.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt as _};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt as _, PutMultipartOptions, PutOptions, PutPayload, PutResult,
    Result,
};
use parking_lot::Mutex;
use spandrel_objects_testing::FaultStore;

use crate::clock::SimClock;
use crate::life::{Fate, Life};
use crate::random::Random;

/// What a client waits before it gives a request up.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Requests yield fewer times than this.
const YIELDS: u64 = 3;

/// A process's way to the object store.
#[derive(Clone)]
pub(crate) struct Connection {
    pub(crate) store: Arc<FaultStore>,
    pub(crate) life: Arc<Life>,
    pub(crate) clock: Arc<SimClock>,
    pub(crate) random: Arc<Mutex<Random>>,
}

impl Connection {
    async fn request<T>(&self, effect: impl Future<Output = Result<T>>) -> Result<T> {
        let n_yields = self.random.lock().below(YIELDS);
        for _ in 0..n_yields {
            tokio::task::yield_now().await;
        }
        let fate = self.life.begin();
        if fate == Fate::Unsent {
            return Err(dead());
        }
        let answer = effect.await;
        if fate == Fate::Unheard {
            return Err(dead());
        }
        if let Err(error) = &answer
            && error.to_string().contains("Timeout")
        {
            self.clock.skip(TIMEOUT);
        }
        answer
    }
}

fn dead() -> Error {
    Error::Generic { store: "Connection", source: "the process is dead".into() }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connection({})", self.store)
    }
}

#[async_trait]
impl ObjectStore for Connection {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        self.request(self.store.put_opts(location, payload, opts)).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.request(self.store.put_multipart_opts(location, opts)).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.request(self.store.get_opts(location, options)).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let connection = self.clone();
        let delete = move |location: Result<Path>| {
            let connection = connection.clone();
            async move {
                let location = location?;
                connection.request(connection.store.delete(&location)).await?;
                Ok(location)
            }
        };
        locations.then(delete).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (connection, listed) = (self.clone(), self.store.list(prefix));
        let listing = async move {
            let all = connection.request(async { Ok(listed.collect::<Vec<_>>().await) }).await;
            stream::iter(all.unwrap_or_else(|error| vec![Err(error)]))
        };
        stream::once(listing).flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.request(self.store.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.request(self.store.copy_opts(from, to, options)).await
    }
}
