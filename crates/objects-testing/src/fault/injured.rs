//! The operations of a store under faults.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt as _};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt as _, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
    UploadPart,
};

use super::{Change, Fault, FaultStore, Operation, State, error};

impl FaultStore {
    async fn deliver_duplicates(&self) {
        for duplicate in self.state.due() {
            let mode = duplicate.mode.into();
            // Nobody is there to be told how it went.
            let _ = self.inner.put_opts(&duplicate.path, duplicate.payload, mode).await;
        }
    }

    async fn injured<T>(
        &self,
        operation: Operation,
        path: &Path,
        effect: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        self.deliver_duplicates().await;
        injured(&self.state, operation, path, effect).await
    }

    async fn exists(&self, path: &Path) -> bool {
        self.inner.head(path).await.is_ok()
    }

    async fn write(
        &self,
        fault: Option<Fault>,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        match fault {
            Some(Fault::TornWrite) => {
                let bytes = Bytes::from(payload);
                let half = bytes.slice(..bytes.len() / 2);
                self.inner.put_opts(location, half.into(), opts).await?;
                Err(error(Fault::TornWrite, Operation::Put))
            }
            Some(Fault::DuplicatedWrite) => {
                self.state.duplicate_later(location, &payload, opts.mode.clone());
                self.inner.put_opts(location, payload, opts).await
            }
            Some(Fault::LostAcknowledgment) => {
                self.inner.put_opts(location, payload.clone(), opts.clone()).await?;
                self.inner.put_opts(location, payload, opts).await
            }
            fault => {
                let put = self.inner.put_opts(location, payload, opts);
                suffer(&self.state, fault, Operation::Put, put).await
            }
        }
    }

    /// What a listing that is old shows in place of the one of today.
    fn stale(&self, prefix: Option<&Path>, is_deep: bool, listed: &mut Vec<ObjectMeta>) {
        let none = Path::default();
        let prefix = prefix.unwrap_or(&none);
        let is_listed = |path: &Path| {
            let rest = path.prefix_match(prefix).map(Iterator::count);
            rest.is_some_and(|rest| rest == 1 || (is_deep && rest > 1))
        };
        let history = self.state.history.lock();
        for change in history.changes.iter().rev() {
            match change {
                Change::Appeared(path) => listed.retain(|meta| meta.location != *path),
                Change::Vanished(meta) => {
                    let is_there = listed.iter().any(|other| other.location == meta.location);
                    if is_listed(&meta.location) && !is_there {
                        listed.push(meta.clone());
                    }
                }
            }
        }
    }

    fn listing(
        &self,
        prefix: Option<&Path>,
        listed: BoxStream<'static, Result<ObjectMeta>>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let path = prefix.cloned().unwrap_or_default();
        let store = self.share();
        let listing = async move {
            let fault = match store.state.decide(Operation::List, &path) {
                Ok(fault) => fault,
                Err(down) => return stream::iter([Err(down)]).boxed(),
            };
            store.deliver_duplicates().await;
            let is_stale = fault == Some(Fault::StaleList);
            let all = async {
                let mut all = Vec::new();
                let mut listed = listed;
                while let Some(meta) = listed.next().await {
                    all.push(meta?);
                }
                Ok(all)
            };
            match suffer(&store.state, fault, Operation::List, all).await {
                Err(error) => stream::iter([Err(error)]).boxed(),
                Ok(mut all) => {
                    if is_stale {
                        store.stale(Some(&path), true, &mut all);
                    }
                    stream::iter(all.into_iter().map(Ok)).boxed()
                }
            }
        };
        stream::once(listing).flatten().boxed()
    }

    fn share(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), state: Arc::clone(&self.state) }
    }

    async fn delete_one(&self, path: Path) -> Result<Path> {
        let vanishing = self.inner.head(&path).await;
        let effect = async {
            self.inner.delete(&path).await?;
            if let Ok(meta) = vanishing {
                self.state.note(Change::Vanished(meta));
            }
            Ok(())
        };
        self.injured(Operation::Delete, &path, effect).await?;
        Ok(path)
    }
}

async fn injured<T>(
    state: &State,
    operation: Operation,
    path: &Path,
    effect: impl Future<Output = Result<T>>,
) -> Result<T> {
    let fault = state.decide(operation, path)?;
    suffer(state, fault, operation, effect).await
}

async fn suffer<T>(
    state: &State,
    fault: Option<Fault>,
    operation: Operation,
    effect: impl Future<Output = Result<T>>,
) -> Result<T> {
    let Some(fault) = fault else { return effect.await };
    match fault {
        Fault::ErrorBefore => {}
        Fault::ErrorAfter => drop(effect.await?),
        Fault::TimeoutBefore => time_out(state).await,
        Fault::TimeoutAfter => {
            effect.await?;
            time_out(state).await;
        }
        Fault::TornWrite
        | Fault::DuplicatedWrite
        | Fault::LostAcknowledgment
        | Fault::StaleList => return effect.await,
    }
    Err(error(fault, operation))
}

async fn time_out(state: &State) {
    let timeout = state.plan.lock().timeout;
    tokio::time::sleep(timeout).await;
}

impl fmt::Debug for FaultStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for FaultStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FaultStore({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for FaultStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        self.deliver_duplicates().await;
        let fault = self.state.decide(Operation::Put, location)?;
        let is_new = !self.exists(location).await;
        let put = self.write(fault, location, payload, opts).await;
        if is_new && self.exists(location).await {
            self.state.note(Change::Appeared(location.clone()));
        }
        put
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let begun = self.inner.put_multipart_opts(location, opts);
        let inner = self.injured(Operation::BeginUpload, location, begun).await?;
        let (state, location) = (Arc::clone(&self.state), location.clone());
        Ok(Box::new(InjuredUpload { inner, state, location }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let operation = if options.head { Operation::Head } else { Operation::Get };
        let got = self.inner.get_opts(location, options);
        self.injured(operation, location, got).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let store = Arc::new(self.share());
        let delete = move |location: Result<Path>| {
            let store = Arc::clone(&store);
            async move { store.delete_one(location?).await }
        };
        locations.then(delete).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listing(prefix, self.inner.list(prefix))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let offset = offset.clone();
        let is_behind = move |meta: &Result<ObjectMeta>| {
            let is_behind = meta.as_ref().map_or(true, |meta| meta.location > offset);
            std::future::ready(is_behind)
        };
        self.list(prefix).filter(is_behind).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.deliver_duplicates().await;
        let path = prefix.cloned().unwrap_or_default();
        let fault = self.state.decide(Operation::List, &path)?;
        let listed = self.inner.list_with_delimiter(prefix);
        let mut listed = suffer(&self.state, fault, Operation::List, listed).await?;
        if fault == Some(Fault::StaleList) {
            self.stale(prefix, false, &mut listed.objects);
        }
        Ok(listed)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.injured(Operation::Copy, to, self.inner.copy_opts(from, to, options)).await
    }
}

struct InjuredUpload {
    inner: Box<dyn MultipartUpload>,
    state: Arc<State>,
    location: Path,
}

impl fmt::Debug for InjuredUpload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InjuredUpload({})", self.location)
    }
}

#[async_trait]
impl MultipartUpload for InjuredUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (part, state) = (self.inner.put_part(data), Arc::clone(&self.state));
        let location = self.location.clone();
        Box::pin(async move { injured(&state, Operation::PutPart, &location, part).await })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let completed = self.inner.complete();
        injured(&self.state, Operation::EndUpload, &self.location, completed).await
    }

    async fn abort(&mut self) -> Result<()> {
        let aborted = self.inner.abort();
        injured(&self.state, Operation::EndUpload, &self.location, aborted).await
    }
}
